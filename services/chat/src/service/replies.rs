//! The life of a reply: who may read it, its attempts, its end. The attempt number is the fence:
//! only the current attempt may end a reply.

use super::Chats;
use crate::{
    domain::{Indexed, Mark, Message, Reason, Reply, State},
    events,
    repository::{
        chats, files, messages, projects,
        search::{self, Document},
    },
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Tx,
    failpoint,
    principal::{Permission, Person},
};
use std::sync::Arc;
use uuid::Uuid;

/// The text of the turns that a worker is given, in bytes: more than the largest models take, and little
/// enough to be read and passed on in a moment.
const TOLD: i64 = 8 << 20;

/// What a worker needs to answer, or the end it finds.
pub enum Context {
    /// `left_out` turns come before those.
    Going {
        reply: Reply,
        turns: Vec<Message>,
        left_out: u32,
        system: Vec<Part>,
    },
    Settled(Reply),
}

/// What the model is told before the turns.
pub struct Part {
    pub kind: &'static str,
    pub text: String,
}

/// The end of an attempt.
pub struct End {
    pub space: Uuid,
    pub reply: Uuid,
    pub attempt: u32,
    pub state: State,
    pub reason: Option<Reason>,
    pub text: String,
    pub next_seq: i64,
    pub marks: Vec<Mark>,
}

impl Chats {
    /// Asks a reply to stop. One that ended already answers as it ended.
    pub async fn stop(&self, person: &Person, id: Uuid) -> Result<Message> {
        let (space, now) = (person.space(), self.platform.clock.now());
        // Words that were shown are stored by whoever streams them; only a reply without any ends here.
        let has_begun = self.platform.streams.read(id, None).next().now_or_never().is_some();
        let (message, was_running) = self
            .write(space, move |tx| {
                async move {
                    let mut reply = found(tx, space, id).await?;
                    let was_running = !reply.message.state.is_terminal();
                    stop(tx, space, &mut reply, has_begun, now).await?;
                    Ok((reply.message, was_running))
                }
                .boxed()
            })
            .await?;
        // The wish is stored; whoever produces the answer only has to hear of it soon.
        if was_running {
            self.platform.streams.nudge(id).await?;
        }
        Ok(message)
    }

    /// Asks for another attempt of a reply that ended early. Its text is kept and gone on with.
    pub async fn go_on(&self, person: &Person, id: Uuid, model: Option<&str>) -> Result<Message> {
        person.require(Permission::ModelsUse)?;
        let (space, actor, now) = (person.space(), person.user, self.platform.clock.now());
        let model = match model {
            Some(id) => Some(self.resolve_model(person, id).await?),
            None => None,
        };
        self.write(space, move |tx| {
            let model = model.clone();
            async move {
                let mut reply = found(tx, space, id).await?;
                if !reply.message.state.is_terminal() && reply.continued {
                    return Ok(reply.message);
                }
                if !reply.message.state.may_continue() {
                    return Err(Error::conflict(
                        "this answer is complete or still being written; there is nothing to go on with",
                    ));
                }
                let chat =
                    chats::find(tx, space, reply.message.chat_id).await?.ok_or_else(|| Error::not_found("chat"))?;
                if chats::leaf(tx, space, chat.id).await? != Some(id) {
                    return Err(Error::conflict("newer messages follow this answer; go on from the last one"));
                }
                let message = &mut reply.message;
                let ended = std::mem::replace(&mut message.state, State::Queued);
                message.attempt += 1;
                message.reason = None;
                message.finished_at = None;
                message.model = model.or(message.model.take());
                reply.stop_asked = false;
                reply.continued = true;
                messages::update(tx, space, &reply).await?;
                chats::touch(tx, space, chat.id, now).await?;
                let event =
                    events::reply_asked(space, actor, "reply.continued", chat.version, &reply.message, Some(ended));
                events::TOPIC.append(tx, event, now).await?;
                Ok(reply.message)
            }
            .boxed()
        })
        .await
    }

    /// May this person read the reply, and where does it stand?
    pub async fn follow(&self, person: &Person, id: Uuid) -> Result<Reply> {
        let space = person.space();
        self.platform.db.read(space, move |tx| async move { found(tx, space, id).await }.boxed()).await
    }

    /// The turns `attempt` has to answer, if it wants them. An attempt beyond the current one is registered
    /// first, which fences off all earlier ones.
    pub async fn context(&self, space: Uuid, id: Uuid, attempt: u32, with_turns: bool) -> Result<Context> {
        let (mut reply, mut turns, left_out, system) = self
            .platform
            .db
            .read(space, move |tx| {
                async move {
                    let reply = found(tx, space, id).await?;
                    if !with_turns {
                        return Ok((reply, Vec::new(), 0, Vec::new()));
                    }
                    let (mut turns, left_out) = told(tx, space, reply.message.parent_id.unwrap_or_default()).await?;
                    files::fill(tx, space, reply.message.chat_id, &mut turns).await?;
                    let system = system(tx, space, &reply).await?;
                    Ok((reply, turns, left_out, system))
                }
                .boxed()
            })
            .await?;
        if attempt > reply.message.attempt {
            reply = self.write(space, move |tx| async move { register(tx, space, id, attempt).await }.boxed()).await?;
        }
        if reply.message.state.is_terminal() {
            return Ok(Context::Settled(reply));
        }
        if attempt < reply.message.attempt {
            return Err(superseded());
        }
        // who does not want the turns only looks, and may be waiting for a place
        if with_turns && reply.message.state == State::Queued {
            // Not waited for: it only lets lists say "streaming", and the question is answered sooner.
            let db = self.platform.db.clone();
            self.platform.background.spawn(async move {
                failpoint::pause("mark-streaming").await;
                let marked = db
                    .write(space, move |tx| {
                        async move { messages::mark_streaming(tx, space, id, attempt).await }.boxed()
                    })
                    .await;
                if let Err(error) = marked {
                    tracing::debug!(%error, "a reply was not marked as streaming");
                }
            });
        }
        turns.retain(|turn| !turn.text.is_empty() || !turn.attachments.is_empty());
        Ok(Context::Going { reply, turns, left_out, system })
    }

    /// Stores the end of a reply. The same end again gets the same answer; a stale attempt is refused.
    pub async fn finish(&self, end: End) -> Result<Reply> {
        let (space, now) = (end.space, self.platform.clock.now());
        let end = Arc::new((Indexed::new(space, &end.text), end));
        let reply = self
            .write(space, move |tx| {
                let end = end.clone();
                async move { finish(tx, &end.1, &end.0, now).await }.boxed()
            })
            .await?;
        failpoint::hit("A7");
        Ok(reply)
    }
}

pub(super) async fn found(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<Reply> {
    messages::reply(tx, space, id).await?.ok_or_else(|| Error::not_found("reply"))
}

/// The newest turns up to `question`, and how many come before them. Where some do, what is left begins with a
/// message of the person.
async fn told(tx: &mut Tx<'_>, space: Uuid, question: Uuid) -> Result<(Vec<Message>, u32)> {
    let mut turns = messages::newest(tx, space, question, TOLD).await?;
    if turns.first().is_none_or(|first| first.parent_id.is_none()) {
        return Ok((turns, 0));
    }
    let begin = turns.iter().position(|turn| turn.role == "user").unwrap_or(0);
    turns.drain(..begin);
    let left_out = messages::before(tx, space, turns[0].id).await?;
    Ok((turns, left_out))
}

/// What the person wants the model to know, from the general to the particular.
async fn system(tx: &mut Tx<'_>, space: Uuid, reply: &Reply) -> Result<Vec<Part>> {
    let project = projects::instructions(tx, space, reply.message.chat_id).await?;
    let own = chats::instructions(tx, space, reply.message.chat_id).await?;
    let parts = [("instructions", own), ("project", project), ("regenerate", reply.instruction.clone())];
    let said = parts.into_iter().filter_map(|(kind, text)| Some(Part { kind, text: text? }));
    Ok(said.filter(|part| !part.text.trim().is_empty()).collect())
}

fn superseded() -> Error {
    Error::stale("a later attempt of this reply has begun")
}

/// Within a transaction: a reply that has not begun ends at once, one that streams when its worker
/// sees the flag.
pub(super) async fn stop(
    tx: &mut Tx<'_>,
    space: Uuid,
    reply: &mut Reply,
    has_begun: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    match reply.message.state {
        State::Queued if !has_begun => {
            reply.stop_asked = true;
            reply.message.state = State::Stopped;
            reply.message.finished_at = Some(now);
            messages::update(tx, space, reply).await?;
            events::TOPIC.append(tx, events::reply_finished(space, &reply.message), now).await
        }
        State::Queued | State::Streaming => {
            reply.stop_asked = true;
            messages::update(tx, space, reply).await
        }
        _ => Ok(()),
    }
}

/// Within a transaction: asks whatever is being written in a chat to stop. Answers which replies;
/// nudge them once it is durable.
pub(super) async fn stop_all(tx: &mut Tx<'_>, space: Uuid, chat: Uuid, now: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let mut stopped = Vec::new();
    for mut reply in messages::running(tx, space, chat).await? {
        stop(tx, space, &mut reply, true, now).await?;
        stopped.push(reply.message.id);
    }
    Ok(stopped)
}

async fn register(tx: &mut Tx<'_>, space: Uuid, id: Uuid, attempt: u32) -> Result<Reply> {
    let mut reply = found(tx, space, id).await?;
    if attempt > reply.message.attempt {
        // Also of a reply that has ended: the next attempt's number must lie above every one given out.
        reply.message.attempt = attempt;
        if !reply.message.state.is_terminal() {
            reply.message.state = State::Streaming;
        }
        messages::update(tx, space, &reply).await?;
    }
    Ok(reply)
}

async fn finish(tx: &mut Tx<'_>, end: &End, words: &Indexed, now: DateTime<Utc>) -> Result<Reply> {
    let mut reply = found(tx, end.space, end.reply).await?;
    if end.attempt < reply.message.attempt && !failpoint::mutant("no-fence") {
        return Err(superseded());
    }
    let message = &mut reply.message;
    if message.state.is_terminal() {
        // A stop ended the reply while it was still queued, and its first words came in between: what
        // was shown is stored all the same.
        if message.state == State::Stopped && end.text.len() > message.text.len() && end.text.starts_with(&message.text)
        {
            message.text.clone_from(&end.text);
            message.marks.clone_from(&end.marks);
            reply.next_seq = end.next_seq;
            messages::update(tx, end.space, &reply).await?;
            index(tx, end.space, &reply.message, words).await?;
        }
        return Ok(reply);
    }
    message.attempt = end.attempt;
    message.state = if reply.stop_asked { State::Stopped } else { end.state };
    message.reason = end.reason.clone().filter(|_| message.state != State::Stopped);
    message.text.clone_from(&end.text);
    message.marks.clone_from(&end.marks);
    message.finished_at = Some(now);
    reply.next_seq = end.next_seq;
    messages::update(tx, end.space, &reply).await?;
    index(tx, end.space, &reply.message, words).await?;
    let unread = (reply.message.state != State::Stopped).then_some(reply.message.id);
    chats::finished(tx, end.space, reply.message.chat_id, unread, now).await?;
    events::TOPIC.append(tx, events::reply_finished(end.space, &reply.message), now).await?;
    Ok(reply)
}

async fn index(tx: &mut Tx<'_>, space: Uuid, reply: &Message, words: &Indexed) -> Result<()> {
    if reply.text.is_empty() {
        return Ok(());
    }
    search::put(tx, space, reply.chat_id, Document::Message(reply.id), reply.created_at, words).await
}
