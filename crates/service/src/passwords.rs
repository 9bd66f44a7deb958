//! Passwords: argon2id, off the async threads, and never more at once than the machine bears.

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{SaltString, rand_core::OsRng},
};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Memory of one hash, KiB (19 MiB, the OWASP row for two passes).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes.
const PASSES: u32 = 2;
/// Longest password that is hashed, bytes. Longer ones are refused before any work.
pub const MAX_BYTES: usize = 1024;

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    /// A flood of sign-ins waits here, so that pages keep a core.
    turns: Arc<Semaphore>,
    /// Checked when the account doesn't exist, so that the answer takes as long.
    decoy: Arc<str>,
}

/// Hashing failed; only when the system has no memory or no randomness.
#[derive(Debug, thiserror::Error)]
#[error("The password could not be hashed ({0}).")]
pub struct HashError(String);

impl Passwords {
    /// A hasher that works on at most `at_once` passwords at the same time.
    ///
    /// # Errors
    /// [`HashError`] when the decoy can't be made.
    pub fn new(at_once: usize) -> Result<Self, HashError> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|e| HashError(e.to_string()))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash_with(&argon, "nobody has this password")?;
        Ok(Self { argon, turns: Arc::new(Semaphore::new(at_once.max(1))), decoy: decoy.into() })
    }

    /// Makes the hash to store.
    ///
    /// # Errors
    /// [`HashError`] when the system has no memory or randomness.
    pub async fn hash(&self, password: SecretString) -> Result<String, HashError> {
        let argon = self.argon.clone();
        self.in_turn(move || hash_with(&argon, password.expose_secret())).await?
    }

    /// Checks a password against a stored hash, or against the decoy when there is none.
    ///
    /// # Errors
    /// [`HashError`] when the work could not be done; a wrong password is `Ok(false)`.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, HashError> {
        let (argon, decoy) = (self.argon.clone(), Arc::clone(&self.decoy));
        self.in_turn(move || {
            let known = stored.is_some();
            let text = stored.unwrap_or_else(|| decoy.to_string());
            let right =
                PasswordHash::new(&text).is_ok_and(|hash| argon.verify_password(password.expose_secret().as_bytes(), &hash).is_ok());
            known && right
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|e| HashError(e.to_string()))?;
        // The turn goes with the work: a caller who hangs up must not make room for one more at the same time.
        let in_turn = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(in_turn).await.map_err(|e| HashError(e.to_string()))
    }
}

fn hash_with(argon: &Argon2<'_>, password: &str) -> Result<String, HashError> {
    let salt = SaltString::generate(&mut OsRng);
    argon.hash_password(password.as_bytes(), &salt).map(|h| h.to_string()).map_err(|e| HashError(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn g1_right_wrong_and_unknown() {
        let passwords = Passwords::new(1).expect("argon2 parameters");
        let stored = passwords.hash("correct horse".into()).await.expect("hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.verify("correct horse".into(), Some(stored.clone())).await.expect("verify"));
        assert!(!passwords.verify("wrong".into(), Some(stored)).await.expect("verify"));
        assert!(!passwords.verify("nobody has this password".into(), None).await.expect("verify"), "the decoy lets nobody in");
        assert!(!passwords.verify("x".into(), Some("not a hash".into())).await.expect("verify"));
    }
}
