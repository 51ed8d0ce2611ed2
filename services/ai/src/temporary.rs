//! Conversations of which nothing is kept: question and answer pass through, and only how much was used is written down.

use crate::{
    door::{events, next_or_alive, refused},
    ledger::{Tab, Use},
    providers::{Ask, End, EndReason, Fault, FaultKind, Origin, Piece, Pieces, Purpose, Role, Turn, Wishes},
    service::Ai,
    worker::context::{fit, system},
};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use platform::{Error, Result, principal::Person};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Turns one question may carry.
const TURNS: usize = 2_000;

/// A question with the conversation before it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemporaryAsk {
    /// `provider/model`; the default when empty.
    #[serde(default)]
    pub model: String,
    /// Oldest first; the last one is the question.
    pub turns: Vec<TemporaryTurn>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemporaryTurn {
    /// `user` or `assistant`
    pub role: String,
    pub text: String,
}

/// Answers `POST /api/v1/temporary`.
///
/// # Errors
/// What is wrong with the request, who may not make it, and what the provider said before its answer began.
pub async fn answer(ai: &Ai, person: &Person, asked: TemporaryAsk) -> Result<Response> {
    if asked.turns.len() > TURNS {
        return Err(Error::invalid("turns", format!("has more than {TURNS} turns")));
    }
    let turns = asked.turns.into_iter().map(|turn| match turn.role.as_str() {
        "user" => Ok(Turn::new(Role::User, turn.text)),
        "assistant" => Ok(Turn::new(Role::Assistant, turn.text)),
        _ => Err(Error::invalid("turns", "has a role that is neither user nor assistant")),
    });
    let turns = turns.collect::<Result<Vec<_>>>()?;
    if turns.last().is_none_or(|turn| turn.role != Role::User || turn.text.trim().is_empty()) {
        return Err(Error::invalid("turns", "does not end with a question"));
    }
    let found = ai.usable(&asked.model, person, Purpose::Chat).await?;
    let system = system(&ai.config.system_prompt, &*ai.platform.clock, std::iter::empty());
    let fixed = crate::tokens::of_text(&system);
    let too_long =
        || Error::too_large("the message is longer than this model takes; shorten it or choose another model");
    let fitted = fit(turns, 1, fixed, found.window()).ok_or_else(too_long)?;
    let mut turns = fitted.turns;
    if !system.is_empty() {
        turns.insert(0, Turn::new(Role::System, system));
    }
    let id = ai.platform.ids.id();
    let wanted = Use {
        space: person.space(),
        id,
        attempt: 1,
        kind: "temporary",
        key: person.key,
        input: fitted.tokens,
        longest: None,
        base: 0,
    };
    let tab = ai.ledger.begin(wanted, &found).await?;
    let wishes = Wishes { window: found.settings.window(), ..Wishes::default() };
    let origin = Origin::of(person);
    let ask =
        Ask { model: found.model.id.clone(), turns, prefix: String::new(), origin, reply: id, attempt: 1, wishes };
    match found.provider.stream(ask).await {
        Ok(pieces) => {
            let live = Live { pieces, tab: Some(tab), spoke: false };
            Ok(events(stream::unfold(live, |mut live| async move { live.next().await.map(|part| (part, live)) })))
        }
        Err(fault) => {
            tab.close("failed");
            Err(refused(&fault))
        }
    }
}

struct Live {
    pieces: Pieces,
    /// Gone with the end.
    tab: Option<Tab>,
    spoke: bool,
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let tab = self.tab.as_mut()?;
            match next_or_alive(&mut self.pieces).await {
                Err(alive) => return Some(alive),
                Ok(Some(Ok(Piece::Text(text)))) => {
                    let counted = tab.count(&text).await;
                    self.spoke = true;
                    if let Err(error) = counted {
                        return Some(self.done("failed", Some((error.code().name(), error.message()))));
                    }
                    return Some(event("text", &json!({ "text": text })));
                }
                Ok(Some(Ok(Piece::Call(_)))) => {}
                Ok(Some(Ok(Piece::End(End { reason, usage })))) => {
                    tab.said(usage);
                    return Some(match reason {
                        EndReason::Length => self.broken("length", "The model reached the longest answer it may give."),
                        EndReason::Filtered => {
                            self.broken("filtered", "The provider's content filter ended the answer.")
                        }
                        _ => self.done("complete", None),
                    });
                }
                Ok(Some(Err(fault))) => return Some(self.broken(fault.kind.code(), &fault.detail)),
                Ok(None) => {
                    let fault = Fault::new(FaultKind::Cut, "The model stopped answering.");
                    return Some(self.broken(fault.kind.code(), &fault.detail));
                }
            }
        }
    }

    fn broken(&mut self, code: &str, detail: &str) -> Bytes {
        self.done(if self.spoke { "interrupted" } else { "failed" }, Some((code, detail)))
    }

    fn done(&mut self, state: &'static str, reason: Option<(&str, &str)>) -> Bytes {
        if let Some(tab) = self.tab.take() {
            tab.close(state);
        }
        let reason = reason.map(|(code, detail)| json!({"code": code, "detail": detail}));
        event("done", &json!({"state": state, "reason": reason}))
    }
}

fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
