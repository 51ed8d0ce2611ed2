//! Hints that break one promise each, and the check that must notice.

use super::{
    CHECKS, Harness,
    embedded::{OPTIONS, memory},
};
use crate::suite::{fails, passes};
use async_trait::async_trait;
use platform::{
    Result,
    hints::{Audience, Heard, Hearing, Hint, Hints, MemoryHints, Options},
    streams::Position,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The control: whatever else fails, fails for its fault.
    None,
    Shuffles,
    LosesVersions,
    TellsAll,
    ForgetsEverybody,
    EverybodyComesLast,
    OneListener,
    TellsWhatWasBefore,
    BeginsAtNow,
    BeginsAtTheFirst,
    PlacesAreOfTheBatch,
    PlaceStandsStill,
    HidesLoss,
    SameEpoch,
    BelievesAnyPlace,
    SaysItTwice,
    LosesDroppedCalls,
    PollsSeldom,
    RefusesAbsent,
}

struct Broken(Fault);

impl Harness for Broken {
    fn open(&self) -> Arc<dyn Hints> {
        let inner = match self.0 {
            Fault::SameEpoch => MemoryHints::new(5, OPTIONS),
            Fault::HidesLoss => MemoryHints::new(5, Options { per_person: 1, for_everybody: 1, ..OPTIONS }),
            _ => memory(),
        };
        Arc::new(BrokenHints { inner, fault: self.0, listened: Mutex::default() })
    }

    fn kept(&self) -> (usize, usize) {
        (OPTIONS.per_person, OPTIONS.per_person)
    }
}

struct BrokenHints {
    inner: MemoryHints,
    fault: Fault,
    listened: Mutex<Vec<Uuid>>,
}

impl BrokenHints {
    fn listened(&self) -> MutexGuard<'_, Vec<Uuid>> {
        self.listened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Hints for BrokenHints {
    async fn publish(&self, audience: Audience, hint: Hint) -> Result<()> {
        let hint = if self.fault == Fault::LosesVersions { Hint { version: 0, ..hint } } else { hint };
        match (self.fault, audience) {
            (Fault::TellsAll, _) => self.inner.publish(Audience::Everybody, hint).await,
            (Fault::ForgetsEverybody, Audience::Everybody) => Ok(()),
            (Fault::RefusesAbsent, Audience::Person(person)) if !self.listened().contains(&person) => {
                Err(platform::Error::not_found("listener"))
            }
            _ => self.inner.publish(audience, hint).await,
        }
    }

    fn subscribe(&self, person: Uuid, from: Option<Position>) -> Box<dyn Hearing> {
        let second = self.listened().contains(&person);
        self.listened().push(person);
        let now = self.inner.subscribe(person, None).position();
        let from = match self.fault {
            Fault::TellsWhatWasBefore => from.or(Some(Position { seq: -1, ..now })),
            Fault::BeginsAtNow => None,
            Fault::BeginsAtTheFirst => from.map(|from| Position { seq: -1, ..from }),
            Fault::BelievesAnyPlace => from.map(|_| now),
            _ => from,
        };
        let person = if self.fault == Fault::OneListener && second { Uuid::from_u128(1) } else { person };
        let inner = self.inner.subscribe(person, from);
        Box::new(BrokenHearing { first: inner.position(), inner, fault: self.fault, said: 0, held: None })
    }
}

struct BrokenHearing {
    inner: Box<dyn Hearing>,
    fault: Fault,
    first: Position,
    said: u32,
    held: Option<Heard>,
}

#[async_trait]
impl Hearing for BrokenHearing {
    async fn next(&mut self) -> Result<Heard> {
        if self.fault == Fault::PollsSeldom {
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        if let Some(held) = self.held.take() {
            return Ok(held);
        }
        loop {
            let mut heard = self.inner.next().await?;
            if self.fault == Fault::LosesDroppedCalls {
                tokio::time::sleep(Duration::from_micros(500)).await;
            }
            match (&mut heard, self.fault) {
                (Heard::Hints(hints), Fault::Shuffles) => hints.reverse(),
                (Heard::Hints(hints), Fault::EverybodyComesLast) => {
                    hints.sort_by_key(|(_, hint)| hint.version % 3 == 0);
                }
                (Heard::Hints(hints), Fault::PlacesAreOfTheBatch) => {
                    let last = hints.last().map_or(self.first, |(place, _)| *place);
                    hints.iter_mut().for_each(|(place, _)| *place = last);
                }
                (Heard::Lost(_), Fault::HidesLoss) => continue,
                (Heard::Lost(at), Fault::SaysItTwice) if self.said == 0 => {
                    self.said += 1;
                    self.held = Some(Heard::Lost(*at));
                }
                _ => {}
            }
            return Ok(heard);
        }
    }

    fn position(&self) -> Position {
        match self.fault {
            Fault::PlaceStandsStill => self.first,
            _ => self.inner.position(),
        }
    }
}

#[tokio::test]
async fn broken_hints_are_noticed() -> anyhow::Result<()> {
    passes::<dyn Harness>(CHECKS, || Ok(Box::new(Broken(Fault::None)))).await?;
    for (fault, check) in [
        (Fault::Shuffles, "who_listens_hears_in_order"),
        (Fault::LosesVersions, "everything_of_a_hint_arrives"),
        (Fault::TellsAll, "others_hear_nothing"),
        (Fault::ForgetsEverybody, "everybody_hears_what_is_for_everybody"),
        (Fault::EverybodyComesLast, "both_are_heard_in_the_order_they_were_told"),
        (Fault::OneListener, "each_listener_of_a_person_hears_all"),
        (Fault::TellsWhatWasBefore, "nothing_of_before_is_heard_without_a_place"),
        (Fault::BeginsAtNow, "coming_back_brings_the_rest"),
        (Fault::BeginsAtTheFirst, "coming_back_brings_the_rest"),
        (Fault::PlacesAreOfTheBatch, "a_place_among_many_told_at_once_brings_the_rest"),
        (Fault::PlaceStandsStill, "a_place_that_waited_brings_the_rest"),
        (Fault::HidesLoss, "who_was_away_too_long_is_told"),
        (Fault::HidesLoss, "who_is_too_slow_is_told"),
        (Fault::SameEpoch, "a_place_of_another_life_is_told"),
        (Fault::BelievesAnyPlace, "a_place_that_never_was_is_told"),
        (Fault::SaysItTwice, "being_told_is_said_once"),
        (Fault::PlaceStandsStill, "positions_grow"),
        (Fault::LosesDroppedCalls, "a_dropped_call_loses_nothing"),
        (Fault::PollsSeldom, "who_waits_is_woken"),
        (Fault::RefusesAbsent, "telling_nobody_is_no_fault"),
    ] {
        fails::<dyn Harness>(CHECKS, check, &Broken(fault)).await?;
    }
    Ok(())
}
