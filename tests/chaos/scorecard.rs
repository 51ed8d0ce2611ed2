//! How well the promises held, as a table: what was counted, what it is worth, and what was not run,
//! which is worth nothing.

use std::fmt::Write as _;

/// A part of a row: what was done of what is asked for.
struct Part {
    said: String,
    /// 0 to 1.
    share: f64,
}

/// A row of the card.
pub struct Row {
    name: &'static str,
    points: u32,
    /// Without points here nothing is released.
    bold: bool,
    parts: Vec<Part>,
    broken: Vec<String>,
}

impl Row {
    pub fn new(name: &'static str, points: u32, bold: bool) -> Self {
        Self { name, points, bold, parts: Vec::new(), broken: Vec::new() }
    }

    /// So many of so many that are asked for.
    #[expect(clippy::cast_precision_loss, reason = "counts of things that happened")]
    pub fn counted(mut self, what: &str, count: usize, asked: usize) -> Self {
        let share = (count as f64 / asked.max(1) as f64).min(1.0);
        self.parts.push(Part { said: format!("{what}: {count} of {asked}"), share });
        self
    }

    /// Something that holds or does not.
    pub fn held(mut self, what: impl Into<String>, holds: bool) -> Self {
        let share = if holds { 1.0 } else { 0.0 };
        self.parts.push(Part { said: what.into(), share });
        self
    }

    /// Asked for, and not there.
    pub fn not_run(mut self, what: &str) -> Self {
        self.parts.push(Part { said: format!("not run: {what}"), share: 0.0 });
        self
    }

    /// One violation takes all points.
    pub fn broken_by(mut self, violations: &[String]) -> Self {
        self.broken.extend_from_slice(violations);
        self
    }

    #[expect(clippy::cast_precision_loss, reason = "a handful of parts")]
    fn worth(&self) -> f64 {
        if !self.broken.is_empty() {
            return 0.0;
        }
        let shares: f64 = self.parts.iter().map(|part| part.share).sum();
        f64::from(self.points) * shares / self.parts.len().max(1) as f64
    }
}

/// The card in Markdown: rows, the sum scaled to 100, and what was broken.
pub fn card(rows: &[Row], head: &str) -> String {
    let (all, worth) = (rows.iter().map(|row| row.points).sum::<u32>(), rows.iter().map(Row::worth).sum::<f64>());
    let sum = worth * 100.0 / f64::from(all.max(1));
    let mut text = format!("# Scorecard\n\n{head}\n\n| | points | counted |\n|---|---|---|\n");
    for row in rows {
        let said: Vec<_> = row.parts.iter().map(|part| part.said.as_str()).collect();
        let name = if row.bold { format!("**{}**", row.name) } else { row.name.to_owned() };
        let broken = if row.broken.is_empty() { String::new() } else { format!("; BROKEN {} times", row.broken.len()) };
        let _ = writeln!(text, "| {name} | {:.1} of {} | {}{broken} |", row.worth(), row.points, said.join("; "));
    }
    let _ = writeln!(text, "\n{sum:.1} of 100 (the {all} points that one process can earn, scaled).");
    for row in rows {
        for why in &row.broken {
            let _ = writeln!(text, "\n{}: {why}", row.name);
        }
    }
    text
}

/// Whether nothing was broken.
pub fn is_whole(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.broken.is_empty())
}
