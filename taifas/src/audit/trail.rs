//! The comparison of a database's audit trail with its seals: what each seal is of, and what lies there now.

use super::shown;
use anyhow::{Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    audit::{self, Leaf, Line, Row, Seal, TOPICS},
    hex::{hex, unhex},
    journal,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};
use uuid::Uuid;

/// A row is erased some time after it was decided that it goes.
const SLACK: TimeDelta = TimeDelta::hours(2);

/// What is being compared.
pub struct Trail {
    connection: Connection,
    /// Without it no signature is compared.
    key: Option<Vec<u8>>,
    /// What is older may be gone.
    horizon: i64,
    erased: BTreeSet<Uuid>,
    /// The time of the oldest event of each topic, when the horizon may not be that of the instance.
    oldest: [i64; TOPICS.len()],
    /// Of each seal, by its number.
    pub sums: BTreeMap<i64, String>,
    /// The seals that the key has not signed.
    pub unsigned: BTreeSet<i64>,
    /// Events of each topic that a seal knows and that are there.
    there: [i64; TOPICS.len()],
    pub sound: usize,
    pub gone: usize,
    /// Gone before the horizon, and all that were before them too.
    pub early: usize,
    pub open: i64,
    /// Files of seals that were compared.
    pub files: usize,
    /// Whether events that no seal knows yet are gone: removed, or of an account that was erased at once.
    pub cut: Vec<String>,
    pub faults: Vec<String>,
}

impl Trail {
    /// None when the database is from before there were seals. Events may be gone that are older than so many
    /// days before `now`.
    pub fn open(database: &Path, key: Option<Vec<u8>>, days: u32, now: DateTime<Utc>) -> Result<Option<Self>> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        // one state of everything
        connection.execute_batch("begin")?;
        if !connection.table_exists(None, "audit_seals")? {
            return Ok(None);
        }
        let mut erased = BTreeSet::new();
        {
            let mut statement = connection.prepare("select space_id from user_events where kind = 'user.deleted'")?;
            for space in statement.query_map([], |row| row.get::<_, Vec<u8>>(0))? {
                erased.insert(Uuid::from_slice(&space?)?);
            }
        }
        Ok(Some(Self {
            connection,
            key,
            horizon: (now - TimeDelta::days(days.into()) + SLACK).timestamp_millis(),
            erased,
            oldest: [i64::MIN; TOPICS.len()],
            sums: BTreeMap::new(),
            unsigned: BTreeSet::new(),
            there: [0; TOPICS.len()],
            sound: 0,
            gone: 0,
            early: 0,
            open: 0,
            files: 0,
            cut: Vec::new(),
            faults: Vec::new(),
        }))
    }

    /// The instance may have kept events for fewer days: what is older than all that are left is no fault then.
    pub fn may_keep_less(&mut self) -> Result<()> {
        for (oldest, name) in self.oldest.iter_mut().zip(TOPICS) {
            if self.connection.table_exists(None, format!("{name}_events").as_str())? {
                let sql = format!("select min(at) from {name}_events");
                *oldest = self.connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(i64::MAX);
            }
        }
        Ok(())
    }

    /// Each seal: its signature, its place in the chain, its root, and its events.
    pub fn seals(&mut self) -> Result<()> {
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
            if !self.has_signed(&seal) {
                self.unsigned.insert(number);
            }
            let counted = |all: &Vec<Leaf>| i64::try_from(all.len()) == Ok(seal.events);
            match Leaf::all(&leaves).filter(counted) {
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

    fn has_signed(&self, seal: &Seal) -> bool {
        let signature = self.key.as_ref().zip(unhex(&seal.signature));
        signature.is_some_and(|(key, it)| audit::is_signed(key, &seal.statement(), &it))
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
                        "the event {} of {topic} was changed after the seal {} of {}",
                        leaf.position,
                        seal.number,
                        shown(seal.at)
                    ));
                }
            }
            None if self.erased.contains(&leaf.space) || leaf.at < self.horizon => self.gone += 1,
            None if leaf.at < self.oldest[usize::from(leaf.topic)] => self.early += 1,
            None => {
                self.faults.push(format!(
                    "the event {} of {topic}, sealed at {} by the seal {}, was removed",
                    leaf.position,
                    shown(seal.at),
                    seal.number
                ));
            }
        }
        Ok(())
    }

    /// What no seal knows: added among sealed events, or cut off behind them.
    pub fn rows(&mut self) -> Result<()> {
        for (topic, name) in TOPICS.iter().enumerate() {
            // from before that service
            if !self.connection.table_exists(None, format!("{name}_events").as_str())? {
                continue;
            }
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
                self.cut.push(format!("events of {name} behind position {} were removed", newest.max(sealed)));
            }
        }
        Ok(())
    }

    /// Seals that were written elsewhere: what they know and this database does not was cut off.
    pub fn compare(&mut self, file: &Path) -> Result<()> {
        ensure!(file.is_file(), "{} is not a file of seals", file.display());
        let mut known = BTreeMap::new();
        for line in journal::read(file)? {
            match line {
                Line::Seal(seal) => {
                    // a line that nobody signed says nothing
                    if self.has_signed(&seal) {
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

    /// The seals of which a file knows only others. That it knows more, or what was sealed after another restore,
    /// is no contradiction.
    pub fn contradicted(&self, file: &Path) -> Result<Vec<i64>> {
        let mut known: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        for line in journal::read(file)? {
            if let Line::Seal(seal) = line
                && self.has_signed(&seal)
            {
                known.entry(seal.number).or_default().insert(seal.sum());
            }
        }
        let other = |(number, sum): &(&i64, &String)| known.get(number).is_some_and(|known| !known.contains(*sum));
        Ok(self.sums.iter().filter(other).map(|(number, _)| *number).collect())
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
