//! Invitations: links that let somebody make an account of a role.

use super::Auth;
use crate::{
    domain::{Hidden, Invitation, InvitationRow, LinkToken, Registration},
    events,
    repository::invitations,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Scope,
    principal::{Person, Role},
};
use proto::{notification::v1::SendRequest, user::v1::CheckRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Invitations that may be open at the same time.
const MOST: u32 = 1000;
/// How long an invitation that is over is still listed.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Whom to invite.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Inviting {
    /// The only address that may accept it; anybody with the link when absent.
    #[serde(default)]
    email: Option<String>,
    /// The role of the account; it may allow nothing that you may not do yourself.
    #[schema(value_type = String)]
    role: Role,
    /// How long it is good: 1 to 365 days.
    #[serde(default)]
    days: Option<u32>,
}

/// A new invitation. Its link is said this once.
#[derive(Serialize, ToSchema)]
pub struct Invited {
    pub invitation: Invitation,
    pub link: String,
    /// Whether the link was sent to the address.
    pub mailed: bool,
}

/// A link into an account that was made for somebody.
pub(super) struct JoinLink {
    pub link: String,
    pub expires_at: DateTime<Utc>,
}

impl Auth {
    pub async fn invitations(&self) -> Result<Vec<Invitation>> {
        let now = self.platform.clock.now();
        let rows = self
            .platform
            .db
            .write(Scope::System, move |tx| {
                async move {
                    invitations::forget(tx, now - KEPT).await?;
                    invitations::all(tx).await
                }
                .boxed()
            })
            .await?;
        Ok(rows.into_iter().map(|row| row.view(now)).collect())
    }

    pub async fn invite(&self, person: &Person, asked: Inviting) -> Result<Invited> {
        if self.look().await?.registration == Registration::Closed {
            return Err(Error::conflict("registration is closed; open it, or make the account yourself"));
        }
        self.check_may_give(person, &asked.role).await?;
        let days = asked.days.unwrap_or(self.config.invitation_days);
        if !(1..=365).contains(&days) {
            return Err(Error::invalid("days", "must lie between 1 and 365"));
        }
        if let Some(email) = &asked.email {
            let request = CheckRequest { name: "Somebody".into(), email: email.clone() };
            let wrong = self.users.clone().check(request).await?.into_inner();
            if !wrong.field.is_empty() {
                return Err(Error::invalid(&wrong.field, wrong.why));
            }
            if self.account_by_email(email.clone()).await?.0.is_some() {
                return Err(Error::conflict("somebody has this e-mail address already"));
            }
        }
        let now = self.platform.clock.now();
        let token = LinkToken::new(Uuid::nil(), &*self.platform.ids);
        let row = InvitationRow {
            id: self.platform.ids.id(),
            token_hash: token.hash(),
            email: asked.email.map(|email| email.trim().to_owned()),
            role: asked.role,
            account: None,
            created_by: Some(person.user),
            created_at: now,
            expires_at: now + TimeDelta::days(days.into()),
            accepted_at: None,
            revoked_at: None,
        };
        let (stored, actor) = (row.clone(), person.user);
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let row = stored.clone();
                async move {
                    if invitations::open(tx, now).await? >= MOST {
                        return Err(Error::conflict(format!("{MOST} invitations are open already; revoke some first")));
                    }
                    invitations::insert(tx, &row).await?;
                    let event = events::of_invitation("invitation.created", actor, Some(actor), row.id, Uuid::nil());
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await?;
        let link = token.link(&self.url, "join");
        let mailed = match &row.email {
            Some(email) => self.mail_link("invitation", email, "system", "", &link).await.unwrap_or(false),
            None => false,
        };
        tracing::info!(user = %person.user, invitation = %row.id, "somebody is invited");
        Ok(Invited { invitation: row.view(now), link, mailed })
    }

    pub async fn revoke_invitation(&self, person: &Person, id: Uuid) -> Result<()> {
        let (actor, now) = (person.user, self.platform.clock.now());
        self.platform
            .db
            .write(Scope::System, move |tx| {
                async move {
                    let row = invitations::find(tx, id).await?.filter(|row| row.account.is_none());
                    let row = row.ok_or_else(|| Error::not_found("invitation"))?;
                    if !invitations::revoke(tx, id, now).await? {
                        return Err(Error::conflict("this invitation is over already"));
                    }
                    let inviter = row.created_by.unwrap_or(actor);
                    let event = events::of_invitation("invitation.revoked", inviter, Some(actor), id, Uuid::nil());
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await
    }

    /// A link that lets somebody into the account that was made for them; those before are good no
    /// longer.
    pub(super) async fn make_join_link(&self, account: Uuid, role: Role, actor: Option<Uuid>) -> Result<JoinLink> {
        let now = self.platform.clock.now();
        let token = LinkToken::new(account, &*self.platform.ids);
        let row = InvitationRow {
            id: self.platform.ids.id(),
            token_hash: token.hash(),
            email: None,
            role,
            account: Some(account),
            created_by: actor,
            created_at: now,
            expires_at: now + TimeDelta::days(self.config.invitation_days.into()),
            accepted_at: None,
            revoked_at: None,
        };
        let expires_at = row.expires_at;
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let row = row.clone();
                async move {
                    invitations::revoke_of_account(tx, account, now).await?;
                    invitations::insert(tx, &row).await
                }
                .boxed()
            })
            .await?;
        Ok(JoinLink { link: token.link(&self.url, "join"), expires_at })
    }

    /// The invitation with this token, if it can be accepted.
    pub(super) async fn open_invitation(&self, token: &Hidden) -> Result<Option<InvitationRow>> {
        let now = self.platform.clock.now();
        let hash = LinkToken::read(token.expose()).map_or_else(Vec::new, |token| token.hash());
        let found = self
            .platform
            .db
            .read(Scope::System, move |tx| {
                let hash = hash.clone();
                async move { invitations::find_by_token(tx, hash).await }.boxed()
            })
            .await?;
        let Some(row) = found.filter(|row| row.state(now) == "open") else { return Ok(None) };
        if row.account.is_none() && self.look().await?.registration == Registration::Closed {
            return Ok(None);
        }
        // whoever invited must still be able to give what the invitation gives
        let Some(given) = self.authorizer.permissions(&row.role).await? else { return Ok(None) };
        let Some(inviter) = row.created_by else { return Ok(Some(row)) };
        let own = match self.account(inviter).await? {
            Some(account) => self.rights_of_account(&account).await?,
            None => None,
        };
        Ok(own.is_some_and(|own| own.covers(given)).then_some(row))
    }

    /// Sends a link by e-mail where that is possible; answers whether it was.
    pub(super) async fn mail_link(
        &self,
        template: &str,
        to: &str,
        language: &str,
        name: &str,
        link: &str,
    ) -> Result<bool> {
        let instance = self.look().await?.name;
        let fields = [("name", name), ("link", link), ("instance", &instance)];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let request = SendRequest { template: template.into(), to: to.into(), language: language.into(), fields };
        Ok(self.mail.clone().send(request).await.map_err(Error::from)?.into_inner().queued)
    }
}
