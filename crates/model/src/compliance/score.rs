//! Scores and reports: arithmetic over results, with all that a person needs to check it.

use super::{DISCLAIMER, Finding, FrameworkView, Severity};
use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// A rule that keeps a score low whatever the rest says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cap {
    /// The score is at most this.
    pub limit: f64,
    /// The controls behind it.
    pub controls: Vec<String>,
    /// Why, in one sentence.
    pub sentence: String,
}

/// A score with its bounds and its arithmetic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// 0 to 100: what is proven, after caps; unknown earns nothing. None when nothing could be judged: `no_data`, never 0 and never 100.
    pub proven: Option<f64>,
    /// The same before caps.
    pub uncapped: Option<f64>,
    /// 0 to 100: what it would be if all unknowns passed, after caps.
    pub upper: Option<f64>,
    /// 0 to 100, for information only: as `uncapped`, accepted risks left out of the sum.
    pub with_accepted: Option<f64>,
    /// The cap that is active.
    pub cap: Option<Cap>,
    /// Critical controls that are unknown; while there is one, no score is excellent.
    pub unknown_critical: Vec<String>,
    /// Sum of the weights of applicable controls, unknown ones included.
    pub weight: u32,
    /// Controls that passed.
    pub passed: u32,
    /// Controls that failed, accepted ones included.
    pub failed: u32,
    /// Failed controls whose every offender is an accepted risk.
    pub accepted: u32,
    /// Controls that could not be judged.
    pub unknown: u32,
    /// Controls with nothing to judge.
    pub not_applicable: u32,
    /// Controls that rest on a person's word: shown with the clauses, not scored.
    pub attested: u32,
    /// Version of the method (docs/COMPLIANCE.md).
    pub formula: u32,
}

impl Score {
    /// Nothing could be judged.
    #[must_use]
    pub fn no_data(&self) -> bool {
        self.proven.is_none()
    }

    /// Controls that were judged: the `n` of "n of N".
    #[must_use]
    pub fn assessed(&self) -> u32 {
        self.passed + self.failed
    }
}

/// A control of the catalogue that Reeve does not judge, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotAssessed {
    /// Its id.
    pub control: String,
    /// What it demands.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// Why it is not judged.
    pub reason: String,
    /// Only a person can show it.
    pub only_person: bool,
}

/// What stands behind a score, and what does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Controls in the catalogue.
    pub total: u32,
    /// Controls that passed or failed.
    pub assessed: u32,
    /// Controls that could not be judged.
    pub unknown: u32,
    /// Controls with nothing to judge.
    pub not_applicable: u32,
    /// Controls that are not judged at all.
    pub not_assessed: Vec<NotAssessed>,
}

/// One thing to do, for all its objects at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// The control that asks for it.
    pub control: String,
    /// How much it matters.
    pub severity: Severity,
    /// What to do, in one sentence.
    pub sentence: String,
    /// How many findings it closes.
    pub findings: u32,
    /// Points the proven score gains when the control passes, before caps.
    pub gain: f64,
}

/// One target's line in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetScore {
    /// The target.
    pub target: TargetName,
    /// Its score; none when it could not be scanned.
    pub score: Option<Score>,
    /// Why it could not be scanned.
    pub failure: Option<String>,
}

/// What `GET /api/security/audit` and `reeve compliance scan --json` answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditReport {
    /// When it was made.
    pub at: UnixMs,
    /// Over all targets: a control passes only if it passes on each.
    pub score: Score,
    /// One view per framework, over all targets.
    pub compliance: Vec<FrameworkView>,
    /// What is wrong, the worst first.
    pub vulnerabilities: Vec<Finding>,
    /// What to do, the most useful first.
    pub recommendations: Vec<Recommendation>,
    /// What stands behind the score.
    pub coverage: Coverage,
    /// Each target's own score.
    pub targets: Vec<TargetScore>,
    /// What this is not.
    pub disclaimer: String,
}

impl AuditReport {
    /// The fixed text beside every figure.
    #[must_use]
    pub fn fixed_text() -> String {
        DISCLAIMER.to_owned()
    }
}
