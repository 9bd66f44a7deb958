//! `connections.used_ratio`

use super::read::used_ratio;
use super::{Direction, FigureDef, Limits};
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Share of the connections an ordinary role may open that are taken, Reeve's own included.
pub const FIGURE: FigureDef = FigureDef {
    id: "connections.used_ratio",
    title: "Connections used",
    group: FigureGroup::Connections,
    unit: Unit::Ratio,
    note: Some(|_| "of max_connections less the reserved ones; Reeve's own sessions count".into()),
    metric: "reeve_target_connections_used_ratio",
    help: "Share of the connections an ordinary role may open that are taken, Reeve's own included.",
    source: Source::Activity,
    read: |s| s.activity.value().and_then(used_ratio),
    absent: |_| "The sessions have not been read yet.".into(),
    max: |_| Some(1.0),
    limits: |_| Some(Limits { warn: 0.80, critical: Some(0.95), direction: Direction::Above }),
};
