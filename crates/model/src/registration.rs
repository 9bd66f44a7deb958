//! Registering targets: the list of them, and what a test of one found before it is added.

use crate::{Environment, TargetInfo, TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// Something that is missing on a server, and all that it keeps away. Things with the same remedy are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What can't be read, one sentence or several.
    pub because: String,
    /// The SQL that changes that, a statement a line, remarks as comments behind it; none: SQL alone does not.
    pub remedy: Option<String>,
    /// The panels and controls that have nothing to show without it.
    pub without: Vec<String>,
}

/// What a test of a target found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// From the start of connecting to the first answer, milliseconds; none: it did not answer.
    pub latency_ms: Option<f64>,
    /// For example `PostgreSQL 15.18`.
    pub version: Option<String>,
    /// The role it was signed in as.
    pub user: Option<String>,
    /// In recovery.
    pub standby: bool,
    /// The connection is encrypted.
    pub tls: bool,
    /// What is to be known of a pooler on the way there, one sentence; none: there is none.
    pub pooled: Option<String>,
    /// What is missing.
    pub missing: Vec<Gap>,
    /// What a superuser of that server can run against that.
    pub sql: Vec<String>,
    /// Why it can't be watched, one sentence; none: it can.
    pub fault: Option<String>,
}

/// A target that was tested by the caller and waits to be added or changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub name: TargetName,
    /// It is registered already, and would be changed.
    pub known: bool,
    /// Environment.
    pub environment: Environment,
    /// Host and port; no user, no password.
    pub address: String,
    /// When it was tested.
    pub at: UnixMs,
    /// What was found.
    pub trial: Trial,
}

/// One target of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryRow {
    /// What is configured or registered of it.
    pub info: TargetInfo,
    /// Only these databases; empty: all.
    pub databases: Vec<String>,
    /// Where it stands, as `reeve.toml, [[target]] 2`; none: it is registered, and can be changed and removed here.
    pub place: Option<String>,
    /// When it was registered or changed last; none for a configured one.
    pub changed_at: Option<UnixMs>,
    /// Why it can't be watched, one sentence.
    pub fault: Option<String>,
}

/// What the page of the registry shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegistryView {
    /// The configured ones in their order, then the registered ones by name.
    pub rows: Vec<RegistryRow>,
    /// What the caller tested last, for ten minutes.
    pub candidate: Option<Candidate>,
}
