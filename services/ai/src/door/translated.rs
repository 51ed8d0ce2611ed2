//! Answers of models that speak another protocol.

use super::{Asked, completion_id, document, events, next_or_alive, refused, said};
use crate::{
    catalogue::Found,
    ledger::Tab,
    providers::{Ask, CallPart, End, EndReason, Fault, FaultKind, Piece, Pieces},
};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use platform::{Error, Result};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Asks the model and answers as OpenAI's clients expect it.
///
/// # Errors
/// What the provider said before its answer began; for a whole answer also what it said in it.
pub async fn answer(found: &Found, ask: Ask, asked: &Asked, created: i64, mut tab: Tab) -> Result<Response> {
    let id = ask.reply;
    let frame = said::Frame { id: completion_id(id), created, model: found.id.clone() };
    let pieces = match found.provider.stream(ask).await {
        Ok(pieces) => pieces,
        Err(fault) => {
            tab.close("failed");
            return Err(refused(&fault));
        }
    };
    if asked.streams {
        let live = Live { pieces, frame, tab: Some(tab), ready: VecDeque::new(), counts: asked.counts, over: false };
        return Ok(events(stream::unfold(live, |mut live| async move { live.next().await.map(|part| (part, live)) })));
    }
    match whole(pieces, &mut tab).await {
        Ok((text, calls, end)) => {
            let usage = tab.usage();
            tab.close("complete");
            Ok(document(frame.document(&text, &calls, &end.reason, usage).to_string()))
        }
        Err(error) => {
            tab.close("failed");
            Err(error)
        }
    }
}

async fn whole(mut pieces: Pieces, tab: &mut Tab) -> Result<(String, Vec<Value>, End)> {
    let (mut text, mut calls) = (String::new(), Vec::<CallPart>::new());
    while let Some(piece) = pieces.next().await {
        match piece.map_err(|fault| refused(&fault))? {
            Piece::Text(piece) => {
                tab.count(&piece).await?;
                text.push_str(&piece);
            }
            Piece::Call(part) => {
                tab.count(&part.arguments).await?;
                match calls.iter_mut().find(|call| call.index == part.index) {
                    Some(call) => call.arguments.push_str(&part.arguments),
                    None => calls.push(part),
                }
            }
            Piece::End(end) => {
                tab.said(end.usage);
                let call = |call: CallPart| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments(call.arguments)}});
                return Ok((text, calls.into_iter().map(call).collect(), end));
            }
        }
    }
    Err(refused(&Fault::new(FaultKind::Cut, "The model stopped answering.")))
}

/// Without any it is an empty object, which clients parse.
fn arguments(arguments: String) -> String {
    if arguments.is_empty() { "{}".to_owned() } else { arguments }
}

/// A stream on its way to the client.
struct Live {
    pieces: Pieces,
    frame: said::Frame,
    /// Gone when the end was said; dropped with the stream when the client goes away.
    tab: Option<Tab>,
    ready: VecDeque<Bytes>,
    counts: bool,
    over: bool,
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Some(part);
            }
            if self.over {
                return None;
            }
            match next_or_alive(&mut self.pieces).await {
                Err(alive) => return Some(alive),
                Ok(Some(Ok(piece))) => self.take(piece).await,
                Ok(Some(Err(fault))) => self.fail(&refused(&fault)),
                Ok(None) => self.fail(&refused(&Fault::new(FaultKind::Cut, "The model stopped answering."))),
            }
        }
    }

    async fn take(&mut self, piece: Piece) {
        let Some(tab) = &mut self.tab else { return };
        if tab.is_fresh() {
            self.ready.push_back(self.frame.role());
        }
        let counted = match &piece {
            Piece::Text(text) => {
                self.ready.push_back(self.frame.text(text));
                tab.count(text).await
            }
            Piece::Call(part) => {
                self.ready.push_back(self.frame.call(part));
                tab.count(&part.arguments).await
            }
            Piece::End(end) => {
                tab.said(end.usage);
                let usage = tab.usage();
                self.end(&end.reason);
                if self.counts {
                    self.ready.push_back(self.frame.count(usage));
                }
                self.ready.push_back(said::DONE);
                return;
            }
        };
        if let Err(error) = counted {
            self.fail(&error);
        }
    }

    fn end(&mut self, reason: &EndReason) {
        self.ready.push_back(self.frame.finish(reason));
        self.over = true;
        if let Some(tab) = self.tab.take() {
            tab.close("complete");
        }
    }

    fn fail(&mut self, error: &Error) {
        self.ready.push_back(said::failure(error));
        self.over = true;
        if let Some(tab) = self.tab.take() {
            tab.close("interrupted");
        }
    }
}
