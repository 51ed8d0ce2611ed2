//! What a disk holds when the power goes: what was synced, and of the rest some.
//!
//! The model is that of a journaling file system, and no harsher: each sector of a file is, by itself, as
//! it was at some moment since the file was last synced; so is its length, and what lies between is zeros.
//! The names of a folder are as they were at one moment since it was last synced, a rename is whole or not
//! there, and syncing a file or a folder also keeps how it got its name (as ext4 and XFS do; POSIX would
//! want the folder above synced). A sync that failed has lost what it should have written: the file still
//! reads as before, and no later sync writes it again (as Linux does since 4.13).

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    time::SystemTime,
};

pub const ROOT: u64 = 1;
const SECTOR: usize = 512;

/// The same chance from the same seed: SplitMix64 (Steele, Lea, Flood 2014).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no such thing, or it was there before the power went.
    Gone,
    Exists,
    NotEmpty,
    IsFolder,
    NotFolder,
    /// It was asked for.
    Broken,
}

type Outcome<T> = Result<T, Fault>;

pub struct Node {
    pub mode: u16,
    pub modified: SystemTime,
    pub kind: Kind,
}

pub enum Kind {
    File(File),
    Folder(Folder),
}

#[derive(Default)]
pub struct File {
    /// As everybody reads it.
    pub bytes: Vec<u8>,
    platter: Vec<u8>,
    /// What was done since the last sync, with when.
    changes: Vec<(u64, Change)>,
}

enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Default)]
pub struct Folder {
    pub names: BTreeMap<OsString, u64>,
    platter: BTreeMap<OsString, u64>,
}

/// Names that changed together: in which folder, and what they stand for now.
struct Naming {
    at: u64,
    names: Vec<(u64, OsString, Option<u64>)>,
}

impl Naming {
    fn folders(&self) -> impl Iterator<Item = u64> {
        self.names.iter().map(|(folder, ..)| *folder)
    }
}

/// What is to fail: the so-manieth call of its kind on a file of this name.
struct Failure {
    call: Call,
    name: OsString,
    left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Write,
    Sync,
}

/// A whole disk.
pub struct Disk {
    nodes: BTreeMap<u64, Node>,
    /// The last number that was given to a file or folder; none is given twice.
    last: u64,
    /// Counts what is done.
    now: u64,
    namings: Vec<Naming>,
    failures: Vec<Failure>,
    pub failed: u64,
}

impl Disk {
    pub fn new() -> Self {
        let mut disk =
            Self { nodes: BTreeMap::new(), last: ROOT, now: 0, namings: Vec::new(), failures: Vec::new(), failed: 0 };
        disk.nodes.insert(ROOT, folder(0o700));
        disk
    }

    pub fn node(&self, number: u64) -> Outcome<&Node> {
        self.nodes.get(&number).ok_or(Fault::Gone)
    }

    pub fn node_mut(&mut self, number: u64) -> Outcome<&mut Node> {
        self.nodes.get_mut(&number).ok_or(Fault::Gone)
    }

    pub fn file(&self, number: u64) -> Outcome<&File> {
        match &self.node(number)?.kind {
            Kind::File(file) => Ok(file),
            Kind::Folder(_) => Err(Fault::IsFolder),
        }
    }

    pub fn folder(&self, number: u64) -> Outcome<&Folder> {
        match &self.node(number)?.kind {
            Kind::Folder(folder) => Ok(folder),
            Kind::File(_) => Err(Fault::NotFolder),
        }
    }

    pub fn find(&self, parent: u64, name: &OsStr) -> Outcome<u64> {
        self.folder(parent)?.names.get(name).copied().ok_or(Fault::Gone)
    }

    /// A new file, or a folder, with this name.
    pub fn create(&mut self, parent: u64, name: &OsStr, mode: u16, is_folder: bool) -> Outcome<u64> {
        if self.find(parent, name).is_ok() {
            return Err(Fault::Exists);
        }
        self.last += 1;
        self.nodes.insert(self.last, if is_folder { folder(mode) } else { file(mode) });
        self.name(vec![(parent, name.into(), Some(self.last))])?;
        Ok(self.last)
    }

    pub fn link(&mut self, number: u64, parent: u64, name: &OsStr) -> Outcome<()> {
        self.file(number)?;
        if self.find(parent, name).is_ok() {
            return Err(Fault::Exists);
        }
        self.name(vec![(parent, name.into(), Some(number))])
    }

    /// Takes a name away. Who has the file open goes on with it.
    pub fn remove(&mut self, parent: u64, name: &OsStr) -> Outcome<()> {
        if let Kind::Folder(folder) = &self.node(self.find(parent, name)?)?.kind
            && !folder.names.is_empty()
        {
            return Err(Fault::NotEmpty);
        }
        self.name(vec![(parent, name.into(), None)])
    }

    pub fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Outcome<()> {
        let number = self.find(from.0, from.1)?;
        if from == to {
            return Ok(());
        }
        self.name(vec![(from.0, from.1.into(), None), (to.0, to.1.into(), Some(number))])
    }

    fn name(&mut self, names: Vec<(u64, OsString, Option<u64>)>) -> Outcome<()> {
        for (parent, name, number) in &names {
            let Kind::Folder(folder) = &mut self.node_mut(*parent)?.kind else { return Err(Fault::NotFolder) };
            stand(&mut folder.names, name, *number);
        }
        self.now += 1;
        self.namings.push(Naming { at: self.now, names });
        Ok(())
    }

    pub fn write(&mut self, number: u64, at: usize, bytes: &[u8]) -> Outcome<()> {
        self.may_fail(Call::Write, number)?;
        self.change(number, Change::Write(at, bytes.to_vec()))
    }

    pub fn set_length(&mut self, number: u64, length: usize) -> Outcome<()> {
        self.change(number, Change::Length(length))
    }

    fn change(&mut self, number: u64, change: Change) -> Outcome<()> {
        self.now += 1;
        let now = self.now;
        let node = self.node_mut(number)?;
        let Kind::File(file) = &mut node.kind else { return Err(Fault::IsFolder) };
        node.modified = SystemTime::now();
        change.apply(&mut file.bytes);
        file.changes.push((now, change));
        Ok(())
    }

    /// Everything of the file, and how it got its name, is on the platter.
    pub fn sync(&mut self, number: u64) -> Outcome<()> {
        if self.may_fail(Call::Sync, number).is_err() {
            if let Kind::File(file) = &mut self.node_mut(number)?.kind {
                file.changes.clear();
            }
            return Err(Fault::Broken);
        }
        match &mut self.node_mut(number)?.kind {
            Kind::File(file) => {
                for (_, change) in file.changes.drain(..) {
                    change.apply(&mut file.platter);
                }
            }
            Kind::Folder(_) => self.keep_names(&BTreeSet::from([number]), usize::MAX),
        }
        self.keep_way(number);
        Ok(())
    }

    /// Keeps how a file or a folder, and those above it, got their names.
    fn keep_way(&mut self, number: u64) {
        let names = |naming: &Naming| naming.names.iter().any(|(.., named)| *named == Some(number));
        let Some(last) = self.namings.iter().rposition(names) else { return };
        let folders: BTreeSet<u64> = self.namings[last].folders().collect();
        self.keep_names(&folders, last);
        for folder in folders {
            self.keep_way(folder);
        }
    }

    /// Keeps what happened in these folders up to a change, and what that rests on.
    fn keep_names(&mut self, folders: &BTreeSet<u64>, last: usize) {
        let mut folders = folders.clone();
        let last = last.min(self.namings.len().saturating_sub(1));
        // a rename that is kept keeps what happened before in both of its folders
        for naming in self.namings.iter().take(last + 1).rev() {
            if naming.folders().any(|folder| folders.contains(&folder)) {
                folders.extend(naming.folders());
            }
        }
        for (at, naming) in std::mem::take(&mut self.namings).into_iter().enumerate() {
            if at <= last && naming.folders().any(|folder| folders.contains(&folder)) {
                self.settle(&naming);
            } else {
                self.namings.push(naming);
            }
        }
    }

    fn settle(&mut self, naming: &Naming) {
        for (parent, name, number) in &naming.names {
            if let Some(Node { kind: Kind::Folder(folder), .. }) = self.nodes.get_mut(parent) {
                stand(&mut folder.platter, name, *number);
            }
        }
    }

    /// Lets a call fail once.
    pub fn fail(&mut self, call: Call, name: &str, which: u64) {
        self.failures.push(Failure { call, name: name.into(), left: which.max(1) });
    }

    fn may_fail(&mut self, call: Call, number: u64) -> Outcome<()> {
        for at in 0..self.failures.len() {
            let Failure { call: of, name, .. } = &self.failures[at];
            let named = |node: &Node| match &node.kind {
                Kind::Folder(folder) => folder.names.get(name) == Some(&number),
                Kind::File(_) => false,
            };
            if *of != call || !self.nodes.values().any(named) {
                continue;
            }
            self.failures[at].left -= 1;
            if self.failures[at].left == 0 {
                self.failures.remove(at);
                self.failed += 1;
                return Err(Fault::Broken);
            }
        }
        Ok(())
    }

    /// The power goes and comes back. How many changes are lost.
    pub fn cut(&mut self, seed: u64) -> u64 {
        let mut chance = Chance(seed);
        let how = match chance.below(4) {
            0 => Kept::Nothing,
            1 => Kept::Until(self.now - chance.below(1 + self.pending())),
            _ => Kept::Some,
        };
        self.failures.clear();
        let mut lost = self.cut_names(&how, &mut chance);
        let mut nodes = BTreeMap::new();
        let mut numbers = BTreeMap::from([(ROOT, ROOT)]);
        let mut waiting = vec![ROOT];
        while let Some(old) = waiting.pop() {
            let (Some(node), Some(number)) = (self.nodes.remove(&old), numbers.get(&old).copied()) else { continue };
            let kind = match node.kind {
                Kind::File(file) => {
                    let (bytes, gone) = file.survive(&how, &mut chance);
                    lost += gone;
                    Kind::File(File { platter: bytes.clone(), bytes, changes: Vec::new() })
                }
                Kind::Folder(folder) => {
                    let mut names = BTreeMap::new();
                    for (name, old) in folder.platter {
                        // another number, so that nothing is taken for what was open before
                        let number = *numbers.entry(old).or_insert_with(|| {
                            self.last += 1;
                            waiting.push(old);
                            self.last
                        });
                        names.insert(name, number);
                    }
                    Kind::Folder(Folder { platter: names.clone(), names })
                }
            };
            nodes.insert(number, Node { kind, ..node });
        }
        self.nodes = nodes;
        lost
    }

    fn pending(&self) -> u64 {
        let of_files = self.nodes.values().filter_map(|node| match &node.kind {
            Kind::File(file) => file.changes.first(),
            Kind::Folder(_) => None,
        });
        let oldest = of_files.map(|(at, _)| *at).chain(self.namings.first().map(|naming| naming.at)).min();
        oldest.map_or(0, |oldest| self.now - oldest + 1)
    }

    fn cut_names(&mut self, how: &Kept, chance: &mut Chance) -> u64 {
        let (mut stopped, mut lost) = (BTreeSet::new(), 0);
        for naming in std::mem::take(&mut self.namings) {
            let kept = match how {
                Kept::Nothing => false,
                Kept::Until(moment) => naming.at <= *moment,
                Kept::Some => chance.below(3) > 0,
            };
            if kept && !naming.folders().any(|folder| stopped.contains(&folder)) {
                self.settle(&naming);
            } else {
                // what follows in these folders goes with it
                stopped.extend(naming.folders());
                lost += 1;
            }
        }
        lost
    }
}

/// What of the unsynced is kept.
enum Kept {
    Nothing,
    /// What was done until then.
    Until(u64),
    Some,
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, written) => {
                let end = at + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(written);
            }
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }

    /// What it does to one sector, which is as long as the longest that the file has been.
    fn apply_to(&self, sector: usize, bytes: &mut [u8]) {
        let (start, end) = (sector * SECTOR, (sector + 1) * SECTOR);
        match self {
            Self::Write(at, written) => {
                let (from, to) = ((*at).max(start), (at + written.len()).min(end));
                if from < to {
                    bytes[from..to].copy_from_slice(&written[from - at..to - at]);
                }
            }
            Self::Length(length) if *length < end => {
                let length = (*length).max(start);
                let end = end.min(bytes.len());
                if length < end {
                    bytes[length..end].fill(0);
                }
            }
            Self::Length(_) => {}
        }
    }

    fn touches(&self, sector: usize) -> bool {
        match self {
            Self::Write(at, written) => *at < (sector + 1) * SECTOR && at + written.len() > sector * SECTOR,
            Self::Length(length) => *length < (sector + 1) * SECTOR,
        }
    }

    fn end(&self) -> usize {
        match self {
            Self::Write(at, written) => at + written.len(),
            Self::Length(length) => *length,
        }
    }
}

impl File {
    /// What is left of it, and how many changes are not there, or not whole.
    fn survive(self, how: &Kept, chance: &mut Chance) -> (Vec<u8>, u64) {
        let Self { mut platter, changes, .. } = self;
        let all = changes.len();
        match how {
            Kept::Nothing => (platter, all as u64),
            Kept::Until(moment) => {
                let kept = changes.iter().take_while(|(at, _)| at <= moment);
                let lost = all - kept.map(|(_, change)| change.apply(&mut platter)).count();
                (platter, lost as u64)
            }
            Kept::Some => torn(platter, &changes, chance),
        }
    }
}

/// Each sector, and the length, as of a moment of their own.
fn torn(mut bytes: Vec<u8>, changes: &[(u64, Change)], chance: &mut Chance) -> (Vec<u8>, u64) {
    let mut until = |count: usize| usize::try_from(chance.below(count as u64 + 1)).unwrap_or_default();
    let mut length = bytes.len();
    for (_, change) in &changes[..until(changes.len())] {
        length = match change {
            Change::Write(..) => length.max(change.end()),
            Change::Length(length) => *length,
        };
    }
    let longest = changes.iter().map(|(_, change)| change.end()).max().unwrap_or_default().max(bytes.len());
    bytes.resize(longest.next_multiple_of(SECTOR), 0);
    let mut broken = BTreeSet::new();
    for sector in 0..bytes.len() / SECTOR {
        let touching: Vec<_> = changes.iter().filter(|(_, change)| change.touches(sector)).collect();
        let kept = until(touching.len());
        for (_, change) in &touching[..kept] {
            change.apply_to(sector, &mut bytes);
        }
        broken.extend(touching[kept..].iter().map(|(at, _)| *at));
    }
    bytes.resize(length, 0);
    (bytes, broken.len() as u64)
}

fn stand(names: &mut BTreeMap<OsString, u64>, name: &OsStr, number: Option<u64>) {
    match number {
        Some(number) => names.insert(name.into(), number),
        None => names.remove(name),
    };
}

fn folder(mode: u16) -> Node {
    Node { mode, modified: SystemTime::now(), kind: Kind::Folder(Folder::default()) }
}

fn file(mode: u16) -> Node {
    Node { mode, modified: SystemTime::now(), kind: Kind::File(File::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    fn content(disk: &Disk, parent: u64, text: &str) -> Option<Vec<u8>> {
        Some(disk.file(disk.find(parent, name(text)).ok()?).ok()?.bytes.clone())
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_may_be_torn_at_sectors() {
        let (mut none, mut all, mut torn) = (0, 0, 0);
        for seed in 0..200 {
            let mut disk = Disk::new();
            let file = disk.create(ROOT, name("a"), 0o600, false).unwrap();
            disk.write(file, 0, &[1; 1000]).unwrap();
            disk.sync(file).unwrap();
            disk.write(file, 900, &[2; 700]).unwrap();
            assert_eq!(disk.file(file).unwrap().bytes.len(), 1600);
            disk.cut(seed);
            assert_eq!(disk.node(file).err(), Some(Fault::Gone), "what was open before is not there");
            let left = content(&disk, ROOT, "a").unwrap();
            assert!(left.len() == 1000 || left.len() == 1600, "{}", left.len());
            assert_eq!(left[..900], [1; 900]);
            let sectors: Vec<_> = [900..1000, 1024..1536, 1536..1600]
                .map(|range| left.get(range).map(|sector| sector.iter().copied().collect::<BTreeSet<_>>()))
                .into();
            assert!(sectors.iter().flatten().all(|values| values.len() == 1), "a sector is torn: {sectors:?}");
            let new = sectors.iter().flatten().filter(|values| values.contains(&2)).count();
            match new {
                0 => none += 1,
                3 => all += 1,
                _ => torn += 1,
            }
        }
        assert!(none > 20 && all > 20 && torn > 20, "{none} {all} {torn}");
    }

    #[test]
    fn names_are_lost_from_the_end_and_a_rename_is_whole() {
        let mut seen = BTreeSet::new();
        for seed in 0..200 {
            let mut disk = Disk::new();
            let old = disk.create(ROOT, name("a"), 0o600, false).unwrap();
            disk.write(old, 0, b"old").unwrap();
            disk.sync(old).unwrap();
            let new = disk.create(ROOT, name("a.new"), 0o600, false).unwrap();
            disk.write(new, 0, b"new").unwrap();
            disk.sync(new).unwrap();
            disk.rename((ROOT, name("a.new")), (ROOT, name("a"))).unwrap();
            disk.create(ROOT, name("b"), 0o600, false).unwrap();
            disk.cut(seed);
            let left = content(&disk, ROOT, "a").unwrap();
            let (aside, later) = (content(&disk, ROOT, "a.new"), content(&disk, ROOT, "b"));
            assert_eq!(aside.is_some(), left == b"old", "half a rename");
            assert!(later.is_none() || left == b"new", "a later name without the earlier one");
            seen.insert((left == b"new", later.is_some()));
        }
        assert_eq!(seen.len(), 3, "{seen:?}");
    }

    #[test]
    fn a_synced_folder_keeps_its_names_and_the_way_to_it() {
        for seed in 0..50 {
            let mut disk = Disk::new();
            let outer = disk.create(ROOT, name("outer"), 0o700, true).unwrap();
            let inner = disk.create(outer, name("inner"), 0o700, true).unwrap();
            let file = disk.create(inner, name("a.new"), 0o600, false).unwrap();
            disk.write(file, 0, b"whole").unwrap();
            disk.sync(file).unwrap();
            disk.rename((inner, name("a.new")), (inner, name("a"))).unwrap();
            disk.sync(inner).unwrap();
            disk.cut(seed);
            let outer = disk.find(ROOT, name("outer")).unwrap();
            let inner = disk.find(outer, name("inner")).unwrap();
            assert_eq!(content(&disk, inner, "a").unwrap(), b"whole");
            assert_eq!(content(&disk, inner, "a.new"), None);
        }
    }

    #[test]
    fn a_failed_sync_is_not_made_good_by_a_later_one() {
        let mut disk = Disk::new();
        let file = disk.create(ROOT, name("a"), 0o600, false).unwrap();
        disk.sync(file).unwrap();
        disk.fail(Call::Sync, "a", 2);
        disk.write(file, 0, b"one").unwrap();
        disk.sync(file).unwrap();
        disk.write(file, 3, b"two").unwrap();
        assert_eq!(disk.sync(file), Err(Fault::Broken));
        disk.write(file, 6, b"three").unwrap();
        disk.sync(file).unwrap();
        assert_eq!(disk.file(file).unwrap().bytes, b"onetwothree");
        disk.cut(0);
        assert_eq!(content(&disk, ROOT, "a").unwrap(), b"one\0\0\0three");
    }
}
