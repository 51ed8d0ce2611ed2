//! The audit trail: the services' events are sealed, a minute's at a time, under signed Merkle roots that
//! name the one before. Whoever changes or removes a sealed event is found (`taifas audit verify`). The
//! seals, without what they were made of, are also written into a file that goes with the archive and
//! with backups, so that an end that was cut off is found too.

mod keeper;
mod merkle;

pub use keeper::{MIGRATIONS, keep, seal_new};
pub use merkle::root;

use crate::{
    Error, Result,
    hex::{hex, unhex},
    journal,
    secrets::Secrets,
};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};
use uuid::Uuid;

/// The name of the secret that seals are signed with.
pub const SECRET: &str = "audit-key";
/// The file of the seals, in the data folder, the archive and beside backups.
pub const SEALS: &str = "audit.jsonl";
/// The field of a signed transcript.
pub const SIGNED: &str = "signed";

/// Signs for this installation.
pub struct Signing(Ed25519KeyPair);

impl Signing {
    /// With the installation's own key, made when there is none.
    ///
    /// # Errors
    /// `unavailable` when the secret cannot be read or made.
    pub async fn of(secrets: &dyn Secrets) -> Result<Self> {
        Self::new(secrets.get_or_create(SECRET, 32).await?.expose())
    }

    /// # Errors
    /// `unavailable` when the seed is not 32 bytes.
    pub fn new(seed: &[u8]) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        Ok(Self(pair.map_err(|_| Error::unavailable(format!("the secret {SECRET} is not a key of 32 bytes")))?))
    }

    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    /// What signatures are checked with.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }
}

/// Whether `signature` is of `message` and the key.
#[must_use]
pub fn is_signed(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
}

/// Some minute's events, sealed. Everything but the leaves stands in the file of the seals too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seal {
    pub number: i64,
    pub events: i64,
    /// Of the leaves, hexadecimal.
    pub root: String,
    /// The sum of the seal before; empty for the first one.
    pub before: String,
    /// Milliseconds since 1970.
    pub at: i64,
    pub signature: String,
}

impl Seal {
    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        let Self { number, events, root, before, at, .. } = self;
        format!("taifas-audit-1\n{number}\n{events}\n{root}\n{before}\n{at}\n").into_bytes()
    }

    /// What the next one calls it.
    #[must_use]
    pub fn sum(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.statement());
        digest.update(&self.signature);
        hex(digest.finalize())
    }
}

/// A sealed event: where it stands, whose it is, when it was, and the sum of all it says but what was before a change,
/// which may be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Which of [`TOPICS`].
    pub topic: u8,
    pub position: i64,
    pub space: Uuid,
    /// Milliseconds since 1970.
    pub at: i64,
    pub sum: [u8; 32],
}

/// The topics that are sealed; new ones come last.
pub const TOPICS: [&str; 6] = ["user", "auth", "session", "chat", "ai", "notification"];

/// How many bytes a leaf takes.
const LEAF: usize = 65;

impl Leaf {
    #[must_use]
    pub fn bytes(&self) -> [u8; LEAF] {
        let mut bytes = [0; LEAF];
        bytes[0] = self.topic;
        bytes[1..9].copy_from_slice(&self.position.to_be_bytes());
        bytes[9..25].copy_from_slice(self.space.as_bytes());
        bytes[25..33].copy_from_slice(&self.at.to_be_bytes());
        bytes[33..].copy_from_slice(&self.sum);
        bytes
    }

    /// Its topic's name.
    #[must_use]
    pub fn topic(&self) -> Option<&'static str> {
        TOPICS.get(usize::from(self.topic)).copied()
    }

    /// The leaves of a seal; nothing when they are not whole.
    #[must_use]
    pub fn all(bytes: &[u8]) -> Option<Vec<Self>> {
        let (leaves, rest) = bytes.as_chunks::<LEAF>();
        rest.is_empty().then_some(())?;
        let read = |leaf: &[u8; LEAF]| {
            Some(Self {
                topic: leaf[0],
                position: i64::from_be_bytes(leaf[1..9].try_into().ok()?),
                space: Uuid::from_slice(&leaf[9..25]).ok()?,
                at: i64::from_be_bytes(leaf[25..33].try_into().ok()?),
                sum: leaf[33..].try_into().ok()?,
            })
        };
        leaves.iter().map(read).collect()
    }
}

/// An event as it lies in its table.
pub struct Row {
    pub position: i64,
    pub space_id: Uuid,
    pub aggregate_id: Uuid,
    pub version: i64,
    pub kind: String,
    pub actor: Option<Uuid>,
    pub payload: Vec<u8>,
    /// Milliseconds since 1970.
    pub at: i64,
}
crate::from_row!(Row { position, space_id, aggregate_id, version, kind, actor, payload, at });

/// The statement that reads a topic's events behind a position.
#[must_use]
pub fn select(topic: &str) -> String {
    format!(
        "select position, space_id, aggregate_id, version, kind, actor, payload, at from {topic}_events \
         where position > $1 order by position limit $2"
    )
}

impl Row {
    #[must_use]
    pub fn leaf(&self, topic: u8) -> Leaf {
        let mut digest = Sha256::new();
        digest.update(self.aggregate_id.as_bytes());
        digest.update(self.version.to_be_bytes());
        digest.update((self.kind.len() as u64).to_be_bytes());
        digest.update(&self.kind);
        digest.update(self.actor.map_or([0; 16], Uuid::into_bytes));
        digest.update((self.payload.len() as u64).to_be_bytes());
        digest.update(&self.payload);
        Leaf { topic, position: self.position, space: self.space_id, at: self.at, sum: digest.finalize().into() }
    }
}

/// A line of the file of the seals.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    Seal(Seal),
    /// The database was restored to a moment at which this was the last seal.
    Restored {
        restored_to: i64,
        at: i64,
    },
}

/// Adds to `to` what `from` has behind the last line that both have.
///
/// # Errors
/// When one of them cannot be read or written.
pub fn carry(from: &Path, to: &Path) -> Result<()> {
    let (ours, theirs): (Vec<Line>, Vec<Line>) = (journal::read(from)?, journal::read(to)?);
    // other instances may write there too
    let theirs: HashSet<_> = theirs.into_iter().collect();
    let known = ours.iter().rposition(|line| theirs.contains(line)).map_or(0, |at| at + 1);
    if known == ours.len() { Ok(()) } else { journal::append(to, &ours[known..]) }
}

/// A transcript with a signature over all the rest of it, keys in order.
///
/// # Errors
/// `internal` when it is not an object.
pub fn sign_transcript(signing: &Signing, mut transcript: serde_json::Value, at: i64) -> Result<serde_json::Value> {
    let object = transcript.as_object_mut().ok_or_else(|| Error::internal("a transcript that is no object"))?;
    object.remove(SIGNED);
    let statement = transcript_statement(object, at)?;
    let (key, signature) = (hex(signing.public()), hex(signing.sign(&statement)));
    object.insert(SIGNED.into(), serde_json::json!({"at": at, "key": key, "signature": signature}));
    Ok(transcript)
}

/// Whether a transcript is what the holder of the key has signed, and when that was.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_transcript(public: &[u8], mut transcript: serde_json::Value) -> Result<i64> {
    let wrong = |why: &str| Error::malformed(format!("the transcript {why}"));
    let object = transcript.as_object_mut().ok_or_else(|| wrong("is no JSON object"))?;
    let signed = object.remove(SIGNED).ok_or_else(|| wrong("is not signed"))?;
    let at = signed["at"].as_i64().ok_or_else(|| wrong("has no time of signing"))?;
    let signature = signed["signature"].as_str().and_then(unhex).ok_or_else(|| wrong("has no signature"))?;
    if signed["key"].as_str().and_then(unhex).is_none_or(|key| key != public) {
        return Err(wrong("was signed with another key: by another instance, or before its secrets were lost"));
    }
    let statement = transcript_statement(object, at)?;
    if !is_signed(public, &statement, &signature) {
        return Err(wrong("is not what was signed: it was changed"));
    }
    Ok(at)
}

fn transcript_statement(object: &serde_json::Map<String, serde_json::Value>, at: i64) -> Result<Vec<u8>> {
    let mut text = String::new();
    canonical(&serde_json::Value::Object(object.clone()), &mut text);
    Ok(format!("taifas-transcript-1\n{at}\n{}\n", hex(Sha256::digest(text))).into_bytes())
}

/// One text for each value: without spaces, keys in order.
fn canonical(value: &serde_json::Value, text: &mut String) {
    use serde_json::Value;
    match value {
        Value::Object(object) => {
            text.push('{');
            let sorted: BTreeMap<_, _> = object.iter().collect();
            for (key, value) in sorted {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(all) => {
            text.push('[');
            for value in all {
                canonical(value, text);
                text.push(',');
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_transcript_is_what_was_signed_or_it_is_not() {
        let signing = Signing::new(&[7; 32]).unwrap();
        let transcript = json!({"title": "A", "messages": [{"text": "b", "id": 1}]});
        let signed = sign_transcript(&signing, transcript, 5).unwrap();
        assert_eq!(check_transcript(&signing.public(), signed.clone()).unwrap(), 5);
        let read: serde_json::Value = serde_json::from_str(&serde_json::to_string_pretty(&signed).unwrap()).unwrap();
        assert_eq!(check_transcript(&signing.public(), read).unwrap(), 5);
        for (at, value) in [("/title", json!("B")), ("/messages/0/text", json!("c")), ("/signed/at", json!(6))] {
            let mut changed = signed.clone();
            *changed.pointer_mut(at).unwrap() = value;
            assert!(check_transcript(&signing.public(), changed).is_err(), "{at}");
        }
        let other = Signing::new(&[8; 32]).unwrap();
        assert!(check_transcript(&other.public(), signed).unwrap_err().to_string().contains("another key"));
    }

    #[test]
    fn seals_are_carried_once_and_over_a_restore() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, theirs) = (folder.path().join("a"), folder.path().join("b"));
        let seal = |number, at| {
            Line::Seal(Seal { number, events: 1, root: "r".into(), before: "b".into(), at, signature: "s".into() })
        };
        journal::append(&ours, &[seal(1, 3), seal(2, 4)]).unwrap();
        carry(&ours, &theirs).unwrap();
        carry(&ours, &theirs).unwrap();
        journal::append(&ours, &[Line::Restored { restored_to: 1, at: 9 }, seal(2, 9)]).unwrap();
        carry(&ours, &theirs).unwrap();
        assert_eq!(
            journal::read::<Line>(&theirs).unwrap(),
            [seal(1, 3), seal(2, 4), Line::Restored { restored_to: 1, at: 9 }, seal(2, 9)]
        );
    }
}
