//! Migrations: each service brings its own, embedded in the binary, recorded in a table of its own.

use crate::{Error, Result};
use refinery::{Migration as Step, Runner};
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
    let mut runner = Runner::new(&steps).set_abort_missing(false).set_abort_divergent(true);
    let table = format!("{service}_migrations");
    runner.set_migration_table_name(&table);
    if !connection.table_exists(None, table.as_str()).map_err(Error::internal)? {
        runner.run(connection).map_err(Error::internal)?;
        return Ok(());
    }

    let known = migrations.iter().map(|m| m.version).max().unwrap_or(0);
    let applied = runner.get_applied_migrations(connection).map_err(Error::internal)?;
    if let Some(newer) =
        applied.iter().map(Step::version).max().filter(|version| i64::from(*version) > i64::from(known))
    {
        return Err(Error::unavailable(format!(
            "the database is at version {newer} of the {service} tables, this program knows {known}: \
             it was last used by a newer Taifas; start that version, or restore a backup made before the upgrade"
        )));
    }
    runner.run(connection).map_err(Error::internal)?;
    Ok(())
}
