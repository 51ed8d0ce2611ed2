//! The session cookie: the only credential a browser holds. Over TLS its name carries the `__Host-`
//! prefix (RFC 6265bis §4.1.3.2), which pins it to this host, path and TLS.

use http::{HeaderMap, HeaderValue, header};

pub fn name(secure: bool) -> &'static str {
    if secure { "__Host-sid" } else { "sid" }
}

/// The value of a cookie.
pub fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Sets the session cookie, or ends it with an empty token.
pub fn set(secure: bool, token: &str, seconds: u64) -> Option<HeaderValue> {
    let (name, flag) = (name(secure), if secure { "; Secure" } else { "" });
    let age = if token.is_empty() { 0 } else { seconds };
    HeaderValue::from_str(&format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{flag}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("xsid=1; theme=dark"));
        headers.append(header::COOKIE, HeaderValue::from_static("sid=two"));
        assert_eq!(find(&headers, "sid"), Some("two"));
        assert_eq!(find(&headers, "theme"), Some("dark"));
        assert_eq!(find(&headers, "id"), None);
    }

    #[test]
    fn over_tls_the_cookie_is_pinned_to_the_host() {
        let cookie = set(true, "t", 60).unwrap();
        assert_eq!(cookie, "__Host-sid=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        assert!(set(false, "", 60).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }
}
