//! What administrators decided about models.

use platform::{Result, db::Tx, from_row};

/// A row; [`crate::settings::Settings`] reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub id: String,
    pub display_name: Option<String>,
    pub enabled: bool,
    pub position: Option<i64>,
    pub roles: Option<String>,
    pub context_window: Option<i64>,
    pub vision: Option<bool>,
    pub price_input: i64,
    pub price_output: i64,
    pub is_default: bool,
    pub version: i64,
}
from_row!(Row {
    id,
    display_name,
    enabled,
    position,
    roles,
    context_window,
    vision,
    price_input,
    price_output,
    is_default,
    version
});

impl Row {
    /// Of a model nobody decided anything about.
    pub fn fresh(id: &str) -> Self {
        Self {
            id: id.into(),
            display_name: None,
            enabled: true,
            position: None,
            roles: None,
            context_window: None,
            vision: None,
            price_input: 0,
            price_output: 0,
            is_default: false,
            version: 0,
        }
    }
}

pub async fn all(tx: &mut Tx<'_>) -> Result<Vec<Row>> {
    tx.query(
        "select id, display_name, enabled, position, roles, context_window, vision, price_input, price_output,
             is_default, version
         from ai_models",
    )
    .all()
    .await
}

pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Row>> {
    tx.query(
        "select id, display_name, enabled, position, roles, context_window, vision, price_input, price_output,
             is_default, version
         from ai_models where id = $1",
    )
    .bind(id)
    .maybe()
    .await
}

/// Stores it; there is one default at most.
pub async fn put(tx: &mut Tx<'_>, row: &Row) -> Result<()> {
    if row.is_default {
        tx.query("update ai_models set is_default = 0, version = version + 1 where is_default = 1 and id <> $1")
            .bind(row.id.as_str())
            .run()
            .await?;
    }
    tx.query(
        "insert into ai_models (id, display_name, enabled, position, roles, context_window, vision, price_input,
             price_output, is_default, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (id) do update set
             display_name = excluded.display_name, enabled = excluded.enabled, position = excluded.position,
             roles = excluded.roles, context_window = excluded.context_window, vision = excluded.vision,
             price_input = excluded.price_input, price_output = excluded.price_output,
             is_default = excluded.is_default, version = excluded.version",
    )
    .bind(row.id.as_str())
    .bind(row.display_name.clone())
    .bind(row.enabled)
    .bind(row.position)
    .bind(row.roles.clone())
    .bind(row.context_window)
    .bind(row.vision)
    .bind(row.price_input)
    .bind(row.price_output)
    .bind(row.is_default)
    .bind(row.version)
    .run()
    .await?;
    Ok(())
}

/// Puts the models in this order; all others come behind them.
pub async fn order(tx: &mut Tx<'_>, ids: &[String]) -> Result<()> {
    tx.query("update ai_models set position = null where position is not null").run().await?;
    for (position, id) in (0_i64..).zip(ids) {
        let row = find(tx, id).await?.unwrap_or_else(|| Row::fresh(id));
        put(tx, &Row { position: Some(position), ..row }).await?;
    }
    Ok(())
}
