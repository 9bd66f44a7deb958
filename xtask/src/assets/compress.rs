//! The two encodings that browsers accept, made once at build time at their best levels.

use std::io::Write;

use anyhow::{Context, Result};

/// A file's compressed forms.
pub struct Compressed {
    /// Brotli, quality 11.
    pub brotli: Vec<u8>,
    /// Gzip, level 9.
    pub gzip: Vec<u8>,
}

/// Kinds of files that are compressed already, or too small a matter to care.
const ALREADY: [&str; 9] = ["woff2", "woff", "png", "jpg", "jpeg", "webp", "avif", "br", "gz"];

/// Compresses both ways; `None` where that would gain nothing.
pub fn compress(name: &str, bytes: &[u8]) -> Result<Option<Compressed>> {
    let extension = name.rsplit('.').next().unwrap_or_default();
    if ALREADY.contains(&extension) {
        return Ok(None);
    }
    let mut brotli = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, size_hint: bytes.len(), ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut brotli, &params).with_context(|| format!("could not compress {name}"))?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).with_context(|| format!("could not compress {name}"))?;
    let gzip = gzip.finish().with_context(|| format!("could not compress {name}"))?;
    Ok((brotli.len() < bytes.len() && gzip.len() < bytes.len()).then_some(Compressed { brotli, gzip }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_shrinks_and_what_cannot_shrink_is_left() {
        let text = "reeve ".repeat(200);
        let done = compress("a.css", text.as_bytes()).expect("compresses").expect("gains");
        assert!(done.brotli.len() < text.len() / 4 && done.gzip.len() < text.len() / 4);
        assert!(compress("a.woff2", text.as_bytes()).expect("compresses").is_none());
        assert!(compress("a.txt", b"x").expect("compresses").is_none());
    }
}
