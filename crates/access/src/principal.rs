//! Who is asking.

use crate::policy::{Over, Rule, rule_of};
use reeve_model::{Binding, Origin, Role, Scope, TargetInfo, TargetName, UnixMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How the caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A browser session: a cookie, so changes need proof that they were not forged by another site.
    Session,
    /// An access token: sent on purpose, cookies ignored.
    Bearer,
    /// An API token: as an access token, but it may do only what it was made for.
    Token,
    /// The command line on the machine that holds the data directory.
    Local,
}

impl Via {
    /// The word in the audit trail.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Bearer => "bearer",
            Self::Token => "token",
            Self::Local => "local",
        }
    }
}

/// A role, with its scope resolved to the targets there are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// The role.
    pub role: Role,
    /// Held for everything, Reeve itself included.
    pub everywhere: bool,
    /// The targets inside the scope.
    pub targets: BTreeSet<TargetName>,
}

/// One verified caller. Made from a verified token and the rights looked up for this request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Account id (`sub`).
    pub account: String,
    /// E-mail, as shown.
    pub email: String,
    /// Organisation the account belongs to.
    pub org: String,
    /// Session id (`sid`), or the API token's id; ends with it.
    pub session: String,
    /// Roles and scopes as looked up for this request.
    pub bindings: Vec<Binding>,
    /// The same, resolved.
    pub rights: Vec<Right>,
    /// For an API token: what it may do at most, as "verb noun".
    pub only: Option<BTreeSet<String>>,
    /// How it was proved.
    pub via: Via,
    /// From where this request came.
    pub origin: Origin,
    /// When the rights were last confirmed by the store. Older than the request when the store is down.
    pub confirmed_at: UnixMs,
    /// False while rights could not be confirmed: reading only.
    pub may_change: bool,
}

/// Resolves scopes to the targets there are.
#[must_use]
pub fn resolve<'t>(bindings: &[Binding], targets: impl Iterator<Item = &'t TargetInfo> + Clone) -> Vec<Right> {
    bindings
        .iter()
        .map(|binding| Right {
            role: binding.role,
            everywhere: binding.scope == Scope::Everything,
            targets: targets.clone().filter(|t| binding.scope.covers(t)).map(|t| t.name.clone()).collect(),
        })
        .collect()
}

impl Principal {
    fn holders<'p>(&'p self, rule: &'static Rule) -> impl Iterator<Item = &'p Right> + 'p {
        let allowed = self.only.as_ref().is_none_or(|only| only.contains(&format!("{} {}", rule.verb, rule.noun)));
        self.rights.iter().filter(move |right| allowed && rule.roles.contains(&right.role))
    }

    /// Whether the caller holds the permission for anything at all.
    #[must_use]
    pub fn may(&self, verb: &str, noun: &str) -> bool {
        let Some(rule) = rule_of(verb, noun) else { return false };
        match rule.over {
            // What belongs to the person is out of a token's reach.
            Over::Own => self.only.as_ref().is_none_or(|only| rule.verb == "view" && only.contains(&format!("{verb} {noun}"))),
            Over::Reeve => self.holders(rule).any(|right| right.everywhere),
            Over::Estate | Over::Target => self.holders(rule).next().is_some(),
        }
    }

    /// Whether the caller holds the permission for this target.
    #[must_use]
    pub fn may_for(&self, verb: &str, noun: &str, target: &TargetName) -> bool {
        rule_of(verb, noun).is_some_and(|rule| self.holders(rule).any(|right| right.targets.contains(target)))
    }

    /// Whether the caller's scopes for the permission reach everything, Reeve itself included.
    #[must_use]
    pub fn everywhere(&self, verb: &str, noun: &str) -> bool {
        rule_of(verb, noun).is_some_and(|rule| self.holders(rule).any(|right| right.everywhere))
    }

    /// Whether any of the caller's rights reaches this target.
    #[must_use]
    pub fn reaches(&self, target: &TargetName) -> bool {
        self.rights.iter().any(|right| right.targets.contains(target))
    }
}
