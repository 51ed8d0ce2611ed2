//! The write-ahead log as an archive reads it: which pages were committed since a place, and where the
//! log stands now. Its format is SQLite's ("Write-Ahead Log Format"): frames of a page each, with
//! check sums over everything before them, so what a crash left half written ends the reading.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    path::Path,
};

const HEADER: usize = 32;
const FRAME: usize = 24;
/// How much is read at once.
const BUFFER: usize = 1 << 18;

/// A place in the log: behind a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Changes whenever the log begins anew.
    salt: [u32; 2],
    /// Frames before it.
    frames: u32,
    page_size: u32,
    sums: [u32; 2],
}

impl Place {
    /// How much of the log lies before it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        HEADER as u64 + u64::from(self.frames) * (FRAME as u64 + u64::from(self.page_size))
    }
}

/// What was committed since a place: each page as it was last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub pages: BTreeMap<u32, Vec<u8>>,
    pub page_size: u32,
    /// Pages of the whole database after the last commit.
    pub database_pages: u32,
}

impl Changes {
    /// Adds what came later.
    pub fn extend(&mut self, later: Self) {
        self.pages.extend(later.pages);
        self.page_size = later.page_size;
        self.database_pages = later.database_pages;
        // a database that shrank has no page behind its end
        self.pages.retain(|page, _| *page <= later.database_pages);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pages.len() * self.page_size as usize
    }
}

/// The log behind a place.
#[derive(Debug, PartialEq, Eq)]
pub enum Tail {
    /// The changes since then, none or some, and where the log ends; no place while there is no log.
    Changes(Changes, Option<Place>),
    /// The log does not go on from there: it began anew, or other things were written.
    Elsewhere,
}

/// Reads what was committed behind `after`, or from the beginning of the log.
///
/// # Errors
/// When the file cannot be read.
pub fn read(log: &Path, after: Option<&Place>) -> io::Result<Tail> {
    let file = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(nothing(after)),
        file => file?,
    };
    let mut log = BufReader::with_capacity(BUFFER, file);
    let mut head = [0; HEADER];
    if !whole(&mut log, &mut head)? {
        return Ok(nothing(after));
    }
    let words = Words { big: head[3] & 1 == 1 };
    let known = matches!(number(&head, 0), 0x377f_0682 | 0x377f_0683);
    let page_size = number(&head, 8);
    let sums = words.sum([0, 0], &head[..24]);
    let salt = [number(&head, 16), number(&head, 20)];
    if !known || !(512..=65_536).contains(&page_size) || sums != [number(&head, 24), number(&head, 28)] {
        return Ok(nothing(after));
    }
    let mut place = Place { salt, frames: 0, page_size, sums };
    if let Some(after) = after {
        if after.salt != salt || !reaches(&mut log, after, page_size, sums)? {
            return Ok(Tail::Elsewhere);
        }
        place = *after;
    }

    let mut changes = Changes { page_size, ..Changes::default() };
    let (mut waiting, mut sums) = (BTreeMap::new(), place.sums);
    let mut frame = vec![0; FRAME + page_size as usize];
    let mut frames = place.frames;
    while whole(&mut log, &mut frame)? {
        let (head, page) = frame.split_at(FRAME);
        sums = words.sum(words.sum(sums, &head[..8]), page);
        if [number(head, 8), number(head, 12)] != salt || [number(head, 16), number(head, 20)] != sums {
            break;
        }
        frames += 1;
        waiting.insert(number(head, 0), page.to_vec());
        let database_pages = number(head, 4);
        if database_pages > 0 {
            changes.extend(Changes { pages: std::mem::take(&mut waiting), page_size, database_pages });
            place = Place { salt, frames, page_size, sums };
        }
    }
    Ok(Tail::Changes(changes, Some(place)))
}

/// Without a log nothing was committed, unless there was one before.
fn nothing(after: Option<&Place>) -> Tail {
    match after {
        None => Tail::Changes(Changes::default(), None),
        Some(_) => Tail::Elsewhere,
    }
}

/// Goes behind `place`; whether the log holds there what it held then.
fn reaches(log: &mut BufReader<File>, place: &Place, page_size: u32, sums: [u32; 2]) -> io::Result<bool> {
    let Some(last) = place.frames.checked_sub(1) else { return Ok(place.sums == sums) };
    let length = FRAME as u64 + u64::from(page_size);
    log.seek(SeekFrom::Start(HEADER as u64 + u64::from(last) * length))?;
    let mut head = [0; FRAME];
    if !whole(log, &mut head)? || [number(&head, 16), number(&head, 20)] != place.sums {
        return Ok(false);
    }
    log.seek(SeekFrom::Start(HEADER as u64 + u64::from(place.frames) * length))?;
    Ok(true)
}

/// Fills the buffer, or says that the file ends before.
fn whole(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

/// Numbers of headers have their first byte first, whatever the machine.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// The words that check sums are made of are in the order of the machine that wrote the log.
#[derive(Clone, Copy)]
struct Words {
    big: bool,
}

impl Words {
    fn sum(self, [mut one, mut two]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
        for pair in bytes.chunks_exact(8) {
            let word = |at: usize| {
                let four = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
                if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
            };
            one = one.wrapping_add(word(0)).wrapping_add(two);
            two = two.wrapping_add(word(4)).wrapping_add(one);
        }
        [one, two]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::{fs, path::PathBuf};

    struct World {
        _folder: tempfile::TempDir,
        connection: Connection,
        database: PathBuf,
        log: PathBuf,
    }

    fn world() -> World {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let connection = Connection::open(&database).unwrap();
        connection
            .execute_batch("pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table a (b blob)")
            .unwrap();
        World { log: folder.path().join("a.db-wal"), _folder: folder, connection, database }
    }

    fn tail(world: &World, after: Option<&Place>) -> (Changes, Option<Place>) {
        match read(&world.log, after).unwrap() {
            Tail::Changes(changes, place) => (changes, place),
            Tail::Elsewhere => panic!("the log is elsewhere"),
        }
    }

    fn fill(world: &World, rows: usize) {
        for _ in 0..rows {
            world.connection.execute("insert into a (b) values (randomblob(3000))", []).unwrap();
        }
    }

    /// Pages put into a file make the database that SQLite itself has.
    #[test]
    fn pages_read_in_pieces_make_the_same_database() {
        let world = world();
        let (mut all, mut place) = tail(&world, None);
        for rows in [1, 40, 0, 7] {
            fill(&world, rows);
            let (changes, next) = tail(&world, place.as_ref());
            assert_eq!(changes.is_empty(), rows == 0);
            all.extend(changes);
            place = next;
        }
        world.connection.execute_batch("delete from a where rowid > 20; vacuum").unwrap();
        all.extend(tail(&world, place.as_ref()).0);

        let copy = world.database.with_extension("copy");
        let mut bytes = vec![0; all.database_pages as usize * all.page_size as usize];
        for (page, content) in &all.pages {
            let at = (*page as usize - 1) * all.page_size as usize;
            bytes[at..at + content.len()].copy_from_slice(content);
        }
        fs::write(&copy, bytes).unwrap();
        let copy = Connection::open(&copy).unwrap();
        let sum = "select count(*) || hex(group_concat(b, '')) from a";
        let ask = |connection: &Connection| connection.query_row(sum, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(ask(&copy), ask(&world.connection));
        let sound: String = copy.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }

    #[test]
    fn a_log_that_began_anew_or_differs_is_noticed() {
        let world = world();
        fill(&world, 5);
        let (_, place) = tail(&world, None);
        let place = place.unwrap();
        assert_eq!(tail(&world, Some(&place)), (Changes { page_size: 4096, ..Changes::default() }, Some(place)));
        let other = Place { sums: [place.sums[0] ^ 1, place.sums[1]], ..place };
        assert_eq!(read(&world.log, Some(&other)).unwrap(), Tail::Elsewhere);
        world.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
        assert_eq!(read(&world.log, Some(&place)).unwrap(), Tail::Elsewhere);
        fill(&world, 1);
        assert_eq!(read(&world.log, Some(&place)).unwrap(), Tail::Elsewhere);
        assert!(!tail(&world, None).0.is_empty());
    }

    #[test]
    fn what_is_not_committed_or_not_whole_ends_the_reading() {
        let world = world();
        fill(&world, 3);
        let (_, three) = tail(&world, None);
        fill(&world, 1);
        let bytes = fs::read(&world.log).unwrap();
        let broken = world.database.with_extension("broken");
        for cut in 1..40 {
            fs::write(&broken, &bytes[..bytes.len() - cut * 97]).unwrap();
            let Tail::Changes(changes, place) = read(&broken, three.as_ref()).unwrap() else { panic!("elsewhere") };
            assert!(changes.is_empty() && place == three, "{cut}");
        }
        let mut changed = bytes;
        let end = changed.len() - 100;
        changed[end] ^= 1;
        fs::write(&broken, changed).unwrap();
        let Tail::Changes(changes, _) = read(&broken, three.as_ref()).unwrap() else { panic!("elsewhere") };
        assert!(changes.is_empty());
        assert_eq!(
            read(&world.database.with_extension("none"), None).unwrap(),
            Tail::Changes(Changes::default(), None)
        );
    }
}
