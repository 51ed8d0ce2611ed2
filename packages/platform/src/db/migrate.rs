//! Migrations: each service brings its own, embedded in the binary, recorded in a table of its own.

use crate::{Error, Result, failpoint};
use refinery::{Migration as Step, Runner, Target};
use rusqlite::Connection;

/// One step of a service's schema: `Migration { version: 1, name: "chats", sql: include_str!(…) }`.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    pub version: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

/// Applies what is missing. A database that a newer binary has migrated is refused, and so is one
/// whose applied steps differ from ours.
pub(super) fn run(connection: &mut Connection, service: &'static str, migrations: &[Migration]) -> Result<()> {
    let steps = migrations
        .iter()
        .map(|m| Step::unapplied(&format!("V{}__{}", m.version, m.name), m.sql))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::internal)?;
    let table = format!("{service}_migrations");
    let runner = || {
        let mut runner = Runner::new(&steps).set_abort_missing(false).set_abort_divergent(true);
        runner.set_migration_table_name(&table);
        runner
    };
    let known = migrations.iter().map(|m| m.version).max().unwrap_or(0);
    let mut reached = 0;
    if connection.table_exists(None, table.as_str()).map_err(Error::internal)? {
        let applied = runner().get_applied_migrations(connection).map_err(Error::internal)?;
        reached = applied.iter().map(Step::version).max().unwrap_or(0);
        if i64::from(reached) > i64::from(known) {
            return Err(Error::unavailable(format!(
                "the database is at version {reached} of the {service} tables, this program knows {known}: \
                 it was last used by a newer Taifas; start that version, or restore a backup made before the upgrade"
            )));
        }
        // those that differ from ours are refused, whether there are new ones or not
        runner().set_target(Target::Version(reached)).run(connection).map_err(Error::internal)?;
    }
    // Each step is a transaction with its entry: a process that dies between two goes on behind the first
    // at the next start.
    failpoint::hit("M1");
    for step in steps.iter().filter(|step| i64::from(step.version()) > i64::from(reached)) {
        runner().set_target(Target::Version(step.version())).run(connection).map_err(Error::internal)?;
        failpoint::hit("M2");
    }
    Ok(())
}
