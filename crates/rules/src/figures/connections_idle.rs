//! `connections.idle`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Sessions waiting for their client outside a transaction.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.idle",
    title: "Idle",
    group: FigureGroup::Connections,
    unit: Unit::Count,
    note: None,
    metric: "reeve_target_connections_idle",
    help: "Sessions waiting for their client outside a transaction.",
    source: Source::Activity,
    read: |s| s.activity.value().map(|a| count(a.idle)),
    absent: |_| "The sessions have not been read yet.".into(),
    max: |_| None,
    limits: |_| None,
};
