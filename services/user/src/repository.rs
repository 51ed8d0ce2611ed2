//! Every SQL statement of user. An account lies in its owner's space; sign-in, which knows no more
//! than an address, administrators, and the end of grace times look across all of them.

use crate::domain::{Account, Email, Instructions, State};
use chrono::{DateTime, Utc};
use platform::{Result, db::Tx};
use uuid::Uuid;

pub async fn find(tx: &mut Tx<'_>, space: Uuid) -> Result<Option<Account>> {
    tx.query("select * from user_accounts where space_id = $1 and id = $1").bind(space).maybe().await
}

/// The one account with this address, wherever it lies.
pub async fn find_by_email(tx: &mut Tx<'_>, key: &str) -> Result<Option<Account>> {
    tx.query("select * from user_accounts where email_key = $1").bind(key).maybe().await
}

/// Whether there is an account in any space.
pub async fn any(tx: &mut Tx<'_>) -> Result<bool> {
    let found: Option<i64> = tx.query("select 1 from user_accounts limit 1").value().await?;
    Ok(found.is_some())
}

/// Accounts of all spaces whose name or address holds `text`, newest first, behind `before`.
pub async fn page(
    tx: &mut Tx<'_>,
    text: &str,
    state: Option<State>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Account>> {
    tx.query(
        "select * from user_accounts
         where instr(search_key, $1) > 0 and ($2 is null or state = $2) and ($3 is null or id < $3)
         order by id desc limit $4",
    )
    .bind(text)
    .bind(state.map(State::name))
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// Administrators who can act, in all spaces, without this one.
pub async fn other_admins(tx: &mut Tx<'_>, but: Uuid) -> Result<i64> {
    let count = tx
        .query("select count(*) from user_accounts where role = 'admin' and state = 'active' and id <> $1")
        .bind(but)
        .value()
        .await?;
    Ok(count.unwrap_or(0))
}

/// Accounts with a role, in all spaces.
pub async fn with_role(tx: &mut Tx<'_>, role: &str) -> Result<u32> {
    Ok(tx.query("select count(*) from user_accounts where role = $1").bind(role).value().await?.unwrap_or(0))
}

/// Accounts of all spaces whose grace time is over, some at a time.
pub async fn ended(tx: &mut Tx<'_>, now: DateTime<Utc>) -> Result<Vec<Account>> {
    tx.query("select * from user_accounts where deletes_at <= $1 order by deletes_at limit 100").bind(now).all().await
}

pub async fn insert(tx: &mut Tx<'_>, account: &Account, email: &Email) -> Result<()> {
    tx.query(
        "insert into user_accounts
             (space_id, id, name, email, email_key, role, state, language, theme, accent, version, created_at, search_key)
         values ($1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(account.id)
    .bind(account.name.as_str())
    .bind(email.written.as_str())
    .bind(email.key.as_str())
    .bind(account.role.name())
    .bind(account.state.name())
    .bind(account.language.name())
    .bind(account.theme.name())
    .bind(account.accent.name())
    .bind(account.version)
    .bind(account.created_at)
    .bind(account.search_key())
    .run()
    .await?;
    Ok(())
}

/// Stores a changed account; its version tells whether it is the one that was read.
pub async fn update(tx: &mut Tx<'_>, account: &Account) -> Result<()> {
    tx.query(
        "update user_accounts
         set name = $2, role = $3, state = $4, language = $5, theme = $6, accent = $7, version = $8, deletes_at = $9,
             search_key = $10
         where space_id = $1 and id = $1",
    )
    .bind(account.id)
    .bind(account.name.as_str())
    .bind(account.role.name())
    .bind(account.state.name())
    .bind(account.language.name())
    .bind(account.theme.name())
    .bind(account.accent.name())
    .bind(account.version)
    .bind(account.deletes_at)
    .bind(account.search_key())
    .run()
    .await?;
    Ok(())
}

pub async fn set_seen(tx: &mut Tx<'_>, space: Uuid, at: DateTime<Utc>) -> Result<()> {
    tx.query("update user_accounts set seen_at = $2 where space_id = $1 and id = $1")
        .bind(space)
        .bind(at)
        .run()
        .await?;
    Ok(())
}

/// Removes an account and all that user holds of its person.
pub async fn erase(tx: &mut Tx<'_>, space: Uuid) -> Result<()> {
    tx.query("delete from user_instructions where space_id = $1").bind(space).run().await?;
    tx.query("delete from user_accounts where space_id = $1").bind(space).run().await?;
    Ok(())
}

pub async fn instructions(tx: &mut Tx<'_>, space: Uuid) -> Result<Option<Instructions>> {
    tx.query("select * from user_instructions where space_id = $1").bind(space).maybe().await
}

pub async fn set_instructions(tx: &mut Tx<'_>, space: Uuid, new: &Instructions, now: DateTime<Utc>) -> Result<()> {
    tx.query(
        "insert into user_instructions (space_id, enabled, nickname, occupation, about, style, version, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (space_id) do update set enabled = excluded.enabled, nickname = excluded.nickname,
             occupation = excluded.occupation, about = excluded.about, style = excluded.style,
             version = excluded.version, updated_at = excluded.updated_at",
    )
    .bind(space)
    .bind(new.enabled)
    .bind(new.nickname.as_str())
    .bind(new.occupation.as_str())
    .bind(new.about.as_str())
    .bind(new.style.as_str())
    .bind(new.version)
    .bind(now)
    .run()
    .await?;
    Ok(())
}
