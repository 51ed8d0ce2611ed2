//! What readers of a reply have been shown: what chat stored when it last ended, and what its
//! stream holds behind that.

use bytes::Bytes;
use platform::{Error, Result, streams::Entry};
use proto::{
    Message as _,
    ai::v1::{Chunk, chunk::Kind},
    chat::v1::{Going, Mark},
};

/// The reply so far.
#[derive(Debug, Default)]
pub struct Shown {
    pub text: String,
    pub marks: Vec<Mark>,
    /// The seq the next entry gets.
    pub next: u64,
    /// The provider's end, when the stream ends with it: nothing is missing but to store it.
    pub end: Option<proto::ai::v1::End>,
}

impl Shown {
    /// # Errors
    /// `internal` for an entry that is not a chunk.
    pub fn read(going: &Going, entries: &[Entry], next: u64) -> Result<Self> {
        let mut shown = Self { text: going.text.clone(), marks: going.marks.clone(), next, end: None };
        for entry in entries.iter().filter(|entry| entry.seq >= going.next) {
            match Chunk::decode(entry.bytes.clone()).map_err(Error::internal)?.kind {
                Some(Kind::Text(text)) => {
                    shown.text.push_str(&text);
                    shown.end = None;
                }
                Some(Kind::Continued(_)) => shown.mark("continued"),
                Some(Kind::Trimmed(_)) => shown.mark("trimmed"),
                Some(Kind::End(end)) => shown.end = Some(end),
                Some(Kind::Done(_) | Kind::Loading(_)) | None => {}
            }
        }
        Ok(shown)
    }

    /// From here on something is different: the model was asked to go on (`continued`), or knows only a
    /// part of the conversation (`trimmed`).
    pub fn mark(&mut self, kind: &str) {
        self.marks.push(Mark { kind: kind.into(), at: self.place() });
        self.end = None;
    }

    /// Whether that is said here already, by an attempt that added nothing.
    pub fn is_marked(&self, kind: &str) -> bool {
        let here = self.place();
        self.marks.iter().any(|mark| mark.kind == kind && mark.at == here)
    }

    /// Where the text ends, in characters.
    fn place(&self) -> u32 {
        u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX)
    }
}

/// A chunk as the stream carries it.
pub fn encode(kind: Kind) -> Bytes {
    Chunk { kind: Some(kind) }.encode_to_vec().into()
}

/// Whether the last entry says that the end is stored.
pub fn ends_done(entries: &[Entry]) -> bool {
    let last = entries.last().and_then(|entry| Chunk::decode(entry.bytes.clone()).ok());
    matches!(last.and_then(|chunk| chunk.kind), Some(Kind::Done(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ai::v1::{Continued, Done, End};

    fn entries(kinds: Vec<Kind>) -> Vec<Entry> {
        kinds.into_iter().zip(0..).map(|(kind, seq)| Entry { seq, bytes: encode(kind) }).collect()
    }

    #[test]
    fn text_stored_already_is_not_read_again_from_the_stream() {
        let stream = entries(vec![
            Kind::Text("one ".into()),
            Kind::Done(Done {}),
            Kind::Continued(Continued {}),
            Kind::Text("tŵo".into()),
        ]);
        let going = Going { text: "one ".into(), next: 1, ..Going::default() };
        let shown = Shown::read(&going, &stream, 4).unwrap();
        assert_eq!(shown.text, "one tŵo");
        assert_eq!((shown.marks.len(), shown.marks[0].at), (1, 4));
        assert!(!ends_done(&stream) && ends_done(&stream[..2]));
    }

    #[test]
    fn an_end_counts_only_when_nothing_follows_it() {
        let stream = entries(vec![Kind::Text("a".into()), Kind::End(End::default())]);
        assert!(Shown::read(&Going::default(), &stream, 2).unwrap().end.is_some());
        let more = entries(vec![Kind::End(End::default()), Kind::Text("a".into())]);
        assert!(Shown::read(&Going::default(), &more, 2).unwrap().end.is_none());
    }
}
