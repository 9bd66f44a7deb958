//! `connections.idle_in_transaction`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Sessions waiting for their client inside a transaction.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.idle_in_transaction",
    title: "Idle in transaction",
    group: FigureGroup::Connections,
    unit: Unit::Count,
    note: None,
    metric: "reeve_target_connections_idle_in_transaction",
    help: "Sessions waiting for their client inside a transaction.",
    source: Source::Activity,
    read: |s| s.activity.value().map(|a| count(a.idle_in_transaction)),
    absent: |_| "The sessions have not been read yet.".into(),
    max: |_| None,
    limits: |_| None,
};
