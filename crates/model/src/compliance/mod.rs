//! Compliance: controls and their results, evidence, scores, framework views, findings (SPEC E1 to E3).
//!
//! Evidence is what the server answered; a control judges evidence; a score is derived from the results and from nothing else.
//! All of it is readiness evidence, not certification or legal advice ([`DISCLAIMER`]).

mod attestation;
mod changes;
mod evidence;
mod finding;
mod framework;
mod score;
mod view;

pub use attestation::{Attestation, MOST_ATTESTED_DAYS, Subject};
pub use changes::{ChangesQuery, ControlOutcome, ScanChanges, ScanLine, ScanOutcome};
pub use evidence::{DatabaseRead, Evidence, EvidenceSet};
pub use finding::{Acceptance, Change, ChangeKind, Finding, FindingState};
pub use framework::{Clause, ClauseLink, ClauseState, Framework, FrameworkView, Human, Strength};
pub use score::{AuditReport, Cap, Coverage, NotAssessed, Recommendation, Score, TargetScore};
pub use view::{
    AcceptedRisk, CitedClause, ComplianceOverview, ControlDetail, ControlList, ControlOnTarget, ControlQuery, ControlRow, FindingDetail,
    FindingPage, FindingQuery, ScanState, TargetCompliance,
};

use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// Stands beside every score and framework.
pub const DISCLAIMER: &str = "Readiness evidence, not certification or legal advice.";

/// How much a control matters. Ordered from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Shown, never scored.
    Info,
    /// Good practice.
    Low,
    /// Weakens another defence.
    Medium,
    /// Opens a way in, or hides one.
    High,
    /// Everything stands open.
    Critical,
}

impl Severity {
    /// All, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// Weight in a score.
    #[must_use]
    pub fn weight(self) -> u32 {
        match self {
            Self::Critical => 10,
            Self::High => 5,
            Self::Medium => 2,
            Self::Low => 1,
            Self::Info => 0,
        }
    }

    /// Whether a share of good objects earns a share of the weight; critical and high controls pass as a whole or not at all.
    #[must_use]
    pub fn partial(self) -> bool {
        matches!(self, Self::Medium | Self::Low)
    }

    /// The word used on the command line and in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// Days for which the risk of such a finding can be accepted at most.
    #[must_use]
    pub fn most_accepted_days(self) -> u32 {
        if self == Self::Critical { 90 } else { 365 }
    }
}

/// What is known about one control on one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ControlState {
    /// The evidence was read in full and shows it.
    Pass,
    /// The evidence shows the contrary.
    Fail,
    /// The evidence could not be read, or not all of it, or it is too old. Never counted as passed.
    Unknown {
        /// Why, in one sentence that says what would change it.
        reason: String,
    },
    /// There is nothing here for the control to judge.
    NotApplicable {
        /// Why, in one sentence.
        reason: String,
    },
    /// A named person says so; never part of the technical score.
    Attested {
        /// Who.
        by: String,
        /// When.
        at: UnixMs,
        /// Until when it holds.
        expires: UnixMs,
    },
}

impl ControlState {
    /// The word used in tables and the API.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown { .. } => "unknown",
            Self::NotApplicable { .. } => "not_applicable",
            Self::Attested { .. } => "attested",
        }
    }

    /// Why it is unknown or not applicable.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unknown { reason } | Self::NotApplicable { reason } => Some(reason),
            _ => None,
        }
    }
}

/// One thing that a control objects to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offender {
    /// The database it lives in; none for what belongs to the whole server.
    pub database: Option<String>,
    /// Its name as SQL writes it: a role, `schema.table`, a function with its arguments, a setting, a line of a file.
    pub object: String,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// SQL or steps that repair it, ready to copy, in the database named above.
    pub fix: String,
    /// What takes the repair back.
    pub undo: String,
}

/// The result of one control on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlResult {
    /// Control id, for example `AUTH-01`.
    pub control: String,
    /// What it demands.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// What is known.
    #[serde(flatten)]
    pub state: ControlState,
    /// Things that were judged; 0 where nothing could be.
    pub population: u64,
    /// What it objects to; empty unless the state is `fail`.
    pub offenders: Vec<Offender>,
    /// What could not be read although others could (a database that lets Reeve not in), or the limits of a pass.
    pub notes: Vec<String>,
    /// All evidence for it was there: what it does not object to is not there.
    pub whole: bool,
    /// Earned share of the weight, 0 to 1.
    pub credit: f64,
    /// Every offender is an accepted risk that has not run out.
    pub accepted: bool,
    /// An offender is tagged as holding personal data.
    pub on_personal_data: bool,
    /// What was read for it: places in [`EvidenceSet::items`].
    pub evidence: Vec<usize>,
    /// What its repair locks, in one clause.
    pub lock: String,
    /// The clauses it bears on.
    pub clauses: Vec<ClauseLink>,
}

/// One look at one target, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// The target.
    pub target: TargetName,
    /// When it was judged.
    pub at: UnixMs,
    /// Edition of the catalogue of controls; results of different editions are not compared.
    pub catalogue: u32,
    /// The server's version, for example `PostgreSQL 15.18`.
    pub version: String,
    /// The role that read.
    pub role: String,
    /// One per assessed control, in the order of the catalogue.
    pub results: Vec<ControlResult>,
    /// The arithmetic.
    pub score: Score,
    /// What is behind the score and what is not.
    pub coverage: Coverage,
    /// One per framework.
    pub frameworks: Vec<FrameworkView>,
    /// The databases, read or not.
    pub databases: Vec<DatabaseRead>,
}

impl Scan {
    /// The result of one control; none if it is not assessed.
    #[must_use]
    pub fn result(&self, control: &str) -> Option<&ControlResult> {
        self.results.iter().find(|r| r.control == control)
    }
}
