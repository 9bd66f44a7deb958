//! `performance.mean_query_ms`

use super::{Direction, FigureDef, Limits};
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Mean execution time of the statements between the two newest readings, milliseconds.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.mean_query_ms",
    title: "Mean query time",
    group: FigureGroup::Performance,
    unit: Unit::Milliseconds,
    note: None,
    metric: "reeve_target_query_mean_seconds",
    help: "Mean execution time of the statements between the two newest readings, seconds.",
    source: Source::Statements,
    read: |s| s.statements.value()?.mean_ms,
    absent: |_| "No statement was counted between the two newest readings, or the counts were reset in between.".into(),
    max: |_| None,
    limits: |_| Some(Limits { warn: 1000.0, critical: None, direction: Direction::Above }),
};
