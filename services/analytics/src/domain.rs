//! Usage and spans of days: types and rules, no input or output.

use chrono::{DateTime, Days, NaiveDate, Utc};
use platform::{
    Error, Result,
    db::{FromRow, Row},
    from_row,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest span that can be asked for, in days.
const SPAN: u64 = 366;
/// What is shown when nothing else is asked for, in days.
const USUAL: u64 = 30;

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Used {
    pub requests: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// In millionths of the instance's unit of currency.
    pub cost: i64,
}
from_row!(Used { requests, input_tokens, output_tokens, cost });

impl Used {
    /// One request. What a provider says may be anything, and must not be able to spoil a sum.
    #[must_use]
    pub fn request(input: u64, output: u64, cost: u64) -> Self {
        let bounded = |number: u64| i64::try_from(number.min(1_000_000_000_000)).unwrap_or(0);
        Self { requests: 1, input_tokens: bounded(input), output_tokens: bounded(output), cost: bounded(cost) }
    }
}

/// A person's usage of a model on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Day {
    /// Of UTC: `2026-11-26`.
    pub day: String,
    pub model: String,
    #[serde(flatten)]
    pub used: Used,
}

impl FromRow for Day {
    const COLUMNS: &'static [&'static str] = &["day", "model", "requests", "input_tokens", "output_tokens", "cost"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { day: row.get(0)?, model: row.get(1)?, used: used(row, 2)? })
    }
}

/// A row of the instance's usage, of whatever it was asked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouped {
    pub day: Option<String>,
    pub model: Option<String>,
    /// The nil id stands for people whose accounts are gone.
    pub space: Option<Uuid>,
    pub used: Used,
}

impl FromRow for Grouped {
    const COLUMNS: &'static [&'static str] =
        &["day", "model", "space_id", "requests", "input_tokens", "output_tokens", "cost"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self { day: row.get(0)?, model: row.get(1)?, space: row.get(2)?, used: used(row, 3)? })
    }
}

fn used(row: &Row<'_>, first: usize) -> Result<Used> {
    Ok(Used {
        requests: row.get(first)?,
        input_tokens: row.get(first + 1)?,
        output_tokens: row.get(first + 2)?,
        cost: row.get(first + 3)?,
    })
}

/// Days of UTC, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Span {
    /// Whatever is kept. Days are compared as they are written, so these have four digits.
    #[must_use]
    pub fn whole() -> Self {
        let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
        Self { from: day(1970), to: day(9999) }
    }

    /// What was asked for; the last 30 days when nothing was.
    ///
    /// # Errors
    /// `invalid` for what is no day, for an end before the beginning, and for more than a year.
    pub fn read(from: Option<&str>, to: Option<&str>, now: DateTime<Utc>) -> Result<Self> {
        let to = to.map(|text| read_day("to", text)).transpose()?.unwrap_or_else(|| now.date_naive());
        let usual = to.checked_sub_days(Days::new(USUAL - 1)).unwrap_or(to);
        let from = from.map(|text| read_day("from", text)).transpose()?.unwrap_or(usual);
        let days = (to - from).num_days();
        if days < 0 {
            return Err(Error::invalid("from", "is after to"));
        }
        if u64::try_from(days).is_ok_and(|days| days >= SPAN) {
            return Err(Error::invalid("from", format!("is more than {SPAN} days before to; ask for a part")));
        }
        Ok(Self { from, to })
    }
}

fn read_day(field: &str, text: &str) -> Result<NaiveDate> {
    let wrong = || Error::invalid(field, "is no day; write it as 2026-11-26");
    let well_formed = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !well_formed {
        return Err(wrong());
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong())
}

/// What the instance's usage is grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    #[default]
    Day,
    Model,
    Person,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: Option<&str>, to: Option<&str>) -> Result<(String, String)> {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Span::read(from, to, now).map(|span| (span.from.to_string(), span.to.to_string()))
    }

    #[test]
    fn a_span_is_thirty_days_unless_another_is_asked_for() {
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(read(None, None).unwrap(), pair("2026-12-17", "2027-01-15"));
        assert_eq!(read(None, Some("2026-03-01")).unwrap(), pair("2026-01-31", "2026-03-01"));
        assert_eq!(read(Some("2027-01-15"), None).unwrap(), pair("2027-01-15", "2027-01-15"));
        assert_eq!(read(Some("2024-02-29"), Some("2025-02-28")).unwrap(), pair("2024-02-29", "2025-02-28"));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for (from, to) in [
            (Some("2026-13-01"), None),
            (Some("2025-02-29"), Some("2025-03-01")),
            (Some("yesterday"), None),
            (Some("2026-1-1"), None),
            (None, Some("+262143-12-31")),
            (Some("2026-01-02"), Some("2026-01-01")),
            (Some("2020-01-01"), Some("2026-01-01")),
            (Some(""), None),
        ] {
            assert!(read(from, to).is_err(), "{from:?} {to:?}");
        }
    }

    #[test]
    fn an_absurd_number_stays_a_number() {
        let used = Used::request(u64::MAX, u64::MAX, u64::MAX);
        assert!(used.input_tokens.checked_mul(1_000_000).is_some() && used.cost > 0);
    }
}
