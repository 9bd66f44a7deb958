//! `performance.statements_per_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Statements executed per second.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.statements_per_s",
    title: "Statements",
    group: FigureGroup::Performance,
    unit: Unit::PerSecond,
    note: None,
    metric: "reeve_target_statements_per_second",
    help: "Statements executed per second.",
    source: Source::Statements,
    read: |s| s.statements.value()?.calls_per_s,
    absent: |_| "No statement was counted between the two newest readings, or the counts were reset in between.".into(),
    max: |_| None,
    limits: |_| None,
};
