//! The rules of the house that no compiler knows: who may depend on whom, whose tables a statement
//! names, how sources look. Each rule is a function of a text, and is shown a sample that breaks it,
//! so that a rule that can never fire fails.

mod advisories;
mod crates;
mod frontends;
mod house;
mod map;
mod plans;
mod repository;
mod rust;
mod services;
mod sql;
mod text;

use anyhow::{Result, ensure};

/// What breaks a rule, one sentence each.
type Faults = Vec<String>;

/// Fails with every sentence.
fn none(faults: &Faults) -> Result<()> {
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// The rule must find a fault in each of the samples, and none in what is right.
#[track_caller]
fn fires(rule: impl Fn(&str) -> Faults, wrong: &[&str], right: &[&str]) {
    for sample in wrong {
        assert!(!rule(sample).is_empty(), "nothing is wrong with: {sample}");
    }
    for sample in right {
        assert_eq!(rule(sample), Faults::new(), "in: {sample}");
    }
}
