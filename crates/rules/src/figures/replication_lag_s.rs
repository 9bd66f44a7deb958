//! `replication.lag_s`

use super::FigureDef;
use super::read::worst_lag_s;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Replay lag of the slowest standby, seconds.
pub const FIGURE: FigureDef = FigureDef {
    id: "replication.lag_s",
    title: "Standby lag, time",
    group: FigureGroup::Replication,
    unit: Unit::Seconds,
    note: Some(|_| "of the slowest standby; none while there is nothing to replay".into()),
    metric: "reeve_target_replication_lag_seconds",
    help: "Replay lag of the slowest standby, seconds.",
    source: Source::Replication,
    read: |s| s.replication.value().and_then(worst_lag_s),
    absent: |_| "No standby streams from this server, or none has anything left to replay.".into(),
    max: |_| None,
    limits: |_| None,
};
