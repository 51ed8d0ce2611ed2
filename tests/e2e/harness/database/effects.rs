//! What follows from messages and answers: each effect once, nothing left to do, nothing held.

use super::Database;
use anyhow::Result;
use proto::{
    Message as _,
    ai::v1::{GenerationFinished, RequestFinished, Usage},
    chat::v1::ReplyFinished,
};

/// Counts that must be zero, and what they count.
const NONE: &[(&str, &str)] = &[
    ("leases are still held", "select count(*) from ai_generations where state = 'open'"),
    ("replies have no end", "select count(*) from chat_messages where state in ('queued', 'streaming')"),
    ("events were put aside", "select count(*) from bus_dead_letters"),
    ("reservations are not settled", "select count(*) from ai_reservations"),
    ("tasks are still somebody's", "select count(*) from tasks_tasks where ended is null and taken <> 0"),
    ("tasks were put aside", "select count(*) from tasks_tasks where ended = 'buried'"),
    (
        "messages answer one that is not in their chat",
        "select count(*) from chat_messages m where parent_id is not null and not exists (
             select 1 from chat_messages p where p.space_id = m.space_id and p.id = m.parent_id and p.chat_id = m.chat_id)",
    ),
    (
        "messages lie in the space of another than their chat",
        "select count(*) from chat_messages m where not exists (
             select 1 from chat_chats c where c.space_id = m.space_id and c.id = m.chat_id)",
    ),
    (
        "events made more than one notice",
        "select count(*) from (select 1 from notification_notices group by space_id, source having count(*) > 1)",
    ),
    (
        "exports were announced more than once",
        "select count(*) from (
             select 1 from chat_events where kind = 'export.ready' group by aggregate_id having count(*) > 1)",
    ),
    (
        "attempts ended more than once",
        "select count(*) from (
             select 1 from ai_events where kind = 'generation.finished' group by aggregate_id, version having count(*) > 1)",
    ),
];

/// How many notices of a person are kept.
const NOTICES: i64 = 500;

impl Database {
    /// Everything that must not be when nothing is left to do.
    pub fn faults(&self) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        for (what, sql) in NONE {
            let count = self.count(sql)?;
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        }
        faults.extend(self.misplaced()?);
        if self.behind()? > 0 {
            faults.push("events were not read by everybody".into());
        }
        let (used, counted) = (self.used()?, self.counted()?);
        if used != counted {
            faults.push(format!("requests, input and output of {used:?} are counted as {counted:?}"));
        }
        let (ended, noticed) = (self.ended_unseen()?, self.noticed_unseen()?);
        if noticed > ended || (noticed < ended && !self.notices_were_trimmed()?) {
            faults.push(format!("{ended} answers ended while nobody looked, with {noticed} notices"));
        }
        Ok(faults)
    }

    /// How many events are behind the places of those who read them.
    pub fn behind(&self) -> Result<i64> {
        let mut statement = self.0.prepare("select topic, position from bus_cursors")?;
        let cursors = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        let mut behind = 0;
        for cursor in cursors {
            let (topic, position) = cursor?;
            let newest = self.count(&format!("select coalesce(max(position), 0) from {}", topic.replace('-', "_")))?;
            behind += (newest - position).max(0);
        }
        Ok(behind)
    }

    /// What ai has said that was used: requests, input, output.
    fn used(&self) -> Result<(i64, i64, i64)> {
        let mut used = (0, 0, 0);
        let mut add = |usage: Option<Usage>| -> Result<()> {
            let usage = usage.unwrap_or_default();
            used = (used.0 + 1, used.1 + i64::try_from(usage.input)?, used.2 + i64::try_from(usage.output)?);
            Ok(())
        };
        for payload in self.payloads("select payload from ai_events where kind = 'generation.finished'")? {
            add(GenerationFinished::decode(payload.as_slice())?.usage)?;
        }
        for payload in self.payloads("select payload from ai_events where kind = 'request.finished'")? {
            add(RequestFinished::decode(payload.as_slice())?.usage)?;
        }
        Ok(used)
    }

    /// What analytics has counted.
    fn counted(&self) -> Result<(i64, i64, i64)> {
        let sql = "select coalesce(sum(requests), 0), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0)
                   from analytics_days";
        Ok(self.0.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
    }

    /// Ends, but for stops, of answers to people who were never seen on a feed: the owner, in these stories.
    fn ended_unseen(&self) -> Result<usize> {
        let sql = "select payload from chat_events where kind = 'reply.finished' and space_id =
                       (select id from user_accounts order by created_at, id limit 1)";
        let mut ended = 0;
        for payload in self.payloads(sql)? {
            ended += usize::from(ReplyFinished::decode(payload.as_slice())?.state != "stopped");
        }
        Ok(ended)
    }

    fn noticed_unseen(&self) -> Result<usize> {
        let sql = "select count(*) from notification_notices where kind = 'reply_finished' and space_id =
                       (select id from user_accounts order by created_at, id limit 1)";
        Ok(usize::try_from(self.count(sql)?)?)
    }

    /// Whether the person has as many notices as are kept: the oldest of them went.
    fn notices_were_trimmed(&self) -> Result<bool> {
        let sql = "select count(*) from notification_notices where space_id =
                       (select id from user_accounts order by created_at, id limit 1)";
        Ok(self.count(sql)? >= NOTICES)
    }

    fn payloads(&self, sql: &str) -> Result<Vec<Vec<u8>>> {
        let mut statement = self.0.prepare(sql)?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}
