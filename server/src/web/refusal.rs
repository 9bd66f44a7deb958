//! What a caller who is refused gets: a redirect or a page for people, JSON for programs.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use reeve_app::route::{Page, safe_next};
use reeve_ports::PortError;
use serde_json::json;
use std::time::Duration;

/// A refusal on its way out.
#[derive(Debug)]
pub struct Refusal(pub PortError);

impl Refusal {
    /// The status that says the same.
    pub fn status(&self) -> StatusCode {
        match self.0 {
            PortError::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            PortError::Denied(_) => StatusCode::FORBIDDEN,
            PortError::NotFound(_) => StatusCode::NOT_FOUND,
            PortError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            PortError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            PortError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        Self(error)
    }
}

impl From<reeve_access::Denied> for Refusal {
    fn from(denied: reeve_access::Denied) -> Self {
        Self(denied.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(&self.0)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        if let PortError::TooMany(wait) = self.0 {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(wait.seconds));
        }
        response
    }
}

/// A request that could not even be read: the word says which kind of fault, the sentence what to do.
pub fn bare(status: StatusCode, sentence: &str) -> Response {
    let word = status.canonical_reason().unwrap_or("refused").to_ascii_lowercase().replace(' ', "_");
    (status, Json(json!({ "error": word, "message": sentence }))).into_response()
}

/// Too many requests: come back after a while. `page`: for people, as the smallest page there is, because under a flood each answer counts.
pub fn too_many(page: bool, wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let sentence = format!("Too many requests came from your address. Try again in {seconds} s.");
    let mut response = if page {
        let html =
            format!("<!doctype html><html lang=\"en\"><title>Too many requests</title><h1>Too many requests</h1><p>{sentence}</p></html>");
        (StatusCode::TOO_MANY_REQUESTS, Html(html)).into_response()
    } else {
        bare(StatusCode::TOO_MANY_REQUESTS, &sentence)
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Sends a browser to the sign-in page, and back afterwards.
pub fn to_sign_in(path_and_query: &str) -> Response {
    let next = safe_next(path_and_query).map(str::to_owned);
    Redirect::to(&Page::SignIn { next }.href()).into_response()
}

/// Where a form leads: a path on this server, or the control room for anything else (another host, a scheme).
pub fn or_home(next: &str) -> &str {
    safe_next(next).filter(|path| path.starts_with("/admin/")).unwrap_or("/admin/db-health")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_56_no_open_redirect() {
        assert_eq!(or_home("/admin/targets/a/tables?sort=name"), "/admin/targets/a/tables?sort=name");
        for bad in ["//evil.test/admin/", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/admin/\r\nX: y", "", "/sign-out"] {
            assert_eq!(or_home(bad), "/admin/db-health", "{bad}");
        }
    }
}
