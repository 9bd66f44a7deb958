//! What is different between two scans of a target.

use super::Change;
use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// What a scan found, as far as another one is compared with it. Scans that found the same have the same outcome, to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanOutcome {
    /// Edition of the catalogue of controls; outcomes of different editions are not compared.
    pub catalogue: u32,
    /// One per control, in the order of the scan.
    pub controls: Vec<ControlOutcome>,
    /// Databases that could not be read.
    pub unread: Vec<String>,
}

/// What a scan found for one control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlOutcome {
    /// Its id.
    pub control: String,
    /// The word of its state.
    pub state: String,
    /// All evidence was there: what it does not object to is not there.
    pub whole: bool,
    /// What it objects to, sorted: database and object.
    pub offenders: Vec<(Option<String>, String)>,
}

/// One scan in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanLine {
    /// Id (UUID), that of its audit event.
    pub id: String,
    /// When it was judged.
    pub at: UnixMs,
    /// Edition of the catalogue.
    pub catalogue: u32,
    /// The server's version.
    pub version: String,
    /// The role that read.
    pub role: String,
    /// The proven score; none: nothing could be judged.
    pub proven: Option<f64>,
    /// Controls that passed.
    pub passed: u32,
    /// Controls that failed.
    pub failed: u32,
    /// Controls that could not be judged.
    pub unknown: u32,
    /// Findings that were there.
    pub findings: u32,
}

/// Which scans are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangesQuery {
    /// Of which target; the first in reach when left out.
    pub target: Option<TargetName>,
    /// Id of the scan that is compared with; the one before `to` when left out.
    pub from: Option<String>,
    /// Id of the later scan; the newest that found something else than the one before it when left out.
    pub to: Option<String>,
}

/// Scans of a target that found something else than the one before them, and what is different between two of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanChanges {
    /// The present moment.
    pub at: UnixMs,
    /// The target; none when none is in reach.
    pub target: Option<TargetName>,
    /// All targets in reach.
    pub targets: Vec<TargetName>,
    /// Scans that found something else than the one before them, the newest first; the first of all among them.
    pub scans: Vec<ScanLine>,
    /// The earlier of the two; none when there is none before `to`.
    pub from: Option<ScanLine>,
    /// The later of the two; none before the first scan.
    pub to: Option<ScanLine>,
    /// What is different; none when they can't be compared.
    pub changes: Option<Vec<Change>>,
}
