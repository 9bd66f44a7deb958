//! `replication.slot_retained_bytes`

use super::FigureDef;
use super::read::most_retained;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Write-ahead log kept for the replication slot that is furthest behind, bytes.
pub const FIGURE: FigureDef = FigureDef {
    id: "replication.slot_retained_bytes",
    title: "WAL kept for slots",
    group: FigureGroup::Replication,
    unit: Unit::Bytes,
    note: Some(|_| "of the slot that keeps most".into()),
    metric: "reeve_target_replication_slot_retained_bytes",
    help: "Write-ahead log kept for the replication slot that is furthest behind, bytes.",
    source: Source::Replication,
    read: |s| s.replication.value().and_then(most_retained),
    absent: |_| "There is no replication slot.".into(),
    max: |_| None,
    limits: |_| None,
};
