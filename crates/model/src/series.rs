//! History: series of points.

use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// One sample of one series. A gap is the absence of points, never a zero.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: UnixMs,
    /// The value.
    pub value: f64,
}

/// What a series is about. Ordered, so that rounds are stored alike each time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The target it was read from.
    pub target: TargetName,
    /// The figure's id, for example `connections.active` or `table.bytes`.
    pub metric: String,
    /// What within the target: empty, a database, or `database/schema.table`.
    pub object: String,
}

/// Samples that belong together are written together; one row per topic and round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Figures of the whole server.
    Server,
    /// Figures of each table.
    Tables,
}

/// A named line for a chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// Shown name.
    pub title: String,
    /// Oldest first.
    pub points: Vec<Point>,
}

/// What `/metrics/history` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryQuery {
    /// The target.
    pub target: TargetName,
    /// The figure's id, for example `connections.active` or `table.bytes`.
    pub metric: String,
    /// What within the target: empty for the server, or `database/schema.table`.
    #[serde(default)]
    pub object: String,
    /// First moment; default one hour before `to`.
    #[serde(default)]
    pub from: Option<UnixMs>,
    /// Last moment; default now.
    #[serde(default)]
    pub to: Option<UnixMs>,
}

/// What `/metrics/history` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryAnswer {
    /// The target.
    pub target: TargetName,
    /// The figure's id.
    pub metric: String,
    /// What within the target.
    pub object: String,
    /// First moment asked for.
    pub from: UnixMs,
    /// Last moment asked for.
    pub to: UnixMs,
    /// Oldest first; a gap is the absence of points.
    pub points: Vec<Point>,
}
