//! Small secrets, sealed before they reach the store.
//!
//! What is sealed: XChaCha20-Poly1305 with a random nonce. A sealed value is
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, [`VERSION`] |
//! | 8 | id of the key that sealed it |
//! | 24 | nonce |
//! | the rest | ciphertext and its tag of 16 bytes |
//!
//! Version and key id, and the organisation, kind and name that the value belongs to, are authenticated with it: a row that is
//! moved to another place, or changed by a bit, can't be opened. The length of a secret is not hidden.

mod key;
pub mod secrets;
pub mod signing;

pub use key::{KeyId, VaultKey};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretSlice};
use std::sync::Arc;
use uuid::Uuid;

/// First byte of what is sealed. An unsealed signing key of an earlier version begins with 0x30.
pub const VERSION: u8 = 1;
/// Bytes before the ciphertext, and the tag after it.
const HEADER: usize = 1 + KeyId::BYTES;
const NONCE: usize = 24;
const TAG: usize = 16;
/// Keeps what is sealed here apart from anything else a key could be used for.
const DOMAIN: &[u8] = b"reeve sealed secret\0";

/// Why a secret can't be sealed or opened. One sentence each, without a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// A key that is none.
    #[error("A secret key is 32 bytes, written as 64 hexadecimal digits or in base64; make one with `reeve secret generate-key`.")]
    NotAKey,
    /// No key at all.
    #[error("There is no key to seal secrets with.")]
    NoKey,
    /// The system has no randomness.
    #[error("The system has no randomness, so nothing can be sealed.")]
    NoRandomness,
    /// It was sealed with a key that isn't known here.
    #[error("It was sealed with the key {0}, which is not among the configured ones.")]
    UnknownKey(KeyId),
    /// It is not what was sealed for this place.
    #[error("It was changed, or belongs to another place.")]
    Forged,
    /// It doesn't look like anything that was sealed.
    #[error("It is not sealed.")]
    NotSealed,
}

/// Seals with the first of its keys, opens with any. Cheap to clone. Shown without the keys.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<[VaultKey]>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Vault").field(&self.keys).finish()
    }
}

impl Vault {
    /// The first key seals, all open.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] when there is none.
    pub fn new(keys: Vec<VaultKey>) -> Result<Self, VaultError> {
        if keys.is_empty() { Err(VaultError::NoKey) } else { Ok(Self { keys: keys.into() }) }
    }

    /// The key that seals.
    #[must_use]
    pub fn sealing_key(&self) -> KeyId {
        self.keys[0].id()
    }

    /// Whether a key is known here.
    #[must_use]
    pub fn knows(&self, id: KeyId) -> bool {
        self.keys.iter().any(|key| key.id() == id)
    }

    /// Seals a secret for its place. Twice the same secret yields two different values.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn seal(&self, org: Uuid, kind: &str, name: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        let key = &self.keys[0];
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let mut sealed = Vec::with_capacity(HEADER + NONCE + secret.len() + TAG);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id().0);
        let aad = place(&sealed, org, kind, name);
        let payload = Payload { msg: secret, aad: &aad };
        let hidden = cipher(key)?.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Forged)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&hidden);
        Ok(sealed)
    }

    /// Opens what was sealed for this very place.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`], [`VaultError::Forged`] or [`VaultError::NotSealed`].
    pub fn open(&self, org: Uuid, kind: &str, name: &str, sealed: &[u8]) -> Result<SecretSlice<u8>, VaultError> {
        let id = key_id(sealed).ok_or(VaultError::NotSealed)?;
        let key = self.keys.iter().find(|key| key.id() == id).ok_or(VaultError::UnknownKey(id))?;
        let (header, rest) = sealed.split_at(HEADER);
        let (nonce, hidden) = rest.split_at(NONCE);
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| VaultError::NotSealed)?;
        let aad = place(header, org, kind, name);
        let payload = Payload { msg: hidden, aad: &aad };
        let secret = cipher(key)?.decrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Forged)?;
        Ok(SecretSlice::from(secret))
    }
}

/// The id of the key that sealed this; none when it isn't sealed at all.
#[must_use]
pub fn key_id(sealed: &[u8]) -> Option<KeyId> {
    if sealed.first() != Some(&VERSION) || sealed.len() < HEADER + NONCE + TAG {
        return None;
    }
    sealed.get(1..HEADER)?.try_into().ok().map(KeyId)
}

fn cipher(key: &VaultKey) -> Result<XChaCha20Poly1305, VaultError> {
    XChaCha20Poly1305::new_from_slice(key.bytes().expose_secret()).map_err(|_| VaultError::NotAKey)
}

/// What is authenticated beside the secret. Lengths stand before texts, so that no two places are spelled alike.
fn place(header: &[u8], org: Uuid, kind: &str, name: &str) -> Vec<u8> {
    let mut aad = DOMAIN.to_vec();
    aad.extend_from_slice(header);
    aad.extend_from_slice(org.as_bytes());
    for text in [kind, name] {
        aad.extend_from_slice(&(text.len() as u64).to_le_bytes());
        aad.extend_from_slice(text.as_bytes());
    }
    aad
}

#[cfg(test)]
mod tests;
