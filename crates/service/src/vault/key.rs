//! The keys that seal.

use super::VaultError;
use base64::{Engine, engine::general_purpose as base64_engine};
use secrecy::{ExposeSecret, SecretBox, SecretSlice, SecretString, zeroize::Zeroize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Bytes of a key.
const LENGTH: usize = 32;
/// A key's id is the beginning of a digest of this and the key: it tells keys apart and nothing of them.
const ID_DOMAIN: &[u8] = b"reeve secret key id\0";

/// Names a key without saying anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(super) [u8; Self::BYTES]);

impl KeyId {
    /// How long it is.
    pub const BYTES: usize = 8;

    /// The id from its stored form; none when it has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A key of 32 bytes. Shown by its id only; wiped from memory when dropped.
#[derive(Clone)]
pub struct VaultKey {
    id: KeyId,
    bytes: SecretSlice<u8>,
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultKey({})", self.id)
    }
}

impl VaultKey {
    /// Reads a key from text: 64 hexadecimal digits, or base64 of either alphabet, with or without padding. White space around it
    /// doesn't count.
    ///
    /// # Errors
    /// [`VaultError::NotAKey`].
    pub fn parse(text: &SecretString) -> Result<Self, VaultError> {
        let text = text.expose_secret().trim();
        let mut bytes = SecretBox::<[u8; LENGTH]>::default();
        // Hexadecimal first: 64 of its digits would be 48 bytes of base64, so nothing is both.
        let decoded = if text.len() == LENGTH * 2 { from_hex(text) } else { from_base64(text) };
        let mut decoded = decoded.ok_or(VaultError::NotAKey)?;
        let right = decoded.len() == LENGTH;
        if right {
            secrecy::ExposeSecretMut::expose_secret_mut(&mut bytes).copy_from_slice(&decoded);
        }
        decoded.zeroize();
        // A key of one repeated byte is a placeholder that somebody forgot to fill.
        if !right || bytes.expose_secret().iter().all(|byte| *byte == bytes.expose_secret()[0]) {
            return Err(VaultError::NotAKey);
        }
        Ok(Self::new(bytes.expose_secret()))
    }

    /// A new key at random, as base64: what [`VaultKey::parse`] reads.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn generate() -> Result<SecretString, VaultError> {
        let mut bytes = [0_u8; LENGTH];
        getrandom::fill(&mut bytes).map_err(|_| VaultError::NoRandomness)?;
        let text = SecretString::from(base64_engine::STANDARD.encode(bytes));
        bytes.zeroize();
        Ok(text)
    }

    fn new(bytes: &[u8; LENGTH]) -> Self {
        let digest = Sha256::new().chain_update(ID_DOMAIN).chain_update(bytes).finalize();
        let mut id = [0_u8; KeyId::BYTES];
        id.copy_from_slice(&digest[..KeyId::BYTES]);
        Self { id: KeyId(id), bytes: SecretSlice::from(bytes.to_vec()) }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn bytes(&self) -> &SecretSlice<u8> {
        &self.bytes
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let mut digits = digits?;
    let bytes = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    digits.zeroize();
    Some(bytes)
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    base64_engine::STANDARD_NO_PAD.decode(text).or_else(|_| base64_engine::URL_SAFE_NO_PAD.decode(text)).ok()
}
