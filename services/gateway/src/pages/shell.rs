//! The shell: one HTML file per language in a few variants (theme × session), prepared and compressed
//! once, with a policy that names its inline script and style by their hashes.

use axum::response::{IntoResponse as _, Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, header};
use platform::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, io::Write as _};

const THEMES: [&str; 3] = ["system", "light", "dark"];

/// What the page can assume before its first request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Session {
    /// A session cookie is there; whether it is good, the first request says.
    In,
    Out,
    Setup,
}

impl Session {
    const ALL: [Self; 3] = [Self::In, Self::Out, Self::Setup];

    const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Setup => "setup",
        }
    }
}

struct Variant {
    plain: Bytes,
    gzip: Bytes,
}

pub struct Shell {
    policy: HeaderValue,
    variants: HashMap<(&'static str, &'static str, Session), Variant>,
}

impl Shell {
    /// `pages`: the same page in each language; only its words differ.
    pub fn read(pages: &[(&'static str, String)]) -> Result<Self> {
        let mut variants = HashMap::new();
        let mut inline = None;
        for (language, html) in pages {
            for placeholder in ["__THEME__", "__SESSION__"] {
                if !html.contains(placeholder) {
                    return Err(Error::internal(format!("the shell in {language} has no {placeholder}")));
                }
            }
            for theme in THEMES {
                for session in Session::ALL {
                    let page = html.replacen("__THEME__", theme, 1).replacen("__SESSION__", session.name(), 1);
                    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
                    gzip.write_all(page.as_bytes())?;
                    let variant = Variant { plain: page.into(), gzip: gzip.finish()?.into() };
                    variants.insert((*language, theme, session), variant);
                }
            }
            let own = (hashes(html, "script"), hashes(html, "style"));
            if inline.get_or_insert_with(|| own.clone()) != &own {
                return Err(Error::internal(format!("the shell in {language} has other scripts or styles")));
            }
        }
        let (scripts, styles) = inline.ok_or_else(|| Error::internal("there is no shell"))?;
        let policy = format!(
            "default-src 'none'; script-src 'self'{scripts}; style-src 'self'{styles}; connect-src 'self'; \
             img-src 'self' blob: data:; font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
             form-action 'self'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; \
             trusted-types taifas"
        );
        Ok(Self { policy: HeaderValue::from_str(&policy).map_err(Error::internal)?, variants })
    }

    pub fn page(&self, language: &'static str, theme: &str, session: Session, gzip: bool) -> Response {
        let theme = THEMES.into_iter().find(|known| *known == theme).unwrap_or("system");
        let Some(variant) = self.variants.get(&(language, theme, session)) else {
            return Error::internal("a shell variant is missing").into_response();
        };
        let body = if gzip { &variant.gzip } else { &variant.plain };
        let mut response = body.clone().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("cookie, accept-encoding, accept-language"));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        if gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// The CSP sources of all inline elements of one kind.
fn hashes(html: &str, tag: &str) -> String {
    let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(&open) {
        rest = &rest[at + open.len()..];
        let Some((attributes, behind)) = rest.split_once('>') else { break };
        let Some((body, after)) = behind.split_once(&close) else { break };
        if !attributes.contains("src=") && !body.is_empty() {
            out += &format!(" 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(body)));
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_are_named_by_hash_and_others_are_not() {
        let html = "<script>a</script><script type=module src=\"/x.js\"></script><script>b</script>";
        assert_eq!(hashes(html, "script").matches("sha256-").count(), 2);
        // echo -n a | openssl dgst -sha256 -binary | base64
        assert!(hashes(html, "script").contains("ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="));
    }

    #[test]
    fn all_languages_run_the_same_scripts() {
        let page = |script| format!("<html data-theme=__THEME__ data-session=__SESSION__><script>{script}</script>");
        assert!(Shell::read(&[("en", page("a")), ("ro", page("a"))]).is_ok());
        assert!(Shell::read(&[("en", page("a")), ("ro", page("b"))]).is_err());
        assert!(Shell::read(&[]).is_err());
    }

    #[test]
    fn a_theme_that_nobody_knows_is_the_systems() {
        let page = "<html data-theme=\"__THEME__\" data-session=\"__SESSION__\">";
        let shell = Shell::read(&[("en", page.to_owned())]).unwrap();
        let response = shell.page("en", "\"><script>", Session::Out, false);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    }
}
