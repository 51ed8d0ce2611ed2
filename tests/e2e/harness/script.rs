//! Questions that steer the scripted provider, and the answer it must give.

use ai::providers::scripted::{Named, Script, Style, script_text};
use anyhow::{Result, anyhow};
use serde_json::Value;
use uuid::Uuid;

/// A question that carries `script`, and characters that show wherever somebody counts or cuts wrongly.
pub fn question(script: &Value) -> String {
    format!("Ein Gruß an 👩‍🚀 und العربية, e\u{301}\r\n\tmit „Zeichen“ \u{feff}\n\nscript: {script}\n")
}

/// What the scripted provider says to a question, whatever happens on the way. Compare it with what was shown.
#[derive(Debug)]
pub struct Truth {
    script: Script,
    reply: u32,
    /// Where tokens do not name themselves.
    whole: String,
}

/// What the scripted provider says to `question` as `reply`.
pub fn truth(question: &str, reply: Uuid) -> Result<Truth> {
    let script = Script::in_text(question).map_err(|fault| anyhow!(fault))?;
    let whole = script_text(&script).concat();
    Ok(Truth { script, reply: Named::short(reply), whole })
}

impl Truth {
    /// Whether a text is a beginning of it, or all.
    pub fn starts_with(&self, text: &str) -> bool {
        match self.script.style {
            Style::Named => self.tokens(text).is_some(),
            Style::Words | Style::Markdown => self.whole.starts_with(text),
        }
    }

    /// Whether a stored text is all of it.
    pub fn is_in(&self, stored: &Value) -> bool {
        stored.as_str().is_some_and(|text| *text == *self)
    }

    /// Whether marks stand wherever in a text another attempt goes on than before: its tokens say which one
    /// they are of. One that went on with nothing leaves a mark and no token.
    pub fn is_marked(&self, text: &str, marks: &[u64]) -> bool {
        let characters = |text: &str| text.chars().count() as u64;
        let (mut at, mut attempt) = (0, None);
        let mut seams = Vec::new();
        for token in Named::all(text).flatten() {
            if attempt.is_some_and(|before| before != token.attempt) {
                seams.push(at);
            }
            attempt = Some(token.attempt);
            at += characters(&token.to_string());
        }
        // and each once
        let inside: Vec<u64> = marks.iter().copied().filter(|mark| *mark < characters(text)).collect();
        inside == seams
    }

    /// How many tokens of it a text has: one after the other from the first, of this question and reply, of
    /// one person in one chat, an earlier attempt's before a later one's. None when it is something else.
    fn tokens(&self, text: &str) -> Option<usize> {
        let tokens: Vec<Named> = Named::all(text).collect::<Result<_, _>>().ok()?;
        let whose = |token: &Named| (token.space, token.person, token.chat);
        let fits = |(seq, token): (usize, &Named)| {
            (token.reply, token.seq, token.seed) == (self.reply, seq, self.script.seed)
                && tokens.first().is_some_and(|first| whose(first) == whose(token))
        };
        let is_right = tokens.iter().enumerate().all(fits)
            && tokens.is_sorted_by_key(|token| token.attempt)
            && tokens.iter().map(Named::to_string).collect::<String>() == text
            && tokens.len() <= self.script.tokens;
        is_right.then_some(tokens.len())
    }
}

impl PartialEq<Truth> for str {
    fn eq(&self, truth: &Truth) -> bool {
        match truth.script.style {
            Style::Named => truth.tokens(self) == Some(truth.script.tokens),
            Style::Words | Style::Markdown => truth.whole == *self,
        }
    }
}

impl PartialEq<Truth> for String {
    fn eq(&self, truth: &Truth) -> bool {
        self.as_str() == truth
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_an_answer_in_order_is_the_truth() -> Result<()> {
        let asked = question(&json!({"tokens": 3, "style": "named", "seed": 7}));
        let truth = truth(&asked, Uuid::from_u128(3))?;
        let token = |chat: u32, reply: u32, attempt: u32, seq: usize, seed: u64| {
            Named { space: 1, person: 1, chat, reply, attempt, seq, seed }.to_string()
        };
        let is = |tokens: &[String]| (truth.starts_with(&tokens.concat()), *tokens.concat() == truth);
        assert_eq!(is(&[]), (true, false));
        assert_eq!(is(&[token(2, 3, 1, 0, 7), token(2, 3, 1, 1, 7)]), (true, false));
        let resumed = [token(2, 3, 1, 0, 7), token(2, 3, 4, 1, 7), token(2, 3, 4, 2, 7)];
        assert_eq!(is(&resumed), (true, true));
        let (text, seam, end) =
            (resumed.concat(), resumed[0].chars().count() as u64, resumed.concat().chars().count() as u64);
        assert!(truth.is_marked(&text, &[seam]) && truth.is_marked(&text, &[seam, end]));
        assert!(!truth.is_marked(&text, &[seam, seam]));
        assert!(
            !truth.is_marked(&text, &[]) && !truth.is_marked(&text, &[end]) && !truth.is_marked(&text, &[seam + 1])
        );
        let first = token(2, 3, 2, 0, 7);
        for (what, second) in [
            ("a gap", token(2, 3, 2, 2, 7)),
            ("a repetition", first.clone()),
            ("an earlier attempt", token(2, 3, 1, 1, 7)),
            ("another reply", token(2, 4, 2, 1, 7)),
            ("another chat", token(9, 3, 2, 1, 7)),
            ("another question", token(2, 3, 2, 1, 8)),
            ("half a token", token(2, 3, 2, 1, 7)[..20].to_owned()),
            ("a word between", format!(" {}", token(2, 3, 2, 1, 7))),
        ] {
            assert_eq!(is(&[first.clone(), second]), (false, false), "{what}");
        }
        Ok(())
    }
}
