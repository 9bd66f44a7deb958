//! What officers do: scores, findings, and what people vouch for.

use super::Permission;
use reeve_model::{TargetName, compliance::Framework};

/// See compliance scores: how much is proven, and how much is not.
#[derive(Debug)]
pub struct ViewCompliance;
impl Permission for ViewCompliance {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "compliance";
    type Resource = ();
}

/// See findings, controls and the evidence behind them.
#[derive(Debug)]
pub struct ViewFindings;
impl Permission for ViewFindings {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "findings";
    type Resource = ();
}

/// See one finding (by fingerprint) of a target.
#[derive(Debug)]
pub struct ViewFinding;
impl Permission for ViewFinding {
    fn target(resource: &(TargetName, String)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "view";
    const NOUN: &'static str = "findings";
    type Resource = (TargetName, String);
}

/// Have a target scanned now.
#[derive(Debug)]
pub struct ScanTarget;
impl Permission for ScanTarget {
    fn target(resource: &TargetName) -> Option<&TargetName> {
        Some(resource)
    }

    const VERB: &'static str = "scan";
    const NOUN: &'static str = "target";
    const CHANGES: bool = true;
    type Resource = TargetName;
}

/// Accept the risk of one finding (by fingerprint) of a target, or take that back.
#[derive(Debug)]
pub struct AcceptFinding;
impl Permission for AcceptFinding {
    fn target(resource: &(TargetName, String)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "accept";
    const NOUN: &'static str = "finding";
    const CHANGES: bool = true;
    type Resource = (TargetName, String);
}

/// Vouch for one control (by id) on a target that no database can show, or take that back.
#[derive(Debug)]
pub struct AttestControl;
impl Permission for AttestControl {
    fn target(resource: &(TargetName, String)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "attest";
    const NOUN: &'static str = "control";
    const CHANGES: bool = true;
    type Resource = (TargetName, String);
}

/// Vouch for one clause (framework and key), for all that Reeve watches, or take that back.
#[derive(Debug)]
pub struct AttestClause;
impl Permission for AttestClause {
    const VERB: &'static str = "attest";
    const NOUN: &'static str = "clause";
    const CHANGES: bool = true;
    type Resource = (Framework, String);
}
