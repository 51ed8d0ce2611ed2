//! A person in one tab: writes, reads, changes their mind, and sends again whatever they are not sure of.

use crate::{
    ledger::Sent,
    network::{Answer, Asked, Line, short},
    provider::MODELS,
    reader::{Reader, Shown},
    world::World,
};
use http::Method;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use uuid::Uuid;

/// Times a person tries before they give up.
const TRIES: usize = 12;

pub struct Client {
    pub world: Arc<World>,
    pub line: Line,
    pub name: String,
    /// Whose tab this is: an index into the world's people.
    pub person: usize,
}

impl Client {
    pub async fn run(self, steps: u64) {
        for _ in 0..steps {
            // in a hurry, or reading first
            let longest = if self.line.dice.percent(30) { 2_500 } else { 300 };
            sleep(Duration::from_millis(self.line.dice.between(0, longest))).await;
            if self.world.ledger().replies[self.person].is_empty() {
                self.begin().await;
                continue;
            }
            match self.line.dice.between(0, 100) {
                0..14 => self.begin().await,
                14..50 => self.answer().await,
                50..62 => self.stop().await,
                62..70 => self.go_on().await,
                70..79 => self.regenerate().await,
                79..86 => self.edit().await,
                86..91 => self.repeat().await,
                91..94 => self.misuse().await,
                94..97 => self.look_elsewhere().await,
                _ => self.delete().await,
            }
        }
        self.tell("has finished");
    }

    fn tell(&self, what: impl AsRef<str>) {
        self.world.history.tell(&self.name, what);
    }

    /// Asks until there is an answer that says something; none when they give up.
    async fn insist(&self, what: &str, asked: &Asked) -> Option<Answer> {
        for attempt in 0..TRIES {
            match self.line.call(asked).await {
                Ok(answer) if !answer.is_passing() => {
                    self.tell(format!("{what}: {}", answer.status));
                    return Some(answer);
                }
                Ok(answer) => {
                    self.tell(format!("{what}: {} (try {attempt})", answer.status));
                    self.world.history.must(answer.status != 500, || {
                        format!("I9: {what} is answered {}", String::from_utf8_lossy(&answer.bytes))
                    });
                }
                Err(_) => self.tell(format!("{what}: nothing (try {attempt})")),
            }
            let pause = 100 << attempt.min(5);
            sleep(Duration::from_millis(self.line.dice.between(pause / 2, pause))).await;
        }
        None
    }

    fn message(&self, parent: Option<Uuid>) -> (Uuid, Value) {
        let id = self.line.dice.id();
        let model = self.line.dice.pick(&MODELS).map_or("", |(name, _)| *name);
        let text =
            format!("{} «{}» äß\u{1f600}\n{}", self.name, short(id), "x".repeat((self.line.dice.roll() % 40) as usize));
        let body = json!({"id": id, "parent_id": parent, "text": text, "model": format!("simulated/{model}")});
        (id, body)
    }

    async fn begin(&self) {
        let chat = self.line.dice.id();
        let (id, body) = self.message(None);
        if self.send("begin", chat, id, body).await {
            self.world.ledger().chats[self.person].push(chat);
        }
    }

    /// The shown path of one of the chats.
    async fn open(&self) -> Option<(Uuid, Vec<Value>)> {
        let chat = self.line.dice.pick(&self.world.ledger().chats[self.person]).copied()?;
        let answer = self.insist("open", &Asked::new(Method::GET, format!("/api/v1/chats/{chat}"))).await?;
        if answer.status == 404 {
            self.world
                .history
                .must(self.world.ledger().deleted.contains(&chat), || format!("I1: chat {chat} is not there"));
            return None;
        }
        Some((chat, answer.json()["messages"].as_array()?.clone()))
    }

    async fn answer(&self) {
        let Some((chat, messages)) = self.open().await else { return };
        let leaf = messages.last().and_then(|message| id(&message["id"]));
        let (id, body) = self.message(leaf);
        self.send("send", chat, id, body).await;
    }

    async fn edit(&self) {
        let Some((chat, messages)) = self.open().await else { return };
        let own: Vec<_> = messages.iter().filter(|message| message["role"] == "user").collect();
        let Some(chosen) = self.line.dice.pick(&own) else { return };
        let (id, mut body) = self.message(id(&chosen["parent_id"]));
        body["branch"] = json!(true);
        self.send("edit", chat, id, body).await;
    }

    /// Whether it is acknowledged.
    async fn send(&self, what: &str, chat: Uuid, id: Uuid, body: Value) -> bool {
        let asked = Asked::new(Method::POST, format!("/api/v1/chats/{chat}/messages")).key(id.to_string()).body(body);
        let text = asked.body["text"].as_str().unwrap_or_default().to_owned();
        self.world.ledger().sent.push(Sent { person: self.person, chat, id, text, asked: asked.clone(), answer: None });
        let what = format!("{what} {} in {}", short(id), short(chat));
        let Some(answer) = self.insist(&what, &asked).await else { return false };
        if answer.status == 202 {
            self.world.ledger().acknowledge(&self.world.history, id, &answer);
            self.watch(&answer);
            return true;
        }
        self.world.history.must(matches!(answer.status, 404 | 409), || {
            format!("{what} is answered {}: {}", answer.status, String::from_utf8_lossy(&answer.bytes))
        });
        false
    }

    /// Two readers follow the reply that was queued.
    fn watch(&self, answer: &Answer) {
        if let Some(reply) = id(&answer.json()["reply"]["id"]) {
            self.world.ledger().replies[self.person].push(reply);
            self.follow(reply, [Shown::default(), Shown::default()]);
        }
    }

    fn follow(&self, reply: Uuid, shown: [Shown; 2]) {
        for (number, shown) in (1..).zip(shown) {
            let name = format!("{}/{number}", self.name);
            let line = Line { world: self.world.clone(), token: self.line.token.clone(), dice: self.line.dice.fork() };
            let reader = Reader::new(self.world.clone(), line, name, reply, shown);
            let world = self.world.clone();
            world.ledger().reading += 1;
            tokio::spawn(async move {
                let shown = reader.follow().await;
                let mut ledger = world.ledger();
                ledger.reading -= 1;
                ledger.screens.insert(reply, shown);
            });
        }
    }

    fn reply(&self) -> Option<Uuid> {
        let ledger = self.world.ledger();
        let replies = &ledger.replies[self.person];
        self.line.dice.pick(&replies[replies.len().saturating_sub(4)..]).copied()
    }

    async fn stop(&self) {
        let Some(reply) = self.reply() else { return };
        let asked = Asked::new(Method::POST, format!("/api/v1/replies/{reply}/stop"));
        let answer = self.insist(&format!("stop {}", short(reply)), &asked).await;
        self.judge(answer.as_ref(), &[200, 404]);
    }

    async fn go_on(&self) {
        let Some(reply) = self.reply() else { return };
        let asked = Asked::new(Method::POST, format!("/api/v1/replies/{reply}/continue")).body(json!({}));
        let answer = self.insist(&format!("go on {}", short(reply)), &asked).await;
        self.judge(answer.as_ref(), &[202, 404, 409]);
        if answer.is_some_and(|answer| answer.status == 202) {
            let before = self.world.ledger().screens.get(&reply).cloned().unwrap_or_default();
            self.follow(reply, [Shown::default(), before]);
        }
    }

    async fn regenerate(&self) {
        let Some(reply) = self.reply() else { return };
        let key = self.line.dice.id().to_string();
        let asked = Asked::new(Method::POST, format!("/api/v1/replies/{reply}/regenerate")).key(key).body(json!({}));
        let what = format!("regenerate {}", short(reply));
        let Some(answer) = self.insist(&what, &asked).await else { return };
        self.judge(Some(&answer), &[202, 404, 409]);
        if answer.status == 202 {
            self.watch(&answer);
            // the same key again is the same reply
            if let Some(again) = self.insist(&what, &asked).await {
                self.world
                    .history
                    .must(again.status == 202 && again.bytes == answer.bytes || again.status == 404, || {
                        format!("I2: {what} again is answered {}", again.status)
                    });
            }
        }
    }

    /// A request of before, once more: an outbox that was never emptied.
    async fn repeat(&self) {
        let Some(sent) = self.earlier() else { return };
        let Some(answer) = self.insist(&format!("repeat {}", short(sent.id)), &sent.asked).await else { return };
        if answer.status == 202 {
            let first = sent.answer.is_none();
            self.world.ledger().acknowledge(&self.world.history, sent.id, &answer);
            if first {
                self.watch(&answer);
            }
        } else {
            self.world.history.must(sent.answer.is_none() || answer.status == 404, || {
                format!("I2: {} was acknowledged and is now answered {}", sent.id, answer.status)
            });
        }
    }

    /// The same key for something else.
    async fn misuse(&self) {
        let Some(sent) = self.earlier().filter(|sent| sent.answer.is_some()) else { return };
        let mut asked = sent.asked.clone();
        asked.body["text"] = json!("something else");
        let answer = self.insist(&format!("misuse {}", short(sent.id)), &asked).await;
        self.judge(answer.as_ref(), &[422]);
    }

    fn earlier(&self) -> Option<Sent> {
        let ledger = self.world.ledger();
        let own: Vec<_> = ledger.sent.iter().filter(|sent| sent.person == self.person).collect();
        self.line.dice.pick(&own).map(|sent| (*sent).clone())
    }

    /// What is others' is not there.
    async fn look_elsewhere(&self) {
        let other = (self.person + 1) % self.world.people();
        let Some(chat) = self.line.dice.pick(&self.world.ledger().chats[other]).copied() else { return };
        let answer = self.insist("look elsewhere", &Asked::new(Method::GET, format!("/api/v1/chats/{chat}"))).await;
        self.world.history.must(answer.as_ref().is_none_or(|answer| answer.status == 404), || {
            format!("I5: {} is shown chat {chat}", self.name)
        });
    }

    async fn delete(&self) {
        let Some(chat) = self.line.dice.pick(&self.world.ledger().chats[self.person]).copied() else { return };
        self.world.ledger().deleted.insert(chat);
        let path = format!("/api/v1/chats/{chat}");
        let answer = self.insist(&format!("delete {}", short(chat)), &Asked::new(Method::DELETE, &path)).await;
        self.judge(answer.as_ref(), &[204, 404]);
        if self.line.dice.percent(60) {
            let asked = Asked::new(Method::POST, format!("{path}/restore"));
            let answer = self.insist(&format!("restore {}", short(chat)), &asked).await;
            self.judge(answer.as_ref(), &[200, 404, 409]);
        }
    }

    fn judge(&self, answer: Option<&Answer>, expected: &[u16]) {
        let Some(answer) = answer else { return };
        self.world.history.must(expected.contains(&answer.status), || {
            format!("{} is answered {}: {}", self.name, answer.status, String::from_utf8_lossy(&answer.bytes))
        });
    }
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}
