//! What clients know: what they sent, what they were told, what they were shown.

use crate::{
    history::History,
    network::{Answer, Asked},
    reader::Shown,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[derive(Clone)]
pub struct Sent {
    pub person: usize,
    pub chat: Uuid,
    pub id: Uuid,
    pub text: String,
    pub asked: Asked,
    /// What it was acknowledged with.
    pub answer: Option<Bytes>,
}

#[derive(Default)]
pub struct Ledger {
    pub sent: Vec<Sent>,
    /// By person: chats that were acknowledged, and replies that were queued.
    pub chats: Vec<Vec<Uuid>>,
    pub replies: Vec<Vec<Uuid>>,
    pub deleted: BTreeSet<Uuid>,
    /// Readers that have not come to an end.
    pub reading: usize,
    pub screens: BTreeMap<Uuid, Shown>,
    /// The texts that anybody was shown of a reply, and with which end.
    pub texts: BTreeMap<Uuid, BTreeSet<(String, Option<String>)>>,
}

impl Ledger {
    pub fn shown(&mut self, reply: Uuid, text: &str, end: Option<&str>) {
        self.texts.entry(reply).or_default().insert((text.to_owned(), end.map(Into::into)));
    }

    pub fn acknowledge(&mut self, history: &History, id: Uuid, answer: &Answer) {
        let Some(sent) = self.sent.iter_mut().find(|sent| sent.id == id) else { return };
        match &sent.answer {
            Some(before) => history.must(before == &answer.bytes, || {
                format!(
                    "I2: {id} is answered {} after {}",
                    String::from_utf8_lossy(&answer.bytes),
                    String::from_utf8_lossy(before)
                )
            }),
            None => sent.answer = Some(answer.bytes.clone()),
        }
    }
}
