//! Questions that steer the scripted provider, and the answer it must give.

use ai::providers::scripted::{Script, script_text};
use anyhow::{Result, anyhow};
use serde_json::Value;
use uuid::Uuid;

/// A question that carries `script`, and characters that show wherever somebody counts or cuts wrongly.
pub fn question(script: &Value) -> String {
    format!("Ein Gruß an 👩‍🚀 und العربية, e\u{301}\r\n\tmit „Zeichen“ \u{feff}\n\nscript: {script}\n")
}

/// What the scripted provider says to `question` as `reply`, whatever happens on the way.
pub fn truth(question: &str, reply: Uuid) -> Result<String> {
    let script = Script::in_text(question).map_err(|fault| anyhow!(fault))?;
    Ok(script_text(&script, reply).concat())
}
