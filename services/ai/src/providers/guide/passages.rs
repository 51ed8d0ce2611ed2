//! Cuts Markdown into passages that can be quoted: paragraphs, list items, tables and code blocks, each under its heading.

use super::Document;

/// A longer table is quoted up to a row, other longer blocks not at all, in bytes.
const LIMIT: usize = 1_500;

/// A heading and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    path: &'static str,
    /// Without Markdown's signs.
    pub title: String,
    /// The number of `#`; 0 is the beginning of a file before its first heading.
    pub level: usize,
    anchor: String,
}

impl Heading {
    /// As a Markdown link: `[docs/architecture.md, Sending a message](/docs/architecture.md#sending-a-message)`.
    pub fn link(&self) -> String {
        let Self { path, title, anchor, .. } = self;
        if title.is_empty() { format!("[{path}](/{path})") } else { format!("[{path}, {title}](/{path}#{anchor})") }
    }
}

/// A part of a document, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passage {
    pub heading: Heading,
    pub text: String,
}

/// Appends the passages and headings of a document.
pub(super) fn split(document: &Document, passages: &mut Vec<Passage>, headings: &mut Vec<Heading>) {
    let first = headings.len();
    let mut heading = Heading { path: document.path, title: String::new(), level: 0, anchor: String::new() };
    let mut block: Vec<&str> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut flush = |block: &mut Vec<&str>, heading: &Heading| {
        if let Some(text) = passage(&std::mem::take(block)) {
            passages.push(Passage { heading: heading.clone(), text });
        }
    };
    for line in document.text.lines() {
        let start = line.trim_start();
        if let Some(mark) = fence {
            block.push(line);
            if start.starts_with(mark) {
                fence = None;
            }
        } else if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark)) {
            fence = Some(mark);
            block.push(line);
        } else if let Some((level, title)) = heading_of(line) {
            flush(&mut block, &heading);
            let base = slug(&title);
            // The second heading of the same words gets a number, as on code hosts.
            let same = headings[first..].iter().filter(|earlier| slug(&earlier.title) == base).count();
            let anchor = if same == 0 { base } else { format!("{base}-{same}") };
            heading = Heading { path: document.path, title, level, anchor };
            headings.push(heading.clone());
        } else if line.trim().is_empty() {
            flush(&mut block, &heading);
        } else {
            if is_item(line) {
                flush(&mut block, &heading);
            }
            block.push(line);
        }
    }
    flush(&mut block, &heading);
    if headings.len() == first && !document.text.trim().is_empty() {
        headings.push(Heading { path: document.path, title: String::new(), level: 0, anchor: String::new() });
    }
}

/// The block as a passage, unless it says nothing that could be quoted: markup, images, a rule, something endless.
fn passage(lines: &[&str]) -> Option<String> {
    let first = lines.first()?.trim_start();
    if first.starts_with('<') || first.starts_with("![") || first.starts_with("[![") {
        return None;
    }
    let text = lines.join("\n");
    if text.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count() < 3 {
        return None;
    }
    if text.len() <= LIMIT {
        return Some(text);
    }
    if !first.starts_with('|') {
        return None;
    }
    let mut length = 0;
    let rows = lines.iter().take_while(|row| {
        length += row.len() + 1;
        length <= LIMIT
    });
    let rows: Vec<&str> = rows.copied().collect();
    // The first two are the head.
    (rows.len() > 2).then(|| rows.join("\n"))
}

fn heading_of(line: &str) -> Option<(usize, String)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let rest = line.get(level..)?;
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    Some((level, plain(rest.trim().trim_end_matches('#').trim_end())))
}

/// A heading without emphasis, code signs and the addresses of links.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        match after.split_once("](").and_then(|(label, tail)| Some((label, tail.split_once(')')?.1))) {
            Some((label, tail)) => {
                plain.push_str(label);
                rest = tail;
            }
            None => rest = after,
        }
    }
    plain.push_str(rest);
    plain.retain(|c| !matches!(c, '`' | '*' | '[' | ']'));
    plain
}

/// The anchor code hosts give a heading: small letters, words joined by hyphens, other signs left out.
fn slug(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Whether the line begins an item of a list that is not inside another.
fn is_item(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() < line.len() {
        rest.starts_with(". ") || rest.starts_with(") ")
    } else {
        ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TEXT: &str = "Before all headings stands this.\n\n# A `title` of [it](x.md)\nOne paragraph\nof two lines.\n\n- first item here\n- second item here\n  goes on\n\n```sh\nrun this now\n\n# no heading\n```\n<img>\n\n## Same\n\nwords are here\n\n## Same\n\n| a | b |\n|---|---|\n| one | two three |\n";

    #[test]
    fn every_block_stands_under_its_heading() {
        let (mut passages, mut headings) = (Vec::new(), Vec::new());
        split(&Document { path: "docs/a.md", text: TEXT }, &mut passages, &mut headings);
        let links: Vec<String> = headings.iter().map(Heading::link).collect();
        assert_eq!(
            links,
            [
                "[docs/a.md, A title of it](/docs/a.md#a-title-of-it)",
                "[docs/a.md, Same](/docs/a.md#same)",
                "[docs/a.md, Same](/docs/a.md#same-1)"
            ]
        );
        let texts: Vec<(&str, &str)> =
            passages.iter().map(|passage| (passage.heading.anchor.as_str(), passage.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                ("", "Before all headings stands this."),
                ("a-title-of-it", "One paragraph\nof two lines."),
                ("a-title-of-it", "- first item here"),
                ("a-title-of-it", "- second item here\n  goes on"),
                ("a-title-of-it", "```sh\nrun this now\n\n# no heading\n```\n<img>"),
                ("same", "words are here"),
                ("same-1", "| a | b |\n|---|---|\n| one | two three |"),
            ]
        );
    }

    #[test]
    fn long_tables_are_cut_at_a_row_and_long_text_is_left_out() {
        let table = format!("| head | er |\n|---|---|\n{}", "| some words | in a row |\n".repeat(200));
        let rows: Vec<&str> = table.lines().collect();
        let cut = passage(&rows).unwrap();
        assert!(cut.len() <= LIMIT && cut.ends_with("| in a row |") && table.starts_with(&cut));
        assert_eq!(passage(&["word ".repeat(400).as_str()]), None);
    }
}
