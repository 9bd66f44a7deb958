//! `maintenance.mxid_left_s`

use super::FigureDef;
use crate::{drain, source::Source};
use reeve_model::{FigureGroup, Unit};

/// Seconds until the server refuses writes for want of multixact ids, at the present rate and if nothing is frozen meanwhile. The space
/// of their members can end before; no view shows how much of it is used.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.mxid_left_s",
    title: "Multixact ids last for",
    group: FigureGroup::Maintenance,
    unit: Unit::Seconds,
    note: Some(|s| {
        let rate = drain::at_rate(s.wraparound.value().and_then(|w| w.mxids.as_ref()));
        format!("{rate}, if nothing is frozen meanwhile; the space of their members is not counted")
    }),
    metric: "reeve_target_mxid_left_seconds",
    help: "Seconds until the server refuses writes for want of multixact ids, at the present rate and if nothing is frozen meanwhile.",
    source: Source::Wraparound,
    read: |s| s.wraparound.value()?.mxids_last_s(),
    absent: |s| drain::why_none(s.wraparound.value().and_then(|w| w.mxids.as_ref()), "The ids in use"),
    max: |_| None,
    limits: |_| None,
};
