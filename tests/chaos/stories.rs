//! What people do while the program dies and comes back. They know nothing of it: what is not answered
//! they ask again, as their browsers do, and what they read goes on from its place.

use crate::harness::{About, Answer, Client, Draft, Over, PASSWORD, Seen, Sending, Watch, question, truth, until};
use ai::providers::scripted::Named;
use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::{Cursor, Read as _},
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};
use uuid::Uuid;
use zip::ZipArchive;

/// The head of a PNG of 64 by 48.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x30\x08\x06\0\0\0";

/// A person with something to do, and what came of it.
pub struct Story {
    client: Client,
    /// An address to sign in with.
    pub email: String,
    over: Over,
    model: &'static str,
    seed: u64,
    /// The longest a request may go unanswered, whatever dies, and a reply without its end.
    pub patience: Duration,
    /// How often the power went.
    pub cuts: Arc<AtomicUsize>,
    pub log: Log,
}

/// What a story knows at its end.
#[derive(Default)]
pub struct Log {
    pub violations: Vec<String>,
    /// Replies and how many of their attempts ended before the person's eyes.
    pub replies: Vec<(Uuid, i64)>,
    /// Messages that were acknowledged.
    pub texts: Vec<String>,
    /// Messages and replies that must be stored.
    pub rows: i64,
    pub chats: Vec<Uuid>,
    /// Answers that have ended whole, as they were shown.
    pub answers: Vec<(Uuid, String)>,
    pub files: Vec<(String, Vec<u8>)>,
    /// Chats that are gone for ever.
    pub erased: Vec<Uuid>,
    pub acknowledged: usize,
    /// Requests that were not answered: they may have been heard or not.
    pub unanswered: usize,
    /// Why those of them failed that had reached somebody, or were refused for now.
    pub cut: Vec<String>,
    pub pieces: usize,
    pub connections: usize,
}

impl Story {
    pub fn new(client: &Client, email: &str, over: Over, model: &'static str, seed: u64) -> Self {
        Self {
            client: client.clone(),
            email: email.into(),
            over,
            model,
            seed,
            patience: Duration::from_secs(30),
            cuts: Arc::default(),
            log: Log::default(),
        }
    }

    fn must(&mut self, holds: bool, why: impl FnOnce() -> String) {
        if !holds {
            self.log.violations.push(format!("{} {:?}: {}", self.model, self.over, why()));
        }
    }

    fn text(&self, tokens: usize) -> String {
        let seed = self.seed + self.log.rows.unsigned_abs();
        question(
            &json!({"tokens": tokens, "delay_ms": 3, "seed": seed, "style": "named", "title": format!("Title {seed}")}),
        ) + &Uuid::now_v7().to_string()
    }

    /// Calls until somebody answers, at most [`self.patience`].
    async fn insist(&mut self, call: impl AsyncFn(&Client) -> Result<Answer>) -> Result<Answer> {
        let (answer, unanswered, cut) = insist(&self.client, self.patience, call).await?;
        self.log.unanswered += unanswered;
        self.log.cut.extend(cut);
        Ok(answer)
    }

    /// A request with a key: answered in the end, and again in the same way.
    async fn ask(&mut self, call: impl AsyncFn(&Client) -> Result<Answer>) -> Result<Sending> {
        let first = self.insist(&call).await?.ok(202)?;
        self.log.acknowledged += 1;
        let again = self.insist(&call).await?;
        self.must(again.status == 202 && again.body == first, || {
            format!("the same key again is answered differently: {first} / {}", again.text)
        });
        Sending::read(first)
    }

    async fn send(&mut self, draft: &Draft) -> Result<Sending> {
        let sent = self.ask(async |client: &Client| client.send_raw(draft).await).await?;
        self.log.texts.push(draft.text().to_owned());
        self.log.rows += 2;
        Ok(sent)
    }

    /// What a reader knows at first.
    fn unseen(&self) -> Seen {
        Seen { cuts: self.cuts.clone(), ..Seen::default() }
    }

    fn watch(&self, reply: Uuid, seen: Seen) -> Watch {
        Watch::over(&self.client, reply, self.over, seen)
    }

    /// Reads a reply to its end; goes on by hand where the model cannot by itself.
    async fn read(&mut self, text: &str, reply: Uuid, watch: Watch) -> Result<()> {
        let truth = truth(text, reply)?;
        let (mut watch, mut ends) = (watch, 0);
        loop {
            let mut seen = watch.done(self.patience).await?;
            ends += 1;
            let done = seen.done.clone().unwrap_or_default();
            let faults = std::mem::take(&mut seen.violations);
            self.log.violations.extend(faults.into_iter().map(|why| format!("{} {:?}: {why}", self.model, self.over)));
            self.must(truth.starts_with(&seen.text), || format!("the text differs: {:?}", seen.text));
            let interrupted = done["state"] == "interrupted" && done["reason"]["code"] == "restart";
            if interrupted && self.model == "cannot" && ends < 6 && !seen.text.is_empty() {
                self.log.connections += seen.connections;
                (seen.connections, seen.events) = (0, 0);
                let path = format!("/api/v1/replies/{reply}/continue");
                let answer = self.insist(async |client: &Client| client.post(&path, &json!({})).await).await?;
                // 409: the one that was not answered had been heard
                self.must(matches!(answer.status, 202 | 409), || format!("Continue is answered {}", answer.text));
                watch = self.watch(reply, seen);
                continue;
            }
            self.must(done["state"] == "complete", || format!("it ends {done} with {:?}", seen.text));
            self.must(seen.text == truth, || format!("the text differs: {:?}", seen.text));
            let marked = match self.model {
                "continues" => seen.marks.is_empty(),
                _ => truth.is_marked(&seen.text, &seen.marks),
            };
            self.must(marked, || format!("marks stand at {:?} of {:?}", seen.marks, seen.text));
            self.log.pieces += Named::all(&seen.text).count();
            self.log.answers.push((reply, seen.text));
            self.log.connections += seen.connections;
            self.log.replies.push((reply, ends));
            return Ok(());
        }
    }

    async fn chat(&mut self, path: &str) -> Result<Value> {
        self.insist(async |client: &Client| client.get(path).await).await?.ok(200)
    }

    /// Two turns.
    pub async fn talk(&mut self) -> Result<()> {
        let first = Draft::of(Uuid::now_v7(), None, &self.text(120), self.model);
        let sent = self.send(&first).await?;
        self.log.chats.push(sent.chat);
        let watch = self.watch(sent.reply, self.unseen());
        self.read(first.text(), sent.reply, watch).await?;
        let second = Draft::of(sent.chat, Some(sent.reply), &self.text(80), self.model);
        let next = self.send(&second).await?;
        let watch = self.watch(next.reply, self.unseen());
        self.read(second.text(), next.reply, watch).await?;
        let open = self.chat(&format!("/api/v1/chats/{}", sent.chat)).await?;
        let ids: Vec<_> = open["messages"].as_array().into_iter().flatten().map(|turn| turn["id"].clone()).collect();
        let order = [sent.message, sent.reply, next.message, next.reply];
        self.must(ids == order.map(|id| json!(id)), || format!("the turns stand as {ids:?}, not as {order:?}"));
        for (turn, text) in [(0, first.text()), (2, second.text())] {
            let stored = open["messages"][turn]["text"].clone();
            self.must(stored == json!(text), || format!("{text:?} is stored as {stored}"));
        }
        Ok(())
    }

    /// A message, another version of it while its answer is being written, and one more answer.
    pub async fn edit(&mut self) -> Result<()> {
        let draft = Draft::of(Uuid::now_v7(), None, &self.text(160), self.model);
        let sent = self.send(&draft).await?;
        self.log.chats.push(sent.chat);
        let watch = self.watch(sent.reply, self.unseen());
        watch.shows(1, self.patience).await?;
        let other = draft.edited(&self.text(60));
        let edited = self.send(&other).await?;
        self.must(edited.chat == sent.chat, || "an edit is another chat".into());
        // the one that was being written stops, or had ended before
        let seen = watch.done(self.patience).await?;
        let ended = seen.done.clone().unwrap_or_default();
        let early = matches!(ended["state"].as_str(), Some("stopped" | "interrupted"));
        self.must(early || ended["state"] == "complete", || format!("beside an edit it ends {ended}"));
        let whole = truth(draft.text(), sent.reply)?;
        self.must(whole.starts_with(&seen.text), || format!("beside an edit the text differs: {:?}", seen.text));
        self.log.violations.extend(seen.violations);
        self.log.replies.push((sent.reply, 1));
        let watch = self.watch(edited.reply, self.unseen());
        self.read(other.text(), edited.reply, watch).await?;

        let key = Uuid::now_v7().to_string();
        let wish = async |client: &Client| client.regenerate(edited.reply, &key).await;
        let again = self.ask(wish).await?;
        self.log.rows += 1;
        let watch = self.watch(again.reply, self.unseen());
        self.read(other.text(), again.reply, watch).await?;
        let tree = self.chat(&format!("/api/v1/chats/{}/tree", sent.chat)).await?;
        let nodes: Vec<_> = tree["nodes"].as_array().into_iter().flatten().collect();
        let under = |parent: Option<Uuid>| nodes.iter().filter(|node| node["parent_id"] == json!(parent)).count();
        let shape = (nodes.len(), under(None), under(Some(draft.id)), under(Some(other.id)));
        self.must(shape == (5, 2, 1, 2), || format!("two versions and three answers are a tree of {shape:?}"));
        self.must(tree["active_leaf"] == json!(again.reply), || {
            format!("the shown path ends at {}", tree["active_leaf"])
        });
        let stored = self.client.stored(sent.chat, sent.reply).await;
        self.must(stored.is_err(), || "the first version is on the shown path".into());
        Ok(())
    }

    /// The same message from many places at once, before and after whatever happens.
    pub async fn repeat(&mut self) -> Result<()> {
        let draft = Draft::of(Uuid::now_v7(), None, &self.text(50), self.model);
        let (client, patience) = (self.client.clone(), self.patience);
        let send = async || insist(&client, patience, async |client: &Client| client.send_raw(&draft).await).await;
        let answers = try_join_all((0..25).map(|_| send())).await?;
        self.log.unanswered += answers.iter().map(|(_, unanswered, _)| unanswered).sum::<usize>();
        self.log.cut.extend(answers.iter().flat_map(|(_, _, cut)| cut.clone()));
        let sent = self.send(&draft).await?;
        self.log.chats.push(sent.chat);
        for (answer, ..) in answers {
            self.must(answer.status == 202 && answer.body == sent.body, || {
                format!("one of many is answered {}: {} / {}", answer.status, answer.text, sent.body)
            });
        }
        let watch = self.watch(sent.reply, self.unseen());
        self.read(draft.text(), sent.reply, watch).await
    }

    /// A chat that is renamed, of which a stale version is refused, and that goes into the trash and is
    /// found no more.
    pub async fn tidy(&mut self) -> Result<()> {
        let word = format!("q{}", Uuid::now_v7().simple());
        let draft = Draft::of(Uuid::now_v7(), None, &format!("{word}\n{}", self.text(25)), self.model);
        let sent = self.send(&draft).await?;
        self.log.chats.push(sent.chat);
        let watch = self.watch(sent.reply, self.unseen());
        self.read(draft.text(), sent.reply, watch).await?;
        let path = format!("/api/v1/chats/{}", sent.chat);
        let search = format!("/api/v1/search?q={word}");
        let found = self.chat(&search).await?;
        self.must(!none(&found), || format!("{word} is not found"));
        // the title that the model gives may come in between
        loop {
            let version = self.chat(&path).await?["chat"]["version"].as_i64().context("a version")?;
            let (title, before) = (json!({"title": word, "version": version}), self.log.unanswered);
            let call = async |client: &Client| client.call(client.request(Method::PATCH, &path).json(&title)).await;
            let answer = self.insist(call).await?;
            let title_now = self.chat(&path).await?["chat"]["title"].clone();
            match answer.status {
                200 => {
                    self.must(title_now == json!(word), || format!("renamed, it is called {title_now}"));
                    let stale = self.insist(call).await?;
                    self.must(stale.status == 409 && stale.body["code"] == "stale", || {
                        format!("a stale version is answered {}: {}", stale.status, stale.text)
                    });
                    break;
                }
                // the one that was not answered had been heard
                409 if title_now == json!(word) && self.log.unanswered > before => break,
                409 => {}
                status => bail!("a new title is answered {status}: {}", answer.text),
            }
        }
        let gone = self.insist(async |client: &Client| client.delete(&path).await).await?;
        self.must(matches!(gone.status, 204 | 404), || format!("a deletion is answered {}", gone.text));
        let found = self.chat(&search).await?;
        self.must(none(&found), || format!("a deleted chat is found: {found}"));
        let list = self.chat("/api/v1/chats").await?;
        self.must(!ids(&list).contains(&sent.chat), || "a deleted chat is in the list".into());
        Ok(())
    }

    /// A file that is uploaded, and a chat that is erased for ever.
    pub async fn keep(&mut self) -> Result<()> {
        let mut bytes = PICTURE.to_vec();
        bytes.extend((0..400).flat_map(|_| Uuid::new_v4().into_bytes()));
        let call = async |client: &Client| {
            let request = client.request(Method::POST, "/api/v1/files?name=a.png").header("Content-Type", "image/png");
            client.call(request.body(bytes.clone())).await
        };
        let file = self.insist(call).await?.ok(201)?;
        let path = format!("/api/v1/files/{}", file["id"].as_str().context("an id")?);
        self.look_at(&[(path.clone(), bytes.clone())]).await?;
        self.log.files.push((path, bytes));

        let draft = Draft::of(Uuid::now_v7(), None, &self.text(4), self.model);
        let sent = self.ask(async |client: &Client| client.send_raw(&draft).await).await?;
        let watch = self.watch(sent.reply, self.unseen());
        self.read(draft.text(), sent.reply, watch).await?;
        // what is known of it goes with it
        self.log.answers.pop();
        self.log.replies.pop();
        let path = format!("/api/v1/chats/{}", sent.chat);
        let gone = self.insist(async |client: &Client| client.delete(&path).await).await?;
        self.must(matches!(gone.status, 204 | 404), || format!("a deletion is answered {}", gone.text));
        let path = format!("{path}/forever");
        let gone = self.insist(async |client: &Client| client.delete(&path).await).await?;
        self.must(matches!(gone.status, 204 | 404), || format!("an erasure is answered {}", gone.text));
        self.log.erased.push(sent.chat);
        Ok(())
    }

    /// Files that were acknowledged are as they were.
    pub async fn look_at(&mut self, files: &[(String, Vec<u8>)]) -> Result<()> {
        for (path, bytes) in files {
            let start = Instant::now();
            let found = loop {
                match self.client.request(Method::GET, path).send().await {
                    Ok(answer) => match answer.bytes().await {
                        Ok(found) => break found,
                        Err(why) => ensure!(start.elapsed() < self.patience, "a file does not come: {why}"),
                    },
                    Err(why) => ensure!(start.elapsed() < self.patience, "nobody answers: {why}"),
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            };
            self.must(found == bytes, || format!("the file {path} is another one, of {} bytes", found.len()));
        }
        Ok(())
    }

    /// Everything of a person, as an archive.
    pub async fn export(&mut self) -> Result<()> {
        let export =
            self.insist(async |client: &Client| client.post("/api/v1/exports", &json!({})).await).await?.ok(202)?;
        let path = format!("/api/v1/exports/{}", export["id"].as_str().context("an id")?);
        let start = Instant::now();
        while self.chat(&path).await?["state"] != "ready" {
            ensure!(start.elapsed() < self.patience, "an export does not end");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        let file = self.insist(async |client: &Client| client.get(&format!("{path}/file")).await).await?;
        self.must(file.status == 200 && file.text.starts_with("PK"), || format!("the archive is {}", file.status));
        let mut archive = ZipArchive::new(Cursor::new(file.bytes))?;
        for at in 0..archive.len() {
            let mut text = Vec::new();
            archive.by_index(at)?.read_to_end(&mut text)?;
            self.client.ear.hear(&String::from_utf8_lossy(&text), About::default());
        }
        Ok(())
    }

    /// The same person on one more device.
    pub async fn sign_in(&mut self) -> Result<()> {
        let before = sessions(&self.chat("/api/v1/sessions").await?);
        let (device, unanswered, email) = (self.client.nobody(), self.log.unanswered, self.email.clone());
        self.insist(async |_| device.sign_in(&email, PASSWORD).await).await?.ok(200)?;
        until("the new device is let in", self.patience, async || {
            Ok(device.get("/api/v1/me").await.is_ok_and(|me| me.status == 200).then_some(()))
        })
        .await?;
        let (now, tries) = (sessions(&self.chat("/api/v1/sessions").await?), self.log.unanswered - unanswered + 1);
        self.must(now > before && now <= before + tries, || {
            format!("{tries} sign-ins: {before} sessions became {now}")
        });
        Ok(())
    }

    /// Nothing of anybody else: the list has the person's chats, the ones that are acknowledged among them.
    pub async fn look_around(&mut self, mine: &[Uuid]) -> Result<()> {
        let listed = ids(&self.chat("/api/v1/chats?limit=100").await?);
        let foreign: Vec<_> = listed.iter().filter(|id| !mine.contains(id)).collect();
        self.must(foreign.is_empty(), || format!("chats of somebody else are listed: {foreign:?}"));
        Ok(())
    }
}

fn none(found: &Value) -> bool {
    found["results"].as_array().is_none_or(Vec::is_empty)
}

fn ids(list: &Value) -> Vec<Uuid> {
    let chats = list["chats"].as_array().into_iter().flatten();
    chats.filter_map(|chat| Uuid::parse_str(chat["id"].as_str()?).ok()).collect()
}

fn sessions(list: &Value) -> usize {
    list["sessions"].as_array().map_or(0, Vec::len)
}

/// Calls until somebody answers, for so long at most; how often nobody did, and what came of it where it was
/// heard all the same.
async fn insist(
    client: &Client,
    patience: Duration,
    call: impl AsyncFn(&Client) -> Result<Answer>,
) -> Result<(Answer, usize, Vec<String>)> {
    let (start, mut unanswered, mut cut) = (Instant::now(), 0, Vec::new());
    loop {
        match call(client).await {
            // said by a server that is about to end, or has just begun
            Ok(answer) if answer.status != 503 => return Ok((answer, unanswered, cut)),
            Ok(answer) if start.elapsed() > patience => bail!("still {}: {}", answer.status, answer.text),
            Err(why) if start.elapsed() > patience => return Err(why.context("nobody answers")),
            Ok(answer) => cut.push(format!("{}: {}", answer.status, answer.text)),
            Err(why) => {
                unanswered += 1;
                let refused = why.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect);
                if !refused {
                    cut.push(format!("{why:?}"));
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
