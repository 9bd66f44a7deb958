//! The keys that sign access tokens: rotated with overlap, sealed at rest.

use crate::{
    tokens::{self, TokenKey, Tokens},
    vault::{Vault, signing},
};
use reeve_model::UnixMs;
use reeve_store::Store;
use sha2::{Digest, Sha256};

/// A signing key signs for 30 days and is accepted for 60, milliseconds.
const SIGNS_MS: i64 = 30 * 86_400_000;
const LIVES_MS: i64 = 60 * 86_400_000;

/// The keys in use.
pub(super) struct Keys {
    /// Sign and verify access tokens.
    pub(super) tokens: Tokens,
    /// Derives the successors of refresh tokens.
    pub(super) refresh: [u8; 32],
}

impl Keys {
    /// Reads them, making a new one when the newest has signed long enough or there is none. Two nodes agree on one.
    pub(super) async fn load(store: &Store, vault: &Vault) -> Result<Self, String> {
        let now = UnixMs::now();
        let (kid, der) = tokens::generate().map_err(|e| e.to_string())?;
        let sealed = signing::seal(store, vault, &kid, &der).map_err(|e| e.to_string())?;
        store.add_signing_key(&kid, &sealed, now.plus_ms(LIVES_MS), now.plus_ms(-SIGNS_MS)).await.map_err(|e| e.to_string())?;
        let stored = signing::current(store, vault).await.map_err(|e| e.to_string())?;
        let mut keys = Vec::with_capacity(stored.len());
        let mut refresh = [0; 32];
        for key in stored {
            refresh = Sha256::new().chain_update(b"reeve refresh key\n").chain_update(key.der()).finalize().into();
            keys.push(TokenKey::from_pkcs8(key.kid.clone(), key.der()).map_err(|e| e.to_string())?);
        }
        Ok(Self { tokens: Tokens::new(keys), refresh })
    }
}
