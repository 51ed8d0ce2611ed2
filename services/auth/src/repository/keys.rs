//! API keys, in their owner's space.

use crate::domain::KeyRow;
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

pub async fn all(tx: &mut Tx<'_>, space: Uuid) -> Result<Vec<KeyRow>> {
    tx.query("select * from auth_keys where space_id = $1 order by id desc limit 1000").bind(space).all().await
}

pub async fn count(tx: &mut Tx<'_>, space: Uuid) -> Result<u32> {
    Ok(tx.query("select count(*) from auth_keys where space_id = $1").bind(space).value().await?.unwrap_or(0))
}

pub async fn find_by_secret(tx: &mut Tx<'_>, space: Uuid, hash: Vec<u8>) -> Result<Option<KeyRow>> {
    tx.query("select * from auth_keys where space_id = $1 and secret_hash = $2").bind(space).bind(hash).maybe().await
}

pub async fn insert(tx: &mut Tx<'_>, space: Uuid, key: &KeyRow) -> Result<()> {
    tx.query(
        "insert into auth_keys (space_id, id, name, prefix, secret_hash, scopes, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(space)
    .bind(key.id)
    .bind(key.name.as_str())
    .bind(key.prefix.as_str())
    .bind(key.secret_hash.clone())
    .bind(key.scopes.as_str())
    .bind(key.created_at)
    .bind(key.expires_at)
    .run()
    .await?;
    Ok(())
}

pub async fn set_used(tx: &mut Tx<'_>, space: Uuid, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    tx.query("update auth_keys set last_used_at = $3 where space_id = $1 and id = $2")
        .bind(space)
        .bind(id)
        .bind(at)
        .run()
        .await?;
    Ok(())
}

/// Answers whether there was one.
pub async fn remove(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<bool> {
    let changed = tx.query("delete from auth_keys where space_id = $1 and id = $2").bind(space).bind(id).run().await?;
    Ok(changed > 0)
}
