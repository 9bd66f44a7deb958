//! `performance.deadlocks_per_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Deadlocks per second.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.deadlocks_per_s",
    title: "Deadlocks",
    group: FigureGroup::Performance,
    unit: Unit::PerSecond,
    note: None,
    metric: "reeve_target_deadlocks_per_second",
    help: "Deadlocks per second.",
    source: Source::Rates,
    read: |s| s.rates.value()?.deadlocks,
    absent: |_| "No rate yet: it takes two rounds without a reset of the statistics between them.".into(),
    max: |_| None,
    limits: |_| None,
};
