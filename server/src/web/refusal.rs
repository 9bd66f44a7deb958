//! What a caller who is refused gets: a redirect or a page for people, JSON for programs.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use reeve_ports::PortError;

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
        response
    }
}

/// Sends a browser to the sign-in page, and back afterwards.
pub fn to_sign_in(path_and_query: &str) -> Response {
    Redirect::to(&format!("/sign-in?next={}", percent(path_and_query))).into_response()
}

/// Percent-encodes everything but unreserved characters.
pub fn percent(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path on this server to go back to; anything else (another host, a scheme) becomes the control room.
pub fn safe_next(next: &str) -> &str {
    let local = next.starts_with("/admin/") && !next.contains(['\\', '\r', '\n']) && !next.starts_with("//");
    if local { next } else { "/admin/db-health" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_56_no_open_redirect() {
        assert_eq!(safe_next("/admin/targets/a/tables?sort=name"), "/admin/targets/a/tables?sort=name");
        for bad in ["//evil.test/admin/", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/admin/\r\nX: y", "", "/sign-out"] {
            assert_eq!(safe_next(bad), "/admin/db-health", "{bad}");
        }
    }

    #[test]
    fn percent_keeps_nothing_that_means_something() {
        assert_eq!(percent("/a b?c=\"<é"), "%2Fa%20b%3Fc%3D%22%3C%C3%A9");
    }
}
