//! Section `[session]` of the configuration.

use chrono::TimeDelta;
use platform::{Error, Result, principal::Role};
use serde::Deserialize;

/// How long people stay signed in.
///
/// A session ends after a time without use (idle) and after a time whatever happens (absolute). For
/// an instance on the open internet 0.5 and 12 hours are the usual choice for administrators; the
/// defaults are the same for everybody, because on a small instance the administrator is also the
/// person who chats there every day.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Days a person's session lives without use.
    pub user_idle_days: u32,
    /// Days a person's session lives at most.
    pub user_absolute_days: u32,
    /// Hours an administrator's session lives without use; parts of an hour are possible.
    pub admin_idle_hours: f64,
    /// Hours an administrator's session lives at most; parts of an hour are possible.
    pub admin_absolute_hours: f64,
    /// How many sessions a person has at most: another one ends the one that was used longest ago.
    pub per_person: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            user_idle_days: 30,
            user_absolute_days: 90,
            admin_idle_hours: 30.0 * 24.0,
            admin_absolute_hours: 90.0 * 24.0,
            per_person: 100,
        }
    }
}

impl Config {
    /// The time without use after which a session of `role` ends.
    #[must_use]
    pub fn idle(&self, role: &Role) -> TimeDelta {
        if *role == Role::ADMIN { hours(self.admin_idle_hours) } else { TimeDelta::days(self.user_idle_days.into()) }
    }

    /// The time after which a session of `role` ends whatever happens.
    #[must_use]
    pub fn absolute(&self, role: &Role) -> TimeDelta {
        if *role == Role::ADMIN {
            hours(self.admin_absolute_hours)
        } else {
            TimeDelta::days(self.user_absolute_days.into())
        }
    }

    /// # Errors
    /// A sentence that names the keys when nobody could stay signed in.
    pub fn check(&self) -> Result<()> {
        let ten_years = TimeDelta::days(3650);
        for (role, keys) in [
            (Role::USER, "user_idle_days and user_absolute_days"),
            (Role::ADMIN, "admin_idle_hours and admin_absolute_hours"),
        ] {
            let (idle, absolute) = (self.idle(&role), self.absolute(&role));
            // below two minutes the note of last use, written once a minute, would be too coarse
            if idle < TimeDelta::minutes(2) || absolute < idle || absolute > ten_years {
                return Err(Error::malformed(format!(
                    "session.{keys} cannot be used: the first must be 2 minutes or more, the second not less than the \
                     first and at most ten years"
                )));
            }
        }
        if self.per_person == 0 {
            return Err(Error::malformed("session.per_person = 0 would let nobody sign in"));
        }
        Ok(())
    }
}

/// A number that is no possible time gives none, which `check` refuses.
fn hours(hours: f64) -> TimeDelta {
    let time = std::time::Duration::try_from_secs_f64(hours * 3600.0).ok();
    time.and_then(|time| TimeDelta::from_std(time).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_30_and_90_days_for_everybody() {
        let config = Config::default();
        config.check().unwrap();
        for role in [Role::USER, Role::ADMIN] {
            assert_eq!(config.idle(&role), TimeDelta::days(30));
            assert_eq!(config.absolute(&role), TimeDelta::days(90));
        }
    }

    #[test]
    fn lifetimes_that_sign_everybody_out_are_refused_by_name() {
        let short = Config { user_idle_days: 0, ..Config::default() };
        assert!(short.check().unwrap_err().to_string().contains("user_idle_days"));
        for hours in [-1.0, f64::NAN, f64::INFINITY, 1e300, 0.01, 3000.0] {
            let odd = Config { admin_idle_hours: hours, ..Config::default() };
            assert!(odd.check().unwrap_err().to_string().contains("admin_idle_hours"), "{hours}");
        }
        assert!(Config { admin_idle_hours: 0.5, admin_absolute_hours: 12.0, ..Config::default() }.check().is_ok());
        assert!(Config { per_person: 0, ..Config::default() }.check().is_err());
    }
}
