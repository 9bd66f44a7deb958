//! How much room the filesystems of a server have left.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A filesystem that holds something of the server's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// What lies on it.
    pub holds: Vec<DiskUse>,
    /// The directory of the first of these.
    pub path: String,
    /// All that the server could use, what is taken included. What a filesystem keeps for root is not in it.
    pub total_bytes: i64,
    /// What is free for the server.
    pub free_bytes: i64,
}

/// What a server keeps on a filesystem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskUse {
    /// Its data directory.
    Data,
    /// Its write-ahead log.
    Wal,
    /// A tablespace of this name.
    Tablespace(String),
}

impl Disk {
    /// Share that is taken; none of a filesystem that has no size.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn used_ratio(&self) -> Option<f64> {
        (self.total_bytes > 0).then(|| (1.0 - self.free_bytes as f64 / self.total_bytes as f64).clamp(0.0, 1.0))
    }
}

impl fmt::Display for DiskUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data => f.write_str("the data directory"),
            Self::Wal => f.write_str("WAL"),
            Self::Tablespace(name) => write!(f, "tablespace {name}"),
        }
    }
}
