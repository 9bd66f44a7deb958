//! Keys that sign access tokens, sealed like any other secret.

use super::{
    Vault, VaultError, key_id,
    secrets::{SecretName, SecretsError},
};
use crate::audit::Draft;
use reeve_store::{Store, StoreError, secrets::SIGNING_KEY, signing_keys::SigningKey};
use secrecy::{ExposeSecret, SecretSlice};

/// A signing key, opened.
#[derive(Debug, Clone)]
pub struct OpenedKey {
    /// Key id, as tokens name it.
    pub kid: String,
    /// Private key (Ed25519, PKCS#8 DER).
    pub private_key: SecretSlice<u8>,
}

/// Seals a new signing key for the store.
///
/// # Errors
/// [`VaultError::NoRandomness`].
pub fn seal(store: &Store, vault: &Vault, kid: &str, private_key: &[u8]) -> Result<Vec<u8>, VaultError> {
    vault.seal(store.org(), SIGNING_KEY, kid, private_key)
}

/// All keys that verify now, oldest first, opened. One that an earlier version stored unsealed (it begins with the 0x30 of DER, a
/// sealed one with the vault's version) is sealed in its place first: it stays good, and the store holds it in clear text no longer.
///
/// # Errors
/// [`SecretsError::Closed`] when one can't be opened; the store's own.
pub async fn current(store: &Store, vault: &Vault) -> Result<Vec<OpenedKey>, SecretsError> {
    let mut stored = store.signing_keys().await?;
    if stored.iter().any(|key| key_id(&key.private_key).is_none()) {
        seal_all(store, vault).await?;
        stored = store.signing_keys().await?;
    }
    stored.sort_by_key(|key| key.created_at);
    stored.iter().map(|key| open(store, vault, key)).collect()
}

fn open(store: &Store, vault: &Vault, key: &SigningKey) -> Result<OpenedKey, SecretsError> {
    let opened = vault.open(store.org(), SIGNING_KEY, &key.kid, &key.private_key);
    let private_key = opened.map_err(|why| SecretsError::Closed { name: SecretName::signing_key(&key.kid), why })?;
    Ok(OpenedKey { kid: key.kid.clone(), private_key })
}

/// Seals those that are not. Under the lock of [`Store::reseal_secrets`], so that two nodes at once don't seal what is sealed.
async fn seal_all(store: &Store, vault: &Vault) -> Result<(), SecretsError> {
    let (vault, org) = (vault.clone(), store.org());
    let sealed = store.reseal_secrets(Draft::new(org, "seal", "signing keys", "").finish(), move |secret| {
        if secret.kind != SIGNING_KEY || key_id(&secret.sealed).is_some() {
            return Ok(None);
        }
        let sealed = vault.seal(org, SIGNING_KEY, &secret.name, &secret.sealed).map_err(|e| StoreError::Invalid(e.to_string()))?;
        Ok(Some((sealed, vault.sealing_key().as_bytes().to_vec())))
    });
    let sealed = sealed.await?;
    tracing::info!(sealed, "signing keys of an earlier version are sealed now");
    Ok(())
}

impl OpenedKey {
    /// The DER itself.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        self.private_key.expose_secret()
    }
}
