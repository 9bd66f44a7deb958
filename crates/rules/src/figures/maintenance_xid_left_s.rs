//! `maintenance.xid_left_s`

use super::FigureDef;
use crate::{drain, source::Source};
use reeve_model::{FigureGroup, Unit};

/// Seconds until the server refuses writes for want of transaction ids, at the present rate and if nothing is frozen meanwhile.
/// It has no limit: on a healthy server that is busy it is a few weeks, for ever.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.xid_left_s",
    title: "Transaction ids last for",
    group: FigureGroup::Maintenance,
    unit: Unit::Seconds,
    note: Some(|s| {
        let rate = drain::at_rate(s.wraparound.value().and_then(|w| w.xids.as_ref()));
        format!("{rate}, if nothing is frozen meanwhile; then the server refuses writes")
    }),
    metric: "reeve_target_xid_left_seconds",
    help: "Seconds until the server refuses writes for want of transaction ids, at the present rate and if nothing is frozen meanwhile.",
    source: Source::Wraparound,
    read: |s| s.wraparound.value()?.xids_last_s(),
    absent: |s| drain::why_none(s.wraparound.value().and_then(|w| w.xids.as_ref()), "The ids in use"),
    max: |_| None,
    limits: |_| None,
};
