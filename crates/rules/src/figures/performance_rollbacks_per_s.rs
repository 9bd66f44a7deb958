//! `performance.rollbacks_per_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Transactions rolled back per second.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.rollbacks_per_s",
    title: "Rollbacks",
    group: FigureGroup::Performance,
    unit: Unit::PerSecond,
    note: None,
    metric: "reeve_target_rollbacks_per_second",
    help: "Transactions rolled back per second.",
    source: Source::Rates,
    read: |s| s.rates.value()?.rollbacks,
    absent: |_| "No rate yet: it takes two rounds without a reset of the statistics between them.".into(),
    max: |_| None,
    limits: |_| None,
};
