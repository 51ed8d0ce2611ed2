//! In which language the shell is written: the choice kept in a cookie, else the best of what the
//! browser asks for.

use crate::cookies;
use http::{HeaderMap, header};

/// The languages the web app speaks; the first is for everybody else.
pub const LANGUAGES: [&str; 2] = ["en", "ro"];

/// Ranges of an `Accept-Language` that are looked at; real ones have fewer.
const MOST_RANGES: usize = 16;

pub fn of(headers: &HeaderMap) -> &'static str {
    cookies::find(headers, "lang").and_then(known).or_else(|| asked(headers)).unwrap_or(LANGUAGES[0])
}

fn known(tag: &str) -> Option<&'static str> {
    let primary = tag.split('-').next()?;
    LANGUAGES.into_iter().find(|language| language.eq_ignore_ascii_case(primary.trim()))
}

/// The known language with the highest weight; of equal ones the first.
fn asked(headers: &HeaderMap) -> Option<&'static str> {
    let ranges = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?.split(',').take(MOST_RANGES);
    let mut best = None;
    for range in ranges {
        let (tag, parameter) = range.split_once(';').unwrap_or((range, ""));
        let weight = parameter.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
        let Some((language, weight)) = known(tag).zip(weight.filter(|weight| *weight > 0.0)) else { continue };
        if best.is_none_or(|(_, highest)| weight > highest) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn with(accept: &'static str, cookie: &'static str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accept));
        headers.insert(header::COOKIE, HeaderValue::from_static(cookie));
        of(&headers)
    }

    #[test]
    fn the_browsers_first_known_language_is_taken() {
        assert_eq!(with("ro-RO,ro;q=0.9,en;q=0.8", ""), "ro");
        assert_eq!(with("de-DE,de;q=0.9,en;q=0.5,ro;q=0.7", ""), "ro");
        assert_eq!(with("en-GB,ro;q=0.9", ""), "en");
        assert_eq!(with("ro;q=0,en;q=0.1", ""), "en");
        assert_eq!(with("de", ""), "en");
        assert_eq!(with("ro;q=much,;;,=", ""), "en");
    }

    #[test]
    fn the_cookie_wins_when_it_names_a_language() {
        assert_eq!(with("en", "theme=dark; lang=ro"), "ro");
        assert_eq!(with("ro", "lang=en"), "en");
        assert_eq!(with("ro", "lang=system"), "ro");
        assert_eq!(with("ro", "lang=<script>"), "ro");
    }
}
