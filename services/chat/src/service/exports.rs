//! Exporting: one chat at once, everything by a task into an archive that is there for a day.

use super::{Chats, files::place as file_place};
use crate::{
    domain::{Chat, Export, ExportedChat, ExportedMessage, FORMAT, Message},
    events,
    repository::{self, chats, exports, files, projects},
};
use chrono::{DateTime, TimeDelta};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use platform::{
    Error, Result,
    audit::{self, Signing},
    db::Tx,
    objects::{self, GetOptions, ObjectStore as _, Path},
    principal::Person,
    tasks::{self, Taken, Task},
};
use proto::{analytics::v1 as analytics, notification::v1 as notification, user::v1::ByIdRequest};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use tokio::sync::mpsc;
use uuid::Uuid;
use zip::{ZipWriter, write::SimpleFileOptions};

pub const QUEUE: &str = "chat-exports";

/// How long an archive can be fetched.
const HOURS: i64 = 24;
/// The largest archive.
const LARGEST: u64 = objects::LARGEST;

impl Chats {
    /// A chat as text: the path that is shown.
    pub async fn markdown(&self, person: &Person, id: Uuid) -> Result<(Chat, String)> {
        let open = self.open(person, id).await?;
        let mut text = format!("# {}\n", open.chat.title);
        for message in &open.messages {
            let who = if message.role == "user" { "You" } else { message.model.as_deref().unwrap_or("Answer") };
            text.push_str(&format!("\n## {who}, {}\n\n", message.created_at.format("%Y-%m-%d %H:%M UTC")));
            for file in &message.attachments {
                text.push_str(&format!("*({})*\n\n", file.name));
            }
            text.push_str(message.text.trim_end());
            text.push('\n');
        }
        Ok((open.chat, text))
    }

    /// A chat with all its branches.
    pub async fn export_chat(&self, person: &Person, id: Uuid) -> Result<ExportedChat> {
        let space = person.space();
        self.platform
            .db
            .read(space, move |tx| {
                async move {
                    super::found(tx, space, id).await?;
                    whole(tx, space, id).await
                }
                .boxed()
            })
            .await
    }

    /// A chat with all its branches, signed by this installation: whoever is shown the file can check it.
    pub async fn transcript(&self, person: &Person, id: Uuid) -> Result<serde_json::Value> {
        let chat = serde_json::to_value(self.export_chat(person, id).await?).map_err(Error::internal)?;
        let signing = Signing::of(&*self.platform.secrets).await?;
        audit::sign_transcript(&signing, chat, self.platform.clock.now().timestamp_millis())
    }

    /// Asks for an archive of everything. One is made at a time.
    pub async fn begin_export(&self, person: &Person) -> Result<Export> {
        let (space, id, now) = (person.space(), self.platform.ids.id(), self.platform.clock.now());
        let export = Export { id, state: "queued".into(), size: None, created_at: now, expires_at: None };
        let task = Task::new(QUEUE, id.to_string(), space, id.as_bytes().into(), now);
        self.write(space, move |tx| {
            let (export, task) = (export.clone(), task.clone());
            async move {
                if let Some(open) = exports::open(tx, space).await? {
                    return Ok(open);
                }
                exports::insert(tx, space, &export).await?;
                tasks::enqueue(tx, &task).await?;
                Ok(export)
            }
            .boxed()
        })
        .await
    }

    pub async fn find_export(&self, space: Uuid, id: Uuid) -> Result<Export> {
        let found =
            self.platform.db.read(space, move |tx| async move { exports::find(tx, space, id).await }.boxed()).await?;
        found.ok_or_else(|| Error::not_found("export"))
    }

    /// The archive, as long as it is there.
    pub async fn export_file(&self, person: &Person, id: Uuid) -> Result<(Export, super::files::Content)> {
        let export = self.find_export(person.space(), id).await?;
        if export.expires_at.is_none_or(|expires| expires <= self.platform.clock.now()) {
            return Err(Error::not_found("export"));
        }
        let object = self.platform.objects.get_opts(&place(person.space(), id)?, GetOptions::default()).await?;
        Ok((export, Box::pin(object.into_stream().map(|piece| piece.map_err(Error::from)))))
    }

    /// The task.
    pub async fn run_export(self, task: Taken) -> Result<()> {
        let id = Uuid::from_slice(&task.payload).map_err(|_| Error::invalid("export", "has no id"))?;
        let space = task.space;
        let mut export = match self.find_export(space, id).await {
            Ok(export) if matches!(export.state.as_str(), "queued" | "running") => export,
            Ok(_) => return Ok(()),
            Err(error) if error.code() == platform::Code::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        export.state = "running".into();
        self.save(space, export.clone()).await?;
        match self.pack(space, id).await {
            Ok(size) => {
                export.state = "ready".into();
                export.size = i64::try_from(size).ok();
                export.expires_at = Some(self.platform.clock.now() + TimeDelta::hours(HOURS));
            }
            Err(error) if error.code() == platform::Code::TooLarge => export.state = "failed".into(),
            Err(error) => return Err(error),
        }
        let saved = self.save(space, export).await;
        self.or_remove(&place(space, id)?, saved).await
    }

    async fn save(&self, space: Uuid, export: Export) -> Result<()> {
        let now = self.platform.clock.now();
        self.write(space, move |tx| {
            let export = export.clone();
            async move {
                exports::update(tx, space, &export).await?;
                let kind = match export.state.as_str() {
                    "ready" => "export.ready",
                    "failed" => "export.failed",
                    _ => "export.changed",
                };
                events::TOPIC.append(tx, events::export_changed(space, kind, export.id), now).await
            }
            .boxed()
        })
        .await
    }

    /// Writes the archive, first to a file that has no name, then to the store; answers its size.
    async fn pack(&self, space: Uuid, id: Uuid) -> Result<u64> {
        let (entries, taken) = mpsc::channel(4);
        let writing = tokio::task::spawn_blocking(move || write(taken));
        // When the thread has given up, its own error says why.
        let gathered = self.gather(space, &entries).await;
        drop(entries);
        let file = writing.await.map_err(Error::internal)??;
        gathered?;
        let pieces = stream::unfold(Some(file), |file| async move {
            let mut file = file?;
            let mut bytes = vec![0; 1 << 18];
            match file.read(&mut bytes) {
                Ok(0) => None,
                Ok(read) => {
                    bytes.truncate(read);
                    Some((Ok(bytes.into()), Some(file)))
                }
                Err(error) => Some((Err(Error::internal(error)), None)),
            }
        });
        Ok(objects::write(&*self.platform.objects, &place(space, id)?, Box::pin(pieces), LARGEST).await?.size)
    }

    async fn gather(&self, space: Uuid, entries: &mpsc::Sender<Entry>) -> Result<()> {
        let db = &self.platform.db;
        let request = ByIdRequest { id: space.as_bytes().into() };
        let account = self.user.clone().by_id(request).await?.into_inner().account;
        let account = account.map(|account| {
            let created_at = DateTime::from_timestamp_millis(account.created_at);
            let preferences = json!({"language": account.language, "theme": account.theme, "accent": account.accent});
            json!({"id": space, "name": account.name, "email": account.email, "role": account.role,
                "created_at": created_at, "preferences": preferences})
        });
        let about = json!({"format": "taifas-export", "version": 1, "exported_at": self.platform.clock.now(), "account": account});
        put(entries, "taifas.json", &about).await?;
        self.gather_from_others(space, entries).await?;
        let (projects, trashed, drafts, files) = db
            .read(space, move |tx| {
                async move {
                    Ok((
                        projects::list(tx, space, false).await?,
                        projects::list(tx, space, true).await?,
                        exports::drafts(tx, space).await?,
                        files::all(tx, space).await?,
                    ))
                }
                .boxed()
            })
            .await?;
        put(entries, "projects.json", &projects).await?;
        put(entries, "trash/projects.json", &trashed).await?;
        put(entries, "drafts.json", &drafts).await?;
        put(entries, "files.json", &files).await?;
        for file in files {
            let name = format!("files/{}.{}", file.id, file.kind.rsplit('/').next().unwrap_or_default());
            let limit = u64::try_from(file.size).unwrap_or(0);
            let bytes = objects::read(&*self.platform.objects, &file_place(space, file.id)?, limit).await?;
            send(entries, name, bytes.into()).await?;
        }
        let mut after = Uuid::nil();
        loop {
            let page = db.read(space, move |tx| async move { exports::chats(tx, space, after).await }.boxed()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = *last;
            for id in page {
                let chat = db.read(space, move |tx| async move { whole(tx, space, id).await }.boxed()).await;
                match chat {
                    Ok(chat) => {
                        let folder = if chat.deleted_at.is_some() { "trash/chats" } else { "chats" };
                        put(entries, &format!("{folder}/{id}.json"), &chat).await?;
                    }
                    // erased meanwhile
                    Err(error) if error.code() == platform::Code::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

impl Chats {
    /// What other services hold of the person. Each says it in the shape that its routes have.
    async fn gather_from_others(&self, space: Uuid, entries: &mpsc::Sender<Entry>) -> Result<()> {
        let person = || space.as_bytes().to_vec();
        let said = self.user.clone().instructions(ByIdRequest { id: person() }).await?.into_inner();
        let instructions = json!({"enabled": said.enabled, "nickname": said.nickname, "occupation": said.occupation,
            "about": said.about, "style": said.style});
        put(entries, "instructions.json", &instructions).await?;
        let request = notification::ExportRequest { person: person() };
        let said = self.notification.clone().export(request).await?.into_inner();
        put(entries, "notices.json", &read(&said.notices)?).await?;
        put(entries, "notice-preferences.json", &read(&said.preferences)?).await?;
        let request = analytics::ExportRequest { person: person() };
        let said = self.analytics.clone().export(request).await?.into_inner();
        put(entries, "usage.json", &read(&said.usage)?).await
    }
}

fn read(json: &str) -> Result<Value> {
    serde_json::from_str(json).map_err(Error::internal)
}

pub(super) fn place(space: Uuid, export: Uuid) -> Result<Path> {
    objects::path("chat", &[&space.simple().to_string(), "exports", &export.simple().to_string()])
}

/// A file of the archive.
struct Entry {
    name: String,
    bytes: Vec<u8>,
}

async fn put(entries: &mpsc::Sender<Entry>, name: &str, value: &impl Serialize) -> Result<()> {
    send(entries, name.into(), serde_json::to_vec_pretty(value).map_err(Error::internal)?).await
}

async fn send(entries: &mpsc::Sender<Entry>, name: String, bytes: Vec<u8>) -> Result<()> {
    entries.send(Entry { name, bytes }).await.map_err(|_| Error::unavailable("the archive cannot be written"))
}

fn write(mut entries: mpsc::Receiver<Entry>) -> Result<std::fs::File> {
    let mut archive = ZipWriter::new(tempfile::tempfile().map_err(Error::internal)?);
    let options = SimpleFileOptions::default().large_file(true);
    while let Some(Entry { name, bytes }) = entries.blocking_recv() {
        archive.start_file(name, options).map_err(Error::internal)?;
        archive.write_all(&bytes).map_err(Error::internal)?;
    }
    let mut file = archive.finish().map_err(Error::internal)?;
    file.seek(SeekFrom::Start(0)).map_err(Error::internal)?;
    Ok(file)
}

/// Within a transaction: a chat with all its branches.
async fn whole(tx: &mut Tx<'_>, space: Uuid, id: Uuid) -> Result<ExportedChat> {
    let chat = chats::find_anywhere(tx, space, id).await?.ok_or_else(|| Error::not_found("chat"))?;
    let active_leaf = chats::leaf(tx, space, id).await?.unwrap_or_default();
    let mut messages = exports::messages(tx, space, id).await?;
    repository::files::fill(tx, space, id, &mut messages).await?;
    let messages = messages.into_iter().map(|message: Message| ExportedMessage {
        id: message.id,
        parent_id: message.parent_id,
        role: message.role,
        text: message.text,
        state: message.state.name().into(),
        model: message.model,
        created_at: message.created_at,
        attachments: message.attachments,
    });
    Ok(ExportedChat {
        format: FORMAT.into(),
        version: 1,
        id,
        title: chat.title,
        model: chat.model,
        created_at: chat.created_at,
        updated_at: chat.updated_at,
        pinned: chat.pinned,
        archived: chat.archived,
        project_id: chat.project_id,
        active_leaf,
        deleted_at: chat.deleted_at,
        messages: messages.collect(),
    })
}
