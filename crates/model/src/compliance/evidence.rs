//! What was read, as it was read.

use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// The answer to one question, asked once.
///
/// Values are text as the server writes them. Secrets and personal data never come this far: where a setting or a function could hold
/// one, the statement itself answers with the place and never with the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Stable id of the question, for example `roles`.
    pub id: String,
    /// Where it was asked; none for what is the same in every database.
    pub database: Option<String>,
    /// The statement, so that anybody can ask again.
    pub query: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows; a missing value is none. May be cut, see `row_count`.
    pub rows: Vec<Vec<Option<String>>>,
    /// Rows the server answered with.
    pub row_count: u64,
    /// When the answer was complete.
    pub at: UnixMs,
    /// From asking to the last row, milliseconds.
    pub elapsed_ms: u64,
    /// SHA-256 over columns and rows, hexadecimal; empty when nothing was read.
    pub hash: String,
    /// Why nothing, or not all, could be read, in one sentence that says what would change it.
    pub missing: Option<String>,
}

/// A database of the target and whether its catalogues could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseRead {
    /// Its name.
    pub name: String,
    /// Why it could not be read; none when it was.
    pub missing: Option<String>,
}

/// All that was read in one look at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceSet {
    /// The target.
    pub target: TargetName,
    /// Host, port and database, without secrets.
    pub server: String,
    /// `server_version_num`.
    pub version_num: u32,
    /// For example `PostgreSQL 15.18`.
    pub version: String,
    /// The server is in recovery.
    pub standby: bool,
    /// The role that read.
    pub role: String,
    /// Start.
    pub started_at: UnixMs,
    /// End.
    pub finished_at: UnixMs,
    /// The databases.
    pub databases: Vec<DatabaseRead>,
    /// The answers.
    pub items: Vec<Evidence>,
}

impl EvidenceSet {
    /// Major version: 13, 14, ….
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }
}
