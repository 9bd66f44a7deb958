//! `maintenance.oldest_xmin_age`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Age of the oldest snapshot that a session, slot or prepared transaction holds, transactions.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.oldest_xmin_age",
    title: "Oldest snapshot",
    group: FigureGroup::Maintenance,
    unit: Unit::Transactions,
    note: Some("vacuum can't remove rows that died after it"),
    metric: "reeve_target_oldest_xmin_age",
    help: "Age of the oldest snapshot that a session, slot or prepared transaction holds, transactions.",
    source: Source::Activity,
    read: |s| s.activity.value()?.oldest_xmin_age.map(count),
    absent: "Nothing holds an old snapshot.",
    max: |_| None,
    limits: |_| None,
};
