//! What is wrong with a request before anybody asks what it wants: its method, its length, its body and how long that takes (AT-58).

use super::refusal;
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures::StreamExt;
use std::time::Duration;

/// Largest body that is read, bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest path and query, bytes.
const MAX_URI: usize = 8 * 1024;
/// A body must be there whole within this time, however it drips.
const BODY: Duration = Duration::from_secs(15);

/// Lets a request pass that can be read, with its whole body; answers it otherwise.
pub async fn take(request: Request, next: Next) -> Response {
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = match check(request).await {
        Ok(request) => next.run(request).await,
        Err((status, sentence)) => refusal::bare(status, sentence),
    };
    // Two lengths are how two servers are made to disagree about where a request ends, and hyper drops the one that doesn't count before
    // it could be seen here. So nothing more is read from a connection after a chunked body: what follows may be smuggled.
    if chunked || matches!(response.status(), StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn check(request: Request) -> Result<Request, (StatusCode, &'static str)> {
    // TRACE would show a script the headers that it must not see; TRACK is its old brother.
    if [Method::TRACE, Method::CONNECT].contains(request.method()) || request.method().as_str().eq_ignore_ascii_case("TRACK") {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "This method is not answered."));
    }
    if request.uri().path_and_query().map_or(0, |p| p.as_str().len()) > MAX_URI {
        return Err((StatusCode::URI_TOO_LONG, "The address is longer than 8 KiB; shorten the query."));
    }
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok(Request::from_parts(parts, body));
    }
    let body = match tokio::time::timeout(BODY, whole(body)).await {
        Ok(read) => read?,
        Err(_) => return Err((StatusCode::REQUEST_TIMEOUT, "The body did not arrive within 15 s.")),
    };
    Ok(Request::from_parts(parts, Body::from(body)))
}

async fn whole(body: Body) -> Result<Bytes, (StatusCode, &'static str)> {
    const TOO_LARGE: (StatusCode, &str) = (StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 64 KiB.");
    // Said before it is sent: nothing of it is read.
    if usize::try_from(body.size_hint().lower()).map_or(true, |least| least > MAX_BODY) {
        return Err(TOO_LARGE);
    }
    let mut chunks = body.into_data_stream();
    let mut read = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| (StatusCode::BAD_REQUEST, "The body ended too early or is not well formed."))?;
        if read.len() + chunk.len() > MAX_BODY {
            return Err(TOO_LARGE);
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status(request: Request) -> Option<StatusCode> {
        check(request).await.err().map(|(status, _)| status)
    }

    fn request(method: &str, uri: &str, body: Body) -> Request {
        Request::builder().method(method).uri(uri).body(body).expect("a request")
    }

    #[tokio::test(start_paused = true)]
    async fn at_58_what_is_too_long_too_large_or_too_slow_is_refused() {
        let drip = |bytes: usize, pause: Duration| {
            Body::from_stream(futures::stream::unfold(0, move |sent| async move {
                tokio::time::sleep(pause).await;
                (sent < bytes).then(|| (Ok::<_, std::io::Error>(Bytes::from_static(b"x")), sent + 1))
            }))
        };
        assert_eq!(status(request("GET", "/", Body::empty())).await, None);
        assert_eq!(status(request("POST", "/", Body::from(vec![b'x'; MAX_BODY]))).await, None);
        assert_eq!(status(request("POST", "/", Body::from(vec![b'x'; MAX_BODY + 1]))).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(status(request("POST", "/", drip(MAX_BODY + 1, Duration::ZERO))).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(status(request("POST", "/", drip(10, Duration::from_secs(1)))).await, None);
        assert_eq!(status(request("POST", "/", drip(1_000, Duration::from_secs(1)))).await, Some(StatusCode::REQUEST_TIMEOUT));
        let broken = Body::from_stream(futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("gone")) }));
        assert_eq!(status(request("POST", "/", broken)).await, Some(StatusCode::BAD_REQUEST));
        assert_eq!(status(request("GET", &format!("/?{}", "x".repeat(MAX_URI)), Body::empty())).await, Some(StatusCode::URI_TOO_LONG));
    }

    #[tokio::test]
    async fn at_60_trace_is_not_answered() {
        for method in ["TRACE", "CONNECT", "TRACK", "Track"] {
            assert_eq!(status(request(method, "/live", Body::empty())).await, Some(StatusCode::METHOD_NOT_ALLOWED), "{method}");
        }
    }
}
