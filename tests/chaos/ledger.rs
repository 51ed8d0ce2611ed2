//! What the clients know, and the judgement: each reply against the promises as soon as it has
//! ended, the database against the ledger when the server has stopped.

use super::stories::Log;
use crate::harness::{Client, Database, Draft, Seen, Sending, Server, TERMINAL, Watch, truth};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// Where a reply stood when the program died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was shown: it is answered as if nothing had happened.
    Before,
    /// Some of it may have been shown.
    Within,
    /// The provider had said its end.
    After,
}

/// All that happened on one server.
#[derive(Default)]
pub struct Ledger {
    pub violations: Vec<String>,
    pub kills: usize,
    /// What starts took until they were ready.
    pub starts: Vec<Duration>,
    /// Replies, with how many attempts of each have ended.
    pub ended: Vec<(Uuid, i64)>,
    texts: Vec<String>,
    /// Answers that have ended whole, as they were shown.
    answers: Vec<(Uuid, String)>,
    /// Chats that are gone for ever.
    erased: Vec<Uuid>,
    /// Messages and replies that must be stored, and no others.
    rows: i64,
}

impl Ledger {
    /// With what was found elsewhere.
    pub fn of(violations: impl IntoIterator<Item = String>) -> Self {
        Self { violations: violations.into_iter().collect(), ..Self::default() }
    }

    pub fn broken(&mut self, why: impl Into<String>) {
        self.violations.push(why.into());
    }

    /// A condition of the promises.
    pub fn must(&mut self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.broken(why());
        }
    }

    /// What a story was told.
    pub fn take(&mut self, log: Log) {
        self.violations.extend(log.violations);
        self.ended.extend(log.replies);
        self.texts.extend(log.texts);
        self.answers.extend(log.answers);
        self.erased.extend(log.erased);
        self.rows += log.rows;
    }

    /// After a restart: the acknowledged message is there once and byte for byte, one that was not
    /// acknowledged at most once; sent again with its key it is there once and answered the same.
    pub async fn check_message(
        &mut self,
        client: &Client,
        draft: &Draft,
        acknowledged: Option<&Value>,
    ) -> Result<Option<Sending>> {
        let open = client.get(&format!("/api/v1/chats/{}", draft.chat)).await?;
        ensure!(matches!(open.status, 200 | 404), "the chat answers {}", open.status);
        let there = messages(&open.body, draft);
        match acknowledged {
            Some(_) => self.must(there == 1, || format!("an acknowledged message is there {there} times")),
            None => self.must(there <= 1, || format!("a message is there {there} times")),
        }
        let again = client.send_raw(draft).await?;
        if again.status != 202 {
            self.broken(format!("the same key again is answered {}: {}", again.status, again.text));
            return Ok(None);
        }
        if let Some(before) = acknowledged {
            self.must(again.body == *before, || {
                format!("the same key again is answered differently: {before} / {}", again.text)
            });
        }
        let open = client.open(draft.chat).await?;
        let there = messages(&open, draft);
        self.must(there == 1, || format!("after the same key again the message is there {there} times"));
        let turns = open["messages"].as_array().map_or(0, Vec::len);
        self.must(turns == 2, || format!("one message and one reply are {turns} turns"));
        self.texts.push(draft.text().to_owned());
        self.rows += 2;
        Ok(Some(Sending::read(again.body)?))
    }

    /// The reply's end: what was shown, what is stored and what the provider says are one, or it is
    /// interrupted where the model cannot go on, and a person's Continue completes it.
    pub async fn check_reply(
        &mut self,
        client: &Client,
        draft: &Draft,
        sent: &Sending,
        before: &Seen,
        stage: Stage,
        seen: Seen,
    ) -> Result<()> {
        let model = draft.body["model"].as_str().unwrap_or_default().trim_start_matches("scripted/").to_owned();
        let truth = truth(draft.text(), sent.reply)?;
        let context = format!("{model} {stage:?} {}", sent.reply);
        self.violations.extend(seen.violations.iter().map(|why| format!("{context}: {why}")));
        self.must(seen.text.starts_with(&before.text), || format!("{context}: shown text vanished: {:?}", before.text));
        let state = seen.done.as_ref().map(|done| done["state"].clone()).unwrap_or_default();
        self.check_stored(client, sent, &seen, &state, &context).await?;

        let interrupted =
            state == "interrupted" && model == "cannot" && stage == Stage::Within && !seen.text.is_empty();
        let mut ends = 1;
        if interrupted {
            let reason = seen.done.as_ref().map(|done| done["reason"]["code"].clone()).unwrap_or_default();
            self.must(reason == "restart", || format!("{context}: interrupted because of {reason}"));
            self.must(truth.starts_with(&seen.text), || format!("{context}: the partial differs: {:?}", seen.text));
            let partial = seen.text.chars().count() as u64;
            client.go_on(sent.reply).await?;
            let seen =
                Watch::go_on(client, sent.reply, None, Seen { violations: Vec::new(), ..seen }).done(TERMINAL).await?;
            self.violations.extend(seen.violations.iter().map(|why| format!("{context}, continued: {why}")));
            let state = seen.done.as_ref().map(|done| done["state"].clone()).unwrap_or_default();
            self.must(state == "complete", || format!("{context}: continued, it ends {state}"));
            self.must(seen.text == truth, || format!("{context}: continued, the text differs: {:?}", seen.text));
            self.must(seen.marks == [partial], || {
                format!("{context}: continued at {partial}, marked at {:?}", seen.marks)
            });
            self.check_stored(client, sent, &seen, &state, &context).await?;
            ends = 2;
        } else {
            self.must(state == "complete", || format!("{context}: it ends {state} with {:?}", seen.text));
            self.must(seen.text == truth, || format!("{context}: the text differs: {:?}", seen.text));
            let marked = match stage {
                Stage::Within if model == "asks" => truth.is_marked(&seen.text, &seen.marks),
                _ => seen.marks.is_empty(),
            };
            self.must(marked, || format!("{context}: marks stand at {:?} of {:?}", seen.marks, seen.text));
        }
        self.ended.push((sent.reply, ends));
        Ok(())
    }

    async fn check_stored(
        &mut self,
        client: &Client,
        sent: &Sending,
        seen: &Seen,
        state: &Value,
        context: &str,
    ) -> Result<()> {
        let stored = client.stored(sent.chat, sent.reply).await?;
        self.must(stored["text"] == json!(seen.text), || {
            format!("{context}: shown and stored text differ: {:?} / {}", seen.text, stored["text"])
        });
        self.must(stored["state"] == *state, || {
            format!("{context}: it ends {state} and is stored as {}", stored["state"])
        });
        let marks: Vec<_> =
            stored["marks"].as_array().into_iter().flatten().filter_map(|mark| mark["at"].as_u64()).collect();
        self.must(marks == seen.marks, || format!("{context}: marks at {:?} are stored as {marks:?}", seen.marks));
        Ok(())
    }

    /// Stops the server in order and looks into its database: no lease is left, every end is
    /// accounted once, every message is there once.
    pub async fn close(&mut self, server: &mut Server) -> Result<()> {
        Database::settled(server).await?;
        server.stop().await?;
        let database = Database::open(server)?;
        let journal = std::fs::read_to_string(server.data().join("erased.jsonl")).unwrap_or_default();
        let known = Self {
            ended: std::mem::take(&mut self.ended),
            texts: std::mem::take(&mut self.texts),
            answers: std::mem::take(&mut self.answers),
            erased: std::mem::take(&mut self.erased),
            rows: std::mem::take(&mut self.rows),
            ..Self::default()
        };
        // a large one takes long, and others are timed meanwhile
        self.violations.extend(spawn_blocking(move || known.compared(&database, &journal)).await??);
        self.violations.extend(server.log_faults());
        // but for the first one, which was no start after anything
        self.starts.extend(server.starts.drain(..).skip(1));
        Ok(())
    }

    /// What the database has of all that is known, and has not.
    fn compared(mut self, database: &Database, journal: &str) -> Result<Vec<String>> {
        self.violations.extend(database.faults()?);
        let stored = database.messages()?;
        let rows = self.rows;
        self.must(rows == 0 || rows == stored, || format!("{rows} messages and replies are stored as {stored}"));
        for (reply, ends) in std::mem::take(&mut self.ended) {
            let accounted = database.accounted(reply)?;
            let once = accounted.values().all(|count| *count == 1) && accounted.values().sum::<i64>() == ends;
            self.must(once, || format!("{reply}: {ends} attempts ended, accounted (attempt: times) {accounted:?}"));
            let finishes = database.finishes(reply)?;
            self.must(finishes == ends, || format!("{reply}: {ends} attempts ended, said {finishes} times"));
        }
        for text in std::mem::take(&mut self.texts) {
            let there = database.messages_like(&text)?;
            self.must(there == 1, || format!("a message is stored {there} times"));
        }
        for (reply, text) in std::mem::take(&mut self.answers) {
            let stored = database.text(reply)?;
            self.must(stored.as_ref() == Some(&text), || format!("{reply}: {text:?} was shown, {stored:?} is stored"));
        }
        for chat in std::mem::take(&mut self.erased) {
            self.must(journal.contains(&chat.to_string()), || format!("the erased chat {chat} is not in the journal"));
        }
        Ok(self.violations)
    }

    /// Fails with everything that was found.
    pub fn verdict(&self) -> Result<()> {
        ensure!(self.violations.is_empty(), "{} violations:\n{}", self.violations.len(), self.violations.join("\n"));
        Ok(())
    }
}

/// How often the message is in its chat, byte for byte.
fn messages(open: &Value, draft: &Draft) -> usize {
    let turns = open["messages"].as_array().into_iter().flatten();
    turns.filter(|turn| turn["id"] == json!(draft.id) && turn["text"] == draft.body["text"]).count()
}
