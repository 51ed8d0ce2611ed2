//! Names and e-mail addresses: what may be one, and when two are the same.

use platform::Error;

/// The longest name, in characters.
const NAME_LIMIT: usize = 100;
/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, without its angle brackets).
const EMAIL_LIMIT: usize = 254;

/// A field that will not do, and why, in words that follow its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub field: &'static str,
    pub why: &'static str,
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::invalid(wrong.field, wrong.why)
    }
}

/// A name as it is stored: one line of 1 to 100 characters.
///
/// # Errors
/// When it is empty, too long or holds control characters.
pub fn check_name(name: &str) -> Result<String, Wrong> {
    let wrong = |why| Err(Wrong { field: "name", why });
    let name = name.trim();
    if name.is_empty() {
        return wrong("is empty");
    }
    if name.chars().count() > NAME_LIMIT {
        return wrong("has more than 100 characters");
    }
    if name.chars().any(char::is_control) {
        return wrong("holds a control character; remove it");
    }
    Ok(name.to_owned())
}

/// An e-mail address that passed the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// As the person wrote it, without the space around it.
    pub written: String,
    /// The same for every spelling of it: lower case.
    pub key: String,
}

impl Email {
    /// What can be told without asking the mail server: one `@` with something on both sides, and
    /// none of the characters that separate or quote addresses in a header.
    ///
    /// # Errors
    /// When it cannot be an address.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |why| Err(Wrong { field: "email", why });
        let written = text.trim();
        if written.is_empty() {
            return wrong("is empty");
        }
        if written.len() > EMAIL_LIMIT {
            return wrong("is longer than an e-mail address can be");
        }
        if written.chars().any(|c| c.is_control() || c.is_whitespace() || "<>()[]\\,;:\"".contains(c)) {
            return wrong("holds a character that no e-mail address has");
        }
        let mut halves = written.split('@');
        match (halves.next(), halves.next(), halves.next()) {
            (Some(local), Some(domain), None)
                if !local.is_empty() && domain.split('.').all(|label| !label.is_empty()) =>
            {
                Ok(Self { written: written.to_owned(), key: written.to_lowercase() })
            }
            _ => wrong("is not an e-mail address, such as ana@example.org"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_an_address_are_one() {
        let email = Email::parse(" Ana.Pop@Example.ORG ").unwrap();
        assert_eq!(email.written, "Ana.Pop@Example.ORG");
        assert_eq!(email.key, "ana.pop@example.org");
        assert_eq!(Email::parse("ÁNA@example.org").unwrap().key, Email::parse("ána@example.org").unwrap().key);
        assert!(Email::parse("ana@localhost").is_ok());
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(254));
        let cases = [
            "",
            " ",
            "ana",
            "@",
            "ana@",
            "@example.org",
            "a@b@c",
            "a na@example.org",
            "ana@exa mple.org",
            "ana@.org",
            "ana@example.",
            "ana@exa..mple",
            "a\0na@example.org",
            "ana\n@example.org",
            "Ana <ana@example.org>",
            "ana@example.org,eva@example.org",
            &long,
        ];
        for wrong in cases {
            assert_eq!(Email::parse(wrong).unwrap_err().field, "email", "{wrong:?}");
        }
    }

    #[test]
    fn a_name_is_one_line_of_something() {
        assert_eq!(check_name("  Ana Pop ").unwrap(), "Ana Pop");
        assert!(check_name(&"ș".repeat(100)).is_ok());
        for wrong in ["", "  ", "a\0b", "a\nb", "\u{1b}[31mred", &"ș".repeat(101)] {
            assert_eq!(check_name(wrong).unwrap_err().field, "name", "{wrong:?}");
        }
    }
}
