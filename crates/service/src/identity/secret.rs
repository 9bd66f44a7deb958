//! Secrets that programs and people carry: API tokens, refresh tokens, links. Stored as digests only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// An API token begins so: people and scanners of leaked secrets can tell what it is.
pub const API_TOKEN_PREFIX: &str = "reeve_";
/// A refresh token begins so.
pub const REFRESH_PREFIX: &str = "reever_";

/// 256 bits at random as text.
///
/// # Errors
/// One sentence when the system has no randomness.
pub fn random() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("The system has no randomness ({error})."))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a secret. It has 256 bits of randomness, so a plain digest can't be guessed backwards.
#[must_use]
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The refresh token that follows `token`. Derived, so that two requests that race get the same one although only digests are
/// stored; with a key that only Reeve has, so that who stole an old token can't derive the present one.
#[must_use]
pub fn successor(key: &[u8; 32], token: &str) -> String {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of 32 bytes is a key");
    mac.update(b"reeve refresh successor\n");
    mac.update(token.as_bytes());
    format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Tells one client from another, roughly: the same refresh token from elsewhere is no lost answer but a stolen one.
#[must_use]
pub fn fingerprint(agent: &str, address: Option<std::net::IpAddr>) -> [u8; 32] {
    digest(&format!("{}\n{agent}", address.map(|a| a.to_string()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_successors_follow_from_token_and_key_and_nothing_else() {
        let (a, b) = (random().expect("random"), random().expect("random"));
        assert_ne!(a, b);
        assert_eq!(successor(&[1; 32], &a), successor(&[1; 32], &a));
        assert_ne!(successor(&[1; 32], &a), successor(&[2; 32], &a));
        assert_ne!(successor(&[1; 32], &a), successor(&[1; 32], &b));
        assert!(a.len() == 43 && successor(&[1; 32], &a).starts_with(REFRESH_PREFIX));
    }
}
