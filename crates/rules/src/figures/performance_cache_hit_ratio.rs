//! `performance.cache_hit_ratio`

use super::read::{cache_hit_judged, cache_hit_shown};
use super::{Direction, FigureDef, Limits};
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Share of block accesses served from shared buffers between the two newest rounds.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.cache_hit_ratio",
    title: "Cache hit",
    group: FigureGroup::Performance,
    unit: Unit::Ratio,
    note: Some(|_| {
        "of shared buffers; a miss may still be served by the kernel. Not shown under 1,000 block accesses in the window, not judged under 50,000".into()
    }),
    metric: "reeve_target_cache_hit_ratio",
    help: "Share of block accesses served from shared buffers between the two newest rounds.",
    source: Source::Rates,
    read: |s| s.rates.value().and_then(cache_hit_shown),
    absent: |_| {
        "Fewer than 1,000 blocks were accessed between the two newest rounds (a share of so few says nothing), or the counts were reset in between.".into()
    },
    max: |_| None,
    limits: |s| s.rates.value().and_then(cache_hit_judged).map(|_| Limits { warn: 0.80, critical: None, direction: Direction::Below }),
};
