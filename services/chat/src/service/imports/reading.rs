//! Reading an import's file on a thread of its own: chat by chat, never the whole of it, within
//! limits that no archive can talk its way around. Nothing is ever unpacked onto the disk.

use crate::domain::{File, Incoming, Problem, Project, read_import};
use chrono::{DateTime, Utc};
use platform::{Error, Result};
use serde::{
    Deserialize as _,
    de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;
use std::{
    cell::Cell,
    fmt,
    io::{BufReader, Read, Seek as _, SeekFrom},
    rc::Rc,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// What comes out of a file.
pub enum Piece {
    Project(Project),
    /// What the files are called.
    Names(Vec<File>),
    File(Uuid, Vec<u8>),
    Chat(Box<Incoming>, Vec<Problem>),
    Problem(Problem),
}

/// The largest chat, and all that may come out of one archive, in bytes.
const OF_A_CHAT: u64 = 64 << 20;
const OF_ALL: u64 = 4 << 30;
const ENTRIES: usize = 100_000;
/// How deep values may lie in each other: one system puts each answer into the message before it.
const DEPTH: usize = 4_000;
/// Room for that depth. It is reserved, and taken only as far as it is needed.
const STACK: usize = 256 << 20;

/// Begins to read; the pieces come as fast as they are taken.
pub fn begin(file: std::fs::File, now: DateTime<Utc>, largest_file: u64) -> Result<mpsc::Receiver<Piece>> {
    let (pieces, taken) = mpsc::channel(4);
    let reader = Reader { pieces, now, largest_file, all: Rc::default() };
    let run = {
        let Reader { pieces, now, largest_file, .. } = reader;
        move || Reader { pieces, now, largest_file, all: Rc::default() }.file(file)
    };
    std::thread::Builder::new().name("import".into()).stack_size(STACK).spawn(run).map_err(Error::internal)?;
    Ok(taken)
}

struct Reader {
    pieces: mpsc::Sender<Piece>,
    now: DateTime<Utc>,
    largest_file: u64,
    /// What has come out until now.
    all: Rc<Cell<u64>>,
}

impl Reader {
    fn file(&self, mut file: std::fs::File) {
        let mut head = [0; 4];
        let begins = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut head));
        if begins.is_err() || file.seek(SeekFrom::Start(0)).is_err() {
            self.problem("the file", "could not be read");
        } else if head == *b"PK\x03\x04" {
            self.archive(file);
        } else {
            self.chats("the file", file);
        }
    }

    fn archive(&self, file: std::fs::File) {
        let Ok(mut archive) = zip::ZipArchive::new(BufReader::new(file)) else {
            return self.problem("the file", "is a damaged archive");
        };
        if archive.len() > ENTRIES {
            return self.problem("the file", "holds more files than an export can have");
        }
        let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
        let base = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
        for name in names.iter().filter(|name| matches!(name.as_str(), "projects.json" | "files.json")) {
            if let Ok(bytes) = self.entry(&mut archive, name, OF_A_CHAT) {
                if name == "projects.json" {
                    let projects: Vec<Project> = serde_json::from_slice(&bytes).unwrap_or_default();
                    projects.into_iter().for_each(|project| self.send(Piece::Project(project)));
                } else {
                    self.send(Piece::Names(serde_json::from_slice(&bytes).unwrap_or_default()));
                }
            }
        }
        for name in &names {
            let id = name.strip_prefix("files/").and_then(|file| file.split('.').next()?.parse().ok());
            if let Some(id) = id {
                match self.entry(&mut archive, name, self.largest_file) {
                    Ok(bytes) => self.send(Piece::File(id, bytes)),
                    Err(why) => self.problem(name, &why),
                }
            }
        }
        let is_json = |name: &&String| base(name).ends_with(".json");
        let of_chats = |name: &&String| base(name).starts_with("conversations") || name.starts_with("chats/");
        let mut chats: Vec<_> = names.iter().filter(is_json).filter(of_chats).collect();
        // of our own archive that are all there are: what lies in its trash was thrown away
        if chats.is_empty() && !names.iter().any(|name| name == "taifas.json") {
            chats = names.iter().filter(is_json).collect();
        }
        for name in chats {
            match archive.by_name(name) {
                Ok(entry) => self.chats(name, entry),
                Err(_) => self.problem(name, "could not be taken out of the archive"),
            }
            if self.pieces.is_closed() {
                return;
            }
        }
    }

    fn entry(
        &self,
        archive: &mut zip::ZipArchive<BufReader<std::fs::File>>,
        name: &str,
        limit: u64,
    ) -> Result<Vec<u8>, String> {
        let entry = archive.by_name(name).map_err(|_| "could not be taken out of the archive".to_owned())?;
        let mut bytes = Vec::new();
        self.bounded(entry, limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    fn bounded<R: Read>(&self, inner: R, limit: u64) -> Bounded<R> {
        Bounded {
            inner,
            limit,
            of_chat: Rc::default(),
            all: self.all.clone(),
            depth: 0,
            in_text: false,
            escaped: false,
        }
    }

    /// Each chat of a JSON file: a list of them, or one.
    fn chats(&self, name: &str, file: impl Read) {
        let bounded = self.bounded(file, OF_A_CHAT);
        let of_chat = bounded.of_chat.clone();
        let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, bounded));
        json.disable_recursion_limit();
        let mut take = |value: Value| {
            of_chat.set(0);
            match read_import(&value, self.now) {
                Ok((incoming, problems)) => self.send(Piece::Chat(Box::new(incoming), problems)),
                Err(problem) => self.send(Piece::Problem(problem)),
            }
        };
        if let Err(error) = Each(&mut take).deserialize(&mut json) {
            let why = if error.is_io() { error.to_string() } else { format!("is no JSON from there on: {error}") };
            self.problem(name, &why);
        }
    }

    fn problem(&self, what: &str, why: &str) {
        self.send(Piece::Problem(Problem::new(what, why)));
    }

    /// Nobody takes it any more when the task was given up.
    fn send(&self, piece: Piece) {
        let _ = self.pieces.blocking_send(piece);
    }
}

/// Counts what passes: of one chat, of all, and how deep it goes.
struct Bounded<R> {
    inner: R,
    limit: u64,
    of_chat: Rc<Cell<u64>>,
    all: Rc<Cell<u64>>,
    depth: usize,
    in_text: bool,
    escaped: bool,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let count = read as u64;
        self.of_chat.set(self.of_chat.get() + count);
        self.all.set(self.all.get() + count);
        if self.of_chat.get() > self.limit || self.all.get() > OF_ALL {
            return Err(std::io::Error::other("is larger than anything that can be kept here"));
        }
        for byte in &buffer[..read] {
            match (self.in_text, byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (_, b'"') => self.in_text = !self.in_text,
                (false, b'[' | b'{') => self.depth += 1,
                (false, b']' | b'}') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            if self.depth > DEPTH {
                return Err(std::io::Error::other("lies deeper in itself than anything that can be kept here"));
            }
        }
        Ok(read)
    }
}

/// Hands on each value of a list as soon as it is there.
struct Each<'f, F>(&'f mut F);

impl<'de, F: FnMut(Value)> DeserializeSeed<'de> for Each<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Value)> Visitor<'de> for Each<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chat or a list of chats")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            (self.0)(value);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let mut value = Value::deserialize(MapAccessDeserializer::new(map))?;
        match value.get_mut("conversations").or(None).map(Value::take) {
            Some(Value::Array(chats)) => chats.into_iter().for_each(self.0),
            Some(_) | None => (self.0)(value),
        }
        Ok(())
    }
}
