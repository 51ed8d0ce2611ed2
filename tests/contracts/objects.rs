//! The contract of `objects`, for any adapter; [`embedded`] runs it on files, [`broken`] on adapters
//! that must fail it, and [`crash`] kills the process that writes.

mod broken;
mod crash;
mod embedded;

use crate::suite::{Check, checks};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, future::join_all, stream};
use platform::{
    Code, Error,
    objects::{self, ObjectStore, ObjectStoreExt as _, Path, PutMode, PutOptions},
};
use std::sync::Arc;

/// Opens an adapter, again and again on the same store, whose objects have at most [`LARGEST`] bytes.
pub trait Harness: Send + Sync {
    fn open(&self) -> Result<Arc<dyn ObjectStore>>;
}

pub const LARGEST: u64 = 8 << 20;

pub const CHECKS: &[Check<dyn Harness>] = &checks![
    what_was_written_is_read,
    unknown_is_not_found,
    any_bytes_come_back,
    a_part_is_read,
    it_survives_a_restart,
    paths_are_told_apart,
    the_last_one_counts,
    created_once,
    removed_is_gone,
    a_space_is_erased,
    a_body_that_breaks_off_leaves_nothing,
    a_body_that_breaks_off_leaves_the_former_one,
    nothing_is_seen_before_the_end,
    the_callers_limit_holds,
    the_stores_limit_holds,
    readers_keep_what_they_opened,
];

fn at(name: &str) -> Result<Path> {
    Ok(objects::path("test", &[name])?)
}

fn body<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> impl Stream<Item = platform::Result<Bytes>> + Unpin {
    let pieces: Vec<_> = pieces.into_iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

async fn listed(store: &dyn ObjectStore) -> Result<Vec<String>> {
    let mut names: Vec<_> = store.list(None).map_ok(|object| object.location.to_string()).try_collect().await?;
    names.sort();
    Ok(names)
}

async fn what_was_written_is_read(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let kept = objects::write(&*store, &at("a")?, body([&b"one "[..], b"", b"two"]), 100).await?;
    ensure!(kept.size == 7, "{} bytes", kept.size);
    // the SHA-256 of "one two"
    let digest: String = kept.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(digest == "8ab63e29a4ba14e4e1688f9c15e5af90895421358c945b0431f85d66977bd3d2", "{digest}");
    ensure!(objects::read(&*store, &at("a")?, 7).await? == "one two", "other bytes");
    Ok(())
}

async fn unknown_is_not_found(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let missing = objects::read(&*store, &at("none")?, 100).await;
    ensure!(missing.is_err_and(|error| error.code() == Code::NotFound), "something nobody wrote");
    objects::remove(&*store, &at("none")?).await?;
    Ok(())
}

async fn any_bytes_come_back(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    for size in [0, 1, 1 << 20, (1 << 20) + 1, 3_500_000] {
        let bytes: Vec<u8> = (0..size).map(|n: usize| (n.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0]).collect();
        let pieces = bytes.chunks(70_001);
        let kept = objects::write(&*store, &at("bytes")?, body(pieces), LARGEST).await?;
        ensure!(kept.size == bytes.len() as u64, "{} of {size} bytes", kept.size);
        ensure!(objects::read(&*store, &at("bytes")?, LARGEST).await? == bytes, "{size} bytes changed");
    }
    Ok(())
}

async fn a_part_is_read(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    objects::write(&*store, &at("a")?, body([&b"0123456789"[..]]), 100).await?;
    ensure!(store.get_range(&at("a")?, 3..6).await? == "345", "another part");
    Ok(())
}

async fn it_survives_a_restart(harness: &dyn Harness) -> Result<()> {
    objects::write(&*harness.open()?, &at("a")?, body([&b"kept"[..]]), 100).await?;
    ensure!(objects::read(&*harness.open()?, &at("a")?, 100).await? == "kept", "lost by a restart");
    Ok(())
}

async fn paths_are_told_apart(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let paths = ["a", "A", "a-1", "ab", "b"].map(|name| objects::path("test", &["x", name]));
    for path in &paths {
        let path = path.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        objects::write(&*store, path, body([path.as_ref().as_bytes()]), 100).await?;
    }
    for path in paths {
        let path = path?;
        ensure!(objects::read(&*store, &path, 100).await? == path.as_ref(), "{path} has another's bytes");
    }
    Ok(())
}

async fn the_last_one_counts(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    for text in ["first and longer", "second"] {
        objects::write(&*store, &at("a")?, body([text.as_bytes()]), 100).await?;
        ensure!(objects::read(&*store, &at("a")?, 100).await? == text, "not {text}");
    }
    Ok(())
}

async fn created_once(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let path = at("a")?;
    let create = |n: u8| {
        let (store, path) = (store.clone(), path.clone());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        async move { store.put_opts(&path, vec![n].into(), options).await }
    };
    let made = join_all((0..8).map(create)).await;
    let winners: Vec<_> = (0_u8..).zip(&made).filter(|(_, made)| made.is_ok()).map(|(n, _)| n).collect();
    ensure!(winners.len() == 1, "{} of 8 were the first", winners.len());
    ensure!(objects::read(&*store, &path, 1).await?[..] == winners[..], "another one's bytes");
    Ok(())
}

async fn removed_is_gone(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    for name in ["a", "b"] {
        objects::write(&*store, &at(name)?, body([&b"x"[..]]), 100).await?;
    }
    objects::remove(&*store, &at("a")?).await?;
    ensure!(objects::read(&*store, &at("a")?, 100).await.is_err(), "still there");
    ensure!(listed(&*harness.open()?).await? == ["test/b"], "{:?}", listed(&*store).await?);
    Ok(())
}

async fn a_space_is_erased(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    for (space, name) in [("s1", "a"), ("s1", "b"), ("s10", "a")] {
        objects::write(&*store, &objects::path("test", &[space, name])?, body([&b"x"[..]]), 100).await?;
    }
    ensure!(objects::remove_below(&*store, &at("s1")?).await? == 2, "another number");
    ensure!(listed(&*store).await? == ["test/s10/a"], "{:?}", listed(&*store).await?);
    Ok(())
}

/// Two megabytes and then an error, as from a client that went away.
fn broken_off() -> impl Stream<Item = platform::Result<Bytes>> + Unpin {
    let pieces = (0..2).map(|_| Ok(Bytes::from(vec![7; 1 << 20])));
    stream::iter(pieces.chain([Err(Error::malformed("went away"))]))
}

async fn a_body_that_breaks_off_leaves_nothing(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let refused = objects::write(&*store, &at("a")?, broken_off(), LARGEST).await.err().context("it is kept")?;
    ensure!(refused.message() == "went away", "{refused}");
    ensure!(objects::read(&*store, &at("a")?, LARGEST).await.is_err(), "half a body is there");
    ensure!(listed(&*harness.open()?).await?.is_empty(), "{:?}", listed(&*store).await?);
    Ok(())
}

async fn a_body_that_breaks_off_leaves_the_former_one(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    objects::write(&*store, &at("a")?, body([&b"former"[..]]), 100).await?;
    ensure!(objects::write(&*store, &at("a")?, broken_off(), LARGEST).await.is_err(), "it is kept");
    ensure!(objects::read(&*store, &at("a")?, LARGEST).await? == "former", "the former one is lost");
    Ok(())
}

async fn nothing_is_seen_before_the_end(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let (watching, path) = (store.clone(), at("a")?);
    let looked = path.clone();
    let pieces = stream::unfold(0, move |n| {
        let (watching, looked) = (watching.clone(), looked.clone());
        async move {
            if n == 4 {
                return None;
            }
            match objects::read(&*watching, &looked, LARGEST).await {
                Ok(seen) => Some((Err(Error::internal(format!("{} bytes are seen early", seen.len()))), 4)),
                Err(_) => Some((Ok(Bytes::from(vec![7; 1 << 20])), n + 1)),
            }
        }
    });
    objects::write(&*store, &path, Box::pin(pieces), LARGEST).await?;
    ensure!(objects::read(&*store, &path, LARGEST).await?.len() == 4 << 20, "not whole");
    Ok(())
}

async fn the_callers_limit_holds(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let too_large = |error: Error| error.code() == Code::TooLarge;
    let refused = objects::write(&*store, &at("a")?, body([&b"12345"[..], b"678"]), 7).await;
    ensure!(refused.is_err_and(too_large), "8 bytes of 7 are kept");
    ensure!(listed(&*store).await?.is_empty(), "{:?}", listed(&*store).await?);
    objects::write(&*store, &at("a")?, body([&b"1234567"[..]]), 7).await?;
    ensure!(objects::read(&*store, &at("a")?, 6).await.is_err_and(too_large), "7 bytes of 6 are read");
    Ok(())
}

async fn the_stores_limit_holds(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let piece = vec![1; 1 << 20];
    let refused = objects::write(&*store, &at("a")?, body(vec![&piece[..]; 9]), u64::MAX).await.err();
    let refused = refused.context("more than the largest object is kept")?;
    ensure!(refused.code() == Code::TooLarge && refused.message().contains("at most"), "{refused}");
    let whole = Bytes::from(vec![1; usize::try_from(LARGEST)? + 1]);
    ensure!(store.put(&at("a")?, whole.into()).await.is_err(), "more than the largest object is kept at once");
    ensure!(listed(&*store).await?.is_empty(), "{:?}", listed(&*store).await?);
    Ok(())
}

async fn readers_keep_what_they_opened(harness: &dyn Harness) -> Result<()> {
    let store = harness.open()?;
    let old = vec![1; 2 << 20];
    objects::write(&*store, &at("a")?, body([&old[..]]), LARGEST).await?;
    let mut reading = store.get(&at("a")?).await?.into_stream();
    let first = reading.next().await.context("nothing")??;
    objects::write(&*store, &at("a")?, body([&b"new"[..]]), LARGEST).await?;
    let rest: Vec<Bytes> = reading.try_collect().await?;
    let read: Vec<u8> = [first].into_iter().chain(rest).flatten().collect();
    ensure!(read == old, "a reader sees {} bytes of two writes", read.len());
    Ok(())
}
