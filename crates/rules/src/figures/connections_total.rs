//! `connections.total`

use super::FigureDef;
use super::read::count;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Client sessions, without Reeve's own.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.total",
    title: "Sessions",
    group: FigureGroup::Connections,
    unit: Unit::Count,
    note: None,
    metric: "reeve_target_connections",
    help: "Client sessions, without Reeve's own.",
    source: Source::Activity,
    read: |s| s.activity.value().map(|a| count(a.total)),
    absent: |_| "The sessions have not been read yet.".into(),
    max: |s| s.activity.value().map(|a| count(a.max)),
    limits: |_| None,
};
