//! A figure: one number with its unit, age and trend, ready to be shown.

use crate::{Status, UnixMs, series::Point};
use serde::{Deserialize, Serialize};

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Bytes in a second.
    BytesPerSecond,
    /// Things in a second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// 0 to 1, shown as per cent.
    Ratio,
    /// Transaction ids.
    Transactions,
}

/// Where a figure stands on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FigureGroup {
    /// Sessions and their states.
    Connections,
    /// Query time, throughput, cache.
    Performance,
    /// Sizes and growth.
    Storage,
    /// WAL, checkpoints, I/O.
    Writes,
    /// Lag and slots.
    Replication,
    /// Wraparound, vacuum, sequences.
    Maintenance,
}

impl FigureGroup {
    /// All groups in the order of the page.
    pub const ALL: [Self; 6] = [Self::Connections, Self::Performance, Self::Storage, Self::Writes, Self::Replication, Self::Maintenance];

    /// Shown name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Connections => "Connections",
            Self::Performance => "Performance",
            Self::Storage => "Storage",
            Self::Writes => "WAL, checkpoints, I/O",
            Self::Replication => "Replication",
            Self::Maintenance => "Maintenance",
        }
    }
}

/// One number as a page shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Stable id, for example `connections.active`; also the series name in history.
    pub id: String,
    /// Shown name.
    pub title: String,
    /// Group on the page.
    pub group: FigureGroup,
    /// What the number counts.
    pub unit: Unit,
    /// The last good value; none is shown as a dash.
    pub value: Option<f64>,
    /// When it was read.
    pub at: Option<UnixMs>,
    /// True when older than it should be, or when the newest attempt failed.
    pub stale: bool,
    /// Why there is no value or why it is stale.
    pub why: Option<String>,
    /// How to read it, where that is not plain ("weighted by calls over the statements' means").
    pub note: Option<String>,
    /// What a limit makes of it, if it has one.
    pub status: Option<Status>,
    /// The upper end of its scale, if it has one (max connections).
    pub max: Option<f64>,
    /// Recent points, oldest first.
    pub trend: Vec<Point>,
}
