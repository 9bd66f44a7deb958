//! `connections.longest_query_s`

use super::{Direction, FigureDef, Limits};
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Age of the longest running statement, seconds.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.longest_query_s",
    title: "Longest query",
    group: FigureGroup::Connections,
    unit: Unit::Seconds,
    note: Some(|_| "autovacuum, replication and what waits for a lock left out".into()),
    metric: "reeve_target_longest_query_seconds",
    help: "Age of the longest running statement, seconds.",
    source: Source::Activity,
    read: |s| s.activity.value()?.longest_query_s,
    absent: |_| "No statement is running.".into(),
    max: |_| None,
    limits: |_| Some(Limits { warn: 5.0, critical: Some(60.0), direction: Direction::Above }),
};
