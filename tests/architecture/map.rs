//! docs/architecture.md is a map: what it names is there, and every table is on it.

use crate::{
    Faults, fires, none,
    repository::{below, root},
};
use anyhow::{Result, ensure};
use std::{collections::BTreeSet, fs};

/// The texts between backticks.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Rows of a walk-through: files in the first cell, functions in the second.
fn walks(map: &str, read: impl Fn(&str) -> Option<String>) -> Faults {
    let mut faults = Faults::new();
    for row in map.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        let files = named(cells[0]);
        let Some((folder, _)) = files[0].rsplit_once('/').filter(|(_, name)| name.contains('.')) else { continue };
        let mut text = String::new();
        for file in files {
            // a second file of the same folder stands by its name alone
            let path = if file.contains('/') { file.to_owned() } else { format!("{folder}/{file}") };
            match read(&path) {
                Some(found) => text.push_str(&found),
                None => faults.push(format!("{path} is not there")),
            }
        }
        let words: BTreeSet<_> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        for function in named(cells.get(1).copied().unwrap_or_default()) {
            let name = function.rsplit("::").next().unwrap_or(function);
            if !words.contains(name) {
                faults.push(format!("{function} is not in {}", cells[0].trim()));
            }
        }
    }
    faults
}

/// The tables that statements create.
fn created(sql: &str) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    for line in sql.lines().map(str::trim).filter(|line| line.starts_with("create ")) {
        if let Some((_, rest)) = line.split_once(" table ") {
            let rest = rest.strip_prefix("if not exists ").unwrap_or(rest);
            tables.extend(rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().map(str::to_owned));
        }
    }
    tables
}

fn map() -> Result<String> {
    Ok(fs::read_to_string(root()?.join("docs/architecture.md"))?)
}

#[test]
fn what_the_walk_throughs_name_is_there() -> Result<()> {
    let (map, root) = (map()?, root()?);
    ensure!(map.matches("\n| `services/").count() > 40, "the walk-throughs are not found");
    none(&walks(&map, |path| fs::read_to_string(root.join(path)).ok()))?;
    let read = |path: &str| (path == "a/b.rs").then(|| "fn stays() {}".to_owned());
    let wrong = ["| `a/b.rs` | `gone` | what |", "| `a/c.rs` | `stays` | what |"];
    fires(|map| walks(map, read), &wrong, &["| `a/b.rs` | `Of::stays` | what |"]);
    Ok(())
}

#[test]
fn every_table_is_on_the_map() -> Result<()> {
    let map = map()?;
    let mut sources = below("services/", ".sql")?;
    sources.extend(below("packages/platform/src/", ".sql")?);
    let tables: BTreeSet<_> = sources.iter().flat_map(|file| created(&file.text)).collect();
    ensure!(tables.len() > 30 && tables.contains("chat_chats"), "only {} tables are found", tables.len());
    let on_the_map: BTreeSet<_> = map.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let missing = tables.iter().filter(|table| !on_the_map.contains(table.as_str()));
    let missing = missing.map(|table| format!("{table} is not named in docs/architecture.md"));
    // and none that is gone
    let prefixes: BTreeSet<_> = tables.iter().filter_map(|table| table.split_once('_').map(|(of, _)| of)).collect();
    let section = map.split("## The tables").nth(1).and_then(|rest| rest.split("## ").next()).unwrap_or_default();
    let gone = named(section)
        .into_iter()
        .filter(|name| name.split_once('_').is_some_and(|(of, _)| prefixes.contains(of)) && !tables.contains(*name));
    let gone = gone.map(|name| format!("{name} is named in docs/architecture.md and there is no such table"));
    none(&missing.chain(gone).collect())
}
