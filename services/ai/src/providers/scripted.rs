//! The scripted provider: answers that are known beforehand, with delays, cuts, errors and silence on demand.
//!
//! It ships in the product, off unless configured, so that tests, demonstrations, load and random kills run the binary that is shipped.
//! A user's message steers it by a line `script: {json}`; see [`Script`].

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use super::{
    Ask, Continuation, End, EndReason, Fault, FaultKind, GO_ON, Model, Piece, Pieces, Place, Provider, Purpose, Role,
    Timeouts, Titles, Turn, Usage,
};

mod named;
mod script;
mod text;

pub use named::Named;
pub use script::{Failure, Script, Style};
pub use text::script_text;

/// The provider's name.
const NAME: &str = "scripted";

/// The provider. `idle` is how long a hanging answer lasts until it is a timeout, as with a real provider.
#[derive(Debug, Clone)]
pub struct Scripted {
    idle: Duration,
}

impl Default for Scripted {
    fn default() -> Self {
        Self::new(Timeouts::default().idle)
    }
}

impl Scripted {
    /// With another patience than a real provider's.
    pub fn new(idle: Duration) -> Self {
        Self { idle }
    }
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &str {
        NAME
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        let model = |(id, continuation, what): (&str, Continuation, &str)| Model {
            id: id.to_owned(),
            name: format!("Scripted: {id}"),
            description: format!("For tests and demonstrations, not a language model. {what}"),
            place: Place::Server,
            continuation,
            purpose: Purpose::Chat,
            vision: false,
            window: None,
        };
        let models = [
            ("continues", Continuation::Prefix, "Goes on from a prefix after a break."),
            ("asks", Continuation::Asked, "Goes on when asked after a break."),
            ("cannot", Continuation::None, "Does not go on after a break."),
        ];
        Ok(models.map(model).into())
    }

    fn titles(&self, question: &str) -> Titles {
        Script::in_text(question).ok().and_then(|script| script.title).map_or(Titles::None, Titles::Fixed)
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        if !matches!(ask.model.as_str(), "continues" | "asks" | "cannot") {
            return Err(Fault::new(
                FaultKind::NotFound,
                "The scripted provider has the models continues, asks and cannot.",
            ));
        }
        if !ask.prefix.is_empty() && ask.model != "continues" {
            return Err(Fault::new(FaultKind::BadRequest, "This scripted model does not go on from a prefix."));
        }
        let (question, partial) = question(&ask.turns);
        let script = Script::in_text(question)?;
        let shown = format!("{partial}{}", ask.prefix);
        let tokens = match script.style {
            Style::Named => Named::first(&script, &ask).rest(script.tokens, &shown).map(VecDeque::from),
            Style::Words | Style::Markdown => rest(script_text(&script), &shown),
        };
        let tokens = tokens.ok_or_else(|| {
            Fault::new(FaultKind::BadRequest, "The text to go on from is not the beginning of the scripted answer.")
        })?;
        let input = ask.turns.iter().map(|turn| turn.text.split_whitespace().count()).sum::<usize>();
        let live = Live { script, attempt: ask.attempt, tokens, sent: 0, input, idle: self.idle, over: false };
        if live.due(live.script.error_after, live.script.error_attempts) {
            return Err(live.script.error.fault());
        }
        // Boxed as a whole: what follows awaits between the pieces.
        let first = Duration::from_millis(live.script.first_delay_ms);
        Ok(stream::once(async move {
            tokio::time::sleep(first).await;
            stream::unfold(live, |mut live| async move { live.next().await.map(|item| (item, live)) })
        })
        .flatten()
        .boxed())
    }
}

/// One answer on its way.
struct Live {
    script: Script,
    attempt: u32,
    tokens: VecDeque<String>,
    /// Tokens of this attempt that went out.
    sent: usize,
    input: usize,
    idle: Duration,
    over: bool,
}

impl Live {
    async fn next(&mut self) -> Option<Result<Piece, Fault>> {
        if self.over {
            return None;
        }
        let item = self.step().await;
        self.over = !matches!(item, Ok(Piece::Text(_)));
        Some(item)
    }

    async fn step(&mut self) -> Result<Piece, Fault> {
        if self.due(self.script.error_after, self.script.error_attempts) {
            return Err(self.script.error.fault());
        }
        if self.due(self.script.cut_after, self.script.cut_attempts) {
            return Err(Fault::new(FaultKind::Cut, "The script cut the answer."));
        }
        if self.due(self.script.hang_after, self.script.hang_attempts) {
            tokio::time::sleep(self.idle).await;
            return Err(Fault::new(FaultKind::Timeout, "The scripted provider fell silent."));
        }
        let Some(token) = self.tokens.pop_front() else {
            let count = |number| u64::try_from(number).unwrap_or(u64::MAX);
            let usage = Usage { input: count(self.input), output: count(self.sent) };
            return Ok(Piece::End(End { reason: EndReason::Stop, usage: Some(usage) }));
        };
        if self.sent > 0 && self.script.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.script.delay_ms)).await;
        }
        self.sent += 1;
        Ok(Piece::Text(token))
    }

    /// Whether a fault planned after so many tokens of this attempt comes now.
    fn due(&self, after: Option<usize>, attempts: u32) -> bool {
        after == Some(self.sent) && self.attempt <= attempts
    }
}

/// The message to answer, and the part of the answer that is there already when the last turn asks to go on.
fn question(turns: &[Turn]) -> (&str, &str) {
    let (turns, partial) = match turns {
        [before @ .., partial, last]
            if last.role == Role::User && last.text == GO_ON && partial.role == Role::Assistant =>
        {
            (before, partial.text.as_str())
        }
        _ => (turns, ""),
    };
    let question = turns.iter().rev().find(|turn| turn.role == Role::User).map_or("", |turn| turn.text.as_str());
    (question, partial)
}

/// What is left of the tokens after the text that was shown, which may end inside a token. `None` if it is no beginning of them.
fn rest(tokens: Vec<String>, mut shown: &str) -> Option<VecDeque<String>> {
    let mut left = VecDeque::with_capacity(tokens.len());
    for token in tokens {
        if let Some(after) = shown.strip_prefix(token.as_str()) {
            shown = after;
        } else {
            left.push_back(token.strip_prefix(shown)?.to_owned());
            shown = "";
        }
    }
    shown.is_empty().then_some(left)
}
