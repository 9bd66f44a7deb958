//! Proof that a change comes from Reeve's own pages (AT-08).
//!
//! Browsers say where a request comes from: `Sec-Fetch-Site`, or `Origin` where that is missing, or `Referer` where even that is. This
//! stands before every route, whatever its kind and its body; a form also carries a token that only its session knows.

use super::{Web, refusal::Refusal};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use reeve_app::route::Page;
use reeve_model::Origin;
use reeve_ports::{PortError, Refused};
use sha2::{Digest, Sha256};

/// Lets a request pass that changes nothing or was meant by its caller; answers 403 otherwise.
pub async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    if meant(request.method(), request.headers(), web.public_origin.as_deref()) {
        return next.run(request).await;
    }
    let origin = request.extensions().get::<Origin>().cloned().unwrap_or_default();
    let path = super::routes::without_secret(request.uri().path());
    web.ports.audit.refused(Refused { principal: None, origin: &origin, verb: "forge", noun: "request", resource: &path });
    let sentence = "This was not sent from one of Reeve's own pages, so nothing was changed.";
    Refusal(PortError::Denied(sentence.to_owned())).into_response()
}

/// Whether a request may go on: it changes nothing, or brings a token that no foreign page can know, or comes from Reeve's own pages.
/// `public` is the origin under which people reach Reeve when a proxy stands before it, such as `https://reeve.example.com`.
pub fn meant(method: &Method, headers: &HeaderMap, public: Option<&str>) -> bool {
    // Reading changes nothing: no route of the table changes anything by GET, and the methods below have no handlers of their own.
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return true;
    }
    // With a bearer token the gate looks at no cookie, and a foreign page can't set this header without being asked first.
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::AUTHORIZATION.as_str()).is_some_and(|value| value.get(..7).is_some_and(|s| s.eq_ignore_ascii_case("bearer "))) {
        return true;
    }
    same_origin(headers, public)
}

fn same_origin(headers: &HeaderMap, public: Option<&str>) -> bool {
    // None: not sent. A value that is no text or sent twice is nobody's origin.
    let sent = |name: &str| {
        let mut all = headers.get_all(name).iter();
        let first = all.next()?;
        Some(if all.next().is_some() { "" } else { first.to_str().unwrap_or_default() })
    };
    if let Some(site) = sent("sec-fetch-site") {
        // `none` is a person typing an address; a change is never that. `same-site` is a sibling domain, which isn't Reeve.
        return site == "same-origin";
    }
    let host = sent(header::HOST.as_str());
    let own = |origin: &str| ours(origin, host, public);
    match (sent(header::ORIGIN.as_str()), sent(header::REFERER.as_str())) {
        (Some(origin), _) => own(origin),
        (None, Some(referer)) => own(origin_of(referer)),
        // No browser: nothing was forged, because no foreign page can make such a request.
        (None, None) => true,
    }
}

/// Whether an origin is Reeve's: the public one, or that of the host that was asked.
fn ours(origin: &str, host: Option<&str>, public: Option<&str>) -> bool {
    let authority = origin.split_once("://").map(|(_, rest)| rest);
    public.is_some_and(|public| origin.eq_ignore_ascii_case(public))
        || authority.zip(host).is_some_and(|(authority, host)| !host.is_empty() && authority.eq_ignore_ascii_case(host))
}

/// Which of Reeve's own pages a form was sent from, as its browser tells; none where it tells nothing, or of no such page.
pub fn sent_from(headers: &HeaderMap, public: Option<&str>) -> Option<Page> {
    let only = |name: &str| {
        let mut all = headers.get_all(name).iter();
        let first = all.next()?.to_str().ok()?;
        all.next().is_none().then_some(first)
    };
    let referer = only(header::REFERER.as_str())?;
    let origin = origin_of(referer);
    if !ours(origin, only(header::HOST.as_str()), public) {
        return None;
    }
    let place = referer.get(origin.len()..)?.split('#').next()?;
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    Page::parse(path, query).filter(|page| !matches!(page, Page::SignIn { .. }))
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find(['/', '?', '#']).map_or(url.len(), |at| begin + at);
    &url[..end]
}

/// The form token of a session: derived, so that nothing has to be kept.
pub fn token(session: &str) -> String {
    hex::encode(Sha256::digest(format!("reeve form token\n{session}")))
}

/// Compares without telling by time where the difference is.
pub fn matches(session: &str, offered: &str) -> bool {
    let wanted = token(session);
    wanted.len() == offered.len() && wanted.bytes().zip(offered.bytes()).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const PUBLIC: Option<&str> = Some("https://reeve.example.com");

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| ((*k).parse().expect("a header name"), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn at_08_only_the_same_origin_changes_anything() {
        let good: &[&[(&str, &str)]] = &[
            &[("sec-fetch-site", "same-origin")],
            &[("origin", "http://reeve.test:4400"), ("host", "reeve.test:4400")],
            &[("origin", "HTTP://Reeve.Test"), ("host", "reeve.test")],
            &[("referer", "http://reeve.test/admin/db-health?x=1"), ("host", "reeve.test")],
            &[("host", "reeve.test")],
            &[("host", "reeve.test"), ("cookie", "reeve=x"), ("content-type", "text/plain")],
        ];
        for pairs in good {
            assert!(meant(&Method::POST, &headers(pairs), None), "{pairs:?}");
        }
        let bad: &[&[(&str, &str)]] = &[
            &[("sec-fetch-site", "cross-site"), ("origin", "http://reeve.test"), ("host", "reeve.test")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "null"), ("host", "reeve.test")],
            &[("origin", ""), ("host", "")],
            &[("origin", "http://"), ("host", "")],
            &[("origin", "http://reeve.test")],
            &[("origin", "http://evil.test"), ("host", "reeve.test")],
            &[("origin", "http://reeve.test:8080"), ("host", "reeve.test")],
            &[("origin", "http://reeve.test.evil.test"), ("host", "reeve.test")],
            &[("origin", "http://evil.test"), ("host", "reeve.test"), ("referer", "http://reeve.test/")],
            &[("referer", "http://evil.test/http://reeve.test/"), ("host", "reeve.test")],
            &[("referer", "http://evil.test?://reeve.test/"), ("host", "reeve.test")],
            // Neither the kind of body nor a header that other frameworks obey changes anything.
            &[("sec-fetch-site", "cross-site"), ("content-type", "application/json")],
            &[("sec-fetch-site", "cross-site"), ("content-type", "text/plain"), ("x-http-method-override", "GET")],
            // Basic credentials are what browsers send by themselves.
            &[("sec-fetch-site", "cross-site"), ("authorization", "Basic eDp5")],
        ];
        for pairs in bad {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
                assert!(!meant(&method, &headers(pairs), None), "{method} {pairs:?}");
            }
            assert!(meant(&Method::GET, &headers(pairs), None), "reading is no change: {pairs:?}");
        }
        let twice: HeaderMap = ["same-origin", "cross-site"]
            .map(|v| ("sec-fetch-site".parse().expect("a name"), HeaderValue::from_static(v)))
            .into_iter()
            .collect();
        assert!(!meant(&Method::POST, &twice, None), "a value sent twice is nobody's");
    }

    #[test]
    fn at_08_bearer_tokens_need_no_origin_and_a_proxy_may_rename_the_host() {
        assert!(meant(&Method::POST, &headers(&[("sec-fetch-site", "cross-site"), ("authorization", "Bearer abc")]), None));
        let behind = headers(&[("origin", "https://reeve.example.com"), ("host", "10.0.0.5:4400")]);
        assert!(meant(&Method::POST, &behind, PUBLIC) && !meant(&Method::POST, &behind, None));
        for bad in ["http://reeve.example.com", "https://reeve.example.com.evil.test", "https://reeve.example.com:444", "null"] {
            assert!(!meant(&Method::POST, &headers(&[("origin", bad), ("host", "10.0.0.5:4400")]), PUBLIC), "{bad}");
        }
        assert!(meant(&Method::POST, &headers(&[("referer", "https://reeve.example.com/sign-in"), ("host", "10.0.0.5")]), PUBLIC));
    }

    #[test]
    fn at_56_a_form_leads_back_to_one_of_reeves_own_pages_or_nowhere() {
        let from = |referer: &'static str, host: &'static str| sent_from(&headers(&[("referer", referer), ("host", host)]), PUBLIC);
        let href = |referer, host| from(referer, host).map(|page| page.href());
        let failed = href("http://reeve.test:4400/admin/backups?trust=failed#x", "reeve.test:4400");
        assert_eq!(failed.as_deref(), Some("/admin/backups?trust=failed"));
        assert_eq!(href("https://reeve.example.com/admin/targets/shop", "10.0.0.5:4400").as_deref(), Some("/admin/targets/shop"));
        for bad in [
            "http://evil.test/admin/backups",
            "http://evil.test?://reeve.test/admin/backups",
            "http://reeve.test.evil.test/admin/backups",
            "http://reeve.test",
            "http://reeve.test/",
            "http://reeve.test//evil.test/admin/backups",
            "http://reeve.test/sign-in?next=/admin/backups",
            "http://reeve.test/admin/backups/run",
            "/admin/backups",
            "",
        ] {
            assert_eq!(href(bad, "reeve.test"), None, "{bad}");
        }
        assert_eq!(sent_from(&headers(&[("host", "reeve.test")]), None), None);
    }

    #[test]
    fn at_08_a_form_token_is_of_its_session_only() {
        assert!(matches("s", &token("s")));
        assert!(!matches("s", &token("t")));
        assert!(!matches("s", ""));
    }
}
