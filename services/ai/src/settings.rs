//! What administrators decided about models, as every door reads it.

use crate::repository::models::Row;
use platform::{Error, Result, principal::Role};
use std::collections::HashMap;

/// The decisions about one model.
#[derive(Clone, Debug)]
pub struct Settings {
    pub row: Row,
    /// Who may use it; none is everybody.
    pub roles: Option<Vec<String>>,
}

impl Settings {
    /// Of a model nobody decided anything about.
    pub fn fresh(id: &str) -> Self {
        Self { row: Row::fresh(id), roles: None }
    }

    /// # Errors
    /// `internal` when the row was written by something else.
    pub fn read(row: Row) -> Result<Self> {
        let roles = row.roles.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
        Ok(Self { row, roles })
    }

    pub fn is_open(&self) -> bool {
        self.row.enabled && self.roles.is_none()
    }

    /// Whether somebody of `role` may use it.
    ///
    /// # Errors
    /// `forbidden` with the reason.
    pub fn allow(&self, role: &str) -> Result<()> {
        if !self.row.enabled {
            return Err(
                Error::forbidden("this model is switched off here; choose another one").with("model", &self.row.id)
            );
        }
        match &self.roles {
            Some(roles) if !roles.iter().any(|allowed| allowed == role) => {
                Err(Error::forbidden("your role may not use this model; choose another one")
                    .with("model", &self.row.id))
            }
            _ => Ok(()),
        }
    }

    pub fn window(&self) -> Option<u64> {
        self.row.context_window.and_then(|tokens| u64::try_from(tokens).ok())
    }

    pub fn prices(&self) -> Prices {
        Prices { input: self.row.price_input, output: self.row.price_output }
    }
}

/// For a million tokens, in millionths of the currency unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    pub input: i64,
    pub output: i64,
}

impl Prices {
    /// What so many tokens cost, in millionths of the unit, rounded up.
    pub fn cost(self, input: i64, output: i64) -> i64 {
        let exact = i128::from(input) * i128::from(self.input) + i128::from(output) * i128::from(self.output);
        let up = (exact + 999_999) / 1_000_000;
        i64::try_from(up).unwrap_or(i64::MAX)
    }

    /// How many tokens of output `cost` pays for.
    pub fn affords(self, cost: i64) -> i64 {
        if self.output <= 0 {
            return i64::MAX;
        }
        let tokens = i128::from(cost.max(0)) * 1_000_000 / i128::from(self.output);
        i64::try_from(tokens).unwrap_or(i64::MAX)
    }
}

/// All decisions, by model.
#[derive(Clone, Debug, Default)]
pub struct Decisions(HashMap<String, Settings>);

impl Decisions {
    /// # Errors
    /// As [`Settings::read`].
    pub fn read(rows: Vec<Row>) -> Result<Self> {
        let read = |row: Row| Ok((row.id.clone(), Settings::read(row)?));
        rows.into_iter().map(read).collect::<Result<_>>().map(Self)
    }

    pub fn of(&self, id: &str) -> Settings {
        self.0.get(id).cloned().unwrap_or_else(|| Settings::fresh(id))
    }

    /// The model an administrator made the default.
    pub fn default(&self) -> Option<&str> {
        self.0.values().find(|settings| settings.row.is_default).map(|settings| settings.row.id.as_str())
    }
}

/// A list of roles as it is stored: real names, each once.
///
/// # Errors
/// `invalid` for what cannot be a role's name.
pub fn roles_text(roles: &[String]) -> Result<String> {
    let mut names = Vec::new();
    for role in roles {
        let role = Role::parse(role)?.name().to_owned();
        if !names.contains(&role) {
            names.push(role);
        }
    }
    serde_json::to_string(&names).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_round_up_and_never_overflow() {
        let prices = Prices { input: 2_500_000, output: 10_000_000 };
        assert_eq!(prices.cost(0, 0), 0);
        assert_eq!(prices.cost(1, 0), 3);
        assert_eq!(prices.cost(1_000_000, 1_000_000), 12_500_000);
        assert_eq!(Prices { input: i64::MAX, output: i64::MAX }.cost(i64::MAX, i64::MAX), i64::MAX);
        assert_eq!((prices.affords(25), prices.affords(-1)), (2, 0));
        assert_eq!(Prices::default().affords(0), i64::MAX);
    }

    #[test]
    fn who_may_use_a_model() {
        let mut settings = Settings::fresh("a/b");
        assert!(settings.is_open() && settings.allow("guest").is_ok());
        settings.roles = Some(vec!["admin".into()]);
        assert!(settings.allow("admin").is_ok() && settings.allow("user").is_err());
        settings.row.enabled = false;
        assert!(settings.allow("admin").is_err());
        assert_eq!(roles_text(&["user".into(), "user".into()]).unwrap(), "[\"user\"]");
        assert!(roles_text(&["No role".into()]).is_err());
    }
}
