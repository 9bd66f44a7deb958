//! Roles, and how far they reach.

use crate::{Environment, TargetInfo, TargetName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A role of an account. What each may do stands in `reeve-access`, in the policy table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs Reeve: accounts and their rights.
    Admin,
    /// Runs the databases: backups, maintenance.
    Operator,
    /// Judges them: findings, the audit trail.
    SecurityOfficer,
    /// Looks.
    Viewer,
}

impl Role {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Operator, Self::SecurityOfficer, Self::Viewer];

    /// The word stored and used in configuration and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::SecurityOfficer => "security_officer",
            Self::Viewer => "viewer",
        }
    }

    /// As people read it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Operator => "Operator",
            Self::SecurityOfficer => "Security officer",
            Self::Viewer => "Viewer",
        }
    }

    /// From the stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.word() == word)
    }
}

/// Which targets a role is held for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// All, and Reeve itself.
    Everything,
    /// Those of one environment.
    Environment(Environment),
    /// Those that carry a tag.
    Tag(String),
    /// One.
    Target(TargetName),
}

impl Scope {
    /// Whether a target is inside.
    #[must_use]
    pub fn covers(&self, target: &TargetInfo) -> bool {
        match self {
            Self::Everything => true,
            Self::Environment(environment) => target.environment == *environment,
            Self::Tag(tag) => target.tags.contains(tag),
            Self::Target(name) => target.name == *name,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Environment(environment) => write!(f, "environment:{}", environment.word()),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
            Self::Target(name) => write!(f, "target:{name}"),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim();
        if text == "everything" {
            return Ok(Self::Everything);
        }
        match text.split_once(':') {
            Some(("environment", word)) => Environment::from_word(word).map(Self::Environment),
            Some(("tag", tag)) if (1..=63).contains(&tag.chars().count()) && !tag.chars().any(char::is_control) => {
                Some(Self::Tag(tag.to_owned()))
            }
            Some(("target", name)) => Some(Self::Target(TargetName::new(name)?)),
            _ => None,
        }
        .ok_or_else(|| {
            format!(
                "{text:?} does not say for which targets; write everything, environment:dev (or staging, prod), tag:… or target:… with the name of a target."
            )
        })
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// A role held for a scope, written `operator@environment:prod`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Binding {
    /// The role.
    pub role: Role,
    /// For which targets.
    pub scope: Scope,
}

impl Binding {
    /// A role for everything.
    #[must_use]
    pub fn everywhere(role: Role) -> Self {
        Self { role, scope: Scope::Everything }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.role.word(), self.scope)
    }
}

impl TryFrom<String> for Binding {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (role, scope) = text.split_once('@').unwrap_or((&text, "everything"));
        let role = Role::from_word(role.trim())
            .ok_or_else(|| format!("{role:?} is no role; there are {}.", Role::ALL.map(Role::word).join(", ")))?;
        Ok(Self { role, scope: Scope::try_from(scope.to_owned())? })
    }
}

impl From<Binding> for String {
    fn from(binding: Binding) -> Self {
        binding.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TargetKind;

    fn binding(text: &str) -> Result<Binding, String> {
        Binding::try_from(text.to_owned())
    }

    #[test]
    fn g2_a_binding_reads_as_it_is_written() {
        for text in ["admin@everything", "operator@environment:prod", "security_officer@tag:eu", "viewer@target:orders"] {
            assert_eq!(binding(text).expect(text).to_string(), text);
        }
        assert_eq!(binding("viewer"), Ok(Binding::everywhere(Role::Viewer)));
        for bad in ["", "root", "viewer@", "viewer@environment:moon", "viewer@tag:", "viewer@target:NO", "viewer@prod"] {
            assert!(binding(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn g2_a_scope_covers_its_targets_and_no_other() {
        let target = TargetInfo {
            name: TargetName::new("orders").expect("a name"),
            kind: TargetKind::Postgres,
            environment: Environment::Prod,
            address: "db:5432".into(),
            tags: vec!["eu".into()],
            region: None,
            owner: None,
        };
        for (text, covers) in [
            ("everything", true),
            ("environment:prod", true),
            ("environment:dev", false),
            ("tag:eu", true),
            ("tag:e", false),
            ("target:orders", true),
            ("target:order", false),
        ] {
            assert_eq!(Scope::try_from(text.to_owned()).expect(text).covers(&target), covers, "{text}");
        }
    }
}
