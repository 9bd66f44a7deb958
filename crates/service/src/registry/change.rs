//! Registering targets, editing and removing them: each change with its audit event, in one transaction.

use crate::{
    audit::Draft,
    vault::secrets::{SecretName, Secrets, SecretsError},
};
use reeve_access::Principal;
use reeve_adapter::Endpoint;
use reeve_model::TargetName;
use reeve_store::{
    Store, StoreError,
    registered::{Registered, Registration, SealedAddress},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// Why nothing was changed. One sentence, never with a secret.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// One of this name is registered already.
    #[error("A target called {0} is registered already; change it with `reeve target edit {0}`.")]
    Taken(TargetName),
    /// It was changed or removed by somebody else meanwhile.
    #[error("The target {0} was changed or removed by somebody else meanwhile; look at `reeve target list` and do it again.")]
    Overtaken(TargetName),
    /// The address is none.
    #[error("Nothing was changed: {0}.")]
    Address(#[from] reeve_adapter::EndpointError),
    /// It can't be sealed.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// On whose behalf something is changed.
#[derive(Debug, Clone, Copy)]
pub enum Author<'a> {
    /// A user of the machine, on the command line.
    Local(&'a str),
    /// Somebody who is signed in.
    Account(&'a Principal),
}

/// Registers a target.
///
/// # Errors
/// [`ChangeError`]; nothing is changed then.
pub async fn add(store: &Store, secrets: &Secrets, author: Author<'_>, new: Registration, url: &SecretString) -> Result<(), ChangeError> {
    let after = told(&new, Some(&Endpoint::parse(url.expose_secret())?));
    let address = sealed(secrets, &new.name, url).await?;
    let event = draft(store, "add", &new.name, author).after(&after).finish();
    let name = new.name.clone();
    if store.add_target(new, address, event).await? { Ok(()) } else { Err(ChangeError::Taken(name)) }
}

/// Changes a registered target as its changer last saw it, and its address where one is given.
///
/// # Errors
/// [`ChangeError`]; nothing is changed then.
pub async fn edit(
    store: &Store,
    secrets: &Secrets,
    author: Author<'_>,
    seen: &Registered,
    new: Registration,
    url: Option<&SecretString>,
) -> Result<(), ChangeError> {
    let endpoint = url.map(|url| Endpoint::parse(url.expose_secret())).transpose()?;
    let address = match url {
        Some(url) => Some(sealed(secrets, &new.name, url).await?),
        None => None,
    };
    let after = told(&new, endpoint.as_ref());
    let event = draft(store, "edit", &new.name, author).before(&told(&seen.registration, None)).after(&after).finish();
    let name = new.name.clone();
    if store.edit_target(new, seen.event, address, event).await? { Ok(()) } else { Err(ChangeError::Overtaken(name)) }
}

/// Removes a registered target as its remover last saw it, with its address. Its history stays.
///
/// # Errors
/// [`ChangeError`]; nothing is changed then.
pub async fn remove(store: &Store, author: Author<'_>, seen: &Registered) -> Result<(), ChangeError> {
    let name = seen.registration.name.clone();
    let event = draft(store, "remove", &name, author).before(&told(&seen.registration, None)).finish();
    if store.remove_target(name.clone(), seen.event, event).await? { Ok(()) } else { Err(ChangeError::Overtaken(name)) }
}

fn draft(store: &Store, verb: &str, name: &TargetName, author: Author<'_>) -> Draft {
    let draft = Draft::new(store.org(), verb, "target", name.as_str());
    match author {
        Author::Local(user) => draft.by_local(user),
        Author::Account(principal) => draft.by(principal),
    }
}

/// A registration as the audit trail has it: of an address that is stored with it, what may be shown.
fn told(registration: &Registration, endpoint: Option<&Endpoint>) -> Value {
    let Registration { kind, environment, region, owner, tags, databases, .. } = registration;
    let mut told = json!({
        "kind": kind, "environment": environment, "region": region, "owner": owner, "tags": tags, "databases": databases,
    });
    if let Some(endpoint) = endpoint {
        told["address"] = json!(endpoint.redacted());
        told["login"] = json!(endpoint.user());
    }
    told
}

async fn sealed(secrets: &Secrets, name: &TargetName, url: &SecretString) -> Result<SealedAddress, ChangeError> {
    let sealed = secrets.seal(&SecretName::target(name.as_str()), url).await?;
    Ok(SealedAddress { sealed, key_id: secrets.vault().sealing_key().as_bytes().to_vec() })
}
