//! What people write, fit to be stored.

use platform::{Error, Result};

/// What a person wrote, fit to be stored.
///
/// # Errors
/// `invalid` for an empty text or a NUL, `too_large` past `limit` characters.
pub fn check_text(text: &str, limit: usize) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid("text", "is empty"));
    }
    if text.contains('\0') {
        return Err(Error::invalid("text", "holds a NUL character, which cannot be stored; remove it"));
    }
    let length = text.chars().count();
    if length > limit {
        return Err(Error::too_large(format!(
            "the message has {length} characters; {limit} are possible, so send it in parts"
        )));
    }
    Ok(())
}

/// How an answer shall differ from the one before.
///
/// # Errors
/// `invalid` for an empty one, a NUL, or one past 2,000 characters.
pub fn check_instruction(instruction: Option<&str>) -> Result<()> {
    let Some(text) = instruction else { return Ok(()) };
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(Error::invalid("instruction", "is empty; leave it out")),
        _ if text.contains('\0') => Err(Error::invalid("instruction", "holds a NUL character; remove it")),
        0..=2_000 => Ok(()),
        n => Err(Error::invalid("instruction", format!("has {n} characters; 2000 are possible"))),
    }
}

/// A title as it is stored: one line, at most 200 characters.
///
/// # Errors
/// `invalid` when nothing is left of it or it is too long.
pub fn check_title(title: &str) -> Result<String> {
    let title = one_line(title);
    match title.chars().count() {
        0 => Err(Error::invalid("title", "is empty")),
        1..=200 => Ok(title),
        n => Err(Error::invalid("title", format!("has {n} characters; 200 are possible"))),
    }
}

/// Without line breaks and other control characters.
pub fn one_line(text: &str) -> String {
    let parts = text.split(|c: char| c.is_control()).map(str::trim);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A new chat's first title: the beginning of its first message, cut between words.
#[must_use]
pub fn first_title(text: &str) -> String {
    const LIMIT: usize = 60;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let clean: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= LIMIT {
        return clean;
    }
    let cut: String = clean.chars().take(LIMIT).collect();
    let end = cut.rfind(' ').filter(|at| *at > LIMIT / 2).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_title_is_cut_between_words() {
        assert_eq!(first_title("\n  Hello there\nmore"), "Hello there");
        let long = "We are moving invoicing from SQLite to Postgres and would like advice on it";
        assert_eq!(first_title(long), "We are moving invoicing from SQLite to Postgres and would…");
        assert_eq!(first_title(&"ă".repeat(80)), format!("{}…", "ă".repeat(60)));
    }

    #[test]
    fn a_title_is_one_line_of_something() {
        assert_eq!(check_title("  a\r\nb ").unwrap(), "a b");
        assert!(check_title(" \n ").is_err());
        assert!(check_title(&"x".repeat(201)).is_err());
    }

    #[test]
    fn a_text_is_counted_in_characters() {
        assert!(check_text(&"ș".repeat(10), 10).is_ok());
        assert!(check_text(&"ș".repeat(11), 10).is_err());
        assert!(check_text("a\0b", 10).is_err());
    }
}
