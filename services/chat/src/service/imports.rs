//! Importing: the file is kept as it arrives, then read chat by chat by a task. Each chat is stored
//! whole or not at all, under an id that follows from where it came from, so that the same export
//! again, or the same task after a crash, makes nothing twice.

mod reading;

use super::{Chats, files::timed, search::index_chat};
use crate::{
    domain::{Chat, File, Import, Incoming, Problem, Project, Turn, look},
    events,
    repository::{chats, files, imports, messages, projects, tree},
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
        let begun = self.write(space, move |tx| {
            let task = task.clone();
            async move {
                imports::insert(tx, space, id, now).await?;
                tasks::enqueue(tx, &task).await?;
                imports::find(tx, space, id).await?.ok_or_else(|| Error::not_found("import"))
            }
            .boxed()
        });
        self.or_remove(&path, begun.await).await
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
        let mut run = Run {
            chats: &self,
            space,
            import: import.id,
            model,
            models: HashMap::new(),
            source: None,
            problems: Problems::default(),
        };
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
    /// Chats that were here, with all that came.
    unchanged: usize,
    /// Chats that were here, and got messages that are new since.
    grown: usize,
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
        all.extend(match self.unchanged {
            0 => None,
            1 => Some(Problem::new("1 chat", "was here already and was left as it is")),
            many => Some(Problem::new(format!("{many} chats"), "were here already and were left as they are")),
        });
        all.extend(match self.grown {
            0 => None,
            1 => Some(Problem::new("1 chat", "was here already and got the messages that are new since")),
            many => {
                Some(Problem::new(format!("{many} chats"), "were here already and got the messages that are new since"))
            }
        });
        all
    }
}

/// One import being read.
struct Run<'c> {
    chats: &'c Chats,
    space: Uuid,
    import: Uuid,
    /// Answers next in what comes in with a model that is not here.
    model: String,
    /// Which models that chats come with are here, for this person.
    models: HashMap<String, bool>,
    source: Option<&'static str>,
    problems: Problems,
}

impl Run<'_> {
    async fn save(&self, state: &'static str) -> Result<()> {
        let (space, import, source) = (self.space, self.import, self.source);
        let (problems, now) = (Arc::new(self.problems.all()), self.chats.platform.clock.now());
        self.chats
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
                    self.keep_chat(*incoming, problems).await?;
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

    /// The chat's own model where the person can use it here, else the one for new chats.
    async fn model_of(&mut self, incoming: &Incoming) -> Result<String> {
        let Some(wanted) = &incoming.model else { return Ok(self.model.clone()) };
        if !self.models.contains_key(wanted) {
            let is_here = self.chats.has_model(self.space, wanted).await?;
            self.models.insert(wanted.clone(), is_here);
        }
        let is_here = self.models.get(wanted).copied().unwrap_or(false);
        Ok(if is_here { wanted } else { &self.model }.clone())
    }

    async fn keep_chat(&mut self, incoming: Incoming, problems: Vec<Problem>) -> Result<()> {
        let (space, import, now) = (self.space, self.import, self.chats.platform.clock.now());
        let model = self.model_of(&incoming).await?;
        let incoming = Arc::new(incoming);
        let outcome = self
            .chats
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
            Ok(Stored::There) => self.problems.unchanged += 1,
            Ok(Stored::Grown) => self.problems.grown += 1,
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
        let path = super::files::place(space, id)?;
        self.chats.platform.objects.put(&path, bytes.into()).await?;
        let stored = self.chats.write(space, move |tx| {
            let file = file.clone();
            async move { files::insert(tx, space, &file, now).await }.boxed()
        });
        self.chats.or_remove(&path, stored.await).await
    }
}

enum Stored {
    New {
        missing: usize,
    },
    /// By this import, before a crash.
    Own,
    /// All that came was here.
    There,
    /// The chat was here; turns that are new since were added.
    Grown,
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
        && let Some(found) = chats::find_anywhere(tx, space, own).await?
    {
        return grow(tx, (space, import), &found, incoming, now).await;
    }
    if let Some(found) = chats::find_anywhere(tx, space, chat).await? {
        if imports::brought(tx, space, chat, import).await? {
            return Ok(Stored::Own);
        }
        return grow(tx, (space, import), &found, incoming, now).await;
    }
    let project = match incoming.project {
        Some(project) => projects::find(tx, space, project).await?.map(|project| project.id),
        None => None,
    };
    let (mut missing, mut last) = (0, None);
    for turn in &incoming.turns {
        let message = id_of(space, incoming, &turn.key);
        let parent = turn.parent.as_deref().map(|parent| id_of(space, incoming, parent));
        missing += add(tx, (space, chat, import), (message, parent), turn).await?;
        last = Some(message);
    }
    let shown = incoming.active.as_deref().map(|key| id_of(space, incoming, key));
    let shown = match shown {
        Some(shown) if messages::exists(tx, space, shown).await? => Some(shown),
        _ => last,
    };
    let shown = shown.ok_or_else(|| Error::internal("a chat without messages"))?;
    imports::insert_chat(tx, (space, chat, import), incoming, project, model, shown).await?;
    let leaf = tree::leaf_under(tx, space, chat, shown).await?.unwrap_or(shown);
    chats::look_at(tx, space, chat, leaf).await?;
    index_chat(tx, space, chat).await?;
    if let Some(chat) = chats::find_anywhere(tx, space, chat).await? {
        events::TOPIC.append(tx, events::chat_changed(space, None, "chat.imported", &chat, None), now).await?;
    }
    Ok(Stored::New { missing })
}

/// The id that a turn of an import gets here.
fn id_of(space: Uuid, incoming: &Incoming, key: &str) -> Uuid {
    derived(space, incoming.source, &format!("{} {key}", incoming.key))
}

/// Stores a turn with its files; answers how many of them are not here.
async fn add(
    tx: &mut Tx<'_>,
    (space, chat, import): (Uuid, Uuid, Uuid),
    (message, parent): (Uuid, Option<Uuid>),
    turn: &Turn,
) -> Result<usize> {
    imports::insert_turn(tx, (space, chat, import), (message, parent), turn).await?;
    let mut missing = 0;
    for (position, file) in (0..).zip(&turn.attachments) {
        if files::find(tx, space, file.id).await?.is_some() {
            files::attach(tx, space, message, position, file.id).await?;
        } else {
            missing += 1;
        }
    }
    Ok(missing)
}

/// A chat that is here gets the turns that are new since. Those that are here stay as they are, and a
/// chat in the trash stays as a whole. What is shown goes on only behind where it ended: turns that a
/// person has added here stay before their eyes.
async fn grow(
    tx: &mut Tx<'_>,
    (space, import): (Uuid, Uuid),
    chat: &Chat,
    incoming: &Incoming,
    now: DateTime<Utc>,
) -> Result<Stored> {
    if chat.deleted_at.is_some() {
        return Ok(Stored::There);
    }
    let mut here: HashMap<&str, Uuid> = HashMap::new();
    for turn in &incoming.turns {
        // of this account itself, or what an import made of it
        let own = turn.key.parse().ok().filter(|_| incoming.source == "taifas");
        let made = id_of(space, incoming, &turn.key);
        let mut found = None;
        for id in own.into_iter().chain([made]) {
            if found.is_none() && messages::find(tx, space, chat.id, id).await?.is_some() {
                found = Some(id);
            }
        }
        let id = match found {
            Some(id) => id,
            None => {
                let parent = turn.parent.as_deref().and_then(|parent| here.get(parent)).copied();
                add(tx, (space, chat.id, import), (made, parent), turn).await?;
                made
            }
        };
        here.insert(&turn.key, id);
    }
    if !imports::added_to(tx, space, chat.id, import).await? {
        return Ok(Stored::There);
    }
    imports::note_activity(tx, space, chat.id, incoming.updated_at).await?;
    if let Some(shown) = incoming.active.as_deref().and_then(|key| here.get(key)).copied()
        && let Some(leaf) = chats::leaf(tx, space, chat.id).await?
        && shown != leaf
        && messages::path(tx, space, shown).await?.iter().any(|message| message.id == leaf)
    {
        chats::look_at(tx, space, chat.id, shown).await?;
    }
    index_chat(tx, space, chat.id).await?;
    events::TOPIC.append(tx, events::chat_changed(space, None, "chat.imported", chat, None), now).await?;
    Ok(Stored::Grown)
}
