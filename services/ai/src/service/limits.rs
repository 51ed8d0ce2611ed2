//! What a day allows: caps of the instance and of people, and what is used of them.

use super::Ai;
use crate::{
    domain::place_in_day,
    repository::ledger::{self, Limits, PersonLimits, Used},
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{Code, Error, Result, db::Scope, principal::Person};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a day allows, for each person and for all together; null is without a cap.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InstanceLimits {
    pub version: i64,
    pub person_tokens: Option<i64>,
    /// In millionths of the instance's currency unit, as all costs.
    pub person_cost: Option<i64>,
    pub instance_tokens: Option<i64>,
    pub instance_cost: Option<i64>,
    /// What all used today.
    pub used_tokens: i64,
    pub used_cost: i64,
}

/// What changes; what is absent stays, null takes a cap away.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsChange {
    pub version: i64,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<i64>)]
    pub person_tokens: Option<Option<i64>>,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<i64>)]
    pub person_cost: Option<Option<i64>>,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<i64>)]
    pub instance_tokens: Option<Option<i64>>,
    #[serde(default, with = "super::given")]
    #[schema(value_type = Option<i64>)]
    pub instance_cost: Option<Option<i64>>,
}

/// One person's caps; null is as for everybody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonLimitsView {
    pub tokens: Option<i64>,
    pub cost: Option<i64>,
    pub version: i64,
    pub used_tokens: i64,
    pub used_cost: i64,
}

/// New caps of one person.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonChange {
    pub tokens: Option<i64>,
    pub cost: Option<i64>,
    pub version: i64,
}

/// What somebody used today, and may use.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnLimits {
    /// When the day ends (UTC).
    pub resets_at: DateTime<Utc>,
    pub tokens: Share,
    pub cost: Share,
}

/// A part of a cap.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Share {
    pub used: i64,
    pub cap: Option<i64>,
}

impl Ai {
    /// What the person used today, and may use.
    pub async fn own_limits(&self, person: &Person) -> Result<OwnLimits> {
        let space = person.space();
        let (day, resets_at) = place_in_day(self.platform.clock.now());
        let read = self.platform.db.read(space, move |tx| {
            async move {
                let (all, own) = (ledger::limits(tx).await?, ledger::person_limits(tx, space).await?);
                Ok((all, own, ledger::used(tx, space, day).await?))
            }
            .boxed()
        });
        let (all, own, used) = read.await?;
        Ok(OwnLimits {
            resets_at,
            tokens: Share { used: used.tokens, cap: own.tokens.or(all.person_tokens) },
            cost: Share { used: used.cost, cap: own.cost.or(all.person_cost) },
        })
    }

    pub async fn limits(&self) -> Result<InstanceLimits> {
        let day = place_in_day(self.platform.clock.now()).0;
        let read = self.platform.db.read(Scope::System, move |tx| {
            async move { Ok((ledger::limits(tx).await?, ledger::used(tx, Uuid::nil(), day).await?)) }.boxed()
        });
        let (limits, used) = read.await?;
        Ok(view(&limits, used))
    }

    pub async fn change_limits(&self, change: LimitsChange) -> Result<InstanceLimits> {
        let caps = [
            ("person_tokens", change.person_tokens),
            ("person_cost", change.person_cost),
            ("instance_tokens", change.instance_tokens),
            ("instance_cost", change.instance_cost),
        ];
        caps.into_iter().try_for_each(|(field, cap)| check(field, cap.flatten()))?;
        let write = self.platform.db.write(Scope::System, move |tx| {
            async move {
                let mut limits = ledger::limits(tx).await?;
                if limits.version != change.version {
                    return Err(stale());
                }
                limits.person_tokens = change.person_tokens.unwrap_or(limits.person_tokens);
                limits.person_cost = change.person_cost.unwrap_or(limits.person_cost);
                limits.instance_tokens = change.instance_tokens.unwrap_or(limits.instance_tokens);
                limits.instance_cost = change.instance_cost.unwrap_or(limits.instance_cost);
                limits.version += 1;
                ledger::put_limits(tx, &limits).await
            }
            .boxed()
        });
        let written = write.await;
        self.ledger.look().await?;
        let now = self.limits().await?;
        match written {
            Err(error) if error.code() == Code::Stale => Err(error.with("current", now)),
            written => written.map(|()| now),
        }
    }

    pub async fn person_limits(&self, id: Uuid) -> Result<PersonLimitsView> {
        let day = place_in_day(self.platform.clock.now()).0;
        let read = self.platform.db.read(id, move |tx| {
            async move { Ok((ledger::person_limits(tx, id).await?, ledger::used(tx, id, day).await?)) }.boxed()
        });
        let (limits, used) = read.await?;
        let PersonLimits { tokens, cost, version } = limits;
        Ok(PersonLimitsView { tokens, cost, version, used_tokens: used.tokens, used_cost: used.cost })
    }

    pub async fn set_person_limits(&self, id: Uuid, change: PersonChange) -> Result<PersonLimitsView> {
        check("tokens", change.tokens)?;
        check("cost", change.cost)?;
        let PersonChange { tokens, cost, version } = change;
        let write = self.platform.db.write(id, move |tx| {
            async move {
                if ledger::person_limits(tx, id).await?.version != version {
                    return Err(stale());
                }
                ledger::put_person_limits(tx, id, &PersonLimits { tokens, cost, version: version + 1 }).await
            }
            .boxed()
        });
        let written = write.await;
        self.ledger.look().await?;
        let now = self.person_limits(id).await?;
        match written {
            Err(error) if error.code() == Code::Stale => Err(error.with("current", now)),
            written => written.map(|()| now),
        }
    }
}

fn view(limits: &Limits, used: Used) -> InstanceLimits {
    InstanceLimits {
        version: limits.version,
        person_tokens: limits.person_tokens,
        person_cost: limits.person_cost,
        instance_tokens: limits.instance_tokens,
        instance_cost: limits.instance_cost,
        used_tokens: used.tokens,
        used_cost: used.cost,
    }
}

fn stale() -> Error {
    Error::stale("the limits were changed meanwhile; look at them and decide again")
}

fn check(field: &str, cap: Option<i64>) -> Result<()> {
    match cap {
        Some(cap) if cap < 0 => Err(Error::invalid(field, "is not less than 0; null takes the limit away")),
        _ => Ok(()),
    }
}
