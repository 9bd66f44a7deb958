//! Connection URLs for a local socket.

use secrecy::{ExposeSecret, SecretString};
use std::path::Path;

/// `postgresql:///db?host=…&port=…&user=…&password=…`, percent-encoded.
pub(crate) fn socket_url(socket_dir: &Path, port: u16, user: &str, password: &SecretString, database: &str) -> SecretString {
    SecretString::from(format!(
        "postgresql:///{}?host={}&port={port}&user={}&password={}",
        encode(database.as_bytes()),
        encode(std::os::unix::ffi::OsStrExt::as_bytes(socket_dir.as_os_str())),
        encode(user.as_bytes()),
        encode(password.expose_secret().as_bytes()),
    ))
}

/// Percent-encodes everything but unreserved characters.
fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_special_in_a_url_is_encoded() {
        let url = socket_url(Path::new("/tmp/a b"), 5432, "ü&x", &SecretString::from("p@ss/?%".to_owned()), "d#1");
        assert_eq!(url.expose_secret(), "postgresql:///d%231?host=%2Ftmp%2Fa%20b&port=5432&user=%C3%BC%26x&password=p%40ss%2F%3F%25");
    }
}
