//! Projects: chats that belong together, and what the models shall know in all of them.

use chrono::{DateTime, Utc};
use platform::{Error, Result, from_row};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A group of chats.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Project {
    pub id: Uuid,
    pub name: String,
    /// `slate`, `azurite`, `moss`, `ochre`, `rust` or `plum`.
    pub color: String,
    /// What the models are told in every chat of the project; it holds from the next answer on.
    pub instructions: String,
    /// Name it in a change; a stale one is refused.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Since when it is in the trash.
    #[serde(default)]
    pub deleted_at: Option<DateTime<Utc>>,
    /// How many chats it has, without those in the archive or the trash.
    pub chats: i64,
}
from_row!(Project { id, name, color, instructions, version, created_at, updated_at, deleted_at, chats });

const COLORS: [&str; 6] = ["slate", "azurite", "moss", "ochre", "rust", "plum"];

/// The longest instructions of a project, in characters.
const INSTRUCTIONS: usize = 8_000;

/// # Errors
/// `invalid` for a colour that is none of ours.
pub fn check_color(color: &str) -> Result<()> {
    if COLORS.contains(&color) {
        return Ok(());
    }
    Err(Error::invalid("color", format!("must be one of {}", COLORS.join(", "))))
}

/// A project's name as it is stored: one line, at most 100 characters.
///
/// # Errors
/// `invalid` when nothing is left of it or it is too long.
pub fn check_name(name: &str) -> Result<String> {
    let name = super::texts::one_line(name);
    match name.chars().count() {
        0 => Err(Error::invalid("name", "is empty")),
        1..=100 => Ok(name),
        n => Err(Error::invalid("name", format!("has {n} characters; 100 are possible"))),
    }
}

/// # Errors
/// `invalid` when they are too long or hold a NUL.
pub fn check_instructions(text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::invalid("instructions", "hold a NUL character, which cannot be stored; remove it"));
    }
    match text.chars().count() {
        0..=INSTRUCTIONS => Ok(()),
        n => Err(Error::invalid("instructions", format!("have {n} characters; {INSTRUCTIONS} are possible"))),
    }
}
