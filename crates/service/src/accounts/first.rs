//! The first admin.

use crate::{audit::Draft, passwords::Passwords};
use reeve_model::{Binding, Role};
use reeve_store::{Store, accounts::NewAccount};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

/// E-mail of the first admin when none is configured.
const DEFAULT_EMAIL: &str = "admin@reeve.local";
/// Letters and digits of a made-up password that can't be mistaken for each other; 32 of them, so that a byte picks one evenly.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Length of a made-up password: 100 bits.
const LENGTH: usize = 20;

/// The first admin, when this start made one.
pub struct FirstAdmin {
    /// E-mail to sign in with.
    pub email: String,
    /// The password, when it was made up here and must be shown once.
    pub made_up: Option<SecretString>,
}

/// Why the first admin could not be made. One sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AccountError(String);

/// Makes the first admin when there is no account at all. There is no default password: it is configured or made up.
///
/// # Errors
/// When the store can't be read or written, or the e-mail is none.
pub async fn ensure_admin(
    store: &Store,
    passwords: &Passwords,
    email: Option<&str>,
    password: Option<SecretString>,
) -> Result<Option<FirstAdmin>, AccountError> {
    if store.account_count().await.map_err(trouble)? > 0 {
        return Ok(None);
    }
    let email = email.unwrap_or(DEFAULT_EMAIL).to_owned();
    let made_up = if password.is_none() { Some(make_up()?) } else { None };
    let Some(secret) = password.or_else(|| made_up.clone()) else { return Ok(None) };
    let hash = passwords.hash(secret).await.map_err(|e| AccountError(e.to_string()))?;
    let bindings = vec![Binding::everywhere(Role::Admin)];
    let new = NewAccount {
        id: Uuid::new_v4(),
        org: store.org(),
        email: email.clone(),
        display_name: "Admin".to_owned(),
        password_hash: hash,
        bindings,
    };
    let event = Draft::new(store.org(), "make", "account", &email).after(&json!({ "roles": ["admin@everything"] })).finish();
    let made = store.create_account(new, event).await.map_err(trouble)?;
    // Another process may have been first; its password counts then.
    Ok(made.map(|_| FirstAdmin { email, made_up }))
}

fn trouble(error: reeve_store::StoreError) -> AccountError {
    AccountError(error.to_string())
}

fn make_up() -> Result<SecretString, AccountError> {
    let mut bytes = [0_u8; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| AccountError(format!("The system has no randomness ({error}).")))?;
    let letters: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
    let groups: Vec<&str> = letters.as_bytes().chunks(5).filter_map(|c| std::str::from_utf8(c).ok()).collect();
    Ok(SecretString::from(groups.join("-")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn g4_made_up_passwords_are_long_and_differ() {
        let (a, b) = (make_up().expect("randomness"), make_up().expect("randomness"));
        assert_eq!(a.expose_secret().len(), 23);
        assert_ne!(a.expose_secret(), b.expose_secret());
    }
}
