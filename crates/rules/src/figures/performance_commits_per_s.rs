//! `performance.commits_per_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Transactions committed per second.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.commits_per_s",
    title: "Commits",
    group: FigureGroup::Performance,
    unit: Unit::PerSecond,
    note: None,
    metric: "reeve_target_commits_per_second",
    help: "Transactions committed per second.",
    source: Source::Rates,
    read: |s| s.rates.value()?.commits,
    absent: |_| "No rate yet: it takes two rounds without a reset of the statistics between them.".into(),
    max: |_| None,
    limits: |_| None,
};
