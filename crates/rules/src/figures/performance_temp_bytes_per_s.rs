//! `performance.temp_bytes_per_s`

use super::FigureDef;
use crate::source::Source;
use reeve_model::{FigureGroup, Unit};

/// Bytes written to temporary files per second.
pub const FIGURE: FigureDef = FigureDef {
    id: "performance.temp_bytes_per_s",
    title: "Temporary files",
    group: FigureGroup::Performance,
    unit: Unit::BytesPerSecond,
    note: None,
    metric: "reeve_target_temp_bytes_per_second",
    help: "Bytes written to temporary files per second.",
    source: Source::Rates,
    read: |s| s.rates.value()?.temp_bytes,
    absent: |_| "No rate yet: it takes two rounds without a reset of the statistics between them.".into(),
    max: |_| None,
    limits: |_| None,
};
