//! The contract of `hints`, for any adapter; [`embedded`] runs it on the one in memory and [`broken`]
//! on adapters that must fail it.

mod broken;
mod embedded;

use crate::suite::{Check, checks};
use anyhow::{Context as _, Result, bail, ensure};
use platform::{
    hints::{Audience, Heard, Hearing, Hint, Hints},
    streams::Position,
};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// Opens an adapter; again is after a restart.
pub trait Harness: Send + Sync {
    fn open(&self) -> Arc<dyn Hints>;
    /// Hints it keeps at least for a person who is not listening, and at most.
    fn kept(&self) -> (usize, usize);
}

const ANA: Uuid = Uuid::from_u128(0xa);
const DAN: Uuid = Uuid::from_u128(0xd);

/// Long enough to see that nothing comes, and for what is told to arrive.
const MOMENT: Duration = Duration::from_millis(50);
const SOON: Duration = Duration::from_secs(1);

pub const CHECKS: &[Check<dyn Harness>] = &checks![
    who_listens_hears_in_order,
    everything_of_a_hint_arrives,
    others_hear_nothing,
    everybody_hears_what_is_for_everybody,
    both_are_heard_in_the_order_they_were_told,
    each_listener_of_a_person_hears_all,
    nothing_of_before_is_heard_without_a_place,
    coming_back_brings_the_rest,
    a_place_among_many_told_at_once_brings_the_rest,
    a_place_that_waited_brings_the_rest,
    who_was_away_too_long_is_told,
    who_is_too_slow_is_told,
    a_place_of_another_life_is_told,
    a_place_that_never_was_is_told,
    being_told_is_said_once,
    positions_grow,
    a_dropped_call_loses_nothing,
    who_waits_is_woken,
    telling_nobody_is_no_fault,
];

fn hint(version: i64) -> Hint {
    Hint { kind: "chat.renamed".into(), id: Uuid::from_u128(9), version }
}

async fn tell(hints: &dyn Hints, person: Uuid, versions: std::ops::Range<i64>) -> Result<()> {
    for version in versions {
        hints.publish(Audience::Person(person), hint(version)).await?;
    }
    Ok(())
}

/// Listens until `count` hints came; their versions.
async fn hear(hearing: &mut dyn Hearing, count: usize) -> Result<Vec<i64>> {
    Ok(placed(hearing, count).await?.into_iter().map(|(_, hint)| hint.version).collect())
}

async fn placed(hearing: &mut dyn Hearing, count: usize) -> Result<Vec<(Position, Hint)>> {
    let mut heard = Vec::new();
    while heard.len() < count {
        match tokio::time::timeout(SOON, hearing.next()).await.context("nothing is heard")?? {
            Heard::Hints(hints) => heard.extend(hints),
            Heard::Lost(at) => bail!("lost at {at:?}, after {heard:?}"),
        }
    }
    Ok(heard)
}

async fn silent(hearing: &mut dyn Hearing) -> Result<()> {
    match tokio::time::timeout(MOMENT, hearing.next()).await {
        Ok(heard) => bail!("{:?} is heard", heard?),
        Err(_) => Ok(()),
    }
}

async fn lost(hearing: &mut dyn Hearing) -> Result<Position> {
    match tokio::time::timeout(SOON, hearing.next()).await.context("it is not told")?? {
        Heard::Lost(at) => Ok(at),
        Heard::Hints(hints) => bail!("{hints:?} is heard"),
    }
}

async fn who_listens_hears_in_order(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    for round in 0..5 {
        tell(&*hints, ANA, round * 3..round * 3 + 3).await?;
        let heard = hear(&mut *hearing, 3).await?;
        ensure!(heard.iter().copied().eq(round * 3..round * 3 + 3), "{heard:?}");
    }
    silent(&mut *hearing).await
}

async fn everything_of_a_hint_arrives(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    let told = [("message.sent", 1, i64::MAX), ("chat.renamed", u128::MAX, 0), ("ș", 3, -1)];
    let told = told.map(|(kind, id, version)| Hint { kind: kind.into(), id: Uuid::from_u128(id), version });
    for hint in &told {
        hints.publish(Audience::Person(ANA), hint.clone()).await?;
    }
    let heard = placed(&mut *hearing, 3).await?;
    ensure!(heard.iter().map(|(_, hint)| hint).eq(&told), "{heard:?}");
    Ok(())
}

async fn others_hear_nothing(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let (mut ana, mut dan) = (hints.subscribe(ANA, None), hints.subscribe(DAN, None));
    tell(&*hints, ANA, 0..3).await?;
    ensure!(hear(&mut *ana, 3).await? == [0, 1, 2]);
    silent(&mut *dan).await?;
    // nor by coming back, with a place of the other's
    let mut again = hints.subscribe(DAN, Some(Position { seq: -1, ..ana.position() }));
    silent(&mut *again).await
}

async fn everybody_hears_what_is_for_everybody(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut listening = [hints.subscribe(ANA, None), hints.subscribe(DAN, None), hints.subscribe(ANA, None)];
    hints.publish(Audience::Everybody, hint(1)).await?;
    for hearing in &mut listening {
        ensure!(hear(&mut **hearing, 1).await? == [1]);
    }
    Ok(())
}

async fn both_are_heard_in_the_order_they_were_told(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    let from = hearing.position();
    for number in 0..20 {
        let audience = if number % 3 == 0 { Audience::Everybody } else { Audience::Person(ANA) };
        hints.publish(audience, hint(number)).await?;
    }
    let mut again = hints.subscribe(ANA, Some(from));
    for hearing in [&mut hearing, &mut again] {
        let heard = hear(&mut **hearing, 20).await?;
        ensure!(heard.iter().copied().eq(0..20), "{heard:?}");
    }
    Ok(())
}

async fn each_listener_of_a_person_hears_all(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut listening = [hints.subscribe(ANA, None), hints.subscribe(ANA, None)];
    tell(&*hints, ANA, 0..10).await?;
    for hearing in &mut listening {
        ensure!(hear(&mut **hearing, 10).await?.iter().copied().eq(0..10));
    }
    Ok(())
}

async fn nothing_of_before_is_heard_without_a_place(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let _listening = hints.subscribe(ANA, None);
    tell(&*hints, ANA, 0..3).await?;
    let mut hearing = hints.subscribe(ANA, None);
    silent(&mut *hearing).await?;
    tell(&*hints, ANA, 3..4).await?;
    ensure!(hear(&mut *hearing, 1).await? == [3]);
    Ok(())
}

async fn coming_back_brings_the_rest(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    tell(&*hints, ANA, 0..3).await?;
    hear(&mut *hearing, 3).await?;
    let from = hearing.position();
    drop(hearing);
    tell(&*hints, DAN, 0..50).await?;
    tell(&*hints, ANA, 3..6).await?;
    let mut back = hints.subscribe(ANA, Some(from));
    ensure!(back.position() == from, "its place is {:?} before it has heard anything", back.position());
    ensure!(hear(&mut *back, 3).await? == [3, 4, 5]);
    silent(&mut *back).await
}

async fn a_place_among_many_told_at_once_brings_the_rest(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let count = i64::try_from(harness.kept().0)?.min(100);
    let mut hearing = hints.subscribe(ANA, None);
    tell(&*hints, ANA, 0..count).await?;
    let heard = placed(&mut *hearing, usize::try_from(count)?).await?;
    for (index, (place, _)) in heard.iter().enumerate().take(heard.len() - 1) {
        let mut back = hints.subscribe(ANA, Some(*place));
        let rest = hear(&mut *back, heard.len() - 1 - index).await?;
        ensure!(rest.iter().copied().eq(i64::try_from(index)? + 1..count), "behind {index}: {rest:?}");
    }
    Ok(())
}

/// A listener whose person is told nothing moves on with what others are told, so that its place
/// does not grow old.
async fn a_place_that_waited_brings_the_rest(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    for _ in 0..harness.kept().1 + 1 {
        hints.publish(Audience::Everybody, hint(0)).await?;
        hear(&mut *hearing, 1).await?;
    }
    tell(&*hints, DAN, 0..5).await?;
    silent(&mut *hearing).await?;
    let from = hearing.position();
    drop(hearing);
    tell(&*hints, ANA, 7..8).await?;
    ensure!(hear(&mut *hints.subscribe(ANA, Some(from)), 1).await? == [7]);
    Ok(())
}

async fn who_was_away_too_long_is_told(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    for audience in [Audience::Person(ANA), Audience::Everybody] {
        let from = hints.subscribe(ANA, None).position();
        for number in 0..=harness.kept().1 {
            hints.publish(audience, hint(i64::try_from(number)?)).await?;
        }
        let mut back = hints.subscribe(ANA, Some(from));
        let at = lost(&mut *back).await?;
        ensure!(at == back.position() && at.seq > from.seq, "it goes on at {at:?}");
        silent(&mut *back).await?;
        hints.publish(audience, hint(77)).await?;
        ensure!(hear(&mut *back, 1).await? == [77]);
    }
    Ok(())
}

async fn who_is_too_slow_is_told(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    tell(&*hints, ANA, 0..i64::try_from(harness.kept().1)? * 3).await?;
    lost(&mut *hearing).await?;
    tell(&*hints, ANA, 77..78).await?;
    ensure!(hear(&mut *hearing, 1).await? == [77]);
    Ok(())
}

async fn a_place_of_another_life_is_told(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    tell(&*hints, ANA, 0..3).await?;
    hear(&mut *hearing, 3).await?;
    let from = hearing.position();
    drop((hearing, hints));
    let hints = harness.open();
    tell(&*hints, ANA, 0..10).await?;
    let mut back = hints.subscribe(ANA, Some(from));
    lost(&mut *back).await?;
    silent(&mut *back).await
}

async fn a_place_that_never_was_is_told(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    tell(&*hints, ANA, 0..3).await?;
    let now = hints.subscribe(ANA, None).position();
    for from in [
        Position { seq: now.seq + 1, ..now },
        Position { seq: i64::MAX, ..now },
        Position { seq: i64::MIN, ..now },
        Position { epoch: now.epoch ^ 1, ..now },
    ] {
        let mut hearing = hints.subscribe(ANA, Some(from));
        let at = lost(&mut *hearing).await.with_context(|| format!("{from:?}"))?;
        ensure!(at == now, "from {from:?} it goes on at {at:?}");
    }
    Ok(())
}

async fn being_told_is_said_once(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, Some(Position { epoch: 1, seq: 1 }));
    let at = lost(&mut *hearing).await?;
    silent(&mut *hearing).await?;
    silent(&mut *hints.subscribe(ANA, Some(at))).await
}

async fn positions_grow(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    let mut last = hearing.position();
    for round in 0..5 {
        tell(&*hints, DAN, 0..2).await?;
        tell(&*hints, ANA, round..round + 2).await?;
        for (place, _) in placed(&mut *hearing, 2).await? {
            ensure!(place.epoch == last.epoch && place.seq > last.seq, "{place:?} behind {last:?}");
            last = place;
        }
        ensure!(hearing.position() == last, "{:?} after {last:?}", hearing.position());
    }
    ensure!(last.epoch < 1 << 53, "an epoch that a JSON number does not hold");
    Ok(())
}

async fn a_dropped_call_loses_nothing(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    let mut hearing = hints.subscribe(ANA, None);
    let telling = tokio::spawn({
        let hints = hints.clone();
        async move {
            for version in 0..40 {
                tell(&*hints, ANA, version..version + 1).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            anyhow::Ok(())
        }
    });
    let mut heard = Vec::new();
    while heard.len() < 40 {
        // dropped again and again while it waits
        if let Ok(next) = tokio::time::timeout(Duration::from_micros(300), hearing.next()).await {
            match next? {
                Heard::Hints(hints) => heard.extend(hints.into_iter().map(|(_, hint)| hint.version)),
                Heard::Lost(at) => bail!("lost at {at:?}"),
            }
        }
        ensure!(
            !telling.is_finished() || heard.len() >= 40 || !is_silent(&mut *hearing, &mut heard).await?,
            "{heard:?}"
        );
    }
    ensure!(heard.iter().copied().eq(0..40), "{heard:?}");
    Ok(())
}

/// Whether nothing more comes; what comes is added.
async fn is_silent(hearing: &mut dyn Hearing, heard: &mut Vec<i64>) -> Result<bool> {
    match tokio::time::timeout(MOMENT, hearing.next()).await {
        Ok(next) => {
            if let Heard::Hints(hints) = next? {
                heard.extend(hints.into_iter().map(|(_, hint)| hint.version));
            }
            Ok(false)
        }
        Err(_) => Ok(true),
    }
}

async fn who_waits_is_woken(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    for audience in [Audience::Person(ANA), Audience::Everybody] {
        let mut hearing = hints.subscribe(ANA, None);
        let waiting = tokio::spawn(async move { hear(&mut *hearing, 1).await });
        tokio::time::sleep(MOMENT).await;
        hints.publish(audience, hint(5)).await?;
        let heard = tokio::time::timeout(MOMENT * 4, waiting).await.context("it sleeps on")???;
        ensure!(heard == [5]);
    }
    Ok(())
}

async fn telling_nobody_is_no_fault(harness: &dyn Harness) -> Result<()> {
    let hints = harness.open();
    for number in 0..2000_u128 {
        hints.publish(Audience::Person(Uuid::from_u128(1000 + number)), hint(1)).await?;
    }
    hints.publish(Audience::Everybody, hint(1)).await?;
    let mut hearing = hints.subscribe(ANA, None);
    tell(&*hints, ANA, 3..4).await?;
    ensure!(hear(&mut *hearing, 1).await? == [3]);
    Ok(())
}
