//! Sparklines: a path in a box of fixed size. All of a column share one extent, so they can be compared.

use super::gap_ms;
use reeve_model::series::Point;
use std::fmt::Write as _;

/// Width of a sparkline's box.
pub const SPARK_WIDTH: f64 = 88.0;
/// Height of a sparkline's box.
pub const SPARK_HEIGHT: f64 = 20.0;

/// The values a sparkline's box spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    low: f64,
    high: f64,
}

impl Extent {
    /// From zero (or the lowest, if below) to the highest of all points.
    pub fn of<'a>(points: impl IntoIterator<Item = &'a Point>) -> Self {
        let start = Self { low: 0.0, high: 0.0 };
        points.into_iter().filter(|p| p.value.is_finite()).fold(start, |e, p| Self { low: e.low.min(p.value), high: e.high.max(p.value) })
    }
}

/// The `d` attribute; empty while there are fewer than two points.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn path(points: &[Point], extent: Extent) -> String {
    let mut d = String::new();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return d };
    let span = last.at.ms_since(first.at);
    if span == 0 {
        return d;
    }
    let gap = gap_ms(points);
    let height = (extent.high - extent.low).max(f64::MIN_POSITIVE);
    let mut previous = None;
    for p in points.iter().filter(|p| p.value.is_finite()) {
        let x = 1.0 + p.at.ms_since(first.at) as f64 / span as f64 * (SPARK_WIDTH - 2.0);
        let share = if extent.high > extent.low { (p.value - extent.low) / height } else { 0.0 };
        let y = SPARK_HEIGHT - 1.5 - share.clamp(0.0, 1.0) * (SPARK_HEIGHT - 3.0);
        let joined = previous.is_some_and(|at| p.at.ms_since(at) <= gap);
        // Writing to a String can't fail.
        let _ = write!(d, "{}{x:.1} {y:.1}", if joined { "L" } else { "M" });
        previous = Some(p.at);
    }
    d
}
