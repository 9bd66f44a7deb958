//! Proof that a cookie-borne change comes from Reeve's own pages (AT-08).
//!
//! Browsers say where a request comes from: `Sec-Fetch-Site`, or `Origin` where that is missing. A form also carries a
//! token that only its session knows.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

/// Whether a request that changes something comes from this very origin.
pub fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        // `none` is a person typing an address; a form's POST is never that.
        return site == "same-origin";
    }
    match (text("origin"), text(header::HOST.as_str())) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host)),
        // No browser: nothing was forged, because no foreign page can make such a request. The cookie alone proves the caller.
        (None, _) => true,
        _ => false,
    }
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

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| ((*k).parse().expect("a header name"), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn at_08_only_the_same_origin_passes() {
        assert!(same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(same_origin(&headers(&[("origin", "http://reeve.test:4400"), ("host", "reeve.test:4400")])));
        assert!(same_origin(&headers(&[("host", "reeve.test")])));
        for bad in [
            headers(&[("sec-fetch-site", "cross-site"), ("origin", "http://reeve.test"), ("host", "reeve.test")]),
            headers(&[("sec-fetch-site", "same-site")]),
            headers(&[("sec-fetch-site", "none")]),
            headers(&[("origin", "null"), ("host", "reeve.test")]),
            headers(&[("origin", "http://evil.test"), ("host", "reeve.test")]),
            headers(&[("origin", "http://reeve.test.evil.test"), ("host", "reeve.test")]),
        ] {
            assert!(!same_origin(&bad), "{bad:?}");
        }
        assert!(matches("s", &token("s")));
        assert!(!matches("s", &token("t")));
        assert!(!matches("s", ""));
    }
}
