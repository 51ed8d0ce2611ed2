//! Back to a moment: the base before it, the archived changes after the base, and the stored files of then.

use super::{
    Places,
    archive::Manifest,
    mirror,
    restore::{Asked, extract},
    segment::Segment,
    shelf::{self, FILES, Plan},
};
use anyhow::{Context as _, Result, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

/// What was proved on the way.
pub struct Replayed {
    /// Nothing that is there is from after it.
    pub at: DateTime<Utc>,
    pub changes: u64,
    pub files: usize,
}

/// Makes below `target` what there was at the moment that is asked for.
pub fn replay(asked: &Asked, target: &Path, places: &Places) -> Result<(Manifest, Replayed)> {
    let chains = shelf::chains(&asked.from)?;
    let Some(plan) = shelf::plan(&chains, asked.at) else {
        let bases = chains.iter().flat_map(|chain| &chain.bases);
        match bases.map(|base| base.at).min() {
            Some(oldest) => bail!(
                "{} holds nothing from before that moment; the oldest it can go back to is {}",
                asked.from.display(),
                shown(oldest)
            ),
            None => {
                bail!("{} is not a folder of continuous archiving, or holds no whole base yet", asked.from.display())
            }
        }
    };
    if asked.at.is_none()
        && let Some((chain, last)) = shelf::out_of_reach(&chains, Some(&plan))
    {
        bail!(
            "{} has changes until {} but no whole copy of what was before them, so they cannot be restored: the instance \
             was lost before it had made one; --at {} restores what is whole",
            chain.folder.display(),
            shown(last.at),
            shown(plan.last.at)
        );
    }
    let (manifest, plan) = base(plan, target, places, asked)?;
    let database = target.join(&places.database);
    let database = OpenOptions::new().write(true).open(&database)?;
    let mut files = manifest.beside.clone();
    let mut before = None;
    for number in plan.base.from..=plan.last.number {
        let read = step(&plan, number, asked, before.as_deref());
        let segment = read.with_context(|| damaged(&plan, number, asked))?;
        segment.apply(&database).with_context(|| damaged(&plan, number, asked))?;
        files.extend(segment.head.added);
        files.retain(|name, _| !segment.head.removed.contains(name));
        before = Some(segment.sum);
    }
    database.sync_all()?;
    drop(database);
    bring_back(&plan, &files, target, places, asked)?;
    let changes = plan.last.number - plan.base.from + 1;
    Ok((manifest, Replayed { at: plan.last.at, changes, files: files.len() }))
}

/// Brings back a base: the nearest one, or the one before when it is damaged.
fn base<'c>(plan: Plan<'c>, target: &Path, places: &Places, asked: &Asked) -> Result<(Manifest, Plan<'c>)> {
    let error = match extract(&plan.base.path, target, places, asked.keys.as_ref()) {
        Ok(manifest) => return Ok((manifest, plan)),
        Err(error) => error,
    };
    // what came out of it
    fs::remove_dir_all(target)?;
    DirBuilder::new().mode(0o700).create(target)?;
    let Some(before) = plan.with_the_base_before() else {
        bail!("{error:#}; an earlier moment may be whole, try --at with one before {}", shown(plan.base.at));
    };
    writeln!(io::stdout(), "{error:#}. Going on from the whole copy before it.")?;
    base(before, target, places, asked)
}

/// The changes with this number, when they are what must come next.
fn step(plan: &Plan<'_>, number: u64, asked: &Asked, before: Option<&str>) -> Result<Segment> {
    let named = plan.chain.changes.get(&number).context("they are missing")?;
    let segment = Segment::read(&named.path, asked.keys.as_ref())?;
    let head = &segment.head;
    let same = head.at.timestamp_millis() == named.at.timestamp_millis();
    ensure!(head.chain == plan.chain.name && head.number == number && same, "they are not what their name says");
    ensure!(before.is_none_or(|before| before == head.before), "they do not belong behind those before them");
    Ok(segment)
}

/// What to do about changes that cannot be used.
fn damaged(plan: &Plan<'_>, number: u64, asked: &Asked) -> String {
    let good = number.checked_sub(1).filter(|number| *number >= plan.base.valid);
    let reach = good.and_then(|number| plan.chain.changes.get(&number)).map(|changes| shown(changes.at));
    let advice = match reach {
        Some(at) => format!("--at {at} restores what was before them"),
        None => format!("an earlier moment may be whole, try --at with one before {}", shown(plan.base.at)),
    };
    format!("the archived changes {number} in {} cannot be used; {advice}", asked.from.join(&plan.chain.name).display())
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn bring_back(
    plan: &Plan<'_>,
    files: &BTreeMap<String, String>,
    target: &Path,
    places: &Places,
    asked: &Asked,
) -> Result<()> {
    let folder = plan.chain.folder.join(FILES);
    for (name, sum) in files {
        let to = super::restore::place(&format!("{}/{name}", super::OBJECTS), places)?;
        mirror::bring_back(&folder, name, sum, &target.join(to), asked.keys.as_ref())?;
    }
    Ok(())
}
