//! Accounts: the first admin, one's own account, and all of them.

mod first;
mod links;
mod port;

pub use first::{AccountError, FirstAdmin, ensure_admin};
pub use links::local_reset;

use crate::{
    audit::Trail,
    hub::Hub,
    identity::{Identity, News},
    passwords::Passwords,
};
use reeve_access::Principal;
use reeve_model::{Binding, Scope};
use reeve_ports::PortError;
use reeve_store::{Store, StoreError};
use std::sync::Arc;
use uuid::Uuid;

/// Answers about accounts and changes them. Each change and its event are one transaction.
pub struct Accounts {
    store: Store,
    hub: Arc<Hub>,
    passwords: Passwords,
    identity: Identity,
    trail: Trail,
}

impl Accounts {
    /// Over the store; `identity` is told what ends.
    #[must_use]
    pub fn new(store: Store, hub: Arc<Hub>, passwords: Passwords, identity: Identity, trail: Trail) -> Self {
        Self { store, hub, passwords, identity, trail }
    }

    /// After a change that was written: the relay seals its event, and open streams hear of it.
    fn done(&self, over: &[Uuid], rights_of: Option<Uuid>) {
        self.trail.written();
        for id in over {
            self.identity.tell(News::Over(*id));
        }
        if let Some(account) = rights_of {
            self.identity.tell(News::Rights(account));
        }
    }

    /// Roles that an account may be given.
    fn checked(&self, mut bindings: Vec<Binding>) -> Result<Vec<Binding>, PortError> {
        bindings.sort();
        bindings.dedup();
        if bindings.len() > 50 {
            return Err(PortError::Invalid("An account can have 50 roles at most.".to_owned()));
        }
        for binding in &bindings {
            if let Scope::Target(name) = &binding.scope
                && self.hub.latest(name).is_none()
            {
                return Err(PortError::Invalid(format!("There is no target called {name}.")));
            }
        }
        match reeve_access::policy::conflict(&bindings) {
            Some(sentence) => Err(PortError::Invalid(sentence)),
            None => Ok(bindings),
        }
    }
}

/// What the store said, for whoever asked.
fn trouble(error: StoreError) -> PortError {
    match error {
        StoreError::Invalid(sentence) => PortError::Invalid(sentence),
        StoreError::LastAdmin => PortError::Invalid(StoreError::LastAdmin.to_string()),
        other => {
            tracing::warn!(error = %other, "accounts could not be read or changed");
            PortError::Unavailable("Reeve's own database is away, so accounts can't be read or changed. Try again in a moment.".to_owned())
        }
    }
}

fn uuid(text: &str, what: &str) -> Result<Uuid, PortError> {
    Uuid::parse_str(text).map_err(|_| missing(what))
}

fn missing(what: &str) -> PortError {
    PortError::NotFound(format!("There is no such {what}."))
}

/// The caller's own account.
fn own(principal: &Principal) -> Result<Uuid, PortError> {
    uuid(&principal.account, "account")
}
