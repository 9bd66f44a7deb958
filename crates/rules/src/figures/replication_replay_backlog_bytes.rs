//! `replication.replay_backlog_bytes`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// On a standby: bytes received and not yet replayed.
pub const FIGURE: FigureDef = FigureDef {
    id: "replication.replay_backlog_bytes",
    title: "Replay backlog",
    group: FigureGroup::Replication,
    unit: Unit::Bytes,
    note: Some(|s| match s.replication.value().and_then(|r| r.receiving) {
        Some(false) => "of what it received; it receives nothing at present".into(),
        _ => "received and not yet replayed".into(),
    }),
    metric: "reeve_target_replay_backlog_bytes",
    help: "On a standby: bytes received and not yet replayed.",
    source: Source::Replication,
    read: |s| s.replication.value()?.replay_backlog_bytes.map(count),
    absent: |_| "This server is not a standby.".into(),
    max: |_| None,
    limits: |_| None,
};
