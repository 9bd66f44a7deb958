//! `maintenance.sequence_left_s`

use super::{Direction, FigureDef, Limits};
use crate::{
    drain::{self, first_to_end, longest_watched},
    health::ENDS_SOON_S,
    source::Source,
};
use reeve_model::{FigureGroup, Unit};

/// Seconds until the sequence ends that ends first at its present rate. Judged only after a whole day of watching.
pub const FIGURE: FigureDef = FigureDef {
    id: "maintenance.sequence_left_s",
    title: "First sequence to end, in",
    group: FigureGroup::Maintenance,
    unit: Unit::Seconds,
    note: Some(|s| drain::at_rate(s.sequences.value().and_then(|q| first_to_end(q)).and_then(|q| q.drain.as_ref()))),
    metric: "reeve_target_sequence_left_seconds",
    help: "Seconds until the sequence ends that ends first at its present rate.",
    source: Source::Sequences,
    read: |s| s.sequences.value().and_then(|q| first_to_end(q))?.lasts_s(),
    absent: |s| match s.sequences.value() {
        Some(list) if list.is_empty() => s.sequences_hidden.clone().unwrap_or_else(|| "There is no sequence.".into()),
        list => drain::why_none(list.and_then(|q| longest_watched(q)), "Used sequences"),
    },
    max: |_| None,
    limits: |s| {
        let first = s.sequences.value().and_then(|q| first_to_end(q))?;
        // As the rule: one jump within the day is no rate.
        let judged = first.lasts_steadily_s()? < ENDS_SOON_S || first.lasts_s()? >= ENDS_SOON_S;
        judged.then_some(Limits { warn: ENDS_SOON_S, critical: None, direction: Direction::Below })
    },
};
