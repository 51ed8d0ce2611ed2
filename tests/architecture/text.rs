//! Rust sources as rules need them: code without comments and texts, the texts by themselves, and
//! what lies outside of tests.

/// A source taken apart; `code` has the same lines as the source.
#[derive(Debug, Default)]
pub struct Parts {
    pub code: String,
    /// The string literals as they are written, without their quotes.
    pub literals: Vec<String>,
}

pub fn parts(source: &str) -> Parts {
    let mut parts = Parts::default();
    let mut rest = source;
    let mut word = false;
    while let Some(next) = rest.chars().next() {
        let taken = comment(rest).or_else(|| if word { None } else { raw(rest, &mut parts.literals) });
        let taken = taken.or_else(|| quoted(rest, &mut parts.literals)).or_else(|| character(rest));
        match taken {
            Some(length) => {
                // something stays in its place, so that what was apart does not become one word
                parts.code.push(' ');
                parts.code.extend(rest[..length].chars().filter(|c| *c == '\n'));
                rest = &rest[length..];
                word = false;
            }
            None => {
                parts.code.push(next);
                word = next.is_alphanumeric() || next == '_';
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    parts
}

fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let mut rest = text.strip_prefix("/*")?;
    let mut depth = 1;
    while depth > 0 {
        let at = rest.find(['/', '*'])?;
        rest = &rest[at..];
        let step = match rest.get(..2) {
            Some("/*") => 1,
            Some("*/") => -1,
            _ => 0,
        };
        depth += step;
        rest = &rest[if step == 0 { 1 } else { 2 }..];
    }
    Some(text.len() - rest.len())
}

fn raw(text: &str, literals: &mut Vec<String>) -> Option<usize> {
    let begin = ["r", "br", "cr"].into_iter().find_map(|mark| text.strip_prefix(mark))?;
    let hashes = begin.len() - begin.trim_start_matches('#').len();
    let inner = begin[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end)?;
    literals.push(inner[..length].to_owned());
    Some(text.len() - inner.len() + length + end.len())
}

fn quoted(text: &str, literals: &mut Vec<String>) -> Option<usize> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, next) in inner.char_indices() {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                literals.push(inner[..at].to_owned());
                return Some(at + 2);
            }
            _ => {}
        }
    }
    None
}

/// A character, not a lifetime.
fn character(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    let length = if inner.starts_with('\\') {
        let escape = inner.char_indices().nth(2)?.0;
        escape + inner[escape..].find('\'')?
    } else {
        inner.chars().next()?.len_utf8()
    };
    inner[length..].starts_with('\'').then_some(length + 2)
}

/// The code without modules, functions and items that are compiled for tests alone.
pub fn shipped(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let (mut out, mut rest) = (String::new(), code);
    while let Some(at) = rest.find(MARK) {
        out.push_str(&rest[..at]);
        rest = &rest[at + MARK.len()..];
        let end = match (rest.find('{'), rest.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|semicolon| open < semicolon) => {
                closing(&rest[open..]) + open
            }
            (_, Some(semicolon)) => semicolon + 1,
            _ => rest.len(),
        };
        rest = &rest[end..];
    }
    out + rest
}

/// Where the brace that the text begins with is closed.
fn closing(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, next) in text.char_indices() {
        match next {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// Whether `word` stands in `code` by itself.
pub fn has_word(code: &str, word: &str) -> bool {
    let outside = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .any(|(at, _)| outside(code[..at].chars().next_back()) && outside(code[at + word.len()..].chars().next()))
}

#[test]
fn a_source_is_taken_apart() {
    let source = r###"
fn a<'a>(x: &'a str) -> char { let b = "te\"xt"; /* one /* two */ */ '"' } // end "of" it
const R: &str = r#"ra"w"#; const B: &[u8] = b"by\n"; let c = '\''; let r = 'r'; for"x" "###;
    let parts = parts(source);
    assert_eq!(parts.literals, [r#"te\"xt"#, r#"ra"w"#, r"by\n", "x"]);
    for gone in ["one", "two", "end", "text", "raw", "\""] {
        assert!(!parts.code.contains(gone), "{gone} in {}", parts.code);
    }
    for kept in ["fn a<'a>(x: &'a str)", "const R", "let r ="] {
        assert!(parts.code.contains(kept), "{kept} not in {}", parts.code);
    }
    assert_eq!(parts.code.lines().count(), source.lines().count());
}

#[test]
fn tests_are_cut_out() {
    let code = "fn a() { b } #[cfg(test)] mod tests { fn c() { if d { e } } } fn f() {} #[cfg(test)] mod g; fn h() {}";
    let shipped = shipped(code);
    assert_eq!(shipped.split_whitespace().collect::<Vec<_>>().join(" "), "fn a() { b } fn f() {} fn h() {}");
}

#[test]
fn a_word_is_whole() {
    assert!(has_word("a unsafe {", "unsafe") && !has_word("unsafe_code is_unsafe", "unsafe"));
}
