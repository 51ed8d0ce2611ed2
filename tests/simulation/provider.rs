//! A provider whose answers are known beforehand: the text follows from the reply's id, so whatever
//! becomes of an answer, everybody can tell what should be in it. It is slow, cut off, rude and away as
//! the dice say.

use crate::{dice::Dice, history::History};
use ai::providers::{
    Ask, Continuation, End, EndReason, Fault, FaultKind, GO_ON, Model, Piece, Pieces, Place, Provider, Purpose, Titles,
    Usage,
};
use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::sleep;
use uuid::Uuid;

/// What its models can do after a break.
pub const MODELS: [(&str, Continuation); 3] =
    [("goes-on", Continuation::Prefix), ("asks", Continuation::Asked), ("cannot", Continuation::None)];

/// The whole answer.
pub fn truth(reply: Uuid) -> String {
    let dice = Dice::new(reply.as_u64_pair().0 ^ reply.as_u64_pair().1);
    let words = dice.between(1, 30);
    (0..words).map(|word| format!("{word}·{:x} ", dice.roll() & 0xfff)).collect()
}

pub struct Simulated {
    pub dice: Dice,
    pub history: Arc<History>,
    pub stormy: AtomicBool,
}

#[async_trait]
impl Provider for Simulated {
    fn name(&self) -> &str {
        "simulated"
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        let model = |(id, continuation): (&str, Continuation)| Model {
            id: id.into(),
            name: id.into(),
            description: "Answers what follows from the reply's id.".into(),
            place: Place::Server,
            continuation,
            purpose: Purpose::Chat,
            vision: false,
            window: None,
        };
        Ok(MODELS.map(model).into())
    }

    fn titles(&self, question: &str) -> Titles {
        // some have one, so that the consumer that sets titles works beside the others
        if question.len().is_multiple_of(3) { Titles::Fixed("A title".into()) } else { Titles::None }
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        let dice = self.dice.fork();
        let stormy = self.stormy.load(Ordering::Relaxed);
        let truth = truth(ask.reply);
        let already = match &ask.turns[..] {
            [.., said, asked] if asked.text == GO_ON => said.text.clone(),
            _ => ask.prefix.clone(),
        };
        sleep(Duration::from_millis(if dice.percent(10) { dice.between(200, 3_000) } else { dice.between(1, 80) }))
            .await;
        if stormy && dice.percent(50) {
            let kinds = [FaultKind::Unreachable, FaultKind::Overloaded, FaultKind::RateLimited, FaultKind::RefusedKey];
            let kind = *dice.pick(&kinds).unwrap_or(&FaultKind::Unreachable);
            return Err(Fault::new(kind, "The simulated provider is away."));
        }
        let Some(rest) = truth.strip_prefix(already.as_str()) else {
            self.history.broken(format!("I4: {} is to go on from {already:?}, which it has never said", ask.reply));
            return Err(Fault::new(FaultKind::BadRequest, "That is not what was said."));
        };
        let cut = (stormy && dice.percent(50)) || dice.percent(5);
        let mut pieces: Vec<Result<Piece, Fault>> = Vec::new();
        let mut left: Vec<char> = rest.chars().collect();
        while !left.is_empty() {
            let rest = left.split_off(left.len().min(usize::try_from(dice.between(1, 12)).unwrap_or(1)));
            pieces.push(Ok(Piece::Text(left.into_iter().collect())));
            left = rest;
        }
        let usage = Usage { input: 10, output: rest.len() as u64 };
        pieces.push(Ok(Piece::End(End { reason: EndReason::Stop, usage: Some(usage) })));
        if cut {
            pieces.truncate(usize::try_from(dice.between(0, pieces.len() as u64)).unwrap_or(0));
            if dice.percent(70) {
                pieces.push(Err(Fault::new(FaultKind::Cut, "The simulated provider stopped answering.")));
            }
        }
        let paced = stream::iter(pieces).then(move |piece| {
            let pause = match dice.between(0, 100) {
                0..50 => 0,
                50..95 => dice.between(1, 60),
                _ => dice.between(60, 1_500),
            };
            async move {
                if pause > 0 {
                    sleep(Duration::from_millis(pause)).await;
                }
                piece
            }
        });
        Ok(paced.boxed())
    }
}
