//! How well the promises held, as a table: what was counted, what it is worth, and what was not run,
//! which is worth nothing. Parts that run side by side note what they find on the same card.

use anyhow::{Result, ensure};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// So much of 100 must be earned.
const ENOUGH: f64 = 90.0;

/// What is promised, in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    Acknowledged,
    Effects,
    Replies,
    Isolation,
    Resume,
    Overload,
    Drain,
    Backup,
    Clock,
    Simulation,
}

impl Area {
    const ALL: [Self; 10] = [
        Self::Acknowledged,
        Self::Effects,
        Self::Replies,
        Self::Isolation,
        Self::Resume,
        Self::Overload,
        Self::Drain,
        Self::Backup,
        Self::Clock,
        Self::Simulation,
    ];

    /// Its name, its points, and whether nothing is released without points here.
    const fn terms(self) -> (&'static str, u32, bool) {
        match self {
            Self::Acknowledged => ("Durable ack", 15, true),
            Self::Effects => ("Exactly-once effects", 12, true),
            Self::Replies => ("Terminal and ordered replies", 12, true),
            Self::Isolation => ("Isolation under fault", 12, true),
            Self::Resume => ("Resume", 8, false),
            Self::Overload => ("Overload", 8, false),
            Self::Drain => ("Drain and upgrade", 7, false),
            Self::Backup => ("Backup and restore", 7, false),
            Self::Clock => ("Clock and pauses", 5, false),
            Self::Simulation => ("Simulation and mutants", 6, false),
        }
    }
}

/// A part of a row: what was done of what is asked for.
struct Part {
    said: String,
    /// 0 to 1.
    share: f64,
}

#[derive(Default)]
struct Row {
    parts: Vec<Part>,
    broken: Vec<String>,
}

impl Row {
    /// The share of its points that it has earned: one violation takes all of them.
    #[expect(clippy::cast_precision_loss, reason = "a handful of parts")]
    fn share(&self) -> f64 {
        if !self.broken.is_empty() {
            return 0.0;
        }
        self.parts.iter().map(|part| part.share).sum::<f64>() / self.parts.len().max(1) as f64
    }
}

/// Everything that was found.
#[derive(Default)]
pub struct Card(Mutex<BTreeMap<Area, Row>>);

impl Card {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<Area, Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn part(&self, area: Area, said: String, share: f64) {
        self.rows().entry(area).or_default().parts.push(Part { said, share });
    }

    /// So many of so many that are asked for.
    #[expect(clippy::cast_precision_loss, reason = "counts of things that happened")]
    pub fn counted(&self, area: Area, what: &str, count: usize, asked: usize) {
        self.part(area, format!("{what}: {count} of {asked}"), (count as f64 / asked.max(1) as f64).min(1.0));
    }

    /// Something that holds or does not.
    pub fn held(&self, area: Area, what: impl Into<String>, holds: bool) {
        self.part(area, what.into(), if holds { 1.0 } else { 0.0 });
    }

    /// Asked for, and not there.
    pub fn not_run(&self, area: Area, what: &str) {
        self.part(area, format!("not run: {what}"), 0.0);
    }

    pub fn broken(&self, area: Area, violations: &[String]) {
        self.rows().entry(area).or_default().broken.extend_from_slice(violations);
    }

    /// Takes what came of something, and names on the spot whether it held.
    pub fn tried<T>(&self, area: Area, what: &str, outcome: Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => {
                println!("{what}: held");
                Some(value)
            }
            Err(why) => {
                println!("{what}: BROKEN: {why:#}");
                self.broken(area, &[format!("{what}: {why:#}")]);
                None
            }
        }
    }

    /// In Markdown: rows, the sum scaled to 100, and what was broken.
    pub fn table(&self, head: &str) -> String {
        let mut rows = self.rows();
        let mut text = format!("# Scorecard\n\n{head}\n\n| | points | counted |\n|---|---|---|\n");
        for area in Area::ALL {
            let row = rows.entry(area).or_default();
            let (name, points, bold) = area.terms();
            let earned = f64::from(points) * row.share();
            let said: Vec<_> = row.parts.iter().map(|part| part.said.as_str()).collect();
            let name = if bold { format!("**{name}**") } else { name.to_owned() };
            let broken =
                if row.broken.is_empty() { String::new() } else { format!("; BROKEN {} times", row.broken.len()) };
            let _ = writeln!(text, "| {name} | {earned:.1} of {points} | {}{broken} |", said.join("; "));
        }
        let (sum, all) = sum(&rows);
        let _ = writeln!(text, "\n{sum:.1} of 100 (the {all} points that one process can earn, scaled).");
        for (area, row) in &*rows {
            for why in &row.broken {
                let _ = writeln!(text, "\n{}: {why}", area.terms().0);
            }
        }
        text
    }

    /// # Errors
    /// When a promise was broken.
    pub fn unbroken(&self) -> Result<()> {
        for (area, row) in &*self.rows() {
            ensure!(row.broken.is_empty(), "{}: a promise was broken, see above", area.terms().0);
        }
        Ok(())
    }

    /// # Errors
    /// When a promise was broken, when a row of those that matter most has earned nothing, or all rows too little.
    pub fn verdict(&self) -> Result<()> {
        self.unbroken()?;
        let rows = self.rows();
        for area in Area::ALL {
            let (name, _, bold) = area.terms();
            ensure!(!bold || rows.get(&area).is_some_and(|row| row.share() > 0.0), "{name}: nothing was earned");
        }
        let (sum, _) = sum(&rows);
        ensure!(sum >= ENOUGH, "{sum:.1} of 100 points; {ENOUGH} are needed");
        Ok(())
    }
}

/// What all rows have earned, scaled to 100, and of how many points.
fn sum(rows: &BTreeMap<Area, Row>) -> (f64, u32) {
    let all = Area::ALL.iter().map(|area| area.terms().1).sum();
    let earned = |area: &Area| f64::from(area.terms().1) * rows.get(area).map_or(0.0, Row::share);
    (Area::ALL.iter().map(earned).sum::<f64>() * 100.0 / f64::from(all), all)
}
