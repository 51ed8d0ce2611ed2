//! Known faults of the packages that are built in: the lock file against the RustSec database, of
//! which a copy lies beside the repository (or where `TAIFAS_SHARED` says). Without the copy nothing
//! is checked, and that is said aloud; with `CONTRACTS=all` it fails.

use crate::{Faults, none, repository::root};
use anyhow::{Context as _, Result, bail, ensure};
use chrono::{NaiveDate, TimeDelta, Utc};
use semver::{Version, VersionReq};
use serde_json::Value;
use std::{collections::BTreeSet, env, fs, io::Write as _, path::PathBuf};

/// Advisories that apply and are lived with: the id, and why it does no harm here.
const ACCEPTED: &[(&str, &str)] = &[(
    "RUSTSEC-2026-0249",
    "smartstring holds the short texts of rhai, in which casbin evaluates our own matcher over names of roles and \
     permissions; no fault of it is known, only that nobody mends it any more, and nothing from outside becomes rhai",
)];

/// After this the copy says too little.
const OLD: TimeDelta = TimeDelta::days(30);

fn database() -> Result<PathBuf> {
    let shared = match env::var_os("TAIFAS_SHARED") {
        Some(path) => PathBuf::from(path),
        None => root()?.join("../shared"),
    };
    Ok(shared.join("data/rustsec.json"))
}

/// Past the capture of test output.
fn say(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "{text}")?)
}

/// Name and version of every package in a lock file.
fn packages(lock: &str) -> Vec<(&str, Version)> {
    let value = |entry: &'static str| move |text: &str| Some(text.split(entry).nth(1)?.split('"').next()?.len());
    let mut packages = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &'static str| {
            let length = value(name)(package)?;
            let at = package.find(name)? + name.len();
            package.get(at..at + length)
        };
        if let (Some(name), Some(version)) = (field("name = \""), field("version = \""))
            && let Ok(version) = Version::parse(version)
        {
            packages.push((name, version));
        }
    }
    packages
}

/// Whether one of the ranges holds the version. A range that cannot be read holds nothing, which
/// reports too much rather than too little.
fn holds(ranges: &Value, version: &Version) -> bool {
    let texts = ranges.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.filter_map(|text| VersionReq::parse(text).ok()).any(|range| range.matches(version))
}

/// The advisories that apply, with their ids; notices are none.
fn applying(database: &Value, packages: &[(&str, Version)]) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for advisory in database["advisories"].as_array().context("no advisories")? {
        let text = |name: &str| advisory[name].as_str().unwrap_or_default();
        if !advisory["withdrawn"].is_null() || text("informational") == "notice" {
            continue;
        }
        for (name, version) in packages.iter().filter(|(name, _)| *name == text("package")) {
            if !holds(&advisory["patched"], version) && !holds(&advisory["unaffected"], version) {
                let kind = if text("informational").is_empty() { "vulnerable" } else { text("informational") };
                found.push((
                    text("id").to_owned(),
                    format!(
                        "{name} {version} is {kind}: {} ({}); mended in {}",
                        text("title"),
                        text("id"),
                        advisory["patched"]
                    ),
                ));
            }
        }
    }
    Ok(found)
}

/// When the copy was made: the last date in its description.
fn date(database: &Value) -> Option<NaiveDate> {
    let source = database["source"].as_str()?;
    source.split(|c: char| c.is_whitespace() || c == ',').rev().find_map(|word| word.parse().ok())
}

#[test]
fn no_package_has_a_known_fault() -> Result<()> {
    let path = database()?;
    let Ok(text) = fs::read_to_string(&path) else {
        let skip = "SKIPPED, NOTHING WAS CHECKED: there is no copy of the RustSec database (data/rustsec.json); \
                    set TAIFAS_SHARED to the folder that has it";
        if env::var("CONTRACTS").is_ok_and(|which| which == "all") {
            bail!("{skip}");
        }
        return say(skip);
    };
    let database: Value = serde_json::from_str(&text)?;
    let age = Utc::now().date_naive() - date(&database).context("the copy does not say of when it is")?;
    say(&format!("the copy of the RustSec database is {} days old", age.num_days()))?;
    if age > OLD {
        say("WARNING: that is too old to rely on; fetch a newer one")?;
    }
    let lock = fs::read_to_string(root()?.join("Cargo.lock"))?;
    let packages = packages(&lock);
    ensure!(packages.len() > 100, "only {} packages are found in the lock file", packages.len());
    let applying = applying(&database, &packages)?;
    let ids: BTreeSet<_> = applying.iter().map(|(id, _)| id.as_str()).collect();
    let mut faults: Faults = applying
        .iter()
        .filter(|(id, _)| ACCEPTED.iter().all(|(accepted, _)| accepted != id))
        .map(|(_, fault)| fault.clone())
        .collect();
    let settled = ACCEPTED.iter().filter(|(id, _)| !ids.contains(id));
    faults.extend(settled.map(|(id, _)| format!("{id} is accepted and applies no more; remove it from the list")));
    none(&faults)
}

#[test]
fn the_rule_fires() -> Result<()> {
    let database = serde_json::json!({
        "source": "RustSec advisory database, revision abc of 2026-08-21 (CC0-1.0)",
        "advisories": [
            {"id": "A-1", "package": "a", "title": "t", "patched": [">= 1.2.3, < 2.0.0", "^2.1"], "unaffected": ["< 1.0"]},
            {"id": "A-2", "package": "a", "title": "t", "patched": [], "unaffected": [], "informational": "unmaintained"},
            {"id": "A-3", "package": "a", "title": "t", "patched": [], "unaffected": [], "informational": "notice"},
            {"id": "A-4", "package": "a", "title": "t", "patched": [], "unaffected": [], "withdrawn": "2026-01-01"},
            {"id": "A-5", "package": "ab", "title": "t", "patched": [], "unaffected": []},
        ]
    });
    let ids = |version: &str| -> Result<Vec<String>> {
        let lock = format!(
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"{version}\"\ndependencies = [\n \"b\",\n]\n"
        );
        Ok(applying(&database, &packages(&lock))?.into_iter().map(|(id, _)| id).collect())
    };
    for (version, affected) in
        [("0.9.0", false), ("1.0.0", true), ("1.2.2", true), ("1.2.3", false), ("2.0.0", true), ("2.1.0", false)]
    {
        let ids = ids(version)?;
        ensure!(ids.contains(&"A-1".to_owned()) == affected, "{version}: {ids:?}");
        ensure!(ids.last().is_some_and(|last| last == "A-2"), "{version}: {ids:?}");
    }
    ensure!(date(&database) == NaiveDate::from_ymd_opt(2026, 8, 21), "{:?}", date(&database));
    Ok(())
}
