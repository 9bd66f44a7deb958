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
    note: Some(|_| "vacuum can't remove rows that died after it".into()),
    metric: "reeve_target_oldest_xmin_age",
    help: "Age of the oldest snapshot that a session, slot or prepared transaction holds, transactions.",
    source: Source::Activity,
    read: |s| s.activity.value()?.oldest_xmin_age.map(count),
    absent: |_| "Nothing holds an old snapshot.".into(),
    max: |_| None,
    limits: |_| None,
};
