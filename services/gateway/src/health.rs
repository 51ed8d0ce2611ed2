//! How the instance is, for whoever runs it: what works, what is behind, what the disk holds, and what to
//! do about what is not as it should be.

use crate::{
    Gateway,
    security::Admitted,
    status,
    tls::{CERTIFICATE_SOON, certificate_ends},
};
use axum::{Extension, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    Result,
    api::{Json, Policy},
    principal::Permission,
    storage::{self, Disk, LastBackup},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Below this the disk is called nearly full: a database that cannot write stops everything.
const LITTLE: u64 = 1 << 30;
/// A backup older than this is called old.
const OLD: TimeDelta = TimeDelta::days(7);
/// A group that is behind by more than this is not keeping up.
const FAR: i64 = 10_000;

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    version: &'static str,
    started_at: DateTime<Utc>,
    services: Vec<ServiceHealth>,
    database: DatabaseHealth,
    disk: DiskHealth,
    /// Bytes of the machine's memory; null when the system does not say.
    memory: Option<u64>,
    lag: Vec<GroupHealth>,
    tasks: Vec<QueueHealth>,
    last_backup: Option<DateTime<Utc>>,
    /// Sentences that say what is not as it should be and what to do.
    warnings: Vec<String>,
}

#[derive(Serialize, ToSchema)]
struct ServiceHealth {
    name: &'static str,
    ready: bool,
    detail: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct DatabaseHealth {
    bytes: u64,
    wal_bytes: u64,
}

#[derive(Serialize, ToSchema)]
struct DiskHealth {
    free: u64,
    total: u64,
}

/// How far a reader of events is behind, and what it has put aside.
#[derive(Serialize, ToSchema)]
struct GroupHealth {
    group: &'static str,
    topic: &'static str,
    behind: i64,
    buried: i64,
}

/// Work that waits, and what was given up.
#[derive(Serialize, ToSchema)]
struct QueueHealth {
    queue: String,
    open: i64,
    buried: i64,
    /// When the oldest open one is or was due.
    oldest: Option<DateTime<Utc>>,
}

/// How the instance is
#[utoipa::path(
    get, path = "/api/v1/admin/health", tag = "admin", operation_id = "health",
    responses((status = 200, body = Health)),
    extensions(("x-policy" = json!("instance:manage")))
)]
#[allow(dead_code, reason = "carries the description; the handler needs the gateway's own types")]
pub(crate) fn health_description() {}

pub(crate) async fn health(
    State(gateway): State<Gateway>,
    Extension(admitted): Extension<Admitted>,
) -> Result<Json<Health>> {
    Policy::Needs(Permission::InstanceManage).check(&admitted.caller)?;
    let platform = &gateway.platform;
    let mut services = Vec::new();
    for (name, ready) in &gateway.ready {
        let detail = status::ask(ready).await.err().map(|error| error.message().to_owned());
        services.push(ServiceHealth { name, ready: detail.is_none(), detail });
    }
    let lag: Vec<_> = platform.bus.lag().await?.into_iter().map(GroupHealth::from).collect();
    let tasks: Vec<_> = platform.tasks.standing().await?.into_iter().map(QueueHealth::from).collect();
    let (folder, file, log) = (platform.folder.clone(), platform.db.path().to_owned(), platform.db.log());
    let tls = gateway.config.tls_certificate.clone().zip(gateway.config.tls_key.clone());
    let found = tokio::task::spawn_blocking(move || {
        let database = DatabaseHealth { bytes: storage::size(&file), wal_bytes: storage::size(&log) };
        // what is wrong with changed files is in the log, and the former ones go on
        let ends = tls.and_then(|(certificate, key)| certificate_ends(&certificate, &key).ok());
        // somebody else may have noted it
        let backup = LastBackup::of(&folder).unwrap_or_else(|error| {
            tracing::warn!(%error, "what is noted of the last backup cannot be read");
            None
        });
        Ok::<_, platform::Error>((database, storage::disk(&folder)?, storage::memory(), backup, ends))
    });
    let (database, disk, memory, backup, ends) = found.await.map_err(platform::Error::internal)??;
    let last_backup = backup.map(|backup| backup.at);
    let mut warnings = gateway.config.warnings();
    warnings.extend(ends.and_then(|ends| of_certificate(ends, platform.clock.now())));
    warnings.extend(findings(disk, last_backup, platform.clock.now(), &lag, &tasks));
    Ok(Json(Health {
        version: env!("CARGO_PKG_VERSION"),
        started_at: gateway.started,
        services,
        database,
        disk: DiskHealth { free: disk.free, total: disk.total },
        memory,
        lag,
        tasks,
        last_backup,
        warnings,
    }))
}

impl From<platform::bus::Lag> for GroupHealth {
    fn from(lag: platform::bus::Lag) -> Self {
        Self { group: lag.group, topic: lag.topic, behind: lag.behind, buried: lag.buried }
    }
}

impl From<platform::tasks::Standing> for QueueHealth {
    fn from(queue: platform::tasks::Standing) -> Self {
        Self { queue: queue.queue, open: queue.open, buried: queue.buried, oldest: queue.oldest }
    }
}

fn of_certificate(ends: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let day = ends.format("%Y-%m-%d");
    let what = if ends < now { format!("ended on {day}") } else { format!("ends on {day}") };
    (ends - now < CERTIFICATE_SOON).then(|| {
        format!("The certificate {what}. Renew it; the new files are served within seconds, without a restart.")
    })
}

fn findings(
    disk: Disk,
    backup: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    lag: &[GroupHealth],
    tasks: &[QueueHealth],
) -> Vec<String> {
    let mut found = Vec::new();
    if disk.free < LITTLE || disk.free < disk.total / 20 {
        found.push(format!(
            "The disk has {} MiB left of {}. Without room nothing can be stored: free some, or move the data folder.",
            disk.free >> 20,
            disk.total >> 20
        ));
    }
    match backup {
        None => found.push("There is no backup yet. Run `taifas backup`, best every night.".to_owned()),
        Some(at) if now - at > OLD => found.push(format!(
            "The last backup is {} days old. Look at what should run `taifas backup`.",
            (now - at).num_days()
        )),
        Some(_) => {}
    }
    for group in lag.iter().filter(|group| group.behind > FAR) {
        found.push(format!(
            "{} is {} events behind in {}. If it does not shrink, look into the log for \"trying again\".",
            group.group, group.behind, group.topic
        ));
    }
    let buried: i64 =
        lag.iter().map(|group| group.buried).sum::<i64>() + tasks.iter().map(|queue| queue.buried).sum::<i64>();
    if buried > 0 {
        found.push(format!(
            "{buried} events or tasks could not be handled and were put aside. The log says why (\"put aside\")."
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_is_said() {
        let now = DateTime::from_timestamp(10_000_000, 0).unwrap();
        let roomy = Disk { free: 50 << 30, total: 100 << 30 };
        assert_eq!(findings(roomy, Some(now), now, &[], &[]), Vec::<String>::new());
        let after = |days| of_certificate(now + TimeDelta::days(days), now);
        assert!(
            after(15).is_none() && after(13).unwrap().contains("ends on") && after(-1).unwrap().contains("ended on")
        );
        let full = findings(Disk { free: 1 << 20, total: 100 << 30 }, Some(now), now, &[], &[]);
        assert!(full[0].contains("1 MiB left"), "{full:?}");
        let never = findings(roomy, None, now, &[], &[]);
        assert!(never[0].contains("taifas backup"), "{never:?}");
        let old = findings(roomy, Some(now - TimeDelta::days(9)), now, &[], &[]);
        assert!(old[0].contains("9 days"), "{old:?}");
        let lag = [GroupHealth { group: "ai", topic: "chat-events", behind: 20_000, buried: 2 }];
        let tasks = [QueueHealth { queue: "mail".into(), open: 0, buried: 1, oldest: None }];
        let behind = findings(roomy, Some(now), now, &lag, &tasks);
        assert!(behind[0].contains("20000 events") && behind[1].contains("3 events or tasks"), "{behind:?}");
    }
}
