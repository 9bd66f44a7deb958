//! `replication.lag_bytes`

use super::FigureDef;
use super::read::worst_lag_bytes;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Bytes not yet replayed by the standby that is furthest behind.
pub const FIGURE: FigureDef = FigureDef {
    id: "replication.lag_bytes",
    title: "Standby lag",
    group: FigureGroup::Replication,
    unit: Unit::Bytes,
    note: Some(|_| "of the standby furthest behind".into()),
    metric: "reeve_target_replication_lag_bytes",
    help: "Bytes not yet replayed by the standby that is furthest behind.",
    source: Source::Replication,
    read: |s| s.replication.value().and_then(worst_lag_bytes),
    absent: |_| "No standby streams from this server.".into(),
    max: |_| None,
    limits: |_| None,
};
