//! What administrators decide about models: names, order, who may use them, what they hold and cost.

use super::Ai;
use crate::{
    catalogue::Found,
    events,
    providers::Purpose,
    repository::models::{self, Row},
    settings::roles_text,
};
use futures_util::FutureExt as _;
use platform::{Code, Error, Result, db::Scope, principal::Person};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

const NAME_LIMIT: usize = 100;
/// The dearest token: nobody means more than a million units for a million of them.
const PRICE_LIMIT: i64 = 1_000_000_000_000;

/// A model as administrators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ModelView {
    /// `provider/model`
    pub id: String,
    /// The provider's name for it.
    pub name: String,
    pub display_name: Option<String>,
    pub provider: String,
    /// `chat` or `embedding`.
    pub purpose: &'static str,
    pub enabled: bool,
    pub position: Option<i64>,
    /// The roles that may use it; none is everybody.
    pub roles: Option<Vec<String>>,
    /// Tokens that question and answer may have together: as decided here, else as the provider says.
    pub context_window: Option<u64>,
    pub vision: bool,
    /// For a million tokens, in millionths of the instance's currency unit.
    pub price_input: i64,
    pub price_output: i64,
    pub default: bool,
    pub version: i64,
}

/// What changes; what is absent stays, and null goes back to what nobody decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelChange {
    pub id: String,
    pub version: i64,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<String>)]
    pub display_name: Option<Option<String>>,
    pub enabled: Option<bool>,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub roles: Option<Option<Vec<String>>>,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<i64>)]
    pub context_window: Option<Option<i64>>,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<bool>)]
    pub vision: Option<Option<bool>>,
    pub price_input: Option<i64>,
    pub price_output: Option<i64>,
    pub default: Option<bool>,
}

fn view(found: Found, default: Option<&str>) -> ModelView {
    ModelView {
        default: default == Some(&found.id),
        provider: found.provider.name().to_owned(),
        purpose: if found.model.purpose == Purpose::Chat { "chat" } else { "embedding" },
        context_window: found.window(),
        vision: found.sees(),
        name: found.model.name,
        id: found.id,
        display_name: found.settings.row.display_name,
        enabled: found.settings.row.enabled,
        position: found.settings.row.position,
        roles: found.settings.roles,
        price_input: found.settings.row.price_input,
        price_output: found.settings.row.price_output,
        version: found.settings.row.version,
    }
}

impl Ai {
    /// Every model there is, switched off or not.
    pub async fn all_models(&self) -> Vec<ModelView> {
        let all = self.catalogue.all().await;
        let default = self.catalogue.default_of(&all, "admin");
        all.into_iter().map(|found| view(found, default.as_deref())).collect()
    }

    pub async fn change_model(&self, person: &Person, change: ModelChange) -> Result<ModelView> {
        let id = change.id.clone();
        check(&change)?;
        // Only what there is can be decided about; a provider that is away keeps the last word about its models.
        let known = self.all_models().await.into_iter().any(|model| model.id == id);
        if !known {
            self.catalogue.find(&id, "").await?;
        }
        let (change, actor, now) = (Arc::new(change), person.user, self.platform.clock.now());
        let write = self.platform.db.write(Scope::System, move |tx| {
            let change = change.clone();
            async move {
                let before = models::find(tx, &change.id).await?.unwrap_or_else(|| Row::fresh(&change.id));
                if before.version != change.version {
                    return Err(Error::stale("the model was changed meanwhile; look at it and decide again"));
                }
                models::put(tx, &changed(before, &change)?).await?;
                events::TOPIC.append(tx, events::models_changed(actor, now), now).await
            }
            .boxed()
        });
        let written = write.await;
        self.catalogue.reload().await?;
        let now = self.all_models().await.into_iter().find(|model| model.id == id);
        match written {
            Err(error) if error.code() == Code::Stale => Err(error.with("current", now)),
            Err(error) => Err(error),
            Ok(()) => now.ok_or_else(|| Error::not_found("model")),
        }
    }

    /// Lists these models first, in this order.
    pub async fn order_models(&self, person: &Person, ids: Vec<String>) -> Result<()> {
        let known: Vec<String> = self.all_models().await.into_iter().map(|model| model.id).collect();
        if let Some(unknown) = ids.iter().find(|id| !known.contains(id)) {
            return Err(Error::not_found("model").with("model", unknown));
        }
        if (1..ids.len()).any(|at| ids[..at].contains(&ids[at])) {
            return Err(Error::invalid("ids", "names a model twice"));
        }
        let (ids, actor, now) = (Arc::new(ids), person.user, self.platform.clock.now());
        let write = self.platform.db.write(Scope::System, move |tx| {
            let ids = ids.clone();
            async move {
                models::order(tx, &ids).await?;
                events::TOPIC.append(tx, events::models_changed(actor, now), now).await
            }
            .boxed()
        });
        write.await?;
        self.catalogue.reload().await
    }
}

fn check(change: &ModelChange) -> Result<()> {
    if let Some(Some(name)) = &change.display_name
        && (name.trim().is_empty() || name.chars().count() > NAME_LIMIT || name.chars().any(char::is_control))
    {
        return Err(Error::invalid("display_name", format!("is 1 to {NAME_LIMIT} characters in one line")));
    }
    if let Some(Some(window)) = change.context_window
        && !(256..=100_000_000).contains(&window)
    {
        return Err(Error::invalid("context_window", "is between 256 and 100000000 tokens"));
    }
    for (field, price) in [("price_input", change.price_input), ("price_output", change.price_output)] {
        if price.is_some_and(|price| !(0..=PRICE_LIMIT).contains(&price)) {
            return Err(Error::invalid(field, format!("is between 0 and {PRICE_LIMIT}")));
        }
    }
    Ok(())
}

fn changed(mut row: Row, change: &ModelChange) -> Result<Row> {
    if let Some(name) = &change.display_name {
        row.display_name = name.as_deref().map(|name| name.trim().to_owned());
    }
    if let Some(roles) = &change.roles {
        row.roles = roles.as_deref().map(roles_text).transpose()?;
    }
    row.enabled = change.enabled.unwrap_or(row.enabled);
    row.context_window = change.context_window.unwrap_or(row.context_window);
    row.vision = change.vision.unwrap_or(row.vision);
    row.price_input = change.price_input.unwrap_or(row.price_input);
    row.price_output = change.price_output.unwrap_or(row.price_output);
    row.is_default = change.default.unwrap_or(row.is_default);
    row.version += 1;
    Ok(row)
}
