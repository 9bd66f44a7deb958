//! What pages and programs are told of compliance.

use super::{
    Acceptance, Attestation, ControlResult, ControlState, Coverage, Evidence, Finding, FindingState, Framework, FrameworkView, Human,
    NotAssessed, Score, Severity, Strength,
};
use crate::{Fault, TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// Where a target's newest scan stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanState {
    /// The target.
    pub target: TargetName,
    /// End of the newest scan that worked; none before the first.
    pub scanned_at: Option<UnixMs>,
    /// Which server was read: host, port and database, without secrets.
    #[serde(default)]
    pub server: Option<String>,
    /// The server's version, for example `PostgreSQL 15.18`.
    pub version: Option<String>,
    /// The role that read.
    pub role: Option<String>,
    /// SHA-256 over the digests of all evidence, hexadecimal; the audit trail holds the same.
    pub hash: Option<String>,
    /// The evidence is too old to say anything: all its controls are unknown.
    pub stale: bool,
    /// Since when no scan works, and why.
    pub fault: Option<Fault>,
    /// A scan runs, or waits its turn.
    pub scanning: bool,
}

/// One target's scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetCompliance {
    /// Its newest scan.
    pub scan: ScanState,
    /// What is proven; none before the first scan.
    pub score: Option<Score>,
    /// Findings that nobody has decided on, by severity, the worst first; severities without any are left out.
    pub open: Vec<(Severity, u32)>,
    /// Findings whose risk is accepted.
    pub accepted: u32,
    /// The worst open findings; empty for those who may not see findings.
    pub worst: Vec<Finding>,
}

/// All that the first screen says of compliance, and the heads of the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComplianceOverview {
    /// The present moment.
    pub at: UnixMs,
    /// Controls in the catalogue: the `N` of "n of N".
    pub total: u32,
    /// The targets in reach, the lowest proven score first.
    pub targets: Vec<TargetCompliance>,
    /// Over all targets in reach: a control passes only if it passes on each. None before the first scan.
    pub score: Option<Score>,
    /// What stands behind that score.
    pub coverage: Coverage,
    /// One view per framework, over all targets in reach. Without clauses for those who may not see findings.
    pub frameworks: Vec<FrameworkView>,
    /// Milliseconds between two scans of a target.
    pub every_ms: i64,
    /// Evidence older than this says nothing, milliseconds.
    pub fresh_ms: i64,
    /// Why the newest findings could not be written down; none while all is well.
    pub unrecorded: Option<String>,
}

/// Which findings. Empty fields match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FindingQuery {
    /// Only of this severity.
    pub severity: Option<Severity>,
    /// Only in this state; when left out, all that is not fixed.
    pub state: Option<FindingState>,
    /// Only of this target.
    pub target: Option<TargetName>,
    /// Only of controls that bear on this framework.
    pub framework: Option<Framework>,
    /// Only of this control.
    pub control: Option<String>,
    /// Part of the object, the sentence, the control or its title.
    pub text: Option<String>,
    /// Rows to leave out at the start.
    pub offset: u32,
    /// Rows of a page, 1 to 500; 0 means 50.
    pub limit: u32,
}

/// One page of findings, the worst first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingPage {
    /// The present moment.
    pub at: UnixMs,
    /// The findings.
    pub items: Vec<Finding>,
    /// How many match.
    pub matching: u32,
    /// How many there are in the states asked for, without the other filters.
    pub total: u32,
    /// Offset of the next page; none at the end.
    pub next: Option<u32>,
    /// The newest scans of the targets in reach: what the findings rest on.
    pub scans: Vec<ScanState>,
}

/// A clause that a control bears on, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitedClause {
    /// Of which framework.
    pub framework: Framework,
    /// How it is cited.
    pub citation: String,
    /// What it is about.
    pub title: String,
    /// Direct or supporting.
    pub strength: Strength,
    /// Whether it needs a person beside the evidence.
    pub human: Human,
}

/// An accepted risk with what stands around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedRisk {
    /// Who, why, until when.
    #[serde(flatten)]
    pub acceptance: Acceptance,
    /// Who owns the risk: another person than the one who accepted it.
    pub owner: String,
    /// When and by whom it was taken back; none while it holds or has run out by itself.
    pub withdrawn: Option<(UnixMs, String)>,
}

impl AcceptedRisk {
    /// Whether it counts at this moment.
    #[must_use]
    pub fn holds(&self, now: UnixMs) -> bool {
        self.withdrawn.is_none() && now < self.acceptance.expires
    }
}

/// All of one finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingDetail {
    /// The present moment.
    pub at: UnixMs,
    /// The finding.
    pub finding: Finding,
    /// Why its control matters.
    pub why: String,
    /// What is known of its control on this target now; none when it is assessed no more.
    pub state: Option<ControlState>,
    /// The scan behind it.
    pub scan: ScanState,
    /// What was read for its control.
    pub evidence: Vec<Evidence>,
    /// The clauses its control bears on.
    pub clauses: Vec<CitedClause>,
    /// Every time its risk was accepted, the newest first.
    pub risks: Vec<AcceptedRisk>,
    /// Days for which its risk can be accepted at most.
    pub most_days: u32,
}

/// One control on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlOnTarget {
    /// The scan behind it.
    pub scan: ScanState,
    /// What is known; none before the first scan.
    pub result: Option<ControlResult>,
    /// Its findings that are not fixed.
    pub findings: Vec<Finding>,
    /// What was read for it.
    pub evidence: Vec<Evidence>,
}

/// All of one control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlDetail {
    /// The present moment.
    pub at: UnixMs,
    /// Its id.
    pub control: String,
    /// What it demands.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// Why it matters.
    pub why: String,
    /// The clauses it bears on.
    pub clauses: Vec<CitedClause>,
    /// Each target in reach; empty for a control that is not judged.
    pub targets: Vec<ControlOnTarget>,
    /// Why it is not judged, if it is not.
    pub not_assessed: Option<NotAssessed>,
    /// A person may vouch for it: no database can show it.
    #[serde(default)]
    pub attestable: bool,
    /// Every time somebody vouched for it, the newest first.
    #[serde(default)]
    pub attestations: Vec<Attestation>,
}

/// Which controls. Empty fields match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlQuery {
    /// As this target has them; else the worst of all targets in reach.
    pub target: Option<TargetName>,
    /// Only in this state: `pass`, `fail`, `unknown`, `not_applicable`, `attested` or `not_assessed`.
    pub state: Option<String>,
    /// Only those that bear on this framework.
    pub framework: Option<Framework>,
}

/// One control in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlRow {
    /// Its id.
    pub control: String,
    /// What it demands.
    pub title: String,
    /// How much it matters.
    pub severity: Severity,
    /// `pass`, `fail`, `unknown`, `not_applicable`, `attested` or `not_assessed`: the worst of the targets asked for.
    pub state: String,
    /// Why it is unknown, not applicable or not judged.
    pub reason: Option<String>,
    /// Things that were judged, and what it objects to, over the targets asked for.
    pub population: u64,
    /// What it objects to.
    pub offenders: u64,
}

/// The controls that match, in the order of the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlList {
    /// The present moment.
    pub at: UnixMs,
    /// The controls.
    pub items: Vec<ControlRow>,
    /// How many stand in each state, filters by state left out.
    pub states: Vec<(String, u32)>,
    /// The newest scans of the targets asked for: what the states rest on.
    #[serde(default)]
    pub scans: Vec<ScanState>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e2_an_accepted_risk_ends_by_itself_and_by_hand() {
        let acceptance = Acceptance {
            fingerprint: "f".into(),
            by: "o@example.org".into(),
            reason: "A reason.".into(),
            at: UnixMs(0),
            expires: UnixMs(100),
        };
        let mut risk = AcceptedRisk { acceptance, owner: "b@example.org".into(), withdrawn: None };
        assert!(risk.holds(UnixMs(99)) && !risk.holds(UnixMs(100)));
        risk.withdrawn = Some((UnixMs(50), "o@example.org".into()));
        assert!(!risk.holds(UnixMs(60)));
    }
}
