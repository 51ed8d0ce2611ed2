//! `taifas doctor`: looks at an instance, running or stopped, changes nothing, and says what to do.

mod reach;
mod upkeep;

use crate::{schema, settings::Settings};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    config::Ports,
    db::Offline,
    storage::{self, LastBackup},
};
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long another program may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
const LITTLE: u64 = 1 << 30;
const OLD: TimeDelta = TimeDelta::days(7);
/// A clock may be behind the newest file by this much before it is called wrong.
const SKEW: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Good,
    Warning,
    Fault,
}

/// What was found, and what to do about it.
struct Finding {
    mark: Mark,
    about: &'static str,
    text: String,
    to_do: Option<String>,
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, about: &'static str, text: impl Into<String>) {
        self.0.push(Finding { mark: Mark::Good, about, text: text.into(), to_do: None });
    }

    fn warning(&mut self, about: &'static str, text: impl Into<String>, to_do: impl Into<String>) {
        self.0.push(Finding { mark: Mark::Warning, about, text: text.into(), to_do: Some(to_do.into()) });
    }

    fn fault(&mut self, about: &'static str, text: impl Into<String>, to_do: impl Into<String>) {
        self.0.push(Finding { mark: Mark::Fault, about, text: text.into(), to_do: Some(to_do.into()) });
    }
}

/// Prints what was found; whether there is nothing that keeps the instance from working.
pub fn doctor(settings: &Settings, thorough: bool) -> Result<bool> {
    let mut found = Findings::default();
    program(&mut found);
    configuration(&mut found, settings);
    let running = folder(&mut found, &settings.data);
    secrets(&mut found, settings);
    database(&mut found, settings, thorough, running);
    disk(&mut found, &settings.data);
    backup(&mut found, &settings.data);
    upkeep::archive(&mut found, settings, running);
    clock(&mut found, settings);
    reach::door(&mut found, settings, running);
    reach::providers(&mut found, settings);

    let mut out = io::stdout().lock();
    for Finding { mark, about, text, to_do } in &found.0 {
        let mark = match mark {
            Mark::Good => "ok   ",
            Mark::Warning => "warn ",
            Mark::Fault => "FAULT",
        };
        writeln!(out, "{mark} {about}: {text}")?;
        if let Some(to_do) = to_do {
            writeln!(out, "      -> {to_do}")?;
        }
    }
    let count = |mark| found.0.iter().filter(|finding| finding.mark == mark).count();
    writeln!(out, "\n{} checks, {} warnings, {} faults", found.0.len(), count(Mark::Warning), count(Mark::Fault))?;
    Ok(count(Mark::Fault) == 0)
}

fn configuration(found: &mut Findings, settings: &Settings) {
    match settings.gateway.check() {
        Err(error) => {
            found.fault("configuration", error.message(), "change these settings; docs/configuration.md lists all");
        }
        Ok(()) => found.good("configuration", "it can be used"),
    }
    for warning in settings.gateway.warnings() {
        let (text, to_do) = warning.split_once(". ").unwrap_or((&warning, "see docs/operating.md"));
        found.warning("configuration", text, to_do);
    }
    for path in [&settings.gateway.tls_certificate, &settings.gateway.tls_key].into_iter().flatten() {
        if let Err(error) = File::open(path) {
            found.fault(
                "TLS",
                format!("{} cannot be read: {error}", path.display()),
                "give this user the right to read it, or correct gateway.tls_certificate and gateway.tls_key",
            );
        }
    }
    if let (Some(certificate), Some(key)) = (&settings.gateway.tls_certificate, &settings.gateway.tls_key) {
        tls(found, certificate, key);
    }
}

/// Whether the certificate is its key's, and how long it is good.
fn tls(found: &mut Findings, certificate: &Path, key: &Path) {
    let to_do = "renew it; the new files are served within seconds, without a restart";
    let shown = certificate.display();
    match gateway::certificate_ends(certificate, key) {
        Err(error) => found.fault("TLS", error.message(), "correct the files; Taifas does not start with them"),
        Ok(ends) => {
            let (day, left) = (ends.format("%Y-%m-%d"), ends - Utc::now());
            if left < TimeDelta::zero() {
                found.fault("TLS", format!("the certificate {shown} ended on {day}"), to_do);
            } else if left < gateway::CERTIFICATE_SOON {
                found.warning(
                    "TLS",
                    format!("the certificate {shown} ends on {day}, in {} days", left.num_days()),
                    to_do,
                );
            } else {
                found.good("TLS", format!("the certificate {shown} is good until {day}"));
            }
        }
    }
}

/// Permissions and the lock; answers whether an instance runs on the folder.
fn folder(found: &mut Findings, folder: &Path) -> bool {
    let shown = folder.display();
    let metadata = match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            found.fault(
                "data folder",
                format!("{shown} is not a folder"),
                "remove the file of that name, or name another path with --data",
            );
            return false;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            found.warning(
                "data folder",
                format!("{shown} does not exist"),
                "`taifas serve` makes it; or name the right one with --data",
            );
            return false;
        }
        Err(error) => {
            found.fault("data folder", format!("{shown}: {error}"), "run this as the user who runs Taifas");
            return false;
        }
    };
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own {
        found.warning(
            "data folder",
            format!("{shown} belongs to user {}, this is user {own}", metadata.uid()),
            "run this, and everything of Taifas, as the same user",
        );
    } else if metadata.mode() & 0o077 == 0 {
        found.good("data folder", format!("{shown} can be entered by its owner only"));
    } else {
        found.warning(
            "data folder",
            format!("{shown} can be entered by other users (mode {:o})", metadata.mode() & 0o777),
            format!("chmod 700 {shown}"),
        );
    }
    let Ok(mut lock) = File::open(folder.join("lock")) else {
        found.good("lock", "no instance runs on this folder");
        return false;
    };
    if lock.try_lock_shared().is_ok() {
        let _ = lock.unlock();
        found.good("lock", "no instance runs on this folder");
        return false;
    }
    let mut holder = String::new();
    let _ = (&mut lock).take(20).read_to_string(&mut holder);
    found.good("lock", format!("process {} runs on this folder", holder.trim()));
    true
}

fn secrets(found: &mut Findings, settings: &Settings) {
    let Ok(path) = Ports::after(&settings.platform.secrets, "secrets", "file") else { return };
    let folder = settings.data.join(path);
    let Ok(metadata) = fs::metadata(&folder) else { return };
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let open: Vec<PathBuf> =
        files.filter(|path| fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0)).collect();
    if metadata.mode() & 0o077 != 0 || !open.is_empty() {
        let shown = folder.display();
        found.fault(
            "secrets",
            format!("{shown} can be read by other users"),
            format!("chmod 700 {shown} && chmod 600 {shown}/*"),
        );
    } else {
        found.good("secrets", "only their owner can read them");
    }
}

fn database(found: &mut Findings, settings: &Settings, thorough: bool, running: bool) {
    let Ok(path) = Ports::after(&settings.platform.database, "database", "sqlite") else { return };
    let file = settings.data.join(path);
    if !file.exists() {
        found.good("database", "there is none yet; the first start makes it");
        return;
    }
    let checked = (|| -> platform::Result<_> {
        let database = Offline::open(&file)?;
        Ok((database.faults(thorough)?, database.versions()?, database.buried()?, database.lags()?))
    })();
    let (faults, versions, buried, lags) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            found.fault(
                "database",
                error.message(),
                "stop Taifas, keep a copy of the folder, and restore the last backup",
            );
            return;
        }
    };
    if faults.is_empty() {
        let how =
            if thorough { "every page and index was compared" } else { "a quick check; --thorough compares all of it" };
        found.good("database", format!("it is sound ({how})"));
    } else {
        found.fault(
            "database",
            format!("it is damaged: {}", faults.join("; ")),
            "stop Taifas, keep a copy of the folder, restore the last backup, and look at the disk",
        );
    }
    let (newer, pending) = (schema::newer(&versions), schema::pending(&versions));
    if !newer.is_empty() {
        found.fault(
            "tables",
            format!("they are newer than this program: {}", newer.join("; ")),
            "start the newer version, or restore a backup made before the upgrade",
        );
    } else if pending.is_empty() {
        found.good("tables", "they are at this program's version");
    } else {
        found.warning(
            "tables",
            format!("they are older than this program: {}", pending.join(", ")),
            "make a backup; the next start brings them up to date, or `taifas migrate` now",
        );
    }
    upkeep::readers(found, &lags, running);
    if buried == 0 {
        found.good("put aside", "no event and no task was given up");
    } else {
        found.warning(
            "put aside",
            format!("{buried} events or tasks were given up"),
            "the log says why (\"put aside\")",
        );
    }
}

/// What this program is made of.
fn program(found: &mut Findings) {
    found.good("program", format!("Taifas {}, SQLite {}", env!("CARGO_PKG_VERSION"), rusqlite::version()));
}

fn disk(found: &mut Findings, folder: &Path) {
    let place = if folder.exists() { folder } else { Path::new(".") };
    match storage::disk(place) {
        Ok(disk) if disk.free < LITTLE || disk.free < disk.total / 20 => found.warning(
            "disk",
            format!("{} MiB are left of {}", disk.free >> 20, disk.total >> 20),
            "free some space, or move the data folder to a larger disk: without room nothing can be stored",
        ),
        Ok(disk) => found.good("disk", format!("{} MiB are left of {}", disk.free >> 20, disk.total >> 20)),
        Err(error) => found.warning("disk", error.message(), "look at it with df"),
    }
}

fn backup(found: &mut Findings, folder: &Path) {
    match LastBackup::of(folder).ok().flatten() {
        None => found.warning("backup", "there is none yet", "taifas backup, best every night (docs/operating.md)"),
        Some(last) => {
            let days = (Utc::now() - last.at).num_days();
            let text = format!("the last one is {days} days old: {}", last.file);
            if Utc::now() - last.at > OLD {
                found.warning("backup", text, "look at what should run `taifas backup`");
            } else if !Path::new(&last.file).exists() {
                found.warning(
                    "backup",
                    format!("{} is not there any more", last.file),
                    "fine when it was moved to another machine",
                );
            } else {
                found.good("backup", text);
            }
        }
    }
}

/// A clock that was set back makes sessions and limits last too long.
fn clock(found: &mut Findings, settings: &Settings) {
    let now = SystemTime::now();
    let newest = ["taifas.db", "taifas.db-wal", "lock"]
        .iter()
        .filter_map(|name| fs::metadata(settings.data.join(name)).ok()?.modified().ok())
        .max();
    match newest.and_then(|newest| newest.duration_since(now).ok()) {
        Some(ahead) if ahead > SKEW => found.fault(
            "clock",
            format!("this machine's clock is {} s behind the newest file of the data folder", ahead.as_secs()),
            "set the clock (timedatectl set-ntp true), then start Taifas again",
        ),
        _ => found.good("clock", DateTime::<Utc>::from(now).format("%Y-%m-%d %H:%M:%S UTC").to_string()),
    }
}
