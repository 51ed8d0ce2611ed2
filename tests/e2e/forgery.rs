//! SESS 05: what a page of another site could make a browser send with our cookie. Every method that
//! changes something, with every kind of body, every origin and everything browsers say of a request.

use crate::harness::{CALL, Client, ready};
use anyhow::{Context as _, Result, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Method, header::HeaderValue};
use serde_json::Value;
use uuid::Uuid;

/// One request of the matrix.
#[derive(Clone, Debug)]
struct Forged {
    method: Method,
    kind: Option<&'static str>,
    origin: Option<String>,
    site: Option<&'static str>,
    marked: bool,
}

impl Forged {
    /// A page of ours may send it; or a program, which says nothing of a page.
    fn is_ours(&self, own: &str) -> bool {
        let same_site = match (self.site, &self.origin) {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => origin == own,
            (None, None) => true,
        };
        self.marked && same_site
    }

    async fn send(&self, http: &reqwest::Client, base: &str, client: &Client) -> Result<(u16, Value)> {
        // a chat that is not there: whoever gets that far changes nothing and is told so
        let path = match self.method {
            Method::PUT => format!("/api/v1/drafts/{}", Uuid::now_v7()),
            Method::POST => format!("/api/v1/chats/{}/restore", Uuid::now_v7()),
            _ => format!("/api/v1/chats/{}", Uuid::now_v7()),
        };
        let mut request = http.request(self.method.clone(), format!("{base}{path}")).timeout(CALL);
        request = request.header("Cookie", client.cookie().context("a cookie")?);
        if self.marked {
            request = request.header("X-CSRF", "1");
        }
        if let Some(kind) = self.kind {
            request = request.header("Content-Type", kind).body(r#"{"version":1,"title":"x","text":"x"}"#);
        }
        if let Some(origin) = &self.origin {
            request = request.header("Origin", HeaderValue::from_str(origin)?);
        }
        if let Some(site) = self.site {
            request = request.header("Sec-Fetch-Site", site);
        }
        let response = request.send().await?;
        Ok((response.status().as_u16(), response.json().await.unwrap_or_default()))
    }
}

#[tokio::test]
async fn no_other_site_changes_anything() -> Result<()> {
    let (server, owner) = ready(&[("TAIFAS__GATEWAY__WRITES_PER_MINUTE", "100000")]).await?;
    let (base, http) = (server.url(), reqwest::Client::builder().no_proxy().build()?);
    let own = base.as_str();
    let mut matrix = Vec::new();
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for kind in [
            None,
            Some("application/json"),
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
        ] {
            for origin in [None, Some(own), Some("https://evil.example"), Some("null"), Some("http://127.0.0.1:1")] {
                for site in [None, Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none")] {
                    for marked in [true, false] {
                        let origin = origin.map(str::to_owned);
                        matrix.push(Forged { method: method.clone(), kind, origin, site, marked });
                    }
                }
            }
        }
    }
    let total = matrix.len();
    let passed: Vec<bool> = stream::iter(matrix)
        .map(async |forged| {
            let (status, body) = forged.send(&http, own, &owner).await?;
            let ours = forged.is_ours(own);
            let refused = status == 403 && body["code"] == "forbidden";
            ensure!(refused != ours, "{forged:?} is answered {status}: {body}");
            // past the door there is nothing of that id, or the body is of a kind that is not read
            ensure!(!ours || matches!(status, 400 | 404 | 422), "{forged:?} is answered {status}: {body}");
            Ok::<_, anyhow::Error>(ours)
        })
        .buffer_unordered(8)
        .try_collect()
        .await?;
    ensure!(total == 1000 && passed.iter().any(|ours| *ours) && passed.iter().any(|ours| !ours), "{total}");
    let drafts = owner.get("/api/v1/chats").await?.ok(200)?;
    ensure!(drafts["chats"].as_array().is_some_and(Vec::is_empty), "{drafts}");
    Ok(())
}

/// A form or a script of another site that reads: a browser does not show it the answer, and nothing of
/// ours lets it.
#[tokio::test]
async fn no_other_site_is_given_an_answer_to_read() -> Result<()> {
    let (_server, owner) = ready(&[]).await?;
    for (method, path) in [(Method::GET, "/api/v1/me"), (Method::OPTIONS, "/api/v1/chats"), (Method::GET, "/")] {
        let request = owner.request(method.clone(), path).header("Origin", "https://evil.example");
        let answer = owner.call(request.header("Access-Control-Request-Method", "POST")).await?;
        let allowed: Vec<_> =
            answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
        ensure!(allowed.is_empty(), "{method} {path}: {allowed:?}");
    }
    Ok(())
}
