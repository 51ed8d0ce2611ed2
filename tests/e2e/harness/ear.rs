//! What a person's client hears of tokens that name themselves: each must be theirs, and of the chat or the
//! reply that was asked for. Every answer, event stream and feed is listened to.

use ai::providers::scripted::Named;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// One person's, shared by all their connections.
#[derive(Default)]
pub struct Ear(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    person: Option<Uuid>,
    tokens: usize,
    foreign: Vec<String>,
}

/// What an answer is about, as far as its address says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    pub chat: Option<Uuid>,
    pub reply: Option<Uuid>,
}

impl About {
    pub fn path(path: &str) -> Self {
        let id = |what: &str| Uuid::parse_str(path.split_once(what)?.1.split(['/', '?']).next()?).ok();
        Self { chat: id("/chats/"), reply: id("/replies/") }
    }
}

impl Ear {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this is the person's.
    pub fn belongs_to(&self, person: Uuid) {
        self.heard().person = Some(person);
    }

    /// Whose it is, once they were welcomed.
    pub fn person(&self) -> Option<Uuid> {
        self.heard().person
    }

    pub fn hear(&self, text: &str, about: About) {
        let mut heard = self.heard();
        for token in Named::all(text) {
            heard.tokens += 1;
            let is_mine = token.as_ref().is_ok_and(|token| {
                let is = |wanted: Option<Uuid>, named| wanted.is_none_or(|id| Named::short(id) == named);
                let (person, About { chat, reply }) = (heard.person, about);
                is(person, token.space) && is(person, token.person) && is(chat, token.chat) && is(reply, token.reply)
            });
            if !is_mine {
                let person = heard.person;
                heard.foreign.push(format!("{person:?} is shown {token:?} of {about:?}"));
            }
        }
    }

    /// How many tokens were heard since the last time, and what was not the person's among them.
    pub fn take(&self) -> (usize, Vec<String>) {
        let mut heard = self.heard();
        (std::mem::take(&mut heard.tokens), std::mem::take(&mut heard.foreign))
    }

    /// What was not the person's.
    pub fn foreign(&self) -> Vec<String> {
        std::mem::take(&mut self.heard().foreign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_somebody_elses_is_noticed() {
        let [me, chat, reply, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let token = "⟨00000001.00000001.00000002.00000003.1.0.7⟩";
        for (person, path, foreign) in [
            (me, "/api/v1/chats", 0),
            (me, &*format!("/api/v1/chats/{chat}"), 0),
            (me, &*format!("/api/v1/chats/{other}/tree"), 1),
            (me, &*format!("/api/v1/replies/{reply}/stream"), 0),
            (me, &*format!("/api/v1/replies/{other}"), 1),
            (other, "/api/v1/search?q=1", 1),
        ] {
            let ear = Ear::default();
            ear.belongs_to(person);
            ear.hear(&format!("{{\"text\":\"{token}\"}} {token}"), About::path(path));
            let (tokens, found) = ear.take();
            assert_eq!((tokens, found.len()), (2, 2 * foreign), "{path}");
        }
        let ear = Ear::default();
        ear.hear("⟨00000001.00000001.00000002.00000003.1.0⟩", About::default());
        assert_eq!(ear.foreign().len(), 1, "half a token");
    }
}
