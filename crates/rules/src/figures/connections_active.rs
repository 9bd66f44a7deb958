//! `connections.active`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Sessions running a statement, without Reeve's own.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.active",
    title: "Active",
    group: FigureGroup::Connections,
    unit: Unit::Count,
    note: None,
    metric: "reeve_target_connections_active",
    help: "Sessions running a statement, without Reeve's own.",
    source: Source::Activity,
    read: |s| s.activity.value().map(|a| count(a.active)),
    absent: |_| "The sessions have not been read yet.".into(),
    max: |_| None,
    limits: |_| None,
};
