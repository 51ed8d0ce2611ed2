//! The words of a text, as they are searched for: small letters without accents, each with its place.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};
use uuid::Uuid;

/// Longer ones are cut: nobody types them.
const LONGEST: usize = 64;

/// A word, and where it stands in the text (in bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub folded: String,
    pub from: usize,
    pub to: usize,
}

/// Scripts that put no spaces between words: each sign is a word of its own, and several of them in a
/// row are looked for as a phrase.
const fn stands_alone(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The words of `text`, in order.
pub fn words(text: &str) -> impl Iterator<Item = Word> + '_ {
    let mut signs = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (from, first) = signs.next()?;
            if !first.is_alphanumeric() {
                continue;
            }
            let (mut folded, mut to) = (String::new(), from + first.len_utf8());
            fold(first, &mut folded);
            while !stands_alone(first)
                && let Some(&(at, next)) = signs.peek()
                && (next.is_alphanumeric() || is_combining_mark(next))
                && !stands_alone(next)
            {
                if folded.len() < LONGEST {
                    fold(next, &mut folded);
                }
                to = at + next.len_utf8();
                signs.next();
            }
            if !folded.is_empty() {
                return Some(Word { folded, from, to });
            }
        }
    })
}

fn fold(sign: char, folded: &mut String) {
    if sign.is_ascii() {
        folded.push(sign.to_ascii_lowercase());
        return;
    }
    for small in sign.to_lowercase() {
        decompose_compatible(small, |part| {
            if part.is_alphanumeric() && !is_combining_mark(part) {
                folded.extend(part.to_lowercase());
            }
        });
    }
}

/// The short form of a space: 40 bits of its id in letters and digits. Two spaces that share one are
/// told apart by the rows.
fn short(space: Uuid) -> String {
    const SIGNS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = space.as_bytes()[11..].iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
    (0..8).map(|n| char::from(SIGNS[bits >> (35 - 5 * n) & 31])).collect()
}

/// What the index is given of a text: its words behind the short form of their space.
#[derive(Clone, Debug, Default)]
pub struct Indexed(String);

impl Indexed {
    #[must_use]
    pub fn new(space: Uuid, text: &str) -> Self {
        let (short, mut indexed) = (short(space), String::with_capacity(text.len() * 2));
        for word in words(text) {
            indexed.push_str(&short);
            indexed.push_str(&word.folded);
            indexed.push(' ');
        }
        Self(indexed)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person looks for: phrases that must all be there, mostly of one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    phrases: Vec<Vec<String>>,
    /// Whether the last word is only begun.
    open: bool,
}

/// A piece of a text that was found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Piece {
    pub text: String,
    /// Whether it is what was looked for.
    #[serde(rename = "match")]
    pub is_match: bool,
}

/// More of them find nothing better.
const PHRASES: usize = 16;

/// The longest snippet, in characters, and how much of it stands before what was found.
const SNIPPET: usize = 180;
const BEFORE: usize = 40;

impl Sought {
    /// Reads what was typed: words, and phrases in quotation marks. Nothing is a mistake.
    #[must_use]
    pub fn read(typed: &str) -> Self {
        let mut phrases: Vec<Vec<String>> = Vec::new();
        let mut parts = typed.split(['"', '“', '”', '„']).enumerate().peekable();
        let mut open = false;
        while let Some((number, part)) = parts.next() {
            let quoted = number % 2 == 1 && parts.peek().is_some();
            let mut last: Option<(usize, bool)> = None;
            for word in words(part) {
                let alone = word.folded.chars().next().is_some_and(stands_alone);
                let follows = last.is_some_and(|(to, was_alone)| quoted || (alone && was_alone && to == word.from));
                last = Some((word.to, alone));
                match phrases.last_mut() {
                    Some(phrase) if follows && phrase.len() < PHRASES => phrase.push(word.folded),
                    _ => phrases.push(vec![word.folded]),
                }
                open = !quoted;
            }
        }
        phrases.truncate(PHRASES);
        Self { phrases, open }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.phrases.is_empty()
    }

    /// As the full-text index wants it: only quoted words of letters and digits, so that nothing that
    /// was typed is ever read as its language.
    #[must_use]
    pub fn expression(&self, space: Uuid, column: &str) -> String {
        let short = short(space);
        let phrases = self.phrases.iter().map(|phrase| {
            let words: Vec<_> = phrase.iter().map(|word| format!("{short}{word}")).collect();
            format!("\"{}\"", words.join(" "))
        });
        let all = phrases.collect::<Vec<_>>().join(" AND ");
        format!("{column} : ({all}{})", if self.open { " *" } else { "" })
    }

    fn finds(&self, word: &str) -> Option<usize> {
        let last = self.phrases.len().checked_sub(1)?;
        let begun = self.phrases[last].last().filter(|begun| self.open && word.starts_with(begun.as_str()));
        let found = self.phrases.iter().flatten().position(|sought| sought == word);
        found.or_else(|| begun.map(|_| self.phrases.iter().map(Vec::len).sum::<usize>() - 1))
    }

    /// The part of `text` where most of it stands, in pieces. A text without any begins at its start.
    #[must_use]
    pub fn snippet(&self, text: &str) -> Vec<Piece> {
        let found: Vec<(Word, usize)> =
            words(text).filter_map(|word| self.finds(&word.folded).map(|which| (word, which))).take(2_000).collect();
        let within = |first: usize| {
            let end = found[first].0.from + SNIPPET - BEFORE;
            let mut which: Vec<_> =
                found[first..].iter().take_while(|(word, _)| word.to <= end).map(|(_, which)| *which).collect();
            which.sort_unstable();
            which.dedup();
            which.len()
        };
        let best = (0..found.len()).take(200).rev().max_by_key(|first| within(*first));
        let from = best.map_or(0, |best| back(text, found[best].0.from, BEFORE));
        let to = text[from..].char_indices().nth(SNIPPET).map_or(text.len(), |(at, _)| from + at);

        let mut pieces = Vec::new();
        let mut push = |text: &str, is_match| {
            let text = squeeze(text);
            if !text.is_empty() {
                pieces.push(Piece { text, is_match });
            }
        };
        let mut at = from;
        if from > 0 {
            push("… ", false);
        }
        for (word, _) in found.iter().filter(|(word, _)| word.from >= from && word.to <= to) {
            push(&text[at..word.from], false);
            push(&text[word.from..word.to], true);
            at = word.to;
        }
        push(&text[at..to], false);
        if to < text.len() {
            push(" …", false);
        }
        pieces
    }
}

/// So many characters before `at`, but not in the middle of a word.
fn back(text: &str, at: usize, count: usize) -> usize {
    let mut start = text[..at].char_indices().rev().take(count).last().map_or(at, |(at, _)| at);
    if start > 0 {
        let next = text[start..at].find(char::is_whitespace);
        start = next.map_or(at, |next| start + next + 1);
        while !text.is_char_boundary(start) {
            start += 1;
        }
    }
    start.min(at)
}

/// One space for every run of them.
fn squeeze(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for sign in text.chars() {
        if !sign.is_whitespace() {
            squeezed.push(sign);
        } else if !squeezed.ends_with(' ') {
            squeezed.push(' ');
        }
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text).map(|word| word.folded).collect()
    }

    #[test]
    fn words_are_small_and_without_accents() {
        assert_eq!(folded("Știință, ÎNVĂȚĂMÂNT și co-operation"), ["stiinta", "invatamant", "si", "co", "operation"]);
        assert_eq!(folded("s\u{326}tie cafe\u{301} ﬁne 10 kΩ"), ["stie", "cafe", "fine", "10", "kω"]);
        assert_eq!(folded("日本 go 語"), ["日", "本", "go", "語"]);
        assert_eq!(folded("-- … ! \u{301}"), Vec::<String>::new());
        let text = "a Știu b";
        let places: Vec<_> = words(text).map(|word| &text[word.from..word.to]).collect();
        assert_eq!(places, ["a", "Știu", "b"]);
    }

    #[test]
    fn nothing_that_is_typed_is_read_as_a_language() {
        let space = Uuid::from_u128(0);
        for typed in ["\" OR 1", "a AND NOT b", "title:x", "(a", "a*", "^a", "NEAR(a b)", "\"", "\"\"\"", "a\0b", "-a"]
        {
            let expression = Sought::read(typed).expression(space, "text");
            let inner = expression.trim_start_matches("text : (").trim_end_matches(')');
            let plain = inner.replace(" AND ", " ").replace(" *", "");
            assert!(plain.chars().all(|c| c.is_alphanumeric() || c == '"' || c == ' '), "{typed}: {expression}");
        }
        let sought = Sought::read("say \"good bye\" wor");
        assert_eq!(
            sought.expression(space, "text"),
            "text : (\"aaaaaaaasay\" AND \"aaaaaaaagood aaaaaaaabye\" AND \"aaaaaaaawor\" *)"
        );
        assert!(!Sought::read("\"good bye\"").open && Sought::read("\"good bye").open);
        assert!(Sought::read(" - … ").is_empty());
        assert_eq!(Sought::read("日本").phrases, [["日", "本"]]);
    }

    #[test]
    fn a_snippet_shows_where_it_stands() {
        let snippet = |typed: &str, text: &str| {
            let pieces = Sought::read(typed).snippet(text);
            pieces.iter().map(|p| if p.is_match { format!("[{}]", p.text) } else { p.text.clone() }).collect::<String>()
        };
        assert_eq!(snippet("stii", "Ce Știi  tu?"), "Ce [Știi] tu?");
        assert_eq!(snippet("know th", "I know this and\nthat"), "I [know] [this] and [that]");
        let long =
            format!("{} the needle {} needle in hay {}", "word ".repeat(60), "more ".repeat(60), "end ".repeat(60));
        let shown = snippet("needle hay", &long);
        assert!(shown.starts_with("… ") && shown.ends_with(" …"), "{shown}");
        assert!(shown.contains("[needle] in [hay]"), "{shown}");
        assert_eq!(snippet("absent", "Only this"), "Only this");
        for text in ["ș".repeat(500), "日本語".repeat(200), format!("{}x", "\u{301}".repeat(100))] {
            assert!(!Sought::read("x").snippet(&text).is_empty());
            assert!(!Sought::read("本").snippet(&text).is_empty());
        }
    }
}
