//! Grants: proof that a permission was checked.

use crate::{Permission, Principal, policy};
use std::{fmt, marker::PhantomData};

/// Proof that `principal` may do `P` to `resource`. Can only be made by [`authorize`].
pub struct Grant<P: Permission> {
    principal: Principal,
    resource: P::Resource,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Grant<P> {
    /// Who it was given to.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What it was given for.
    #[must_use]
    pub fn resource(&self) -> &P::Resource {
        &self.resource
    }
}

impl<P: Permission> Clone for Grant<P> {
    fn clone(&self) -> Self {
        Self { principal: self.principal.clone(), resource: self.resource.clone(), permission: PhantomData }
    }
}

impl<P: Permission> fmt::Debug for Grant<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({} {} {:?} to {})", P::VERB, P::NOUN, self.resource, self.principal.account)
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller's roles don't hold the permission.
    #[error("You may not {verb} {noun}. Ask an admin for a role that may.")]
    NotPermitted {
        /// What was tried.
        verb: &'static str,
        /// On what.
        noun: &'static str,
    },
    /// Rights can't be confirmed right now, so nothing may change.
    #[error("Reeve's own database is away, so nothing can be changed until it is back. Reading still works.")]
    Unconfirmed,
}

/// Checks the policy and makes the proof.
///
/// # Errors
/// [`Denied`] when none of the caller's roles holds the permission, or when it would change something while
/// rights can't be confirmed.
pub fn authorize<P: Permission>(principal: &Principal, resource: P::Resource) -> Result<Grant<P>, Denied> {
    if !policy::allows(&principal.roles, P::VERB, P::NOUN) {
        return Err(Denied::NotPermitted { verb: P::VERB, noun: P::NOUN });
    }
    if P::CHANGES && !principal.may_change {
        return Err(Denied::Unconfirmed);
    }
    Ok(Grant { principal: principal.clone(), resource, permission: PhantomData })
}
