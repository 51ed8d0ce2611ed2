//! Providers that administrators added.

use chrono::{DateTime, Utc};
use platform::{
    Result,
    db::{Offline, Tx},
    from_row,
};
use uuid::Uuid;

/// A provider as it is stored; its key only encrypted.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    pub base_url: String,
    pub sealed: Option<Vec<u8>>,
    pub key_hint: Option<String>,
    pub enabled: bool,
    pub first_byte_seconds: Option<i64>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}
from_row!(Stored { id, kind, name, base_url, sealed, key_hint, enabled, first_byte_seconds, version, created_at });

pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<Stored>> {
    tx.query(
        "select id, kind, name, base_url, sealed, key_hint, enabled, first_byte_seconds, version, created_at
         from ai_providers order by created_at, id",
    )
    .all()
    .await
}

pub async fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Stored>> {
    tx.query(
        "select id, kind, name, base_url, sealed, key_hint, enabled, first_byte_seconds, version, created_at
         from ai_providers where id = $1",
    )
    .bind(id)
    .maybe()
    .await
}

pub async fn name_is_taken(tx: &mut Tx<'_>, name: &str) -> Result<bool> {
    let taken = tx.query("select 1 from ai_providers where name = $1").bind(name).value::<i64>().await?;
    Ok(taken.is_some())
}

/// Stores it, new or changed.
pub async fn put(tx: &mut Tx<'_>, provider: &Stored) -> Result<()> {
    tx.query(
        "insert into ai_providers
             (id, kind, name, base_url, sealed, key_hint, enabled, first_byte_seconds, version, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (id) do update set
             base_url = excluded.base_url, sealed = excluded.sealed, key_hint = excluded.key_hint,
             enabled = excluded.enabled, first_byte_seconds = excluded.first_byte_seconds, version = excluded.version",
    )
    .bind(provider.id)
    .bind(provider.kind.as_str())
    .bind(provider.name.as_str())
    .bind(provider.base_url.as_str())
    .bind(provider.sealed.clone())
    .bind(provider.key_hint.clone())
    .bind(provider.enabled)
    .bind(provider.first_byte_seconds)
    .bind(provider.version)
    .bind(provider.created_at)
    .run()
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx.query("delete from ai_providers where id = $1").bind(id).run().await? > 0)
}

/// Name and address of those that are on, read beside the process that uses the database.
///
/// # Errors
/// `unavailable` when the file cannot be read.
pub fn addresses(database: &Offline) -> Result<Vec<(String, String)>> {
    database.pairs("ai_providers", "select name, base_url from ai_providers where enabled = 1 order by name")
}
