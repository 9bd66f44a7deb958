//! The policy: one readable table.

use serde::{Deserialize, Serialize};

/// A role of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs Reeve.
    Admin,
}

impl Role {
    /// The word stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    /// From the stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        (word == "admin").then_some(Self::Admin)
    }
}

/// Verb, noun, and the roles that hold it. What isn't here is denied.
pub const POLICY: &[(&str, &str, &[Role])] = &[
    ("view", "estate", &[Role::Admin]),
    ("view", "pools", &[Role::Admin]),
    ("view", "target", &[Role::Admin]),
    ("view", "tables", &[Role::Admin]),
    ("view", "table", &[Role::Admin]),
    ("read", "metrics", &[Role::Admin]),
];

/// Whether one of `roles` holds the permission.
#[must_use]
pub fn allows(roles: &[Role], verb: &str, noun: &str) -> bool {
    POLICY.iter().any(|(v, n, holders)| *v == verb && *n == noun && roles.iter().any(|r| holders.contains(r)))
}
