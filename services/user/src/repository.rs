//! Every SQL statement of user. An account lies in its owner's space; only sign-in, which knows no
//! more than an address, and set-up look across all of them.

use crate::domain::{Account, Email};
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

pub async fn find(tx: &mut Tx<'_>, space: Uuid) -> Result<Option<Account>> {
    tx.query("select id, name, email, role from user_accounts where space_id = $1 and id = $1")
        .bind(space)
        .maybe()
        .await
}

/// The one account with this address, wherever it lies.
pub async fn find_by_email(tx: &mut Tx<'_>, key: &str) -> Result<Option<Account>> {
    tx.query("select id, name, email, role from user_accounts where email_key = $1").bind(key).maybe().await
}

/// Whether there is an account in any space.
pub async fn any(tx: &mut Tx<'_>) -> Result<bool> {
    let found: Option<i64> = tx.query("select 1 from user_accounts limit 1").value().await?;
    Ok(found.is_some())
}

pub async fn insert(tx: &mut Tx<'_>, account: &Account, email: &Email, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "insert into user_accounts (space_id, id, name, email, email_key, role, version, created_at)
         values ($1, $1, $2, $3, $4, $5, 1, $6)",
    )
    .bind(account.id)
    .bind(account.name.as_str())
    .bind(email.written.as_str())
    .bind(email.key.as_str())
    .bind(account.role.name())
    .bind(now)
    .run()
    .await?;
    Ok(())
}
