//! How Rust sources look.

use crate::{
    Faults, fires, none,
    repository::{Source, files},
    text::{has_word, parts, shipped},
};
use anyhow::{Result, ensure};

fn sources() -> Result<Vec<Source>> {
    let sources: Vec<_> = files()?.into_iter().filter(|file| file.path.ends_with(".rs")).collect();
    ensure!(sources.len() > 100, "only {} Rust files are found", sources.len());
    Ok(sources)
}

/// Applies a rule to all Rust files of which `which` says so.
fn everywhere(which: impl Fn(&str) -> bool, rule: impl Fn(&str) -> Faults) -> Result<()> {
    let mut faults = Faults::new();
    for source in sources()?.into_iter().filter(|source| which(&source.path)) {
        faults.extend(rule(&source.text).into_iter().map(|fault| format!("{}: {fault}", source.path)));
    }
    none(&faults)
}

/// Whether a file is compiled for tests alone.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn is_safe(source: &str) -> Faults {
    let word = concat!("un", "safe");
    has_word(&parts(source).code, word).then(|| format!("{word} code; find a safe way")).into_iter().collect()
}

#[test]
fn nothing_is_unsafe() -> Result<()> {
    everywhere(|_| true, is_safe)
}

/// What ends the thread, or was left for later.
const PANICS: &[&str] = &[".unwrap()", ".expect(", ".unwrap_err()", "panic!", "todo!", "unimplemented!"];

fn cannot_panic(source: &str) -> Faults {
    let code = shipped(&parts(source).code).split_whitespace().collect::<String>();
    let found = PANICS.iter().filter(|word| code.contains(**word));
    found.map(|word| format!("{word} outside of tests; answer with an error")).collect()
}

#[test]
fn nothing_panics_outside_of_tests() -> Result<()> {
    everywhere(|path| !is_test(path), cannot_panic)
}

fn says_why(source: &str) -> Faults {
    let first = source.lines().next().unwrap_or_default();
    let said = first.strip_prefix("//!").is_some_and(|text| text.trim().len() > 5);
    (!said).then(|| "does not begin with //! and why it exists".to_owned()).into_iter().collect()
}

#[test]
fn each_file_begins_with_why_it_exists() -> Result<()> {
    everywhere(|_| true, says_why)
}

const LONG: usize = 400;
const TOO_LONG: usize = 600;

fn lengths(files: &[(String, usize)]) -> Faults {
    let mut faults: Faults = files
        .iter()
        .filter(|(_, lines)| *lines > TOO_LONG)
        .map(|(path, lines)| format!("{path} has {lines} lines, more than {TOO_LONG}; split it by subject"))
        .collect();
    let long: Vec<_> = files.iter().filter(|(_, lines)| *lines >= LONG).collect();
    if long.len() * 10 > files.len() {
        faults.push(format!("{} of {} files have {LONG} lines or more: {long:?}", long.len(), files.len()));
    }
    faults
}

#[test]
fn files_stay_short() -> Result<()> {
    let lines = |source: Source| (source.path, source.text.lines().count());
    none(&lengths(&sources()?.into_iter().map(lines).collect::<Vec<_>>()))
}

/// A statement is a constant; values are bound.
fn statements_are_constant(source: &str) -> Faults {
    let code = parts(source).code.split_whitespace().collect::<String>();
    let calls = [".query(", ".execute(", ".execute_batch(", ".prepare(", ".prepare_cached("];
    let made = ["format!", ".leak(", "Box::leak", "&*", ".as_str()"];
    let mut faults = Faults::new();
    for call in calls {
        for (at, _) in code.match_indices(call) {
            let argument = argument(&code[at + call.len()..]);
            if let Some(how) = made.iter().find(|how| argument.contains(**how)) {
                faults.push(format!("a statement made with {how}; write it out and bind the values"));
            }
        }
    }
    if code.contains("Box::leak(") || code.contains(".leak()") {
        faults.push("a leaked text can become a statement; keep statements constant".into());
    }
    faults
}

/// The first argument of a call, up to its comma or its end.
fn argument(code: &str) -> &str {
    let mut depth = 0_i32;
    let end = code.find(|next| {
        match next {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        depth < 0 || (depth == 0 && next == ',')
    });
    end.map_or(code, |end| &code[..end])
}

#[test]
fn no_statement_is_put_together() -> Result<()> {
    everywhere(|path| !is_test(path), statements_are_constant)
}

#[test]
fn the_rules_fire() {
    fires(
        is_safe,
        &[concat!("fn a() { un", "safe { b() } }"), concat!("un", "safe impl Send for A {}")],
        &["// unsafe\nconst A: &str = \"unsafe\";", "#![deny(unsafe_code)]"],
    );
    fires(
        cannot_panic,
        &[
            "fn a() { b.unwrap(); }",
            "fn a() { b\n    .unwrap() }",
            "fn a() { b.expect(\"c\") }",
            "fn a() { panic!(\"b\") }",
            "#[cfg(test)] mod tests { fn a() {} } fn b() { todo!() }",
        ],
        &[
            "fn a() { b.unwrap_or(c); b.unwrap_or_else(c); b.expected() }",
            "// .unwrap()\nconst A: &str = \".unwrap()\";",
            "fn a() {} #[cfg(test)] mod tests { fn b() { c.unwrap() } }",
        ],
    );
    fires(
        says_why,
        &["", "fn a() {}", "// a comment", "//! a", "\n//! Late, and so not seen"],
        &["//! Why it exists.\n"],
    );
    fires(
        statements_are_constant,
        &[
            "tx.query(&format!(\"select {a}\")).run()",
            "tx.query(format!(\"a\").leak())",
            "tx.query(Box::leak(text.into_boxed_str()))",
            "c.execute_batch(&text.as_str())",
        ],
        &[
            "tx.query(\"select 1\").bind(format!(\"a\")).run()",
            "tx.query(SQL).bind(a.as_str())",
            "tx.query(topic.select)",
        ],
    );
    let named = |lines: &[usize]| lines.iter().map(|lines| ("a.rs".to_owned(), *lines)).collect::<Vec<_>>();
    assert!(lengths(&named(&[100, 601])).len() == 2);
    assert!(lengths(&named(&[100, 400])).len() == 1);
    assert!(lengths(&named(&[&[100; 9][..], &[600]].concat())).is_empty());
}
