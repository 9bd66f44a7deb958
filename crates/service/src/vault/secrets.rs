//! The stored secrets: set, listed without values, read by Reeve itself, sealed anew with another key.

use super::{KeyId, Vault, VaultError, key_id};
use crate::audit::Draft;
use reeve_model::UnixMs;
use reeve_store::{
    Store, StoreError,
    secrets::{SIGNING_KEY, SealedSecret},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::json;
use std::{fmt, str::FromStr};

/// Longer values are refused: these are small secrets, bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// Which secret: `KIND/NAME`, such as `target/orders`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    kind: String,
    name: String,
}

impl SecretName {
    /// The address of a target.
    #[must_use]
    pub fn target(name: &str) -> Self {
        Self { kind: "target".to_owned(), name: name.to_owned() }
    }

    pub(super) fn signing_key(kid: &str) -> Self {
        Self { kind: SIGNING_KEY.to_owned(), name: kid.to_owned() }
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Its name among its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for SecretName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "A secret is named KIND/NAME, like target/orders: small letters, digits, - and _.".to_owned();
        let (kind, name) = text.split_once('/').ok_or_else(wrong)?;
        let plain = |text: &str, more: &[u8]| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || more.contains(&b));
        let kind_fits = (1..=32).contains(&kind.len()) && kind.starts_with(|c: char| c.is_ascii_lowercase()) && plain(kind, b"-");
        if !kind_fits || !(1..=200).contains(&name.len()) || !plain(name, b"-_.") {
            return Err(wrong());
        }
        Ok(Self { kind: kind.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// What may be known of a stored secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEntry {
    /// Which one.
    pub name: SecretName,
    /// The key that sealed it; none: an earlier version stored it unsealed.
    pub key: Option<KeyId>,
    /// Whether this vault has that key.
    pub can_be_opened: bool,
    /// When it was last set or sealed anew.
    pub updated_at: UnixMs,
}

/// Why a secret could not be read or kept. One sentence, never with a secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Something stored can't be opened.
    #[error(
        "The stored secret {name} can't be opened: {why} Give Reeve the key it was sealed with (for example as REEVE_SECRET_OLD_KEY_FILES), or take it away with `reeve secret remove {name}`. Nothing was changed."
    )]
    Closed {
        /// Which one.
        name: SecretName,
        /// Why.
        why: VaultError,
    },
    /// What was given can't be kept.
    #[error("{0}")]
    Invalid(String),
}

/// The vault and the store it seals for. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Secrets {
    store: Store,
    vault: Vault,
}

impl Secrets {
    /// Asks nothing yet.
    #[must_use]
    pub fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault }
    }

    /// The vault.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Opens all that is stored: with a wrong key Reeve must not even start. Changes nothing.
    ///
    /// # Errors
    /// [`SecretsError::Closed`] names the first that can't be opened.
    pub async fn verify(&self) -> Result<(), SecretsError> {
        for secret in self.store.secrets().await? {
            self.open_stored(&secret)?;
        }
        Ok(())
    }

    /// None: a signing key that an earlier version stored unsealed.
    fn open_stored(&self, secret: &SealedSecret) -> Result<Option<SecretSlice<u8>>, SecretsError> {
        if secret.kind == SIGNING_KEY && key_id(&secret.sealed).is_none() {
            return Ok(None);
        }
        self.vault
            .open(self.store.org(), &secret.kind, &secret.name, &secret.sealed)
            .map(Some)
            .map_err(|why| SecretsError::Closed { name: SecretName { kind: secret.kind.clone(), name: secret.name.clone() }, why })
    }

    /// One secret as text; none when it was never set.
    ///
    /// # Errors
    /// [`SecretsError::Closed`] when it can't be opened or is no text; the store's own.
    pub async fn get(&self, name: &SecretName) -> Result<Option<SecretString>, SecretsError> {
        let sealed = self.store.secret(&name.kind, &name.name).await?;
        sealed.map(|sealed| self.open(name, &sealed)).transpose()
    }

    /// What was sealed as this secret, as text. Asks nobody.
    ///
    /// # Errors
    /// [`SecretsError::Closed`] when it can't be opened or is no text.
    pub fn open(&self, name: &SecretName, sealed: &[u8]) -> Result<SecretString, SecretsError> {
        let closed = |why| SecretsError::Closed { name: name.clone(), why };
        let opened = self.vault.open(self.store.org(), &name.kind, &name.name, sealed).map_err(closed)?;
        let text = std::str::from_utf8(opened.expose_secret()).map_err(|_| closed(VaultError::Forged))?;
        Ok(SecretString::from(text.to_owned()))
    }

    /// Seals the value of a secret, for whoever keeps it with something else. Refused while something stored can't be opened: then the key
    /// is probably the wrong one.
    ///
    /// # Errors
    /// As [`Secrets::set`].
    pub async fn seal(&self, name: &SecretName, value: &SecretString) -> Result<Vec<u8>, SecretsError> {
        if value.expose_secret().is_empty() || value.expose_secret().len() > MAX_BYTES {
            return Err(SecretsError::Invalid(format!("A secret has 1 to {MAX_BYTES} bytes.")));
        }
        self.verify().await?;
        Ok(self.vault.seal(self.store.org(), &name.kind, &name.name, value.expose_secret().as_bytes())?)
    }

    /// Seals and keeps a secret, and notes that this user of the machine did. Refused while something stored can't be opened: then the key is probably the wrong one.
    ///
    /// # Errors
    /// [`SecretsError::Invalid`], [`SecretsError::Closed`]; the store's own.
    pub async fn set(&self, name: &SecretName, value: &SecretString, user: &str) -> Result<(), SecretsError> {
        if name.kind == SIGNING_KEY {
            return Err(SecretsError::Invalid("Signing keys are made by Reeve itself; they can be removed but not set.".to_owned()));
        }
        let sealed = self.seal(name, value).await?;
        let key = self.vault.sealing_key();
        let event = self.event("set", &name.to_string(), user).after(&json!({ "key": key.to_string() })).finish();
        Ok(self.store.put_secret((&name.kind, &name.name), &sealed, key.as_bytes(), event).await?)
    }

    fn event(&self, verb: &str, resource: &str, user: &str) -> Draft {
        Draft::new(self.store.org(), verb, "secret", resource).by_local(user)
    }

    /// Removes a secret, and notes who did; needs no key. Answers whether there was one.
    ///
    /// # Errors
    /// The store's own.
    pub async fn remove(&self, name: &SecretName, user: &str) -> Result<bool, SecretsError> {
        Ok(self.store.remove_secret((&name.kind, &name.name), self.event("remove", &name.to_string(), user).finish()).await?)
    }

    /// What is stored, by name, without values. Signing keys are among it.
    ///
    /// # Errors
    /// The store's own.
    pub async fn list(&self) -> Result<Vec<SecretEntry>, SecretsError> {
        let stored = self.store.secrets().await?;
        Ok(stored
            .into_iter()
            .map(|secret| {
                let key = key_id(&secret.sealed);
                let can_be_opened = key.is_none_or(|id| self.vault.knows(id));
                let name = SecretName { kind: secret.kind, name: secret.name };
                SecretEntry { name, key, can_be_opened, updated_at: secret.updated_at }
            })
            .collect())
    }

    /// Seals anew, with the first key, all that another key sealed, in one transaction. Answers how many that were; none when it is
    /// repeated. Unsealed signing keys of an earlier version are left to [`super::signing`].
    ///
    /// # Errors
    /// [`SecretsError::Closed`] when one can't be opened: then nothing is changed. The store's own.
    pub async fn rotate(&self, user: &str) -> Result<u64, SecretsError> {
        // Told apart here, because inside the transaction an error can only be the store's.
        self.verify().await?;
        let (this, org) = (self.clone(), self.store.org());
        let event = self.event("rotate", "", user).after(&json!({ "key": self.vault.sealing_key().to_string() })).finish();
        let done = self.store.reseal_secrets(event, move |secret| {
            let refuse = |error: &dyn fmt::Display| StoreError::Invalid(error.to_string());
            if key_id(&secret.sealed) == Some(this.vault.sealing_key()) {
                return Ok(None);
            }
            let Some(opened) = this.open_stored(secret).map_err(|e| refuse(&e))? else { return Ok(None) };
            let sealed = this.vault.seal(org, &secret.kind, &secret.name, opened.expose_secret()).map_err(|e| refuse(&e))?;
            Ok(Some((sealed, this.vault.sealing_key().as_bytes().to_vec())))
        });
        Ok(done.await?)
    }
}
