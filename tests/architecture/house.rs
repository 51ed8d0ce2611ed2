//! Rules for every file: its name, what it must not hold, and where packages come from.

use crate::{
    Faults, fires, none,
    repository::{Source, files, root},
};
use anyhow::{Context as _, Result, ensure};
use std::{collections::BTreeSet, fs};

/// Names that say nothing.
const EMPTY: &[&str] = &["common", "utils", "util", "manager", "managers", "helper", "helpers", "impl", "misc"];

fn name_says_something(path: &str) -> Faults {
    let parts: Vec<_> = path.split('/').collect();
    let mut faults = Faults::new();
    for part in parts {
        let stem = part.split('.').next().unwrap_or(part);
        let words: BTreeSet<String> = words(stem);
        if let Some(word) = EMPTY.iter().find(|word| words.contains(**word)) {
            faults.push(format!("{path}: \"{word}\" says nothing; name it by what it is"));
        }
    }
    faults
}

/// `chatUtils`, `chat_utils` and `chat-utils` have the same words.
fn words(stem: &str) -> BTreeSet<String> {
    let mut spaced = String::new();
    for next in stem.chars() {
        if next.is_uppercase() {
            spaced.push(' ');
        }
        spaced.extend(next.to_lowercase());
    }
    spaced.split([' ', '_', '-']).map(str::to_owned).collect()
}

#[test]
fn names_say_something() -> Result<()> {
    none(&files()?.iter().flat_map(|file| name_says_something(&file.path)).collect())
}

/// Folders of one machine.
fn names_no_machine(text: &str) -> Faults {
    let folders = [
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("C:", "\\"),
    ];
    let inside = |at: usize| text[..at].ends_with(|c: char| c.is_alphanumeric() || "-_.~}/".contains(c));
    let mut faults = Faults::new();
    for folder in folders {
        if text.match_indices(folder).any(|(at, _)| !inside(at)) {
            faults.push(format!("names {folder}…, a folder of one machine"));
        }
    }
    faults
}

#[test]
fn no_file_names_a_machine() -> Result<()> {
    let mut faults = Faults::new();
    for file in files()? {
        faults.extend(names_no_machine(&file.text).into_iter().map(|fault| format!("{} {fault}", file.path)));
    }
    none(&faults)
}

fn npm_lock_has_no_addresses(lock: &str) -> Faults {
    let mut faults = Faults::new();
    for (at, _) in lock.match_indices("\"resolved\"") {
        let value = lock[at..].split('"').nth(3).unwrap_or_default();
        if value.contains(':')
            || !["packages/", "frontends/", "tests/", "tools/"].iter().any(|own| value.starts_with(own))
        {
            faults.push(format!("says where to load {value}; leave it to the registry of whoever installs"));
        }
    }
    faults
}

fn cargo_lock_has_one_source(lock: &str) -> Faults {
    let usual = concat!("source = \"registry+https://github.com/", "rust-lang/crates.io-index\"");
    let others: BTreeSet<_> = lock.lines().filter(|line| line.starts_with("source = ") && *line != usual).collect();
    others.into_iter().map(|line| format!("loads from elsewhere: {line}")).collect()
}

#[test]
fn locks_name_no_downloads() -> Result<()> {
    let read = |name: &str| fs::read_to_string(root()?.join(name)).with_context(|| name.to_owned());
    let (npm, cargo) = (read("package-lock.json")?, read("Cargo.lock")?);
    ensure!(npm.contains("\"integrity\"") && cargo.contains("checksum = "), "a lock without checksums");
    let mut faults = npm_lock_has_no_addresses(&npm);
    faults.extend(cargo_lock_has_one_source(&cargo));
    none(&faults)
}

/// A test that is switched off is forgotten.
fn is_switched_off(source: &Source) -> Faults {
    let ways = [
        concat!("#[ig", "nore"),
        concat!("it.sk", "ip("),
        concat!("describe.sk", "ip("),
        concat!("it.on", "ly("),
        concat!("test.on", "ly("),
    ];
    let found = ways.into_iter().filter(|way| source.text.contains(way));
    found.map(|way| format!("{}: {way}…: mend it or remove it", source.path)).collect()
}

#[test]
fn no_test_is_switched_off() -> Result<()> {
    none(&files()?.iter().flat_map(is_switched_off).collect())
}

#[test]
fn the_rules_fire() {
    fires(
        name_says_something,
        &[
            "services/chat/src/utils.rs",
            "services/chat/src/common/a.rs",
            "frontends/a/src/chatHelpers.ts",
            "a/session_manager.rs",
        ],
        &["services/chat/src/domain.rs", "a/implicit.rs", "a/utility.rs"],
    );
    fires(
        names_no_machine,
        &[concat!("cd /wo", "rk/main"), concat!("\"/ro", "ot/.cargo\""), concat!("see /ho", "me/ana/taifas")],
        &["/api/v1/work/1 in framework/a", "{root}/root.crt", "~/home/a"],
    );
    fires(
        npm_lock_has_no_addresses,
        &[
            "{ \"resolved\": \"https://registry.example/a.tgz\" }",
            "{ \"resolved\": \"git+ssh://a\" }",
            "{\"resolved\":\"file:../a\"}",
        ],
        &["{ \"resolved\": \"packages/markdown\", \"link\": true }", "{}"],
    );
    fires(
        cargo_lock_has_one_source,
        &["source = \"git+https://example.org/a\"", "source = \"registry+https://mirror.example/index\""],
        &["name = \"a\"\nversion = \"1.0.0\""],
    );
    let file = |text: &str| Source { path: "a.rs".into(), text: text.into() };
    assert!(!is_switched_off(&file(concat!("#[ig", "nore]\nfn a() {}"))).is_empty());
    assert!(is_switched_off(&file("#[test]\nfn a() {}")).is_empty());
}
