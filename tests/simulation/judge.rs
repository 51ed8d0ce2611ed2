//! The promises, held against the file itself when the history is over.

use crate::{ledger::Ledger, provider::truth, world::World};
use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags, Row};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const TERMINAL: [&str; 4] = ["complete", "stopped", "interrupted", "failed"];

struct Message {
    chat: Uuid,
    parent: Option<Uuid>,
    role: String,
    text: String,
    state: String,
    attempt: u32,
}

/// What is still to be done; nothing once all is at rest.
pub fn unfinished(world: &World) -> Result<Vec<String>> {
    let file = open(world)?;
    let mut left = Vec::new();
    let count = |left: &mut Vec<String>, what: &str, sql: &str| -> Result<()> {
        let count: i64 = file.query_row(sql, [], |row| row.get(0)).with_context(|| sql.to_owned())?;
        if count > 0 {
            left.push(format!("{count} {what}"));
        }
        Ok(())
    };
    count(
        &mut left,
        "replies without an end",
        "select count(*) from chat_messages where state in ('queued', 'streaming')",
    )?;
    count(&mut left, "open leases", "select count(*) from ai_generations where state = 'open'")?;
    count(&mut left, "open reservations", "select count(*) from ai_reservations")?;
    for topic in ["chat", "ai"] {
        let behind = format!(
            "select count(*) from bus_cursors c where topic = '{topic}-events'
             and position < (select coalesce(max(position), 0) from {topic}_events)"
        );
        count(&mut left, "groups that have not read all", &behind)?;
    }
    let reading = world.ledger().reading;
    if reading > 0 {
        left.push(format!("{reading} readers without an end"));
    }
    Ok(left)
}

/// Holds everything that was recorded against what is stored.
pub fn judge(world: &World, settled: bool) -> Result<()> {
    let file = open(world)?;
    let messages = messages(&file)?;
    let ledger = world.ledger();
    sent(world, &ledger, &messages);
    chains(world, &messages);
    let parents = ledger.sent.iter().map(|sent| sent.id).collect::<BTreeSet<_>>();
    for (id, message) in messages.iter().filter(|(_, message)| message.role == "assistant") {
        reply(world, &ledger, *id, message, settled);
        world.history.must(message.parent.is_some_and(|parent| parents.contains(&parent)), || {
            format!("I2: reply {id} answers nothing that was sent")
        });
    }
    accounts(world, &file, &messages, settled)
}

/// I1 and I2.
fn sent(world: &World, ledger: &Ledger, messages: &BTreeMap<Uuid, Message>) {
    let history = &world.history;
    for sent in &ledger.sent {
        let stored = messages.get(&sent.id);
        history.must(sent.answer.is_none() || stored.is_some(), || {
            format!("I1: message {} was acknowledged and is not there", sent.id)
        });
        let Some(stored) = stored else { continue };
        history.must(stored.text == sent.text && stored.chat == sent.chat, || {
            format!("I1: message {} is stored as {:?}", sent.id, stored.text)
        });
        let replies = messages.values().filter(|reply| reply.parent == Some(sent.id)).count();
        history.must(replies > 0, || format!("I2: message {} has no reply", sent.id));
    }
    let known: BTreeSet<_> = ledger.sent.iter().map(|sent| sent.id).collect();
    for (id, _) in messages.iter().filter(|(id, message)| message.role == "user" && !known.contains(id)) {
        history.broken(format!("I2: message {id} was never sent"));
    }
}

/// I6.
fn chains(world: &World, messages: &BTreeMap<Uuid, Message>) {
    for (id, message) in messages {
        let mut seen = BTreeSet::from([*id]);
        let mut at = message;
        while let Some(parent) = at.parent {
            let Some(next) = messages.get(&parent) else {
                world.history.broken(format!("I6: {id} hangs on {parent}, which is not there"));
                break;
            };
            let fits = next.chat == at.chat && next.role != at.role && seen.insert(parent);
            if !fits {
                world.history.broken(format!("I6: {parent} cannot stand before {id}"));
                break;
            }
            at = next;
        }
        world
            .history
            .must(message.role == "user" || message.parent.is_some(), || format!("I6: reply {id} answers nothing"));
    }
}

/// I3 and I4.
fn reply(world: &World, ledger: &Ledger, id: Uuid, stored: &Message, settled: bool) {
    let (history, truth) = (&world.history, truth(id));
    let ended = TERMINAL.contains(&stored.state.as_str());
    history.must(ended || !settled, || format!("I3: reply {id} is still {}", stored.state));
    let fits = if stored.state == "complete" { stored.text == truth } else { truth.starts_with(&stored.text) };
    history.must(fits, || format!("I4: {} reply {id} is stored as {:?}, not {truth:?}", stored.state, stored.text));
    for (text, end) in ledger.texts.get(&id).into_iter().flatten() {
        history.must(truth.starts_with(text), || format!("I4: {text:?} was shown of {id}, not {truth:?}"));
        if !ended {
            continue;
        }
        history.must(stored.text.starts_with(text), || {
            format!("I3: {text:?} was shown of {id}, and {:?} is stored", stored.text)
        });
        history.must(end.as_deref() != Some("complete") || *text == stored.text, || {
            format!("I4: {text:?} was shown of {id} as complete, and {:?} is stored", stored.text)
        });
    }
}

/// I7: one account for each attempt that ended, in every book.
fn accounts(world: &World, file: &Connection, messages: &BTreeMap<Uuid, Message>, settled: bool) -> Result<()> {
    let history = &world.history;
    let twice = |what: &str, sql: &str| -> Result<()> {
        for row in rows(file, sql, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?
        {
            history.broken(format!(
                "I7: {what} of {} attempt {} is there {} times",
                Uuid::from_slice(&row.0)?,
                row.1,
                row.2
            ));
        }
        Ok(())
    };
    twice(
        "the account",
        "select aggregate_id, version, count(*) from ai_events where kind = 'generation.finished'
         group by aggregate_id, version having count(*) > 1",
    )?;
    let finished =
        rows(file, "select payload from chat_events where kind = 'reply.finished'", |row| row.get::<_, Vec<u8>>(0))?;
    let mut ends = BTreeMap::<(Vec<u8>, u32), usize>::new();
    for payload in finished {
        use proto::Message as _;
        let event = proto::chat::v1::ReplyFinished::decode(payload.as_slice())?;
        *ends.entry((event.reply, event.attempt)).or_default() += 1;
    }
    for ((reply, attempt), times) in ends.iter().filter(|(_, times)| **times > 1) {
        history.broken(format!("I7: the end of {} attempt {attempt} is said {times} times", Uuid::from_slice(reply)?));
    }
    let buried: i64 = file.query_row("select count(*) from bus_dead_letters", [], |row| row.get(0))?;
    history.must(buried == 0, || format!("I7: {buried} events were put aside"));
    if !settled {
        return Ok(());
    }
    for (id, message) in messages.iter().filter(|(_, message)| message.role == "assistant") {
        let key = (id.as_bytes().to_vec(), message.attempt);
        history.must(
            ends.contains_key(&key) || !TERMINAL.contains(&message.state.as_str()) || message.attempt > 1,
            || format!("I7: the end of {id} is never said"),
        );
    }
    // what ai has settled, analytics has counted: the same tokens
    let mut tokens = 0;
    let mut accounted = BTreeMap::<Vec<u8>, usize>::new();
    for payload in
        rows(file, "select payload from ai_events where kind = 'generation.finished'", |row| row.get::<_, Vec<u8>>(0))?
    {
        use proto::Message as _;
        let event = proto::ai::v1::GenerationFinished::decode(payload.as_slice())?;
        tokens += event.usage.map_or(0, |usage| usage.input + usage.output);
        *accounted.entry(event.reply).or_default() += 1;
    }
    for id in messages.keys() {
        let said: usize = ends.iter().filter(|((reply, _), _)| reply == id.as_bytes()).map(|(_, times)| times).sum();
        let accounted = accounted.get(id.as_bytes().as_slice()).copied().unwrap_or_default();
        history.must(said == accounted, || format!("I7: {id} has ended {said} times and has {accounted} accounts"));
    }
    let counted: i64 =
        file.query_row("select coalesce(sum(input_tokens + output_tokens), 0) from analytics_days", [], |row| {
            row.get(0)
        })?;
    history
        .must(u64::try_from(counted) == Ok(tokens), || format!("I7: {tokens} tokens were used, {counted} are counted"));
    Ok(())
}

fn messages(file: &Connection) -> Result<BTreeMap<Uuid, Message>> {
    let sql = "select id, chat_id, parent_id, role, text, state, attempt from chat_messages";
    let found = rows(file, sql, |row| {
        let message = Message {
            chat: id(row, 1)?.unwrap_or_default(),
            parent: id(row, 2)?,
            role: row.get(3)?,
            text: row.get(4)?,
            state: row.get(5)?,
            attempt: row.get(6)?,
        };
        Ok((id(row, 0)?.unwrap_or_default(), message))
    })?;
    Ok(found.into_iter().collect())
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    let bytes: Option<Vec<u8>> = row.get(column)?;
    Ok(bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok()))
}

fn rows<T>(file: &Connection, sql: &str, read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
    let mut statement = file.prepare(sql).with_context(|| sql.to_owned())?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<Vec<T>>>()?)
}

fn open(world: &World) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(world.site.file(), flags)?)
}
