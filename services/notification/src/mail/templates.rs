//! Templates: a file for each letter and language. A subject, paragraphs, and one line that begins
//! with `=>`, which becomes the link. Text and HTML are made of the same file; what is filled in is
//! text in both, whatever it looks like.

use platform::{Error, Result};
use std::collections::BTreeMap;

/// What is filled in, by name.
pub type Fields = BTreeMap<String, String>;

const LAYOUT: &str = include_str!("../../templates/layout.html");

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../templates/en/", $name, ".txt")),
            include_str!(concat!("../../templates/ro/", $name, ".txt")),
        )),+]
    };
}
/// Name, English, Romanian.
const TEMPLATES: &[(&str, &str, &str)] = templates![
    "password-reset",
    "invitation",
    "test",
    "reply-finished",
    "new-device",
    "cap-reached",
    "invitation-accepted",
    "export-ready",
];

/// The longest text that is filled in, in characters, and the longest link.
const FIELD_LIMIT: usize = 300;
const LINK_LIMIT: usize = 2_000;

/// A letter as it is sent.
#[derive(Debug)]
pub struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Makes sure that a letter can be written.
///
/// # Errors
/// As [`write`].
pub fn check(template: &str, language: &str, fields: &Fields) -> Result<()> {
    write(template, language, fields).map(drop)
}

/// # Errors
/// `invalid` for a template that does not exist, a field it needs and has not, and a link that is none.
pub fn write(template: &str, language: &str, fields: &Fields) -> Result<Written> {
    let (_, en, ro) = TEMPLATES
        .iter()
        .find(|(name, _, _)| *name == template)
        .ok_or_else(|| Error::invalid("template", "is none of this instance's"))?;
    let (language, source) = if language == "ro" { ("ro", ro) } else { ("en", en) };
    let link = read_link(fields.get("link").map_or("", String::as_str))?;
    let nameless = fields.get("name").is_none_or(|name| clean(name).is_empty());
    let source =
        if nameless { source.replace(", {{name}}", "").replace(" {{name}}", "") } else { (*source).to_owned() };

    let (subject, body) = source.split_once("\n\n").unwrap_or((&source, ""));
    let subject = subject.strip_prefix("Subject: ").unwrap_or(subject);
    let subject = fill(subject, fields, str::to_owned)?;
    let (mut text, mut html) = (String::new(), String::new());
    for paragraph in body.trim().split("\n\n") {
        if let Some(label) = paragraph.strip_prefix("=> ") {
            text.push_str(&format!("{}:\n{link}\n\n", fill(label, fields, str::to_owned)?));
            html.push_str(&format!("<p><a href=\"{}\">{}</a></p>\n", escape(link), fill(label, fields, escape)?));
        } else {
            text.push_str(&format!("{}\n\n", fill(paragraph, fields, str::to_owned)?));
            html.push_str(&format!("<p>{}</p>\n", fill(paragraph, fields, escape)?));
        }
    }
    let html = LAYOUT
        .replace("{{language}}", language)
        .replace("{{subject}}", &escape(&subject))
        .replace("{{content}}", html.trim_end());
    Ok(Written { subject, text: format!("{}\n", text.trim_end()), html })
}

/// Fills in the fields, each made safe for where it goes. What is filled in is not looked at again.
fn fill(source: &str, fields: &Fields, safe: impl Fn(&str) -> String) -> Result<String> {
    let mut out = String::new();
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").ok_or_else(|| Error::internal("a template with an open field"))?;
        let value = fields.get(name).ok_or_else(|| Error::invalid("fields", format!("has no {name}")))?;
        out.push_str(&safe(before));
        out.push_str(&safe(&clean(value)));
        rest = tail;
    }
    out.push_str(&safe(rest));
    Ok(out)
}

/// One line of visible text, and nothing that a mail program makes a link of.
fn clean(value: &str) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let visible: String = value.chars().map(|c| if hidden(c) { ' ' } else { c }).take(FIELD_LIMIT).collect();
    visible.replace("://", " ").trim().to_owned()
}

fn read_link(link: &str) -> Result<&str> {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    let is_plain =
        link.len() <= LINK_LIMIT && link.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\`".contains(&byte));
    if is_web && is_plain { Ok(link) } else { Err(Error::invalid("link", "is no address of a page")) }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(more: &[(&str, &str)]) -> Fields {
        let all = ["name", "instance", "person", "device", "resets_at"].map(|name| (name, "Ana"));
        let link = ("link", "https://chat.example.org/reset#token");
        all.iter().chain([&link]).chain(more).map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn every_letter_can_be_written_in_both_languages() {
        for (name, _, _) in TEMPLATES {
            let (en, ro) = (write(name, "en", &fields(&[])).unwrap(), write(name, "ro", &fields(&[])).unwrap());
            assert_ne!(en.subject, ro.subject, "{name}");
            for letter in [&en, &ro] {
                assert!(letter.text.contains("https://chat.example.org/reset#token"), "{name}: {}", letter.text);
                assert!(letter.html.contains("href=\"https://chat.example.org/reset#token\""), "{name}");
                let all = format!("{}{}{}", letter.subject, letter.text, letter.html);
                assert!(!all.contains("{{") && !all.contains("=>"), "{name}: {all}");
            }
            assert!(en.html.contains("lang=\"en\"") && ro.html.contains("lang=\"ro\""));
        }
    }

    #[test]
    fn what_is_filled_in_is_text() {
        let evil = "<img src=x onerror=alert(1)>&\"'{{link}}\r\nBcc: eve@example.org\u{202e} https://evil.example";
        let letter =
            write("new-device", "en", &fields(&[("device", evil), ("name", evil), ("instance", evil)])).unwrap();
        assert!(!letter.html.contains("<img"), "{}", letter.html);
        assert!(letter.html.contains("&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;{{link}}"), "{}", letter.html);
        for part in [&letter.subject, &letter.text, &letter.html] {
            assert!(!part.contains("\nBcc") && !part.contains('\r') && !part.contains('\u{202e}'), "{part}");
            assert!(!part.contains("https://evil"), "{part}");
        }
        assert!(!letter.subject.contains('\n'));
        let long = write("new-device", "en", &fields(&[("device", &"x".repeat(5000))])).unwrap();
        assert!(long.text.len() < 1000);
    }

    #[test]
    fn a_link_is_one_or_there_is_no_letter() {
        for link in [
            "",
            "javascript:alert(1)",
            "https://a\" onclick=\"x",
            "https://a b",
            "https://a\r\nb",
            "//a",
            "https://ă.ro",
        ] {
            assert!(write("test", "en", &fields(&[("link", link)])).is_err(), "{link}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut some = fields(&[]);
        some.remove("device");
        assert!(write("new-device", "en", &some).unwrap_err().to_string().contains("device"));
        assert!(write("nothing", "en", &some).is_err());
        some.remove("name");
        let hello = |language| write("password-reset", language, &some).unwrap().text.lines().next().map(str::to_owned);
        assert_eq!((hello("en").as_deref(), hello("ro").as_deref()), (Some("Hello,"), Some("Bună,")));
    }
}
