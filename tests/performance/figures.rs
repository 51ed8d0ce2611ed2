//! Samples and the table they end in. A figure is a median over rounds, so that one disturbed round
//! on a busy machine does not decide it.

use std::{io::Write as _, time::Duration};

/// Durations of one round.
#[derive(Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value that `percent` of the samples do not exceed, in milliseconds.
    pub fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(f64::NAN, |sample| millis(*sample))
    }
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The middle one of an odd number of values, the upper middle of an even number.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One line of the table.
pub struct Row {
    pub name: String,
    pub value: String,
    pub control: String,
    /// The ratio, or what is added.
    pub against: String,
    pub target: Option<Target>,
}

/// A bound and what was measured against it, in the same unit.
pub struct Target {
    pub text: String,
    pub met: bool,
}

pub fn at_most(measured: f64, bound: f64, unit: &str) -> Option<Target> {
    Some(Target { text: format!("≤ {bound} {unit}"), met: measured <= bound })
}

/// Prints the head of a section's table.
pub fn section(title: &str, about: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n### {title}\n\n{about}\n")?;
    writeln!(out, "| figure | Taifas | control of the same run | ratio or added | target | met |")?;
    writeln!(out, "|---|---|---|---|---|---|")?;
    Ok(())
}

impl Row {
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        let none = || "–".to_owned();
        Self { name: name.into(), value: value.into(), control: none(), against: none(), target: None }
    }

    pub fn control(mut self, control: impl Into<String>) -> Self {
        self.control = control.into();
        self
    }

    pub fn against(mut self, against: impl Into<String>) -> Self {
        self.against = against.into();
        self
    }

    pub fn target(mut self, target: Option<Target>) -> Self {
        self.target = target;
        self
    }

    pub fn print(self) -> anyhow::Result<()> {
        let Self { name, value, control, against, target } = self;
        let (text, met) =
            target.map_or(("–".into(), "–"), |target| (target.text, if target.met { "yes" } else { "**no**" }));
        let mut out = std::io::stdout().lock();
        writeln!(out, "| {name} | {value} | {control} | {against} | {text} | {met} |")?;
        out.flush()?;
        Ok(())
    }
}
