//! What every request must pass and every response must carry.

use crate::{
    Gateway, clients,
    credential::{self, Credential},
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use platform::{Code, Error, Result, principal::Caller};

/// Who asks, found once; handlers read it from the request.
#[derive(Clone)]
pub(crate) struct Admitted {
    pub caller: Caller,
    /// The client's address.
    pub client: String,
}

/// Refuses forged origins, counts, and finds out who asks.
pub(crate) async fn admit(State(gateway): State<Gateway>, mut request: Request, next: Next) -> Response {
    match check(&gateway, &mut request).await {
        Ok(admitted) => {
            request.extensions_mut().insert(admitted);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

async fn check(gateway: &Gateway, request: &mut Request) -> Result<Admitted> {
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let credential = Credential::find(request.headers(), gateway.config.is_secure());
    let client = clients::address(&gateway.config, request.extensions(), request.headers());
    let client = client.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    if matches!(credential, Ok(Credential::None)) && request.uri().path().starts_with("/v1/") {
        gateway.count(&Caller::Nobody, &client, writes).await?;
        return Err(credential::missing_key());
    }
    // what is refused as well is counted below, as nobody's
    if writes && !matches!(&credential, Ok(credential) if !credential.is_sent_by_itself()) {
        refuse_foreign(request.headers(), &gateway.config.public_url)?;
    }
    let caller = match gateway.caller(request.headers(), &client).await {
        Err(error) if error.code() == Code::Unauthenticated => {
            gateway.count(&Caller::Nobody, &client, writes).await?;
            return Err(error);
        }
        found => found?,
    };
    gateway.count(&caller, &client, writes).await?;
    Ok(Admitted { caller, client })
}

/// A page of another site can make a browser send our cookie; it cannot make it send this header,
/// nor hide where it comes from.
fn refuse_foreign(headers: &HeaderMap, public_url: &str) -> Result<()> {
    refuse_other_site(headers, public_url)?;
    if !headers.contains_key("x-csrf") {
        return Err(Error::forbidden("send the header X-CSRF: 1 with requests that change something"));
    }
    Ok(())
}

/// What a browser says of the page that asks. A program that is no browser says nothing.
pub(crate) fn refuse_other_site(headers: &HeaderMap, public_url: &str) -> Result<()> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = || Error::forbidden("this request comes from another site; open Taifas itself and do it there");
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        if site != "same-origin" {
            return Err(foreign());
        }
    } else if let Some(origin) = text(header::ORIGIN) {
        let own = if public_url.is_empty() {
            text(header::HOST).is_some_and(|host| origin.split_once("://").is_some_and(|(_, rest)| rest == host))
        } else {
            origin == public_url.trim_end_matches('/')
        };
        if !own {
            return Err(foreign());
        }
    }
    Ok(())
}

/// Headers of every response, errors and assets included. Pages set a policy of their own.
pub(crate) async fn harden(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut always = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    always(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    always(header::REFERRER_POLICY, "no-referrer");
    always(header::X_FRAME_OPTIONS, "DENY");
    always(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    always(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    always(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    );
    if gateway.config.is_secure() {
        always(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn only_our_own_pages_may_write() {
        let own = "https://chat.example.org";
        let csrf = ("x-csrf", "1");
        let cases: &[(&[(&'static str, &str)], bool)] = &[
            (&[csrf], true),
            (&[], false),
            (&[csrf, ("sec-fetch-site", "same-origin")], true),
            (&[csrf, ("sec-fetch-site", "same-site")], false),
            (&[csrf, ("sec-fetch-site", "cross-site")], false),
            (&[csrf, ("sec-fetch-site", "none")], false),
            (&[csrf, ("origin", own)], true),
            (&[csrf, ("origin", "https://chat.example.org.evil")], false),
            (&[csrf, ("origin", "http://chat.example.org")], false),
            (&[csrf, ("origin", "null")], false),
            (&[("origin", own)], false),
        ];
        for (pairs, allowed) in cases {
            assert_eq!(refuse_foreign(&headers(pairs), own).is_ok(), *allowed, "{pairs:?}");
        }
        let local = [csrf, ("origin", "http://127.0.0.1:8420"), ("host", "127.0.0.1:8420")];
        assert!(refuse_foreign(&headers(&local), "").is_ok());
        let rebound = [csrf, ("origin", "http://evil.example"), ("host", "127.0.0.1:8420")];
        assert!(refuse_foreign(&headers(&rebound), "").is_err());
    }
}
