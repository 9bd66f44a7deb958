//! `connections.waiting`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Sessions waiting for a lock.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.waiting",
    title: "Waiting",
    group: FigureGroup::Connections,
    unit: Unit::Count,
    note: None,
    metric: "reeve_target_connections_waiting",
    help: "Sessions waiting for a lock.",
    source: Source::Activity,
    read: |s| s.activity.value().map(|a| count(a.waiting)),
    absent: |_| "The sessions have not been read yet.".into(),
    max: |_| None,
    limits: |_| None,
};
