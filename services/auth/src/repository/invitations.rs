//! Invitations. They are the instance's, and found by the hash of their token.

use crate::domain::InvitationRow;
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

/// The last thousand that let anybody make an account; newest first.
pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<InvitationRow>> {
    tx.query("select * from auth_invitations where account is null order by id desc limit 1000").all().await
}

/// How many could still be accepted.
pub async fn open(tx: &mut Tx<'_>, now: DateTime<Utc>) -> Result<u32> {
    let count = tx
        .query(
            "select count(*) from auth_invitations
             where account is null and accepted_at is null and revoked_at is null and expires_at > $1",
        )
        .bind(now)
        .value()
        .await?;
    Ok(count.unwrap_or(0))
}

pub async fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<InvitationRow>> {
    tx.query("select * from auth_invitations where id = $1").bind(id).maybe().await
}

pub async fn find_by_token(tx: &mut Tx<'_>, token_hash: Vec<u8>) -> Result<Option<InvitationRow>> {
    tx.query("select * from auth_invitations where token_hash = $1").bind(token_hash).maybe().await
}

pub async fn insert(tx: &mut Tx<'_>, new: &InvitationRow) -> Result<()> {
    tx.query(
        "insert into auth_invitations (id, token_hash, email, role, account, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.id)
    .bind(new.token_hash.clone())
    .bind(new.email.clone())
    .bind(new.role.name())
    .bind(new.account)
    .bind(new.created_by)
    .bind(new.created_at)
    .bind(new.expires_at)
    .run()
    .await?;
    Ok(())
}

/// Takes an invitation for one who accepts it; answers whether nobody else has it. A claim that came
/// to nothing is free again after a while.
pub async fn claim(tx: &mut Tx<'_>, id: Uuid, by: Uuid, now: DateTime<Utc>, stale: DateTime<Utc>) -> Result<bool> {
    let changed = tx
        .query(
            "update auth_invitations set claimed_at = $3, accepted_by = $2
             where id = $1 and accepted_at is null and revoked_at is null and expires_at > $3
                 and (claimed_at is null or claimed_at < $4)",
        )
        .bind(id)
        .bind(by)
        .bind(now)
        .bind(stale)
        .run()
        .await?;
    Ok(changed > 0)
}

/// Gives a claim back that came to nothing.
pub async fn release(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    tx.query("update auth_invitations set claimed_at = null, accepted_by = null where id = $1 and accepted_at is null")
        .bind(id)
        .run()
        .await?;
    Ok(())
}

pub async fn accept(tx: &mut Tx<'_>, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    tx.query("update auth_invitations set accepted_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}

/// Answers whether it could still have been accepted.
pub async fn revoke(tx: &mut Tx<'_>, id: Uuid, now: DateTime<Utc>) -> Result<bool> {
    let changed = tx
        .query(
            "update auth_invitations set revoked_at = $2
             where id = $1 and accepted_at is null and revoked_at is null",
        )
        .bind(id)
        .bind(now)
        .run()
        .await?;
    Ok(changed > 0)
}

/// Further links into an account end with a new one.
pub async fn revoke_of_account(tx: &mut Tx<'_>, account: Uuid, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "update auth_invitations set revoked_at = $2
         where account = $1 and accepted_at is null and revoked_at is null",
    )
    .bind(account)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// Forgets invitations that have been over for long, some at a time.
pub async fn forget(tx: &mut Tx<'_>, before: DateTime<Utc>) -> Result<u64> {
    tx.query(
        "delete from auth_invitations where id in (
             select id from auth_invitations where coalesce(accepted_at, revoked_at, expires_at) < $1 limit 1000
         )",
    )
    .bind(before)
    .run()
    .await
}
