//! What administrators have set of the instance itself.

use crate::domain::Overrides;
use platform::{Result, db::Tx};

pub async fn overrides(tx: &mut Tx<'_>) -> Result<Overrides> {
    Ok(tx.query("select * from auth_instance where id = 1").maybe().await?.unwrap_or_default())
}

pub async fn set_overrides(tx: &mut Tx<'_>, new: &Overrides) -> Result<()> {
    tx.query(
        "insert into auth_instance (id, name, accent, greeting, registration, version) values (1, $1, $2, $3, $4, $5)
         on conflict (id) do update set name = excluded.name, accent = excluded.accent, greeting = excluded.greeting,
             registration = excluded.registration, version = excluded.version",
    )
    .bind(new.name.clone())
    .bind(new.accent.clone())
    .bind(new.greeting.clone())
    .bind(new.registration.clone())
    .bind(new.version)
    .run()
    .await?;
    Ok(())
}
