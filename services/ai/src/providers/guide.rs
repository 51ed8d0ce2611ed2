//! Guide: a built-in model for an instance without any other, honest about not being a language model.
//!
//! Every sentence of an answer is a quotation from Taifas' own documentation with a link to where it stands; the only words of its
//! own are the three fixed frames below. The same question always gets the same answer, so that any prefix of it can be gone on from.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use std::sync::OnceLock;

use super::{
    Ask, Continuation, End, EndReason, Fault, FaultKind, Model, Piece, Pieces, Place, Provider, Purpose, Role, Titles,
};

mod documents;
mod passages;
mod rank;
mod words;

pub use documents::{DOCUMENTS, Document};
use passages::{Heading, Passage};
use rank::Index;

/// Stands before quotations.
pub const FOUND: &str = "Guide is not a language model. From Taifas' documentation:";
/// Stands before the headings when nothing matches.
pub const NOT_FOUND: &str =
    "Guide is not a language model, and nothing in Taifas' documentation matches. It knows these headings:";
/// Stands alone when the product was built without documentation.
pub const EMPTY: &str = "Guide is not a language model, and this build of Taifas contains no documentation to quote.";

/// The provider's and its only model's name.
const NAME: &str = "guide";
/// Most passages in an answer.
const MOST_PASSAGES: usize = 3;
/// Most headings in an answer without a match.
const MOST_HEADINGS: usize = 12;

/// The model. Its documents are read and indexed for the first question.
pub struct Guide {
    documents: Vec<Document>,
    book: OnceLock<Book>,
}

/// What the documents say.
struct Book {
    passages: Vec<Passage>,
    headings: Vec<Heading>,
    index: Index,
}

impl Default for Guide {
    fn default() -> Self {
        Self::over(DOCUMENTS)
    }
}

impl Guide {
    /// A guide to other documents than the built-in [`DOCUMENTS`].
    pub fn over(documents: &[Document]) -> Self {
        Self { documents: documents.to_vec(), book: OnceLock::new() }
    }

    fn book(&self) -> &Book {
        self.book.get_or_init(|| {
            let mut passages = Vec::new();
            let mut headings = Vec::new();
            for document in &self.documents {
                passages::split(document, &mut passages, &mut headings);
            }
            let texts = passages.iter().map(|passage| (passage.heading.title.as_str(), passage.text.as_str()));
            let index = Index::new(texts);
            Book { passages, headings, index }
        })
    }

    /// The whole answer to a question, in Markdown.
    pub fn answer(&self, question: &str) -> String {
        let book = self.book();
        let best = book.index.best(question, MOST_PASSAGES);
        if !best.is_empty() {
            let mut answer = FOUND.to_owned();
            for passage in best.iter().filter_map(|at| book.passages.get(*at)) {
                answer.push_str("\n\n");
                answer.push_str(&quote(&passage.text));
                answer.push_str("\n\n");
                answer.push_str(&passage.heading.link());
            }
            return answer;
        }
        if book.headings.is_empty() {
            return EMPTY.to_owned();
        }
        let mut answer = NOT_FOUND.to_owned();
        answer.push('\n');
        for heading in book.headings.iter().filter(|heading| heading.level <= 2).take(MOST_HEADINGS) {
            answer.push_str("\n- ");
            answer.push_str(&heading.link());
        }
        answer
    }
}

#[async_trait]
impl Provider for Guide {
    fn name(&self) -> &str {
        NAME
    }

    async fn models(&self) -> Result<Vec<Model>, Fault> {
        Ok(vec![Model {
            id: NAME.to_owned(),
            name: "Guide".to_owned(),
            description: "Quotes Taifas' own documentation. Not a language model.".to_owned(),
            place: Place::Server,
            continuation: Continuation::Prefix,
            purpose: Purpose::Chat,
            vision: false,
            window: None,
        }])
    }

    fn titles(&self, _: &str) -> Titles {
        Titles::None
    }

    async fn stream(&self, ask: Ask) -> Result<Pieces, Fault> {
        if ask.model != NAME {
            return Err(Fault::new(FaultKind::NotFound, "Guide has only one model, which is called guide."));
        }
        let question =
            ask.turns.iter().rev().find(|turn| turn.role == Role::User).map_or("", |turn| turn.text.as_str());
        let answer = self.answer(question);
        let Some(rest) = answer.strip_prefix(ask.prefix.as_str()) else {
            return Err(Fault::new(
                FaultKind::BadRequest,
                "The documentation has changed since this answer began; ask again.",
            ));
        };
        let mut pieces: Vec<_> =
            rest.split_inclusive(char::is_whitespace).map(|word| Ok(Piece::Text(word.to_owned()))).collect();
        pieces.push(Ok(Piece::End(End { reason: EndReason::Stop, usage: None })));
        Ok(stream::iter(pieces).boxed())
    }
}

/// The text as a Markdown block quotation, line by line unchanged.
fn quote(text: &str) -> String {
    let lines: Vec<String> =
        text.lines().map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") }).collect();
    lines.join("\n")
}
