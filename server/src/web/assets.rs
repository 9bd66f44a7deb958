//! Static files, embedded: a release is one file. Names carry their hash, so browsers keep them for ever.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "../target/site/"]
#[allow_missing = true]
struct Site;

/// What the asset build wrote down.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// Path of the script.
    pub js: String,
    /// Path of the wasm.
    pub wasm: String,
    /// Path of the style sheet.
    pub css: String,
}

/// The manifest of the embedded assets.
///
/// # Errors
/// One sentence when the program was built without assets.
pub fn manifest() -> Result<&'static Manifest, &'static str> {
    static READ: LazyLock<Option<Manifest>> =
        LazyLock::new(|| Site::get("manifest.json").and_then(|file| serde_json::from_slice(&file.data).ok()));
    READ.as_ref().ok_or("This program was built without its styles and scripts; build it with `make build` or `make run`.")
}

/// Serves `/pkg/…`.
pub async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    serve(&format!("pkg/{path}"), &headers, "public, max-age=31536000, immutable")
}

/// Serves the icon at the place browsers ask without being told.
pub async fn favicon(headers: HeaderMap) -> Response {
    serve("favicon.svg", &headers, "public, max-age=86400")
}

fn serve(path: &str, headers: &HeaderMap, cache: &'static str) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let packed = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(name, _)| accepts(accepted, name))
        .find_map(|(name, ending)| Site::get(&format!("{path}{ending}")).map(|file| (Some(name), file)));
    let Some((encoding, file)) = packed.or_else(|| Site::get(path).map(|file| (None, file))) else {
        return (StatusCode::NOT_FOUND, "There is no such file.").into_response();
    };
    let EmbeddedFile { data, .. } = file;
    let mut response = (StatusCode::OK, data.into_owned()).into_response();
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    set.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(name) = encoding {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// Whether an encoding is offered, and not with weight 0, which forbids it.
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q="))).map_or(Ok(1.0), str::parse::<f64>);
        named && weight.is_ok_and(|w| w > 0.0)
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn an_encoding_with_weight_zero_is_refused() {
        for good in ["br", "gzip, br", "gzip;q=0.5,BR ; q=0.1", "br;q=1.0"] {
            assert!(accepts(good, "br"), "{good}");
        }
        for bad in ["", "gzip", "br;q=0", "br; q=0.000, gzip", "br;q=x", ", ,;", "brotli"] {
            assert!(!accepts(bad, "br"), "{bad}");
        }
    }
}
