//! Reading what other systems export: each chat by its shape, whatever its file is called. The
//! formats are nobody's standard and change; what is not understood is counted and said.

mod formats;
mod mend;

pub use mend::mend;

use super::{Incoming, Problem};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// A chat as it stands in an export, before it is mended.
pub(super) struct Raw {
    pub incoming: Incoming,
    /// Parts that a chat here cannot hold: pictures, tools, thoughts.
    pub dropped: usize,
}

/// One chat of an export.
///
/// # Errors
/// What is wrong, when there is nothing to be kept of it.
pub fn read(value: &Value, now: DateTime<Utc>) -> Result<(Incoming, Vec<Problem>), Problem> {
    let (incoming, problems) = mend(formats::read(value, now)?);
    if incoming.turns.is_empty() {
        // nobody said anything in any of them
        return Err(Problem::new(incoming.title, "has no messages that could be kept"));
    }
    Ok((incoming, problems))
}

#[cfg(test)]
mod fuzz {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize as _;
    use std::collections::HashSet;

    const SAMPLES: [&str; 4] = [
        include_str!("../../tests/fixtures/chatgpt.json"),
        include_str!("../../tests/fixtures/claude.json"),
        include_str!("../../tests/fixtures/librechat.json"),
        include_str!("../../tests/fixtures/open-webui.json"),
    ];

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Every place in a value.
    fn places(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    places(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
                }
            }
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    places(value, &format!("{at}/{index}"), all);
                }
            }
            _ => {}
        }
    }

    /// What comes of it is whole: each parent stands before its children, no key is there twice.
    fn check(value: &Value) -> Result<(), TestCaseError> {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let Ok((incoming, _)) = read(value, now) else { return Ok(()) };
        prop_assert!(!incoming.turns.is_empty());
        let mut seen = HashSet::new();
        for turn in &incoming.turns {
            prop_assert!(turn.parent.as_ref().is_none_or(|parent| seen.contains(parent)), "{:?}", turn);
            prop_assert!(seen.insert(turn.key.clone()), "{:?} twice", turn.key);
            prop_assert!(!turn.text.contains('\0'));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn anything_is_an_export_or_is_not(value in anything()) {
            check(&value)?;
        }

        /// Real exports in which something is replaced, removed or doubled.
        #[test]
        fn damaged_exports(
            sample in 0..SAMPLES.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<Option<prop::sample::Index>>(), anything()), 1..6),
        ) {
            // they are nested deeply
            let mut reader = serde_json::Deserializer::from_str(SAMPLES[sample]);
            reader.disable_recursion_limit();
            let mut value = Value::deserialize(&mut reader).unwrap();
            for (at, from, with) in changes {
                let mut all = Vec::new();
                places(&value, "", &mut all);
                let with = match from {
                    Some(from) => value.pointer(&all[from.index(all.len())]).cloned().unwrap_or_default(),
                    None => with,
                };
                if let Some(place) = value.pointer_mut(&all[at.index(all.len())]) {
                    *place = with;
                }
            }
            for chat in value.as_array().into_iter().flatten().chain([&value]) {
                check(chat)?;
            }
        }
    }
}
