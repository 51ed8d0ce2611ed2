//! How the database finds what a statement asks for. No statement reads through a whole table unless
//! it is named here with its reason, and what people wait for is found and ordered by an index.

use crate::{Faults, fires, none, repository::below, text};
use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Tables that may be read through, and why that costs next to nothing or is rare.
const READ_THROUGH: &[(&str, &str)] = &[
    ("ai_days", "the sweep of a day, once"),
    ("ai_events", "the end of an account"),
    ("ai_generations", "those that are open, which an index holds"),
    ("ai_models", "there are as many as an instance has models"),
    ("ai_person_limits", "there are as many as people with limits of their own"),
    ("ai_providers", "there are a few"),
    ("ai_reservations", "there are as many as requests under way"),
    ("ai_workers", "there is one a process"),
    ("analytics_gone", "the sweep of an hour"),
    ("auth_invitations", "there are as many as administrators have made lately"),
    ("auth_roles", "there are a few"),
    ("chat_events", "the end of an account"),
    ("chat_gone", "the sweep of an hour"),
    ("chat_imports", "the sweep of an hour"),
    ("chat_search_backlog", "the next few of it, in its own order"),
    ("notification_events", "the end of an account"),
    ("notification_gone", "the sweep of an hour"),
    ("session_sessions", "the sweep of an hour"),
    ("user_accounts", "administrators look for a part of a name, a page at a time"),
];

/// What people wait for: a part of each statement, and whether it sorts what no index has in order.
const WAITED_FOR: &[(&str, bool)] = &[
    ("from session_sessions where space_id = $1 and token_hash = $2", false),
    ("from user_accounts where space_id = $1 and id = $1", false),
    ("from user_accounts where email_key = $1", false),
    ("from user_instructions where space_id = $1", false),
    ("pinned = 0 and project_id is null and (updated_at, id) < ($2, $3)", false),
    ("pinned = 1 and (updated_at, id) < ($2, $3)", false),
    ("archived = 1 and (updated_at, id) < ($2, $3)", false),
    ("(deleted_at, id) < ($2, $3)", false),
    ("and project_id is not null and deleted_at is null and archived = 0 and (updated_at", false),
    ("from chat_chats where space_id = $1 and id = $2 and deleted_at is null", false),
    // the path to the leaf, turned round
    ("select m.* from path cross join chat_messages m", true),
    ("parent_id in (select parent_id from path)", false),
    ("from chat_attachments a join chat_files f", false),
    ("from chat_drafts where space_id = $1 and key = $2", false),
    ("from chat_sends where space_id = $1 and key = $2", false),
    // the best first
    ("from chat_search s cross join", true),
    ("from notification_notices where space_id = $1 and id < $2", false),
];

struct Plans {
    database: Connection,
    tables: BTreeSet<String>,
}

impl Plans {
    /// An empty database with the tables of all services.
    fn new() -> Result<Self> {
        let database = Connection::open_in_memory()?;
        for migration in below("services/", ".sql")? {
            database.execute_batch(&migration.text).with_context(|| migration.path)?;
        }
        let mut names = database.prepare("select name from sqlite_master where type = 'table'")?;
        let tables = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        drop(names);
        Ok(Self { database, tables })
    }

    /// The steps by which a statement is carried out.
    fn of(&self, sql: &str) -> Result<Vec<String>> {
        let mut statement =
            self.database.prepare(&format!("explain query plan {sql}")).with_context(|| sql.to_owned())?;
        let (mut rows, mut steps) = (statement.raw_query(), Vec::new());
        while let Some(row) = rows.next()? {
            steps.push(row.get("detail")?);
        }
        Ok(steps)
    }

    /// The table that a statement calls `name`.
    fn table<'t>(&'t self, sql: &str, name: &str) -> Option<&'t str> {
        let words: Vec<&str> =
            sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
        let named = words.windows(2).find(|pair| pair[1] == name && self.tables.contains(pair[0]));
        self.tables.get(named.map_or(name, |pair| pair[0])).map(String::as_str)
    }

    fn faults(&self, sql: &str) -> Result<Faults> {
        let mut faults = Faults::new();
        for step in self.of(sql)? {
            let read_through = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
            let table = read_through.and_then(|name| self.table(sql, name));
            let by_index = step.contains("VIRTUAL TABLE INDEX") && !step.ends_with(':');
            if table.is_some_and(|table| !by_index && READ_THROUGH.iter().all(|(known, _)| *known != table)) {
                faults.push(format!("it reads through a table ({step}): {sql}"));
            }
            if step.contains("AUTOMATIC") {
                faults.push(format!("it makes an index of its own each time ({step}): {sql}"));
            }
            let waited_for = WAITED_FOR.iter().find(|(part, _)| sql.contains(part));
            if step.contains("TEMP B-TREE") && waited_for.is_some_and(|(_, sorts)| !sorts) {
                faults.push(format!("people wait while it sorts ({step}): {sql}"));
            }
        }
        Ok(faults)
    }
}

/// Every statement of the repositories, in one line each, by its file.
fn statements() -> Result<BTreeMap<String, Vec<String>>> {
    let mut statements: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in below("services/", ".rs")? {
        if !file.path.contains("/src/repository") {
            continue;
        }
        let literals = text::parts(&file.text).literals;
        let mut literals: Vec<String> =
            literals.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        // a `select!` that writes the columns: its first text goes before those that begin with `where`
        if file.text.contains("macro_rules! select") {
            let columns =
                literals.iter().position(|text| text.starts_with("select")).context("a select without columns")?;
            let columns = literals.remove(columns);
            for text in literals.iter_mut().filter(|text| text.starts_with("where")) {
                *text = format!("{columns} {text}");
            }
        }
        let verbs = ["select ", "with ", "update ", "delete ", "insert "];
        literals.retain(|text| verbs.iter().any(|verb| text.starts_with(verb)));
        statements.entry(file.path).or_default().append(&mut literals);
    }
    Ok(statements)
}

#[test]
fn everything_is_found_by_an_index() -> Result<()> {
    let (plans, statements) = (Plans::new()?, statements()?);
    let mut faults = Faults::new();
    for (path, statements) in &statements {
        for sql in statements {
            faults.extend(plans.faults(sql)?.into_iter().map(|fault| format!("{path}: {fault}")));
        }
    }
    let all: Vec<&String> = statements.values().flatten().collect();
    ensure!(all.len() > 150, "only {} statements are found", all.len());
    for (part, _) in WAITED_FOR {
        ensure!(all.iter().any(|sql| sql.contains(part)), "no statement has \"{part}\" any more");
    }
    none(&faults)
}

#[test]
fn the_rules_fire() -> Result<()> {
    let plans = Plans::new()?;
    let rule = |sql: &str| plans.faults(sql).unwrap_or_else(|error| vec![format!("{error:#}")]);
    fires(
        rule,
        &[
            "select * from chat_messages where text = $1",
            "select m.text from chat_messages m where m.text = $1",
            "select rowid from chat_search",
            "select * from chat_chats where space_id = $1 and pinned = 1 and (updated_at, id) < ($2, $3) order by title",
            "select * from no_such_table",
        ],
        &[
            "select * from chat_messages where space_id = $1 and id = $2",
            "select rowid from chat_search where chat_search match $1",
            "delete from chat_search where rowid = $1",
        ],
    );
    Ok(())
}
