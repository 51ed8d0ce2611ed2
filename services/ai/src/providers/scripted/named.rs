//! Tokens that name themselves: whoever holds one, a reader, a log, a row or an export, can tell whose it
//! is, which answer it belongs to, and whether one is missing before it.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::{Ask, Script};

const OPENS: char = '⟨';
const CLOSES: char = '⟩';

/// `⟨space.person.chat.reply.attempt.seq.seed⟩`. Ids are their last eight hexadecimal digits: their first ones are a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub space: u32,
    pub person: u32,
    pub chat: u32,
    pub reply: u32,
    /// The attempt that said it.
    pub attempt: u32,
    /// From 0, across attempts.
    pub seq: usize,
    /// The script's, as the question had it: another question's answer shows.
    pub seed: u64,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { space, person, chat, reply, attempt, seq, seed } = self;
        write!(f, "{OPENS}{space:08x}.{person:08x}.{chat:08x}.{reply:08x}.{attempt}.{seq}.{seed}{CLOSES}")
    }
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let parts: Vec<_> = text.strip_prefix(OPENS)?.strip_suffix(CLOSES)?.split('.').collect();
            let [space, person, chat, reply, attempt, seq, seed] = parts[..] else { return None };
            let [space, person, chat, reply] = [space, person, chat, reply].map(|id| u32::from_str_radix(id, 16).ok());
            let (attempt, seq, seed) = (attempt.parse().ok()?, seq.parse().ok()?, seed.parse().ok()?);
            let named = Self { space: space?, person: person?, chat: chat?, reply: reply?, attempt, seq, seed };
            // written in one way only
            (named.to_string() == text).then_some(named)
        };
        read().ok_or_else(|| format!("{text} is no token that names itself"))
    }
}

impl Named {
    /// The first token that this request gets.
    pub(super) fn first(script: &Script, ask: &Ask) -> Self {
        let origin = &ask.origin;
        Self {
            space: Self::short(origin.space),
            person: Self::short(origin.person),
            chat: Self::short(origin.chat),
            reply: Self::short(ask.reply),
            attempt: ask.attempt,
            seq: 0,
            seed: script.seed,
        }
    }

    /// What stands for an id.
    pub fn short(id: Uuid) -> u32 {
        let [.., a, b, c, d] = id.into_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// Every token in a text of any kind; what only looks like one is an error that quotes it. One that is cut off is left out: lists
    /// and results show beginnings of texts.
    pub fn all(text: &str) -> impl Iterator<Item = Result<Self, String>> {
        text.match_indices(OPENS).filter_map(move |(from, _)| {
            let token = text.get(from..)?;
            let inside = |sign: char| sign == OPENS || sign == '.' || sign.is_ascii_hexdigit();
            let (at, sign) = token.char_indices().find(|(_, sign)| !inside(*sign))?;
            (sign == CLOSES).then(|| token[..at + CLOSES.len_utf8()].parse())
        })
    }

    /// The tokens behind `shown`, which may end inside one: that one is finished as it began. None when `shown` is no beginning of
    /// an answer to this request by this attempt and those before it.
    pub(super) fn rest(mut self, tokens: usize, mut shown: &str) -> Option<Vec<String>> {
        let (own, mut left) = (self.attempt, Vec::new());
        self.attempt = 1;
        while self.seq < tokens {
            if shown.is_empty() {
                left.push(Self { attempt: own, ..self }.to_string());
            } else {
                // said by an earlier attempt, whole or in part
                let (attempt, token) = (self.attempt..=own).find_map(|attempt| {
                    let token = Self { attempt, ..self }.to_string();
                    (shown.starts_with(&token) || token.starts_with(shown)).then_some((attempt, token))
                })?;
                self.attempt = attempt;
                shown = shown.strip_prefix(token.as_str()).unwrap_or_else(|| {
                    left.extend(token.strip_prefix(shown).map(str::to_owned));
                    ""
                });
            }
            self.seq += 1;
        }
        shown.is_empty().then_some(left)
    }
}
