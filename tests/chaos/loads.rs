//! Too many and too slow clients, one after the other: part of the long run, and alone with
//! `tools/chaos loads`. What is timed is judged against a control of the same run.

use crate::{
    chaos::{
        far,
        heavy::{self, part},
        storms::{self, Cost, Deaf},
    },
    overload,
    scorecard::{Area, Card},
};
use anyhow::{Result, bail};
use std::time::Duration;

/// The memory that stalled readers may cost the process, and one of them the kernel.
const MEMORY: u64 = 40 << 20;
const KERNEL: u64 = 256 << 10;
/// How soon it is noticed that a peer is gone.
const DEAD: Duration = Duration::from_secs(45);
/// How soon whoever comes back to an answer has more of it.
const BACK: Duration = Duration::from_millis(300);
/// How many times as long anything may take beside a heavy person.
const BESIDE: f64 = 1.1;

/// These alone, or one of them, with the part of the card that is theirs.
pub async fn alone(fault: Option<&str>) -> Result<()> {
    let card = Card::default();
    match fault {
        None => run(&card, 2000).await,
        Some("F41") => too_fast(&card).await,
        Some("F49") => one_heavy(&card).await,
        Some(other) => bail!("F41 or F49 can be tried alone, not {other}"),
    }
    println!("{}", card.table("Too many and too slow clients."));
    card.unbroken()
}

pub async fn run(card: &Card, readers: usize) {
    far_away(card, readers).await;
    too_many(card).await;
}

async fn far_away(card: &Card, readers: usize) {
    let storm = card.tried(Area::Resume, "F40 reconnect storm", storms::reconnects(readers).await);
    card.held(
        Area::Resume,
        format!("F40 {readers} readers cut at once, all back after {storm:?}"),
        storm.is_some_and(|took| took <= Duration::from_secs(30)),
    );
    card.counted(Area::Resume, "readers", readers, 2000);
    let waits = card.tried(Area::Resume, "coming back to an answer", storms::resumes(1000).await).unwrap_or_default();
    let (usual, most) = (part(&waits, 50), part(&waits, 99));
    let said = format!("{} came back to an answer and had more after {usual:?}, {most:?} at p99", waits.len());
    card.held(Area::Resume, said, !waits.is_empty() && most <= BACK);
    let crossed = card.tried(Area::Resume, "F37 bad links", far::links(37, 1500, true).await).unwrap_or_default();
    card.counted(Area::Resume, "F37 readers over bad and silent links", crossed.readers, 14);
    card.counted(Area::Resume, "connections that were cut off on the way", crossed.cut_off, 100);
    let gone = card.tried(Area::Resume, "F37 clients that are gone", far::gone("15").await);
    card.held(
        Area::Resume,
        format!("F37 clients that are gone without a word, let go after {gone:?}"),
        gone.is_some_and(|took| took <= DEAD),
    );
}

async fn too_many(card: &Card) {
    let descriptors = card.tried(Area::Overload, "F45 no descriptors", storms::descriptors().await);
    card.held(Area::Overload, "F45 no descriptors", descriptors.is_some());
    for (deaf, readers) in [(Deaf::Streams, 500), (Deaf::Feeds, 500), (Deaf::Chats, 50)] {
        let name = format!("F42 {readers} stalled readers of {deaf:?}");
        let cost = card.tried(Area::Overload, &name, storms::stalled(readers, deaf).await);
        // A response that is no stream is held whole.
        let limit = |cost: Cost| if deaf == Deaf::Chats { 2 * readers as u64 * cost.size } else { MEMORY };
        card.held(
            Area::Overload,
            format!("{name}: {cost:?}"),
            cost.is_some_and(|cost| cost.process <= limit(cost) && cost.kernel <= KERNEL),
        );
    }
    too_fast(card).await;
    one_heavy(card).await;
}

async fn too_fast(card: &Card) {
    let overload = card.tried(Area::Overload, "F41 overload", overload::overload(Duration::from_secs(15)).await);
    let said = overload.as_ref().map_or_else(|| "not measured".to_owned(), ToString::to_string);
    card.held(Area::Overload, format!("F41 {said}"), overload.is_some_and(|overload| overload.holds()));
}

async fn one_heavy(card: &Card) {
    let beside =
        card.tried(Area::Overload, "F49 one heavy person", heavy::heavy(10_000, 6, Duration::from_secs(4)).await);
    let said = beside.as_ref().map_or_else(|| "not measured".to_owned(), ToString::to_string);
    let ratios = beside.map_or([f64::NAN; 2], |beside| beside.ratios(99));
    card.held(Area::Overload, format!("F49 {ratios:.2?} times: {said}"), ratios.iter().all(|ratio| *ratio <= BESIDE));
}
