//! `connections.longest_transaction_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Age of the oldest open transaction, seconds.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.longest_transaction_s",
    title: "Oldest transaction",
    group: FigureGroup::Connections,
    unit: Unit::Seconds,
    note: None,
    metric: "reeve_target_longest_transaction_seconds",
    help: "Age of the oldest open transaction, seconds.",
    source: Source::Activity,
    read: |s| s.activity.value()?.longest_transaction_s,
    absent: |_| "No transaction is open.".into(),
    max: |_| None,
    limits: |_| None,
};
