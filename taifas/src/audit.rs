//! `taifas audit`: whether the audit trail is what was sealed, and whether a transcript is what was signed.

use crate::settings::Settings;
use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    audit::{self, Leaf, Line, Row, SEALS, SECRET, Seal, Signing, TOPICS},
    config::Ports,
    hex::{hex, unhex},
    journal,
    secrets::{FileSecrets, Secrets as _},
};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};
use uuid::Uuid;

/// Faults that are printed; the rest is counted.
const SHOWN: usize = 20;
/// A row is erased some time after it was decided that it goes.
const SLACK: TimeDelta = TimeDelta::hours(2);

/// What is asked for.
pub struct Asked {
    /// A transcript instead of the audit trail.
    pub transcript: Option<PathBuf>,
    /// The public key, in place of that of the data folder.
    pub key: Option<String>,
    /// Files of seals besides those of the data folder and of the archive.
    pub seals: Vec<PathBuf>,
}

/// The public key that seals and transcripts are checked with.
pub async fn key(settings: &Settings) -> Result<()> {
    writeln!(io::stdout(), "{}", hex(public(settings, None).await?))?;
    Ok(())
}

async fn public(settings: &Settings, given: Option<&str>) -> Result<Vec<u8>> {
    if let Some(given) = given {
        let key = unhex(given.trim()).filter(|key| key.len() == 32);
        return key.context("the key is not 64 hexadecimal digits; `taifas audit key` prints it");
    }
    let folder = settings.data.join(Ports::after(&settings.platform.secrets, "secrets", "file")?);
    ensure!(
        folder.exists(),
        "there is no instance in {}; name the data folder with --data, or give the public key with --key",
        settings.data.display()
    );
    let secret = FileSecrets::open(folder)?.get(SECRET).await?;
    let secret = secret.context("this instance has sealed nothing yet, and has no key; start it once")?;
    Ok(Signing::new(secret.expose())?.public())
}

/// Whether all is as it was sealed or signed.
pub async fn verify(settings: &Settings, asked: &Asked) -> Result<bool> {
    let key = public(settings, asked.key.as_deref()).await?;
    let mut out = io::stdout().lock();
    if let Some(path) = &asked.transcript {
        let text = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let transcript = serde_json::from_slice(&text);
        let transcript = transcript.with_context(|| format!("{} is no JSON document", path.display()))?;
        return match audit::check_transcript(&key, transcript) {
            Ok(at) => {
                writeln!(out, "The transcript is what this instance signed at {}.", shown(at))?;
                Ok(true)
            }
            Err(error) => {
                writeln!(out, "FAULT {}", error.message())?;
                Ok(false)
            }
        };
    }
    let database = settings.data.join(Ports::after(&settings.platform.database, "database", "sqlite")?);
    ensure!(database.exists(), "there is no database in {}; name the data folder with --data", settings.data.display());
    let mut trail = Trail::open(&database, &key, settings.platform.keep_events_days)?;
    trail.seals()?;
    trail.rows()?;
    let beside = [Some(settings.data.join(SEALS)), settings.backup.folder.as_ref().map(|folder| folder.join(SEALS))];
    let files = beside.into_iter().flatten().filter(|path| path.exists()).chain(asked.seals.iter().cloned());
    for file in files {
        trail.compare(&file)?;
    }
    for fault in trail.faults.iter().take(SHOWN) {
        writeln!(out, "FAULT {fault}")?;
    }
    if trail.faults.len() > SHOWN {
        writeln!(out, "FAULT and {} more", trail.faults.len() - SHOWN)?;
    }
    writeln!(
        out,
        "{} seals; {} events are what was sealed, {} are past their time or of erased accounts, {} are not sealed yet; {} \
         faults",
        trail.sums.len(),
        trail.sound,
        trail.gone,
        trail.open,
        trail.faults.len()
    )?;
    if trail.faults.is_empty() && trail.files == 0 {
        writeln!(out, "No file of seals was there to compare with: an end that was cut off would not be noticed.")?;
    }
    Ok(trail.faults.is_empty())
}

/// What is being compared.
struct Trail {
    connection: Connection,
    key: Vec<u8>,
    /// What is older may be gone.
    horizon: i64,
    erased: BTreeSet<Uuid>,
    /// Of each seal, by its number.
    sums: BTreeMap<i64, String>,
    /// Events of each topic that a seal knows and that are there.
    there: [i64; TOPICS.len()],
    sound: usize,
    gone: usize,
    open: i64,
    files: usize,
    faults: Vec<String>,
}

impl Trail {
    fn open(database: &Path, key: &[u8], days: u32) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        // one state of everything
        connection.execute_batch("begin")?;
        let sealed: i64 =
            connection
                .query_row("select count(*) from sqlite_master where name = 'audit_seals'", [], |row| row.get(0))?;
        ensure!(sealed == 1, "this database has no seals yet; start this version once");
        let mut erased = BTreeSet::new();
        {
            let mut statement = connection.prepare("select space_id from user_events where kind = 'user.deleted'")?;
            for space in statement.query_map([], |row| row.get::<_, Vec<u8>>(0))? {
                erased.insert(Uuid::from_slice(&space?)?);
            }
        }
        Ok(Self {
            connection,
            key: key.into(),
            horizon: (Utc::now() - TimeDelta::days(days.into()) + SLACK).timestamp_millis(),
            erased,
            sums: BTreeMap::new(),
            there: [0; TOPICS.len()],
            sound: 0,
            gone: 0,
            open: 0,
            files: 0,
            faults: Vec::new(),
        })
    }

    /// Each seal: its signature, its place in the chain, its root, and its events.
    fn seals(&mut self) -> Result<()> {
        let numbers: Vec<i64> = {
            let mut statement = self.connection.prepare("select number from audit_seals order by number")?;
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
        };
        let (mut expected, mut before) = (1, String::new());
        for number in numbers {
            let (seal, leaves) = self.seal(number)?;
            if number != expected {
                self.faults.push(format!("the seals {expected} to {} are missing", number - 1));
            } else if seal.before != before {
                self.faults.push(format!("the seal {number} does not name the one before it"));
            }
            if !unhex(&seal.signature).is_some_and(|it| audit::is_signed(&self.key, &seal.statement(), &it)) {
                self.faults.push(format!("the seal {number} is not signed with this instance's key"));
            }
            match Leaf::all(&leaves) {
                Some(all) if hex(audit::root(&all.iter().map(Leaf::bytes).collect::<Vec<_>>())) == seal.root => {
                    for leaf in all {
                        self.leaf(&seal, leaf)?;
                    }
                }
                _ => self.faults.push(format!("the seal {number} is of other events than those that stand beside it")),
            }
            (expected, before) = (number + 1, seal.sum());
            self.sums.insert(number, before.clone());
        }
        Ok(())
    }

    fn seal(&self, number: i64) -> Result<(Seal, Vec<u8>)> {
        let sql = "select events, root, before, at, signature, leaves from audit_seals where number = ?1";
        Ok(self.connection.query_row(sql, [number], |row| {
            let seal = Seal {
                number,
                events: row.get(0)?,
                root: row.get(1)?,
                before: row.get(2)?,
                at: row.get(3)?,
                signature: row.get(4)?,
            };
            Ok((seal, row.get(5)?))
        })?)
    }

    /// One sealed event: as it was, gone for a reason, changed, or removed.
    fn leaf(&mut self, seal: &Seal, leaf: Leaf) -> Result<()> {
        let Some(topic) = leaf.topic() else {
            self.faults.push(format!("the seal {} is of a topic that this program does not know", seal.number));
            return Ok(());
        };
        let found = {
            let mut statement = self.connection.prepare_cached(&audit::select(topic))?;
            statement.query_row(params![leaf.position - 1, 1], row).optional()?
        };
        match found.filter(|found| found.position == leaf.position) {
            Some(found) => {
                self.there[usize::from(leaf.topic)] += 1;
                if found.leaf(leaf.topic) == leaf {
                    self.sound += 1;
                } else {
                    self.faults.push(format!(
                        "the event {} of {topic} was changed after {}",
                        leaf.position,
                        shown(seal.at)
                    ));
                }
            }
            None if self.erased.contains(&leaf.space) || leaf.at < self.horizon => self.gone += 1,
            None => {
                self.faults.push(format!(
                    "the event {} of {topic}, sealed at {}, was removed",
                    leaf.position,
                    shown(seal.at)
                ));
            }
        }
        Ok(())
    }

    /// What no seal knows: added among sealed events, or cut off behind them.
    fn rows(&mut self) -> Result<()> {
        for (topic, name) in TOPICS.iter().enumerate() {
            let one = |sql: String, value: i64| -> Result<i64> {
                Ok(self.connection.query_row(&sql, [value], |row| row.get(0)).optional()?.unwrap_or(0))
            };
            let named = format!("select position from audit_sealed where topic = '{name}' and ?1 = 0");
            let sealed = one(named, 0)?;
            let there = one(format!("select count(*) from {name}_events where position <= ?1"), sealed)?;
            let newest =
                one(format!("select coalesce(max(position), 0) from {name}_events where position > ?1"), sealed)?;
            let given = one(format!("select seq from sqlite_sequence where name = '{name}_events' and ?1 = 0"), 0)?;
            self.open += one(format!("select count(*) from {name}_events where position > ?1"), sealed)?;
            if there != self.there[topic] {
                let added = there - self.there[topic];
                self.faults.push(format!("{added} events of {name} stand among sealed ones and are not sealed"));
            }
            if given != newest.max(sealed) {
                self.faults.push(format!("events of {name} behind position {} were removed", newest.max(sealed)));
            }
        }
        Ok(())
    }

    /// Seals that were written elsewhere: what they know and this database does not was cut off.
    fn compare(&mut self, file: &Path) -> Result<()> {
        ensure!(file.is_file(), "{} is not a file of seals", file.display());
        let mut known = BTreeMap::new();
        for line in journal::read(file)? {
            match line {
                Line::Seal(seal) => {
                    let signed = unhex(&seal.signature);
                    // a line that nobody signed says nothing
                    if signed.is_some_and(|it| audit::is_signed(&self.key, &seal.statement(), &it)) {
                        known.insert(seal.number, seal.sum());
                    }
                }
                Line::Restored { restored_to, .. } => known.retain(|number, _| *number <= restored_to),
            }
        }
        self.files += 1;
        let missing: Vec<_> = known.keys().filter(|number| !self.sums.contains_key(number)).collect();
        if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
            self.faults.push(format!(
                "{} knows the seals {first} to {last}, this database does not: its end was cut off, or it was put back",
                file.display()
            ));
        }
        if let Some((number, _)) =
            known.iter().find(|(number, sum)| self.sums.get(number).is_some_and(|ours| ours != *sum))
        {
            self.faults.push(format!("{} knows another seal {number} than this database", file.display()));
        }
        Ok(())
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let id = |at: usize| row.get::<_, Vec<u8>>(at).map(|bytes| Uuid::from_slice(&bytes).unwrap_or_default());
    let actor = row.get::<_, Option<Vec<u8>>>(5)?.map(|bytes| Uuid::from_slice(&bytes).unwrap_or_default());
    Ok(Row {
        position: row.get(0)?,
        space_id: id(1)?,
        aggregate_id: id(2)?,
        version: row.get(3)?,
        kind: row.get(4)?,
        actor,
        payload: row.get(6)?,
        at: row.get(7)?,
    })
}

fn shown(at: i64) -> String {
    let at = DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
