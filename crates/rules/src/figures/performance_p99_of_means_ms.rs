//! `performance.p99_of_means_ms`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// 99th percentile of the statements' mean times weighted by calls, milliseconds; not of single executions.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.p99_of_means_ms",
    title: "p99 of means",
    group: FigureGroup::Performance,
    unit: Unit::Milliseconds,
    note: Some(|_| "weighted by calls over the statements' means, not single executions".into()),
    metric: "reeve_target_query_means_p99_seconds",
    help: "99th percentile of the statements' mean times weighted by calls, seconds; not of single executions.",
    source: Source::Statements,
    read: |s| s.statements.value()?.p99_of_means_ms,
    absent: |_| "No statement was counted between the two newest readings, or the counts were reset in between.".into(),
    max: |_| None,
    limits: |_| None,
};
