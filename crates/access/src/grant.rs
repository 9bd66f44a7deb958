//! Grants: proof that a permission was checked.

use crate::{Permission, Principal};
use reeve_model::TargetName;
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

    /// Whether the permission reaches this target: what is out of scope must leave no trace in an answer.
    #[must_use]
    pub fn covers(&self, target: &TargetName) -> bool {
        self.principal.may_for(P::VERB, P::NOUN, target)
    }

    /// Whether the permission reaches everything, Reeve itself included.
    #[must_use]
    pub fn covers_everything(&self) -> bool {
        self.principal.everywhere(P::VERB, P::NOUN)
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
    /// The target is outside the caller's scopes. Reads exactly as for a target that does not exist.
    #[error("There is no target called {0}.")]
    OutOfScope(TargetName),
    /// Rights can't be confirmed right now, so nothing may change.
    #[error("Reeve's own database is away, so nothing can be changed until it is back. Reading still works.")]
    Unconfirmed,
}

/// Checks the policy and makes the proof.
///
/// # Errors
/// [`Denied`] when none of the caller's roles holds the permission or none of its scopes reaches the resource, or when it
/// would change something while rights can't be confirmed.
pub fn authorize<P: Permission>(principal: &Principal, resource: P::Resource) -> Result<Grant<P>, Denied> {
    // Scope first: whether a permission is lacking or a target is out of reach must not be told apart by those who can't see it.
    if let Some(target) = P::target(&resource)
        && !principal.reaches(target)
    {
        return Err(Denied::OutOfScope(target.clone()));
    }
    let allowed = match P::target(&resource) {
        Some(target) => principal.may_for(P::VERB, P::NOUN, target),
        None => principal.may(P::VERB, P::NOUN),
    };
    if !allowed {
        return Err(Denied::NotPermitted { verb: P::VERB, noun: P::NOUN });
    }
    if P::CHANGES && !principal.may_change {
        return Err(Denied::Unconfirmed);
    }
    Ok(Grant { principal: principal.clone(), resource, permission: PhantomData })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Via,
        permission::{ChangeAccounts, ChangeOwnAccount, ReadMetrics, ViewEstate, ViewPools, ViewTarget},
        principal::resolve,
    };
    use reeve_model::{Binding, Environment, Origin, Role, Scope, TargetInfo, TargetKind, UnixMs};
    use std::collections::BTreeSet;

    fn name(text: &str) -> TargetName {
        TargetName::new(text).expect("a name")
    }

    fn caller(bindings: &[Binding]) -> Principal {
        let info = |n: &str, environment| TargetInfo {
            name: name(n),
            kind: TargetKind::Postgres,
            environment,
            address: String::new(),
            tags: Vec::new(),
            region: None,
            owner: None,
        };
        let estate = [info("shop", Environment::Dev), info("ledger", Environment::Prod)];
        Principal {
            account: "a".into(),
            email: "a@b".into(),
            org: "o".into(),
            session: "s".into(),
            bindings: bindings.to_vec(),
            rights: resolve(bindings, estate.iter()),
            only: None,
            via: Via::Bearer,
            origin: Origin::default(),
            confirmed_at: UnixMs(0),
            may_change: true,
        }
    }

    #[test]
    fn g2_out_of_scope_reads_as_not_there() {
        let dev = caller(&[Binding { role: Role::Viewer, scope: Scope::Environment(Environment::Dev) }]);
        assert!(authorize::<ViewTarget>(&dev, name("shop")).is_ok());
        let hidden = authorize::<ViewTarget>(&dev, name("ledger")).expect_err("hidden");
        let missing = authorize::<ViewTarget>(&dev, name("nowhere")).expect_err("missing");
        assert_eq!(hidden.to_string().replace("ledger", "x"), missing.to_string().replace("nowhere", "x"));
        let estate = authorize::<ViewEstate>(&dev, ()).expect("filtered, not refused");
        assert!(estate.covers(&name("shop")) && !estate.covers(&name("ledger")) && !estate.covers_everything());
        assert!(matches!(authorize::<ViewPools>(&dev, ()), Err(Denied::NotPermitted { .. })), "Reeve itself is outside every scope");
    }

    #[test]
    fn g2_roles_don_t_lend_each_other_their_scopes() {
        let mixed = caller(&[
            Binding { role: Role::Admin, scope: Scope::Target(name("shop")) },
            Binding { role: Role::Viewer, scope: Scope::Everything },
        ]);
        assert!(matches!(authorize::<ChangeAccounts>(&mixed, ()), Err(Denied::NotPermitted { .. })));
        assert!(mixed.may_for("run", "backup", &name("shop")) && !mixed.may_for("run", "backup", &name("ledger")));
    }

    #[test]
    fn g2_a_token_may_only_what_it_was_made_for_and_its_owner_may() {
        let mut token = caller(&[Binding::everywhere(Role::Viewer)]);
        token.only = Some(BTreeSet::from(["read metrics".to_owned(), "change accounts".to_owned()]));
        assert!(authorize::<ReadMetrics>(&token, ()).is_ok());
        assert!(authorize::<ViewEstate>(&token, ()).is_err() && authorize::<ChangeAccounts>(&token, ()).is_err());
        assert!(authorize::<ChangeOwnAccount>(&token, ()).is_err(), "a token can't make tokens");
        let nobody = caller(&[]);
        assert!(authorize::<ViewEstate>(&nobody, ()).is_err() && authorize::<ChangeOwnAccount>(&nobody, ()).is_ok());
    }

    #[test]
    fn g2_nothing_changes_while_rights_can_t_be_confirmed() {
        let mut admin = caller(&[Binding::everywhere(Role::Admin)]);
        admin.may_change = false;
        assert_eq!(authorize::<ChangeAccounts>(&admin, ()).expect_err("refused"), Denied::Unconfirmed);
        assert!(authorize::<ViewEstate>(&admin, ()).is_ok());
    }
}
