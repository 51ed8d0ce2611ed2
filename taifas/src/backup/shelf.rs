//! The folder of continuous archiving, and what the names in it say. A chain is a folder named by when it
//! began: bases (`base-FROM-VALID-MS.tar.gz`), each a whole database, archived changes
//! (`NUMBER-MS.changes`), and the stored files. A base, all changes from FROM on, and at least those up to
//! VALID make the database as of the last of them.

use super::SEALED;
use anyhow::{Context as _, Result};
use chrono::{DateTime, NaiveDateTime, Utc};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// Where a chain keeps the stored files.
pub const FILES: &str = "objects";
/// The moment in the name of a chain.
const NAMED: &str = "%Y-%m-%dT%H%M%S%3fZ";
/// Held by the instance that archives into the folder.
pub const LOCK: &str = "archive.lock";

/// Everything since some moment, without a gap.
#[derive(Debug)]
pub struct Chain {
    pub name: String,
    pub folder: PathBuf,
    pub bases: Vec<Base>,
    pub changes: BTreeMap<u64, Changes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The first changes that must follow.
    pub from: u64,
    /// The last changes that must follow.
    pub valid: u64,
    pub at: DateTime<Utc>,
    pub path: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    pub number: u64,
    /// Everything from before this moment is in it.
    pub at: DateTime<Utc>,
    pub path: PathBuf,
}

impl Chain {
    /// A chain that begins at `now`.
    pub fn begin(shelf: &Path, now: DateTime<Utc>) -> Self {
        let name = format!("chain-{}", now.format(NAMED));
        Self { folder: shelf.join(&name), name, bases: Vec::new(), changes: BTreeMap::new() }
    }

    /// The moment in its name.
    fn began(&self) -> Option<DateTime<Utc>> {
        let moment = self.name.strip_prefix("chain-")?;
        Some(NaiveDateTime::parse_from_str(moment, NAMED).ok()?.and_utc())
    }

    pub fn open(shelf: &Path, name: &str) -> Result<Self> {
        let folder = shelf.join(name);
        let (mut bases, mut changes) = (Vec::new(), BTreeMap::new());
        for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if let Some(base) = Base::read(name, &path) {
                bases.push(base);
            } else if let Some(one) = Changes::read(name, &path) {
                changes.insert(one.number, one);
            }
        }
        bases.sort_by_key(|base| (base.valid, base.at));
        Ok(Self { name: name.to_owned(), folder, bases, changes })
    }

    pub fn base(&self, from: u64, valid: u64, at: DateTime<Utc>, sealed: bool) -> PathBuf {
        let end = if sealed { SEALED } else { "" };
        self.folder.join(format!("base-{from:010}-{valid:010}-{}.tar.gz{end}", at.timestamp_millis()))
    }

    pub fn changes(&self, number: u64, at: DateTime<Utc>) -> PathBuf {
        self.folder.join(format!("{number:010}-{}.changes", at.timestamp_millis()))
    }
}

impl Base {
    fn read(name: &str, path: &Path) -> Option<Self> {
        let name = name.strip_suffix(SEALED).unwrap_or(name);
        let mut parts = name.strip_prefix("base-")?.strip_suffix(".tar.gz")?.split('-');
        let (from, valid, at) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, moment(parts.next()?)?);
        parts.next().is_none().then(|| Self { from, valid, at, path: path.to_owned() })
    }
}

impl Changes {
    fn read(name: &str, path: &Path) -> Option<Self> {
        let (number, at) = name.strip_suffix(".changes")?.split_once('-')?;
        Some(Self { number: number.parse().ok()?, at: moment(at)?, path: path.to_owned() })
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(text.parse().ok()?)
}

/// Every chain in the folder, the oldest first.
pub fn chains(shelf: &Path) -> Result<Vec<Chain>> {
    let entries = match fs::read_dir(shelf) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("{} cannot be read", shelf.display()))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("chain-") {
            names.push(name);
        }
    }
    names.sort();
    names.iter().map(|name| Chain::open(shelf, name)).collect()
}

/// The latest moment that anything on the shelf says it is from; none when there is nothing.
pub fn latest(shelf: &Path) -> Result<Option<DateTime<Utc>>> {
    let moments = |chain: &Chain| {
        let changes = chain.changes.values().map(|changes| changes.at);
        changes.chain(chain.bases.iter().map(|base| base.at)).chain(chain.began()).max()
    };
    Ok(chains(shelf)?.iter().filter_map(moments).max())
}

/// What a restore to a moment begins with, and the last changes it applies.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'c> {
    pub chain: &'c Chain,
    pub base: &'c Base,
    pub last: &'c Changes,
}

impl Plan<'_> {
    /// The same from another base, which needs more changes.
    pub fn with_the_base_before(self) -> Option<Self> {
        let base = self.chain.bases.iter().rfind(|base| base.valid < self.base.valid)?;
        Some(Self { base, ..self })
    }
}

/// The way to the latest state from before `moment`, or to the latest of all, that needs the fewest changes.
pub fn plan(chains: &[Chain], moment: Option<DateTime<Utc>>) -> Option<Plan<'_>> {
    let mut plans = Vec::new();
    for chain in chains {
        let within = |one: &&Changes| moment.is_none_or(|moment| one.at <= moment);
        let Some(last) = chain.changes.values().rev().find(within) else { continue };
        if let Some(base) = chain.bases.iter().rfind(|base| base.valid <= last.number) {
            plans.push(Plan { chain, base, last });
        }
    }
    match moment {
        // not the one with the latest clock: a clock that ran ahead may have been set back
        None => plans.pop(),
        Some(_) => plans.into_iter().max_by_key(|plan| plan.last.at),
    }
}

/// The last changes behind the plan for the latest state, which no base makes a database of.
pub fn out_of_reach<'c>(chains: &'c [Chain], plan: Option<&Plan<'_>>) -> Option<(&'c Chain, &'c Changes)> {
    let later = chains.iter().filter(|chain| plan.is_none_or(|plan| chain.name > plan.chain.name));
    later.filter_map(|chain| Some((chain, chain.changes.values().next_back()?))).next_back()
}

/// Removes what nobody needs who wants to go back to `horizon` at most.
pub fn forget(shelf: &Path, current: &str, horizon: DateTime<Utc>) -> Result<()> {
    for chain in chains(shelf)? {
        let latest = chain.changes.values().map(|changes| changes.at).max();
        if chain.name != current && latest.is_none_or(|latest| latest < horizon) {
            fs::remove_dir_all(&chain.folder)?;
            continue;
        }
        let Some(oldest) = chain.bases.iter().rfind(|base| base.at <= horizon) else { continue };
        for base in chain.bases.iter().filter(|base| base.valid < oldest.valid) {
            fs::remove_file(&base.path)?;
        }
        for changes in chain.changes.range(..oldest.from).map(|(_, changes)| changes) {
            fs::remove_file(&changes.path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn chain(name: i64, bases: &[(u64, u64, i64)], changes: &[(u64, i64)]) -> Chain {
        let mut chain = Chain::begin(Path::new("shelf"), at(name));
        for (from, valid, moment) in bases {
            let path = chain.base(*from, *valid, at(*moment), false);
            chain.bases.push(Base::read(path.file_name().unwrap().to_str().unwrap(), &path).unwrap());
        }
        for (number, moment) in changes {
            let path = chain.changes(*number, at(*moment));
            let one = Changes::read(path.file_name().unwrap().to_str().unwrap(), &path).unwrap();
            assert_eq!((one.number, one.at), (*number, at(*moment)));
            chain.changes.insert(*number, one);
        }
        chain
    }

    #[test]
    fn a_moment_is_reached_from_the_nearest_base_that_is_whole_by_then() {
        let first =
            chain(0, &[(1, 2, 20), (4, 6, 60)], &[(1, 10), (2, 20), (3, 30), (4, 40), (5, 50), (6, 60), (7, 70)]);
        let second = chain(100, &[(1, 1, 110)], &[(1, 110), (2, 120)]);
        let chains = [first, second];
        let reach =
            |moment| plan(&chains, Some(at(moment))).map(|plan| (plan.base.from, plan.last.number, plan.last.at));
        assert_eq!(reach(15), None);
        assert_eq!(reach(20), Some((1, 2, at(20))));
        // the second base is not whole before its changes 6
        assert_eq!(reach(59), Some((1, 5, at(50))));
        assert_eq!(reach(60), Some((4, 6, at(60))));
        assert_eq!(reach(105), Some((4, 7, at(70))));
        assert_eq!(reach(115), Some((1, 1, at(110))));
        assert_eq!(plan(&chains, None).unwrap().last.at, at(120));
        let before = plan(&chains, Some(at(60))).unwrap().with_the_base_before().unwrap();
        assert_eq!((before.base.from, before.last.number), (1, 6));
        assert!(before.with_the_base_before().is_none());

        // one that began when the clock had been set back is the latest all the same, and one without a base
        // is not passed over
        let [first, second] = chains;
        let chains = [first, second, chain(200, &[(1, 1, 50)], &[(1, 50), (2, 55)]), chain(300, &[], &[(1, 56)])];
        let latest = plan(&chains, None).unwrap();
        assert_eq!((latest.chain.name.as_str(), latest.last.at), (chains[2].name.as_str(), at(55)));
        assert_eq!(out_of_reach(&chains, Some(&latest)).unwrap().1.at, at(56));
        assert!(out_of_reach(&chains[..3], Some(&latest)).is_none());
    }

    #[test]
    fn other_files_are_passed_over() {
        for name in
            ["base-1-2.tar.gz", "base-1-2-3.tar.gz.part", "base-1-2-3-4.tar.gz", "1.changes", "a-1.changes", "x"]
        {
            assert!(
                Base::read(name, Path::new("")).is_none() && Changes::read(name, Path::new("")).is_none(),
                "{name}"
            );
        }
        assert!(Base::read("base-1-2-3.tar.gz.sealed", Path::new("")).is_some());
    }
}
