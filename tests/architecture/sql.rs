//! Whose tables a statement names. A service's SQL names only its own: everything else is asked for
//! over its interface.

use crate::{
    Faults, fires, none,
    repository::{below, files},
    text,
};
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeSet;

/// Words and signs of a statement, in small letters, without comments and texts.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '\'' => rest[1..].find('\'').map_or(rest.len(), |end| end + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if is_name(next) => {
                let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                tokens.push(rest[..length].to_lowercase());
                length
            }
            '"' => 1,
            _ => {
                if !next.is_whitespace() {
                    tokens.push(next.into());
                }
                next.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The tables and indexes that a statement names, without those it makes for itself.
fn named(sql: &str) -> BTreeSet<String> {
    let tokens = tokens(sql);
    let at = |index: usize| tokens.get(index).map_or("", String::as_str);
    // `with name as (`, `with name (columns) as (`, and further ones after a comma
    let mut own = BTreeSet::new();
    for index in 1..tokens.len() {
        if !["with", "recursive", ","].contains(&at(index - 1)) || !at(index).starts_with(is_name) {
            continue;
        }
        let mut after = index + 1;
        if at(after) == "(" {
            after += tokens[after..].iter().position(|token| token == ")").unwrap_or(0) + 1;
        }
        if at(after) == "as" && (at(after + 1) == "(" || at(after + 1).ends_with("materialized")) {
            own.insert(at(index).to_owned());
        }
    }
    let mut named = BTreeSet::new();
    for index in 0..tokens.len() {
        let before = if index == 0 { "" } else { at(index - 1) };
        let mut next = index + 1;
        match at(index) {
            "from" if before == "distinct" => continue,
            // `do update set`, `for update`
            "update" if at(next) == "set" || before == "for" => continue,
            "from" | "join" | "into" | "update" | "references" => {}
            "table" | "index" | "trigger" | "view" => {
                while ["if", "not", "exists"].contains(&at(next)) {
                    next += 1;
                }
            }
            "on" if tokens[..index].contains(&"index".into()) => {}
            _ => continue,
        }
        // each table of a list: `from a, b`
        loop {
            let name = at(next);
            let function = at(next + 1) == "(" && ["from", "join"].contains(&at(index));
            if name.starts_with(|c: char| c.is_alphabetic()) && !function && !own.contains(name) {
                named.insert(name.to_owned());
            }
            let alias = usize::from(at(next + 1) == "as") + 1;
            next = match (at(index), at(next + 1), at(next + 1 + alias)) {
                ("from", ",", _) => next + 2,
                ("from", _, ",") if at(next + 1).starts_with(is_name) => next + 2 + alias,
                _ => break,
            };
            if !at(next).contains('_') {
                break;
            }
        }
    }
    named
}

fn only_own(service: &str, sql: &str) -> Faults {
    let prefix = format!("{service}_");
    let foreign = named(sql).into_iter().filter(|name| !name.starts_with(&prefix));
    foreign.map(|name| format!("{service} names {name}; its tables begin with {prefix}")).collect()
}

/// Whether a text in a source is a statement.
fn is_statement(text: &str) -> bool {
    let words = tokens(text);
    let [first, second, ..] = &words[..] else { return false };
    match (first.as_str(), second.as_str()) {
        ("insert" | "replace", "into") | ("delete", "from") | ("create" | "drop" | "alter", _) | ("with", _) => true,
        ("select", _) => true,
        ("update", _) => words.contains(&"set".into()),
        _ => false,
    }
}

fn service(path: &str) -> Option<&str> {
    path.strip_prefix("services/")?.split('/').next()
}

#[test]
fn a_service_names_its_own_tables_alone() -> Result<()> {
    let (mut faults, mut statements) = (Faults::new(), 0);
    for file in files()? {
        let Some(service) = service(&file.path) else { continue };
        let texts = match () {
            () if file.path.contains("/migrations/") && file.path.ends_with(".sql") => vec![file.text.clone()],
            () if file.path.contains("/src/") && file.path.ends_with(".rs") => {
                let all = file.path.contains("/repository");
                let texts = text::parts(&file.text).literals.into_iter();
                texts.filter(|text| all || is_statement(text)).collect()
            }
            () => continue,
        };
        statements += texts.len();
        for text in texts {
            faults.extend(only_own(service, &text).into_iter().map(|fault| format!("{}: {fault}", file.path)));
        }
    }
    ensure!(statements > 30, "only {statements} statements are found");
    none(&faults)
}

/// Statements lie in the repository, where the one who looks for them finds them.
#[test]
fn statements_lie_in_repositories() -> Result<()> {
    let mut faults = Faults::new();
    for file in below("services/", ".rs")? {
        if file.path.contains("/src/") && !file.path.contains("/repository") {
            let shipped = file.text.split("#[cfg(test)]").next().unwrap_or_default();
            let lost =
                text::parts(shipped).literals.into_iter().filter(|text| is_statement(text) && !named(text).is_empty());
            faults.extend(lost.map(|text| format!("{}: \"{text}\" belongs in the repository", file.path)));
        }
    }
    none(&faults)
}

/// People's data is found by its space.
fn begins_with_space(sql: &str) -> Faults {
    let mut faults = Faults::new();
    for table in sql.split("create table ").skip(1) {
        let name = table.split_whitespace().next().unwrap_or_default();
        let words = tokens(table.split(");").next().unwrap_or_default());
        let has_space = words.contains(&"space_id".into());
        let key = words
            .iter()
            .position(|word| word == "primary")
            .map(|at| words[at..].iter().take(4).cloned().collect::<Vec<_>>());
        let by_space = key.as_ref().is_some_and(|key| key.last().is_some_and(|column| column == "space_id"));
        let is_log = name.ends_with("_events");
        if has_space && !by_space && !is_log {
            faults.push(format!("the primary key of {name} does not begin with space_id: {key:?}"));
        }
    }
    faults
}

#[test]
fn keys_begin_with_the_space() -> Result<()> {
    let mut faults = Faults::new();
    for file in below("services/", ".sql")? {
        faults.extend(begins_with_space(&file.text).into_iter().map(|fault| format!("{}: {fault}", file.path)));
    }
    none(&faults)
}

#[test]
fn tables_are_found_in_statements() -> Result<()> {
    for (sql, tables) in [
        ("select * from a_b where c in (select d from e_f)", "a_b e_f"),
        ("select x from a_b as x, c_d y join e_f on x.g = y.h left join i_j using (k)", "a_b c_d e_f i_j"),
        ("insert into a_b (c) values ($1) on conflict (c) do update set d = excluded.d", "a_b"),
        ("with recursive p (id, x) as (select id from a_b), q as (select 1 from p) select * from q join p on 1", "a_b"),
        ("update a_b set c = $1 where d is distinct from e", "a_b"),
        ("delete from a_b where c = 'from d_e'", "a_b"),
        ("create unique index a_by_c on d_e (c) where c = 1 -- from f_g", "a_by_c d_e"),
        ("create table if not exists a_b (c text references d_e (f))", "a_b d_e"),
        ("select value from json_each($1)", ""),
        ("select extract(epoch from c)", "c"),
    ] {
        let found = named(sql).into_iter().collect::<Vec<_>>().join(" ");
        ensure!(found == tables, "\"{found}\" in {sql}");
    }
    let path = below("services/chat/src/repository", ".rs")?;
    let some =
        path.iter().flat_map(|file| text::parts(&file.text).literals).find(|text| text.contains("chat_messages"));
    ensure!(
        !named(&some.context("no statement of chat names its messages")?).is_empty(),
        "no table in a real statement"
    );
    Ok(())
}

#[test]
fn the_rules_fire() {
    fires(
        |sql| only_own("chat", sql),
        &[
            "select * from user_accounts where id = $1",
            "select * from chat_chats join ai_generations on 1",
            "select * from chat_chats c, user_accounts a",
            "insert into ai_events (a) values ($1)",
            "update chats set a = 1",
            "create table messages (a bigint);",
            "create index by_activity on chat_chats (a);",
            "with path as (select 1) select * from paths",
        ],
        &["select c.* from chat_chats c where c.id = $1", "create index chat_by_a on chat_chats (a);"],
    );
    assert!(is_statement("select 1") && is_statement("update a set b = 1") && !is_statement("update the program"));
    fires(
        begins_with_space,
        &[
            "create table a_b (space_id blob not null, id blob not null, primary key (id, space_id));",
            "create table a_b (space_id blob not null, id blob primary key);",
        ],
        &[
            "create table a_b (space_id blob, id blob, primary key (space_id, id));",
            "create table a_w (id blob primary key);",
        ],
    );
}
