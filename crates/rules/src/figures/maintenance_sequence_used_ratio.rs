//! `maintenance.sequence_used_ratio`

use super::read::fullest;
use super::{Direction, FigureDef, Limits};
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// How far the fullest sequence has been used up.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.sequence_used_ratio",
    title: "Fullest sequence",
    group: FigureGroup::Maintenance,
    unit: Unit::Ratio,
    note: Some(|s| {
        let some = if s.sequences_hidden.is_some() { "; of those that Reeve's role may read" } else { "" };
        format!("by its own limit or its column's type, whichever ends first{some}")
    }),
    metric: "reeve_target_sequence_used_ratio",
    help: "How far the fullest sequence has been used up.",
    source: Source::Sequences,
    read: |s| s.sequences.value().and_then(|q| fullest(q)).map(|q| q.used_ratio),
    absent: |s| s.sequences_hidden.clone().unwrap_or_else(|| "There is no sequence, or none has been read yet.".into()),
    max: |_| Some(1.0),
    limits: |_| Some(Limits { warn: 0.90, critical: Some(0.95), direction: Direction::Above }),
};
