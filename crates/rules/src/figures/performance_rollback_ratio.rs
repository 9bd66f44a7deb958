//! `performance.rollback_ratio`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Share of the transactions that were rolled back.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.rollback_ratio",
    title: "Rollback share",
    group: FigureGroup::Performance,
    unit: Unit::Ratio,
    note: None,
    metric: "reeve_target_rollback_ratio",
    help: "Share of the transactions that were rolled back.",
    source: Source::Rates,
    read: |s| s.rates.value()?.rollback_ratio,
    absent: |_| "No transaction ended between the two newest rounds.".into(),
    max: |_| None,
    limits: |_| None,
};
