//! What an officer says when they decide about findings, controls and clauses.

use reeve_access::{
    Grant, Principal,
    permission::{AttestClause, AttestControl},
};
use reeve_model::compliance::Subject;
use serde::{Deserialize, Serialize};

/// What an officer says when they accept the risk of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAcceptance {
    /// Why, 10 to 2,000 characters.
    pub reason: String,
    /// E-mail of the account that owns the risk: another one than the officer's.
    pub owner: String,
    /// Days until it ends: at most 90 for a critical finding, 365 for any other.
    pub days: u32,
}

/// What an officer says when they vouch for something that no database can show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewWord {
    /// What they say, 10 to 2,000 characters.
    pub statement: String,
    /// Where the proof lies, or its digest; at most 500 characters, may be empty.
    #[serde(default)]
    pub document: String,
    /// Days until it says nothing any more: at most 365.
    pub days: u32,
}

/// What somebody may vouch for.
#[derive(Debug, Clone)]
pub enum Vouching {
    /// A control on one target.
    Control(Grant<AttestControl>),
    /// A clause, for all that Reeve watches.
    Clause(Grant<AttestClause>),
}

impl Vouching {
    /// Who.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        match self {
            Self::Control(grant) => grant.principal(),
            Self::Clause(grant) => grant.principal(),
        }
    }

    /// What for.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Control(grant) => {
                let (target, control) = grant.resource().clone();
                Subject::Control { target, control }
            }
            Self::Clause(grant) => {
                let (framework, clause) = grant.resource().clone();
                Subject::Clause { framework, clause }
            }
        }
    }
}
