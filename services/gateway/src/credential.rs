//! What a request brings to say whose it is: a browser's session cookie, or a program's API key. One
//! or the other: with a key the cookie is not looked at.

use crate::cookies;
use http::{HeaderMap, header};
use platform::{Error, Result};

/// There is no default: whoever has none says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'h> {
    None,
    /// The token of the session cookie.
    Session(&'h str),
    /// An API key, whole.
    Key(&'h str),
}

impl<'h> Credential<'h> {
    /// Reads it. A key comes as `Authorization: Bearer tfs_…` and in no other way, so that all limits
    /// see the same key. Another scheme is for somebody else, such as a proxy in front.
    ///
    /// # Errors
    /// `unauthenticated` for a bearer that is no key: the client means to be somebody.
    pub fn find(headers: &'h HeaderMap, secure: bool) -> Result<Self> {
        let mut bearers = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes()));
        match (bearers.next(), bearers.next()) {
            (Some(key), None) => {
                let key = std::str::from_utf8(key).map_err(|_| refused_key())?;
                if key.starts_with("tfs_") { Ok(Self::Key(key)) } else { Err(refused_key()) }
            }
            (Some(_), Some(_)) => Err(refused_key()),
            (None, _) => match cookies::find(headers, cookies::name(secure)) {
                Some(token) if !token.is_empty() => Ok(Self::Session(token)),
                _ => Ok(Self::None),
            },
        }
    }

    /// Whether a page of another site could make a browser send it.
    pub const fn is_sent_by_itself(self) -> bool {
        !matches!(self, Self::Key(_))
    }
}

/// What follows the scheme `Bearer`, in any spelling of it.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return None;
    }
    match rest {
        [] => Some(rest),
        [b' ', ..] => Some(rest.trim_ascii()),
        _ => None,
    }
}

pub(crate) fn refused_key() -> Error {
    Error::unauthenticated(
        "this API key is not valid (any more); send a personal one as `Authorization: Bearer tfs_…`, and make it in \
         Taifas under Settings, API keys",
    )
}

/// For programs: there is no page on which they could sign in.
pub(crate) fn missing_key() -> Error {
    Error::unauthenticated(
        "send a personal API key as `Authorization: Bearer tfs_…`; make one in Taifas under Settings, API keys",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_key_comes_before_the_cookie_and_a_bearer_is_never_nobody() {
        const KEY: header::HeaderName = header::AUTHORIZATION;
        const COOKIE: header::HeaderName = header::COOKIE;
        let found = |pairs: &[(header::HeaderName, &'static str)]| {
            let headers = headers(pairs);
            match Credential::find(&headers, false) {
                Ok(Credential::None) => "none".to_owned(),
                Ok(Credential::Session(token)) => format!("session {token}"),
                Ok(Credential::Key(key)) => format!("key {key}"),
                Err(_) => "refused".to_owned(),
            }
        };
        assert_eq!(found(&[]), "none");
        assert_eq!(found(&[(COOKIE, "sid=t")]), "session t");
        assert_eq!(found(&[(COOKIE, "sid=")]), "none");
        assert_eq!(found(&[(COOKIE, "sid=t"), (KEY, "Bearer tfs_k")]), "key tfs_k");
        assert_eq!(found(&[(KEY, "bEaReR   tfs_k ")]), "key tfs_k");
        // a proxy's own
        assert_eq!(found(&[(COOKIE, "sid=t"), (KEY, "Basic abc")]), "session t");
        for wrong in ["Bearer", "Bearer ", "Bearer sk-1", "bearer TFS_k", "Bearer tfs", "Bearer undefined"] {
            assert_eq!(found(&[(COOKIE, "sid=t"), (KEY, wrong)]), "refused", "{wrong}");
        }
        assert_eq!(found(&[(KEY, "Bearer tfs_a"), (KEY, "Bearer tfs_b")]), "refused");
        assert_eq!(found(&[(KEY, "Bearertfs_a")]), "none");
    }
}
