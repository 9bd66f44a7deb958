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
    /// From zero to the highest of all points. Where all points stand close together high above zero (sizes,
    /// ratios), the box starts a little below the lowest and spans a tenth of the highest at least, so that noise
    /// is not blown up.
    pub fn of<'a>(points: impl IntoIterator<Item = &'a Point>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for v in points.into_iter().map(|p| p.value).filter(|v| v.is_finite()) {
            low = low.min(v);
            high = high.max(v);
        }
        if low.is_infinite() {
            return Self { low: 0.0, high: 0.0 };
        }
        let low = if low < 0.0 {
            low
        } else if low > high * 0.6 {
            low.min(high * 0.9) - high * 0.02
        } else {
            0.0
        };
        Self { low, high }
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
