//! Letters: asked for in the transaction of their reason, sent by a worker that tries again, and what
//! there is to see of them.

use super::Notices;
use crate::{
    config::read_address,
    mail::{self, Fields, Letter},
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use platform::{
    Error, Result,
    db::Scope,
    tasks::{self, Limits, Taken, Task},
};
use proto::user::v1::{Account, ByIdRequest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// The queue of letters.
const QUEUE: &str = "notification-mail";
/// The letters that other services may send.
const OF_OTHERS: [&str; 2] = ["password-reset", "invitation"];
/// The secret under which what letters say is kept until they are sent.
pub(super) const SECRET: &str = "letters";
/// What letters call this instance.
const INSTANCE: &str = "Taifas";

/// A letter that is asked for.
#[derive(Serialize, Deserialize)]
pub(super) struct Job {
    pub to: To,
    pub template: String,
    /// Of a notice: its data.
    #[serde(default)]
    pub data: Value,
    /// Of a letter of another service: its fields, encrypted. A link that works once lies in no table.
    #[serde(default)]
    pub sealed: Vec<u8>,
}

/// Where it goes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum To {
    /// Whatever this person's address and language are when it is sent.
    Person(Uuid),
    Address {
        address: String,
        language: String,
    },
}

impl Job {
    pub(super) fn task(&self, key: String, space: Uuid, now: DateTime<Utc>) -> Result<Task> {
        Ok(Task::new(QUEUE, key, space, serde_json::to_vec(self).map_err(Error::internal)?, now))
    }
}

/// How sending e-mail stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailStanding {
    pub configured: bool,
    pub host: Option<String>,
    pub from: Option<String>,
    /// Letters that wait to be sent, or to be tried again.
    pub waiting: i64,
    /// Letters that could not be sent in the last week.
    pub failed: i64,
    /// What went wrong with the last letter; none when it went out.
    pub problem: Option<String>,
}

impl Notices {
    pub fn has_mail(&self) -> bool {
        self.post.is_configured()
    }

    /// Sends the letters that are asked for. Without a mail server nobody asks.
    pub(crate) fn work(self) {
        let platform = self.platform.clone();
        let limits = Limits {
            parallel: 2,
            tries: 5,
            pause: self.post.pause(),
            lease: self.post.patience() + Duration::from_secs(30),
            ..Limits::default()
        };
        tasks::work(&platform, QUEUE, limits, move |task| {
            let notices = self.clone();
            async move { notices.deliver(task).await }.boxed()
        });
    }

    /// Takes on a letter of another service; answers whether it could.
    pub async fn send_letter(&self, template: String, to: String, language: String, fields: Fields) -> Result<bool> {
        if !OF_OTHERS.contains(&template.as_str()) {
            return Err(Error::invalid("template", "is none that may be sent for others"));
        }
        read_address(&to)?;
        let fields = with_instance(fields);
        mail::check(&template, &language, &fields)?;
        if !self.has_mail() {
            return Ok(false);
        }
        let key = self.platform.ids.id().to_string();
        let sealed = self.sealer.seal(&bound(&key), &serde_json::to_vec(&fields).map_err(Error::internal)?)?;
        let job = Job { to: To::Address { address: to, language }, template, data: Value::Null, sealed };
        let task = job.task(key, Uuid::nil(), self.platform.clock.now())?;
        self.platform
            .db
            .write(Scope::System, move |tx| {
                let task = task.clone();
                async move { tasks::enqueue(tx, &task).await }.boxed()
            })
            .await
    }

    async fn deliver(&self, task: Taken) -> Result<()> {
        let unreadable = || Error::invalid("letter", "cannot be read; it was asked for on another installation");
        let job: Job = serde_json::from_slice(&task.payload).map_err(|_| unreadable())?;
        let key = format!("{}:{}", task.space, task.key);
        let (address, language, fields) = match &job.to {
            To::Address { address, language } => {
                let fields = self.sealer.unseal(&bound(&task.key), &job.sealed).ok_or_else(unreadable)?;
                let fields = serde_json::from_slice(&fields).map_err(|_| unreadable())?;
                (address.clone(), language.clone(), fields)
            }
            To::Person(person) => {
                // Whoever is gone, or may not sign in, is not written to.
                let Some(account) = self.account(*person).await?.filter(|account| account.state == "active") else {
                    return Ok(());
                };
                let fields = self.fields(&account, &job.data).await?;
                (account.email, account.language, fields)
            }
        };
        let letter = Letter { key: &key, template: &job.template, language: &language, to: &address, fields: &fields };
        self.post.send(letter).await
    }

    async fn account(&self, person: Uuid) -> Result<Option<Account>> {
        let request = ByIdRequest { id: person.as_bytes().into() };
        Ok(self.users.clone().by_id(request).await.map_err(Error::from)?.into_inner().account)
    }

    /// What the letter of a notice says.
    async fn fields(&self, account: &Account, data: &Value) -> Result<Fields> {
        let text = |name: &str| data[name].as_str();
        let mut fields = Fields::from([("name".to_owned(), account.name.clone())]);
        let page = if let Some(chat) = text("chat_id") {
            format!("/c/{chat}")
        } else if let Some(device) = text("device") {
            fields.insert("device".into(), device.into());
            "/#settings/security".to_owned()
        } else if let Some(resets_at) = text("resets_at") {
            let at = DateTime::parse_from_rfc3339(resets_at).map_or_else(
                |_| resets_at.to_owned(),
                |at| at.with_timezone(&Utc).format("%Y-%m-%d %H:%M UTC").to_string(),
            );
            fields.insert("resets_at".into(), at);
            "/#settings/usage".to_owned()
        } else if let Some(person) = text("person_id").and_then(|id| Uuid::parse_str(id).ok()) {
            let name = self.names(&[person]).await?.remove(&person).unwrap_or_else(|| "somebody".into());
            fields.insert("person".into(), name);
            "/admin/people".to_owned()
        } else {
            "/#settings/data".to_owned()
        };
        fields.insert("link".into(), format!("{}{page}", self.url));
        Ok(with_instance(fields))
    }

    pub async fn mail_standing(&self) -> Result<MailStanding> {
        let queue = self.platform.tasks.standing().await?.into_iter().find(|standing| standing.queue == QUEUE);
        let (waiting, failed) = queue.map_or((0, 0), |queue| (queue.open, queue.buried));
        let (host, from) = self.post.standing().unzip();
        let (configured, problem) = (self.has_mail(), self.post.problem());
        Ok(MailStanding { configured, host, from, waiting, failed, problem })
    }

    /// Sends a letter now, and says what the mail server says.
    pub async fn test_mail(&self, person: Uuid, to: &str) -> Result<()> {
        read_address(to)?;
        let language = self.account(person).await?.map_or_else(|| "en".into(), |account| account.language);
        let fields = with_instance(Fields::from([("link".to_owned(), format!("{}/", self.url))]));
        let key = self.platform.ids.id().to_string();
        self.post.send(Letter { key: &key, template: "test", language: &language, to, fields: &fields }).await
    }
}

/// What a letter's fields are bound to: they open for no other task.
fn bound(key: &str) -> Vec<u8> {
    [b"taifas letter\0".as_slice(), key.as_bytes()].concat()
}

fn with_instance(mut fields: Fields) -> Fields {
    fields.entry("instance".into()).or_insert_with(|| INSTANCE.into());
    fields
}
