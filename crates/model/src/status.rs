//! Verdicts: how well something is, why, and how much of it could be measured.

use crate::UnixMs;
use serde::{Deserialize, Serialize};

/// How well something is. Ordered from best to worst, with unknown between healthy and degraded:
/// it is never counted as healthy, and never as a proven fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Measured and fine.
    Healthy,
    /// Not measured, or too little of it.
    Unknown,
    /// Works, but something needs attention.
    Degraded,
    /// Down, or about to be.
    Critical,
}

impl Status {
    /// The lower-case word shown and sent.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
    }
}

/// One cause of a verdict, for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable id of the rule, for example `connections.saturation`.
    pub id: String,
    /// What this reason alone would make the status.
    pub severity: Status,
    /// The fact with its figure and what follows from it.
    pub sentence: String,
    /// What to do next, in the imperative.
    pub next: String,
    /// When this reason first held without a break.
    pub since: Option<UnixMs>,
}

/// One weighted part of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryScore {
    /// Stable id, for example `connections`.
    pub id: String,
    /// Shown name.
    pub title: String,
    /// Share of the whole before unmeasured parts are left out; all weights of a target sum to 1.
    pub weight: f64,
    /// 0 to 100; none when it could not be measured.
    pub score: Option<f64>,
    /// What was read, or why nothing could be.
    pub detail: String,
}

/// A verdict with its arithmetic, so that a person can check it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The status after all rules and caps.
    pub status: Status,
    /// When the status last changed.
    pub since: UnixMs,
    /// 0 to 100: weighted mean of the measured categories, after caps. None when nothing was measured.
    pub score: Option<f64>,
    /// Share of the weights that could be measured, 0 to 1.
    pub measured_ratio: f64,
    /// Worst first.
    pub reasons: Vec<Reason>,
    /// The parts of the score.
    pub categories: Vec<CategoryScore>,
    /// The rule that capped the score, if one did.
    pub cap: Option<String>,
    /// When it was judged.
    pub at: UnixMs,
    /// Version of the formula (docs/HEALTH.md).
    pub formula: u32,
    /// What spoke against a target before it was lost, by id, and since when: each keeps its moment when the target is back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<(String, UnixMs)>,
}

impl Verdict {
    /// The verdict before anything was tried.
    #[must_use]
    pub fn not_yet(at: UnixMs) -> Self {
        Self {
            status: Status::Unknown,
            since: at,
            score: None,
            measured_ratio: 0.0,
            reasons: Vec::new(),
            categories: Vec::new(),
            cap: None,
            at,
            formula: 2,
            held: Vec::new(),
        }
    }
}
