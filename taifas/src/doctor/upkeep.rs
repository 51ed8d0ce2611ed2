//! What the doctor says of what should go on by itself: the reading of events, and continuous archiving.

use super::{Findings, LITTLE};
use crate::{backup::State, settings::Settings};
use chrono::{DateTime, TimeDelta, Utc};
use platform::storage;

/// A reader of events that is behind by more than this is not keeping up.
const FAR: i64 = 10_000;
/// In so many minutes an archive that has just begun has a whole copy, unless the database is very large.
const BASED: i64 = 30;

/// Who reads events and how far behind they are: on a stopped instance they go on at the next start.
pub fn readers(found: &mut Findings, lags: &[(String, String, i64)], running: bool) {
    match lags.iter().max_by_key(|(_, _, behind)| behind) {
        Some((reader, topic, behind)) if *behind > FAR && running => found.warning(
            "readers of events",
            format!("{reader} is {behind} events behind in {topic}"),
            "look into the log for what holds it up, and restart Taifas when it does not move",
        ),
        Some((_, _, behind)) => {
            found.good("readers of events", format!("{} readers, the slowest is {behind} events behind", lags.len()));
        }
        None => found.good("readers of events", "nobody has read events yet"),
    }
}

/// Continuous archiving: whether it goes on, and from when its last whole copy is.
pub fn archive(found: &mut Findings, settings: &Settings, running: bool) {
    let Some(folder) = &settings.backup.folder else {
        found.good("archive", "continuous archiving is off; backup.folder turns it on (docs/operating.md)");
        return;
    };
    let shown = folder.display();
    if let Err(error) = settings.backup.check(&settings.data) {
        found.fault("archive", error.message(), "correct the section [backup]");
        return;
    }
    let Some(state) = State::read(&settings.data) else {
        found.warning(
            "archive",
            format!("nothing was ever archived into {shown}"),
            "start Taifas; the log says why not",
        );
        return;
    };
    let seconds = (Utc::now() - state.at).num_seconds();
    let late = i64::try_from(settings.backup.every_seconds * 10).unwrap_or(i64::MAX).max(60);
    let look = format!("look at {shown}: is it there, writable for this user, and has its disk room?");
    match &state.fault {
        Some(fault) => found.fault("archive", format!("changes are not archived: {fault}"), look),
        None if running && seconds > late => {
            found.fault("archive", format!("nothing was archived for {seconds} s"), look);
        }
        None => found.good("archive", format!("{shown} has everything up to {seconds} s ago")),
    }
    let age = |since: DateTime<Utc>| (Utc::now() - since).num_minutes();
    if let Some(fault) = &state.base_fault {
        found.fault(
            "archive",
            format!("no whole copy can be made: {fault}"),
            "give the disk of the data folder room for a second database; without a whole copy what is archived cannot \
             be restored",
        );
    }
    match state.base_at {
        Some(at) if Utc::now() - at < TimeDelta::hours(2 * i64::try_from(settings.backup.base_hours).unwrap_or(1)) => {
            found.good("archive", format!("its last whole copy is {} hours old", (Utc::now() - at).num_hours()));
        }
        Some(at) => found.warning(
            "archive",
            format!("its last whole copy is {} hours old", (Utc::now() - at).num_hours()),
            "the log says why no other was made; a restore is slower, and lost without it",
        ),
        None if state.base_fault.is_none() && state.began_at.is_some_and(|began| age(began) > BASED) => found.fault(
            "archive",
            format!("it began {} minutes ago and holds no whole copy yet", state.began_at.map_or(0, age)),
            "the log says why none was made; until there is one, a restore ends before that beginning",
        ),
        None => found.warning("archive", "it holds no whole copy yet", "wait until the first one is made"),
    }
    if let Ok(disk) = storage::disk(folder)
        && disk.free < LITTLE
    {
        found.warning("archive", format!("{} MiB are left on its disk", disk.free >> 20), "free some space there");
    }
}
