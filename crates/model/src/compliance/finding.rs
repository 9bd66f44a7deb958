//! Findings: an offender with a life of its own.

use super::{Offender, Severity};
use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// Seen, and nobody has decided.
    Open,
    /// A security officer accepts the risk for a time.
    Accepted,
    /// No longer seen by a scan that could see it.
    Fixed,
    /// Seen again after it was fixed.
    Regressed,
}

impl FindingState {
    /// All.
    pub const ALL: [Self; 4] = [Self::Open, Self::Regressed, Self::Accepted, Self::Fixed];

    /// The word used in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Fixed => "fixed",
            Self::Regressed => "regressed",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Somebody has to do something about it.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Open | Self::Regressed)
    }
}

/// A risk that a security officer accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Fingerprint of the finding.
    pub fingerprint: String,
    /// Who accepted.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: UnixMs,
    /// From then on it is open again.
    pub expires: UnixMs,
}

/// One offender of one control on one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The same for the same thing in every scan: hexadecimal, from control, target, database and object.
    pub fingerprint: String,
    /// The control.
    pub control: String,
    /// What the control demands.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// The target.
    pub target: TargetName,
    /// Where and what, why, and how to repair it.
    #[serde(flatten)]
    pub offender: Offender,
    /// What the repair locks.
    pub lock: String,
    /// Where it stands.
    pub state: FindingState,
    /// First seen.
    pub first_seen: UnixMs,
    /// Last seen.
    pub last_seen: UnixMs,
    /// Who accepted its risk, why and until when, while that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// Who owns the risk that was accepted: for whom it was, by the e-mail of their account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_for: Option<String>,
}

/// What is different between two scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Found now, not then.
    Appeared,
    /// Found then, and the control was judged without it now: it is fixed.
    Disappeared,
    /// Found then; now the control can't be judged, so nobody knows.
    LostSight,
    /// A control's state is another.
    State,
}

/// One difference between two scans of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What kind.
    pub kind: ChangeKind,
    /// The control.
    pub control: String,
    /// The database of the offender.
    pub database: Option<String>,
    /// The offender; empty for a changed state.
    pub object: String,
    /// In one sentence.
    pub sentence: String,
}
