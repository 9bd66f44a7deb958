//! `writes.checkpoints_requested_ratio`

use super::FigureDef;
use super::read::requested_ratio;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Share of the checkpoints since the last reset that were forced by WAL volume or a command.
pub const FIGURE: FigureDef = FigureDef {
    id: "writes.checkpoints_requested_ratio",
    title: "Checkpoints by demand",
    group: FigureGroup::Writes,
    unit: Unit::Ratio,
    note: Some(|_| "since the last reset of the statistics".into()),
    metric: "reeve_target_checkpoints_requested_ratio",
    help: "Share of the checkpoints since the last reset that were forced by WAL volume or a command.",
    source: Source::Checkpoints,
    read: |s| s.checkpoints.value().and_then(requested_ratio),
    absent: |_| "No checkpoint has run since the statistics were reset.".into(),
    max: |_| None,
    limits: |_| None,
};
