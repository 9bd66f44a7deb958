//! `maintenance.xids_per_s`

use super::FigureDef;
use crate::{drain, source::Source};
use reeve_model::{FigureGroup, Unit};

/// Transaction ids used up per second, over as long as they were watched: the last day at most.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.xids_per_s",
    title: "Transaction ids used up",
    group: FigureGroup::Maintenance,
    unit: Unit::PerSecond,
    note: Some(|s| drain::at_rate(s.wraparound.value().and_then(|w| w.xids.as_ref())).replacen("at the rate of", "over", 1)),
    metric: "reeve_target_xids_per_second",
    help: "Transaction ids used up per second, over as long as they were watched: the last day at most.",
    source: Source::Wraparound,
    read: |s| s.wraparound.value()?.xids?.per_s,
    absent: |s| drain::why_none(s.wraparound.value().and_then(|w| w.xids.as_ref()), "The ids in use"),
    max: |_| None,
    limits: |_| None,
};
