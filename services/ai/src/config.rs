//! Section `[ai]` of the configuration.

use crate::providers::{Continuation, Timeouts};
use secrecy::SecretString;
use serde::Deserialize;
use std::time::Duration;

/// Providers, and how answers are produced.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// An OpenAI-compatible server, with its version: `https://api.openai.com/v1`. Used when set, or
    /// when there is a key. Found by itself in `OPENAI_BASE_URL`.
    pub openai_base_url: Option<String>,
    /// Its key. Found by itself in `OPENAI_API_KEY`.
    pub openai_api_key: Option<SecretString>,
    /// What its models can do after a break: `asked`, or `prefix` for servers that go on from a
    /// trailing assistant message (vLLM, llama.cpp).
    pub openai_continuation: Going,
    /// A server that speaks Anthropic's Messages: `https://api.anthropic.com`. Used when set, or when there
    /// is a key. Found by itself in `ANTHROPIC_BASE_URL`.
    pub anthropic_base_url: Option<String>,
    /// Its key. Found by itself in `ANTHROPIC_API_KEY`.
    pub anthropic_api_key: Option<SecretString>,
    /// An Ollama server. Empty turns it off.
    pub ollama_base_url: String,
    /// The model for new chats, `provider/model`; the first one found when empty.
    pub default_model: String,
    /// The model that names conversations, `provider/model`; each conversation's own when empty.
    pub title_model: String,
    /// What every model is told first; `{date}` becomes today's date.
    pub system_prompt: String,
    /// Offers the scripted provider: prepared answers for demonstrations and tests.
    pub demo: bool,
    /// Whether a model that cannot take a prefix is asked to go on after a break (the answer is marked).
    pub continue_when_asked: bool,
    /// Answers produced at the same time by one process; more wait their turn, and nobody takes more of these
    /// places than are left for others.
    pub parallel: usize,
    /// Seconds a provider may take to its first word, between two words, and in all.
    pub first_byte_seconds: u64,
    pub idle_seconds: u64,
    pub total_seconds: u64,
    /// Seconds an Ollama may take to its first word: a cold model is loaded first.
    pub model_load_seconds: u64,
    /// A worker says this often that it lives…
    pub beat_seconds: u64,
    /// …and counts as dead after this long without.
    pub expiry_seconds: u64,
}

/// Short, so that small models keep their context for the conversation.
const SYSTEM: &str = "You are a helpful assistant in Taifas, a chat platform. Answer in the language of the question, \
                      in Markdown where it helps. Today is {date}.";

/// How the models of a server go on after a break.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Going {
    Prefix,
    #[default]
    Asked,
    None,
}

impl From<Going> for Continuation {
    fn from(going: Going) -> Self {
        match going {
            Going::Prefix => Self::Prefix,
            Going::Asked => Self::Asked,
            Going::None => Self::None,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            openai_base_url: None,
            openai_api_key: None,
            openai_continuation: Going::Asked,
            anthropic_base_url: None,
            anthropic_api_key: None,
            ollama_base_url: "http://127.0.0.1:11434".into(),
            default_model: String::new(),
            title_model: String::new(),
            system_prompt: SYSTEM.into(),
            demo: false,
            continue_when_asked: true,
            parallel: 1024,
            first_byte_seconds: 30,
            idle_seconds: 30,
            total_seconds: 600,
            model_load_seconds: 300,
            beat_seconds: 3,
            expiry_seconds: 10,
        }
    }
}

impl Config {
    /// What a provider may take.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        Timeouts {
            first_byte: Duration::from_secs(self.first_byte_seconds),
            idle: Duration::from_secs(self.idle_seconds),
            total: Duration::from_secs(self.total_seconds),
            ..Timeouts::default()
        }
    }

    /// What a provider may take that is slower or faster to its first word than the others. What it gets more there is added to
    /// the whole: a model that was loaded for minutes has the same time to answer as any other.
    #[must_use]
    pub fn timeouts_with(&self, first_byte_seconds: u64) -> Timeouts {
        let usual = self.timeouts();
        let first_byte = Duration::from_secs(first_byte_seconds);
        Timeouts { first_byte, total: usual.total + first_byte.saturating_sub(usual.first_byte), ..usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_first_word_does_not_take_from_the_time_to_answer() {
        let config = Config::default();
        let slow = config.timeouts_with(1_800);
        assert_eq!((slow.first_byte, slow.total), (Duration::from_secs(1_800), Duration::from_secs(600 + 1_770)));
        assert_eq!(config.timeouts_with(5).total, config.timeouts().total);
    }
}
