//! Names for conversations: asked of a model in a few words, taken only when it looks like a title.

use crate::{
    catalogue::Found,
    ledger::Tab,
    providers::{Ask, Fault, FaultKind, Origin, Piece, Role, Titles, Turn, Wishes},
};
use futures_util::StreamExt as _;
use platform::{Error, Result};
use std::time::Duration;
use uuid::Uuid;

/// How long a model may take; nobody waits for a title.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of question and answer it is told, in characters.
const EXCERPT: usize = 2_000;
/// The longest title, in characters.
const LONGEST: usize = 80;
/// Models that think first need room for it.
const TOKENS: u64 = 1_000;
/// What comes beyond this is no title, in bytes.
const HEARD: usize = 1_000;

const TASK: &str = "Write a title of at most six words for the conversation below, in the language of the conversation. \
                    Answer with the title alone: no quotation marks, no full stop.";

/// The title of a conversation that began like this; empty when the model makes none.
///
/// # Errors
/// What `tab` says; `unavailable` when the model does not answer.
pub async fn title(
    found: &Found,
    id: Uuid,
    question: &str,
    answer: &str,
    tab: impl Future<Output = Result<Tab>>,
) -> Result<String> {
    match found.provider.titles(question) {
        Titles::None => return Ok(String::new()),
        Titles::Fixed(title) => return Ok(title),
        Titles::Asked => {}
    }
    let text = format!("{TASK}\n\n<question>\n{}\n</question>\n\n<answer>\n{}\n</answer>", cut(question), cut(answer));
    let ask = Ask {
        model: found.model.id.clone(),
        turns: vec![Turn::new(Role::User, text)],
        prefix: String::new(),
        origin: Origin::default(),
        reply: id,
        attempt: 1,
        wishes: Wishes { max_tokens: Some(TOKENS), ..Wishes::default() },
    };
    let mut tab = tab.await?;
    let asked = async {
        let mut pieces = found.provider.stream(ask).await?;
        let mut said = String::new();
        while let Some(piece) = pieces.next().await {
            match piece? {
                Piece::Text(text) => {
                    let _ = tab.count(&text).await;
                    said.push_str(&text);
                }
                Piece::Call(_) => {}
                Piece::End(end) => {
                    tab.said(end.usage);
                    break;
                }
            }
            if said.len() > HEARD {
                break;
            }
        }
        Ok(tidy(&said))
    };
    let late = |_| Err(Fault::new(FaultKind::Timeout, "The model took too long for a title."));
    let made = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(late);
    tab.close(if made.is_ok() { "complete" } else { "failed" });
    made.map_err(|fault| Error::unavailable(fault.detail))
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(EXCERPT).map_or(text, |(at, _)| &text[..at])
}

/// The first line that says something, without the decoration that models like.
fn tidy(said: &str) -> String {
    // Some models write down what they think.
    let said = said.rsplit_once("</think>").map_or(said, |(_, behind)| behind);
    let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = line.trim_start_matches(['#', '*', ' ']);
    let line = ["Title:", "title:", "Titlu:"].iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
    let line = line.trim_matches(|c: char| c.is_whitespace() || "\"'“”„«»`*_.".contains(c));
    let title: String = line.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    title.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_models_write_around_a_title_is_left_out() {
        for (said, title) in [
            ("Bread without yeast", "Bread without yeast"),
            ("\n\n**\"Bread without yeast.\"**\n\nI hope this helps!", "Bread without yeast"),
            ("<think>A title…\n</think>\n# Title: Pâine fără drojdie", "Pâine fără drojdie"),
            ("„Pâine”", "Pâine"),
            ("", ""),
        ] {
            assert_eq!(tidy(said), title, "{said}");
        }
        assert_eq!(tidy(&"long ".repeat(100)).chars().count(), 79);
    }
}
