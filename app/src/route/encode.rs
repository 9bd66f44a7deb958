//! Percent-encoding, both ways.

use std::fmt::Write as _;

/// One path segment that holds `name` and nothing else.
#[must_use]
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    if name == "." || name == ".." || name.starts_with('~') {
        out.push('~');
    }
    push(&mut out, name);
    out
}

/// The name in a path segment; none when it is empty or not UTF-8.
#[must_use]
pub fn decode(segment: &str) -> Option<String> {
    let name = unescape(segment, false)?;
    let name = name.strip_prefix('~').map_or(name.clone(), str::to_owned);
    (!name.is_empty()).then_some(name)
}

/// A query string of the given pairs.
#[must_use]
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        push(&mut out, key);
        out.push('=');
        push(&mut out, value);
    }
    out
}

/// The pairs of a query string; those that are not UTF-8 are left out.
#[must_use]
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |p: &str| {
        let (k, v) = p.split_once('=').unwrap_or((p, ""));
        Some((unescape(k, true)?, unescape(v, true)?))
    };
    query.split('&').filter(|p| !p.is_empty()).filter_map(pair).collect()
}

fn push(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}
