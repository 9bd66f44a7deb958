//! `collector.round_ms`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Wall time of Reeve's newest round of probes, milliseconds.
pub const FIGURE: FigureDef = FigureDef {
    id: "collector.round_ms",
    title: "Collector's round",
    group: FigureGroup::Maintenance,
    unit: Unit::Milliseconds,
    note: None,
    metric: "reeve_target_round_seconds",
    help: "Wall time of Reeve's newest round of probes, seconds.",
    source: Source::Round,
    read: |s| (s.round > 0).then_some(s.round_ms),
    absent: |_| "No round has run yet.".into(),
    max: |_| None,
    limits: |_| None,
};
