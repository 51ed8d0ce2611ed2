//! The messages of the live feed, as JSON.

use crate::follow;
use platform::{Error, Result, hints::Hint, streams::Position};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

/// A position as clients keep it and send it back.
pub fn position(at: Position) -> String {
    follow::place(at.epoch, u64::try_from(at.seq).ok())
}

/// The first message: hearing goes on behind `at`.
pub fn hello(at: Position) -> String {
    json!({ "type": "hello", "position": position(at) }).to_string()
}

pub fn hint(at: Position, hint: &Hint) -> String {
    json!({ "type": "hint", "position": position(at), "kind": &*hint.kind, "id": hint.id, "version": hint.version })
        .to_string()
}

/// Something was missed: fetch everything. What is heard from now on is behind `at`.
pub fn resync(at: Position) -> String {
    json!({ "type": "resync", "position": position(at) }).to_string()
}

/// The connection lives, and all up to `at` has been heard.
pub fn ping(at: Position) -> String {
    json!({ "type": "ping", "position": position(at) }).to_string()
}

/// The server ends; come again.
pub fn bye() -> String {
    json!({ "type": "bye" }).to_string()
}

/// What a client may say.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Said {
    Follow {
        reply: Uuid,
        /// Behind this position of the reply; from its beginning without one.
        #[serde(default)]
        from: Option<String>,
    },
    Unfollow {
        reply: Uuid,
    },
}

/// # Errors
/// A sentence that says what can be said.
pub fn read(text: &str) -> Result<Said> {
    serde_json::from_str(text)
        .map_err(|_| Error::malformed("only follow and unfollow can be said here; changes go over the API"))
}

#[cfg(test)]
mod fuzz {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever a client says is understood or refused; what was understood says the same again.
        #[test]
        fn what_clients_say(text in prop_oneof![
            any::<String>(),
            "[{\\[\\]}\":,a-z0-9 -]{0,80}",
            "\\{\"type\":\"(un)?follow\",\"reply\":\"[0-9a-f-]{30,36}\"(,\"from\":\"[0-9.x-]{0,40}\")?\\}",
        ]) {
            if let Ok(said) = read(&text) {
                let (kind, reply, from) = match &said {
                    Said::Follow { reply, from } => ("follow", reply, from.clone()),
                    Said::Unfollow { reply } => ("unfollow", reply, None),
                };
                let mut again = serde_json::json!({"type": kind, "reply": reply});
                if let Some(from) = from {
                    again["from"] = from.into();
                }
                prop_assert_eq!(read(&again.to_string()).unwrap(), said);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_following_can_be_said() {
        let reply = Uuid::from_u128(5);
        let follow = |from: Option<&str>| Said::Follow { reply, from: from.map(Into::into) };
        assert_eq!(read(&format!(r#"{{"type":"follow","reply":"{reply}"}}"#)).unwrap(), follow(None));
        assert_eq!(read(&format!(r#"{{"type":"follow","reply":"{reply}","from":null}}"#)).unwrap(), follow(None));
        assert_eq!(
            read(&format!(r#"{{"reply":"{reply}","from":"1-2","type":"follow"}}"#)).unwrap(),
            follow(Some("1-2"))
        );
        assert_eq!(read(&format!(r#"{{"type":"unfollow","reply":"{reply}"}}"#)).unwrap(), Said::Unfollow { reply });
        for wrong in [
            "",
            "follow",
            "{}",
            "[]",
            r#"{"type":"follow"}"#,
            r#"{"type":"follow","reply":"x"}"#,
            r#"{"type":"rename","chat":"00000000-0000-0000-0000-000000000005","title":"x"}"#,
            r#"{"type":"stop","reply":"00000000-0000-0000-0000-000000000005"}"#,
            r#"{"type":"unfollow","reply":"00000000-0000-0000-0000-000000000005","title":"x"}"#,
            r#"{"type":"hint","position":"1-2","kind":"chat.renamed","id":"00000000-0000-0000-0000-000000000005","version":1}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
