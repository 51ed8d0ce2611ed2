//! Importing: the file is kept as it arrives, then read chat by chat by a task. Each chat is stored
//! whole or not at all, under an id that follows from where it came from, so that the same export
//! again, or the same task after a crash, makes nothing twice.

mod reading;

use super::{Chats, files::timed, search::index_chat};
use crate::{
    domain::{File, Import, Incoming, Problem, Project, look},
    events,
    repository::{chats, files, imports, messages, projects},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use platform::{
    Error, Result,
    db::Tx,
    objects::{self, GetOptions, ObjectStore as _, ObjectStoreExt as _, Path},
    principal::Person,
    tasks::{self, Taken, Task},
};
use reading::Piece;
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, io::Write as _, sync::Arc};
use uuid::Uuid;

pub const QUEUE: &str = "chat-imports";

/// Imports of one person that are not through yet.
const AT_ONCE: i64 = 3;
/// Problems that are named; further ones are counted.
const NAMED: usize = 200;
/// How many chats come in between two looks at the progress.
const PROGRESS: usize = 25;

impl Chats {
    /// Keeps the file and asks for it to be read.
    pub async fn import(
        &self,
        person: &Person,
        body: impl Stream<Item = Result<Bytes>> + Send + Unpin,
    ) -> Result<Import> {
        let (space, id, now) = (person.space(), self.platform.ids.id(), self.platform.clock.now());
        let model = self.resolve_model(person, "").await?;
        let open =
            self.platform.db.read(space, move |tx| async move { imports::open(tx, space).await }.boxed()).await?;
        if open >= AT_ONCE {
            return Err(Error::conflict(format!("{open} imports are under way; wait until one of them is through")));
        }
        let path = place(space, id)?;
        objects::write(&*self.platform.objects, &path, timed(body), self.config.import_limit_mb << 20).await?;
        let task = Task::new(QUEUE, id.to_string(), space, [id.as_bytes(), model.as_bytes()].concat(), now);
        self.platform
            .db
            .write(space, move |tx| {
                let task = task.clone();
                async move {
                    imports::insert(tx, space, id, now).await?;
                    tasks::enqueue(tx, &task).await?;
                    imports::find(tx, space, id).await?.ok_or_else(|| Error::not_found("import"))
                }
                .boxed()
            })
            .await
    }

    pub async fn imports(&self, person: &Person) -> Result<Vec<Import>> {
        let space = person.space();
        self.platform.db.read(space, move |tx| async move { imports::list(tx, space).await }.boxed()).await
    }

    pub async fn find_import(&self, space: Uuid, id: Uuid) -> Result<Import> {
        let found =
            self.platform.db.read(space, move |tx| async move { imports::find(tx, space, id).await }.boxed()).await?;
        found.ok_or_else(|| Error::not_found("import"))
    }

    /// The task.
    pub async fn run_import(self, task: Taken) -> Result<()> {
        let unreadable = || Error::invalid("import", "has no id");
        let (id, model) = task.payload.split_first_chunk::<16>().ok_or_else(unreadable)?;
        let (id, model) = (Uuid::from_bytes(*id), String::from_utf8_lossy(model).into_owned());
        let space = task.space;
        let import = match self.find_import(space, id).await {
            Ok(import) if matches!(import.state.as_str(), "queued" | "running") => import,
            // through already, or its space was erased
            Ok(_) => return Ok(()),
            Err(error) if error.code() == platform::Code::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut run =
            Run { chats: &self, space, import: import.id, model, source: None, problems: Problems::default() };
        run.save("running").await?;
        let through = run.read().await?;
        run.save(if through { "ready" } else { "failed" }).await?;
        objects::remove(&*self.platform.objects, &place(space, id)?).await
    }
}

pub(super) fn place(space: Uuid, import: Uuid) -> Result<Path> {
    objects::path("chat", &[&space.simple().to_string(), "imports", &import.simple().to_string()])
}

/// The same thing of the same source always gets the same id in a space (a UUID of version 8).
fn derived(space: Uuid, source: &str, key: &str) -> Uuid {
    let hash = Sha256::new().chain_update(space.as_bytes()).chain_update(source).chain_update([0]).chain_update(key);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[derive(Default)]
struct Problems {
    named: Vec<Problem>,
    more: usize,
    there_already: usize,
}

impl Problems {
    fn add(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            if self.named.len() < NAMED { self.named.push(problem) } else { self.more += 1 }
        }
    }

    fn all(&self) -> Vec<Problem> {
        let mut all = self.named.clone();
        if self.more > 0 {
            all.push(Problem::new(format!("{} more", self.more), "are not listed"));
        }
        if self.there_already > 0 {
            all.push(Problem::new(
                format!("{} chats", self.there_already),
                "were here already and were left as they are",
            ));
        }
        all
    }
}

/// One import being read.
struct Run<'c> {
    chats: &'c Chats,
    space: Uuid,
    import: Uuid,
    /// Answers next in what comes in.
    model: String,
    source: Option<&'static str>,
    problems: Problems,
}

impl Run<'_> {
    async fn save(&self, state: &'static str) -> Result<()> {
        let (space, import, source) = (self.space, self.import, self.source);
        let (problems, now) = (Arc::new(self.problems.all()), self.chats.platform.clock.now());
        self.chats
            .platform
            .db
            .write(space, move |tx| {
                let problems = problems.clone();
                async move {
                    imports::update(tx, space, import, state, source, &problems).await?;
                    let event = events::import_changed(space, import);
                    events::TOPIC.append(tx, event, now).await
                }
                .boxed()
            })
            .await
    }

    /// Answers whether anything could be read.
    async fn read(&mut self) -> Result<bool> {
        let object =
            self.chats.platform.objects.get_opts(&place(self.space, self.import)?, GetOptions::default()).await?;
        let mut file = tempfile::tempfile().map_err(Error::internal)?;
        let mut pieces = object.into_stream();
        while let Some(bytes) = pieces.next().await {
            // a memory page at a time onto a local disk
            file.write_all(&bytes.map_err(Error::from)?).map_err(Error::internal)?;
        }
        let model = self.model.clone();
        let mut pieces = reading::begin(file, self.chats.platform.clock.now(), self.chats.config.image_limit_mb << 20)?;
        let (mut read, mut names) = (0_usize, HashMap::new());
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Project(project) => self.keep_project(project).await?,
                Piece::Names(files) => names = files.into_iter().map(|file| (file.id, file.name)).collect(),
                Piece::File(id, bytes) => {
                    self.keep_file(id, names.get(&id).cloned().unwrap_or_default(), bytes).await?;
                }
                Piece::Problem(problem) => self.problems.add([problem]),
                Piece::Chat(incoming, problems) => {
                    self.source = Some(incoming.source);
                    read += 1;
                    self.keep_chat(*incoming, problems, &model).await?;
                    if read % PROGRESS == 0 {
                        self.save("running").await?;
                    }
                }
            }
        }
        if read == 0 {
            self.problems.add([Problem::new("the file", "holds no chats of a kind that is known here")]);
        }
        Ok(read > 0)
    }

    async fn keep_chat(&mut self, incoming: Incoming, problems: Vec<Problem>, model: &str) -> Result<()> {
        let (space, import, now) = (self.space, self.import, self.chats.platform.clock.now());
        let (incoming, model) = (Arc::new(incoming), model.to_owned());
        let outcome = self
            .chats
            .platform
            .db
            .write(space, {
                let incoming = incoming.clone();
                move |tx| {
                    let (incoming, model) = (incoming.clone(), model.clone());
                    async move { store(tx, space, import, &incoming, &model, now).await }.boxed()
                }
            })
            .await;
        match outcome {
            Ok(Stored::New { missing }) => {
                self.problems.add(problems);
                if missing > 0 {
                    let why = format!("{missing} files were not in the export");
                    self.problems.add([Problem::new(incoming.title.as_str(), why)]);
                }
            }
            Ok(Stored::Own) => {}
            Ok(Stored::There) => self.problems.there_already += 1,
            Err(error) if matches!(error.code(), platform::Code::Unavailable | platform::Code::Timeout) => {
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(%error, "a chat could not be imported");
                self.problems.add([Problem::new(incoming.title.as_str(), "could not be stored")]);
            }
        }
        Ok(())
    }

    async fn keep_project(&mut self, mut project: Project) -> Result<()> {
        let space = self.space;
        (project.version, project.deleted_at) = (1, None);
        self.chats
            .platform
            .db
            .write(space, move |tx| {
                let project = project.clone();
                async move {
                    if projects::find_anywhere(tx, space, project.id).await?.is_none() {
                        projects::insert(tx, space, &project).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// A picture of our own export, looked into as any other.
    async fn keep_file(&mut self, id: Uuid, name: String, bytes: Vec<u8>) -> Result<()> {
        let (space, now) = (self.space, self.chats.platform.clock.now());
        let db = &self.chats.platform.db;
        let (found, stored) = db
            .read(space, move |tx| {
                async move { Ok((files::find(tx, space, id).await?, files::stored(tx, space).await?)) }.boxed()
            })
            .await?;
        if found.is_some() {
            return Ok(());
        }
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let quota = i64::try_from(self.chats.config.files_limit_mb << 20).unwrap_or(i64::MAX);
        let picture = match look(&bytes, None) {
            Ok(picture) if stored.saturating_add(size) <= quota => picture,
            Ok(_) => {
                self.problems.add([Problem::new(name, "your files take up all the room there is")]);
                return Ok(());
            }
            Err(error) => {
                self.problems.add([Problem::new(name, error.message().to_owned())]);
                return Ok(());
            }
        };
        let file = File {
            id,
            name: crate::domain::file_name(&name, picture.kind),
            kind: picture.kind.into(),
            size,
            width: Some(picture.width.into()),
            height: Some(picture.height.into()),
        };
        self.chats.platform.objects.put(&super::files::place(space, id)?, bytes.into()).await?;
        db.write(space, move |tx| {
            let file = file.clone();
            async move { files::insert(tx, space, &file, now).await }.boxed()
        })
        .await
    }
}

enum Stored {
    New {
        missing: usize,
    },
    /// By this import, before a crash.
    Own,
    There,
}

async fn store(
    tx: &mut Tx<'_>,
    space: Uuid,
    import: Uuid,
    incoming: &Incoming,
    model: &str,
    now: DateTime<Utc>,
) -> Result<Stored> {
    let chat = derived(space, incoming.source, &incoming.key);
    // an export of this account itself
    if let Some(own) = incoming.key.parse().ok().filter(|_| incoming.source == "taifas")
        && chats::find_anywhere(tx, space, own).await?.is_some()
    {
        return Ok(Stored::There);
    }
    if chats::find_anywhere(tx, space, chat).await?.is_some() {
        return Ok(if imports::brought(tx, space, chat, import).await? { Stored::Own } else { Stored::There });
    }
    let project = match incoming.project {
        Some(project) => projects::find(tx, space, project).await?.map(|project| project.id),
        None => None,
    };
    let id = |key: &str| derived(space, incoming.source, &format!("{} {key}", incoming.key));
    let (mut missing, mut last) = (0, None);
    for turn in &incoming.turns {
        let message = id(&turn.key);
        let parent = turn.parent.as_deref().map(id);
        imports::insert_turn(tx, (space, chat, import), (message, parent), turn).await?;
        for (position, file) in (0..).zip(&turn.attachments) {
            if files::find(tx, space, file.id).await?.is_some() {
                files::attach(tx, space, message, position, file.id).await?;
            } else {
                missing += 1;
            }
        }
        last = Some(message);
    }
    let shown = incoming.active.as_deref().map(id);
    let shown = match shown {
        Some(shown) if messages::exists(tx, space, shown).await? => Some(shown),
        _ => last,
    };
    let shown = shown.ok_or_else(|| Error::internal("a chat without messages"))?;
    imports::insert_chat(tx, (space, chat, import), incoming, project, model, shown).await?;
    let leaf = crate::repository::tree::leaf_under(tx, space, chat, shown).await?.unwrap_or(shown);
    chats::look_at(tx, space, chat, leaf).await?;
    index_chat(tx, space, chat).await?;
    if let Some(chat) = chats::find_anywhere(tx, space, chat).await? {
        events::TOPIC.append(tx, events::chat_changed(space, None, "chat.imported", &chat, None), now).await?;
    }
    Ok(Stored::New { missing })
}
