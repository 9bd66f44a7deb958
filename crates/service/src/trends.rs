//! The recent past in memory: what sparklines and charts draw, also while the store is away.

use reeve_model::{Figure, UnixMs, series::Point};
use std::collections::{BTreeMap, VecDeque};

/// How far back points are kept in memory, milliseconds.
pub const WINDOW_MS: i64 = 3_600_000;
/// Points closer together than this are left out, so that a live view at 1 s does not crowd out the hour.
const SPACING_MS: i64 = 5_000;

/// Figures whose low values are the bad ones.
const LOW_IS_BAD: &[&str] = &["performance.cache_hit_ratio"];

/// Recent points of every figure of one target.
#[derive(Debug, Default)]
pub struct Trends {
    lines: BTreeMap<String, VecDeque<Point>>,
}

impl Trends {
    /// Adds the figures of a round that are new since the last.
    pub fn push(&mut self, figures: &[Figure]) {
        for figure in figures {
            if let (Some(value), Some(at)) = (figure.value, figure.at) {
                self.add(&figure.id, Point { at, value });
            }
        }
    }

    /// Puts stored points before those of this run.
    pub fn seed(&mut self, id: &str, points: &[Point]) {
        for point in points {
            self.add(id, *point);
        }
    }

    fn add(&mut self, id: &str, point: Point) {
        if !self.lines.contains_key(id) {
            self.lines.insert(id.to_owned(), VecDeque::new());
        }
        let Some(line) = self.lines.get_mut(id) else { return };
        // Rounds are never quite on time.
        if line.back().is_some_and(|last| point.at.0 < last.at.0 + SPACING_MS * 4 / 5) {
            return;
        }
        line.push_back(point);
        while line.front().is_some_and(|first| first.at.0 < point.at.0 - WINDOW_MS) {
            line.pop_front();
        }
    }

    /// The points of a figure since `from`, oldest first.
    pub fn points(&self, id: &str, from: UnixMs) -> Vec<Point> {
        self.lines.get(id).map_or_else(Vec::new, |line| line.iter().filter(|p| p.at >= from).copied().collect())
    }

    /// At most `most` points of a figure since `from`, one for each of equal slices of time: the largest, because a peak is what
    /// somebody on call looks for (the smallest where low is bad). A slice without a point is left out: a gap is shown as a gap.
    pub fn thinned(&self, id: &str, from: UnixMs, to: UnixMs, most: usize) -> Vec<Point> {
        let points = self.points(id, from);
        let span = (to.0 - from.0).max(1);
        let most = i64::try_from(most.max(1)).unwrap_or(1);
        let worse: fn(f64, f64) -> f64 = if LOW_IS_BAD.contains(&id) { f64::min } else { f64::max };
        let mut out: Vec<(i64, Point)> = Vec::new();
        for point in points {
            let slice = ((point.at.0 - from.0) * most / span).clamp(0, most - 1);
            match out.last_mut() {
                Some((last, kept)) if *last == slice => *kept = Point { at: point.at, value: worse(kept.value, point.value) },
                _ => out.push((slice, point)),
            }
        }
        out.into_iter().map(|(_, point)| point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(s: i64, value: f64) -> Point {
        Point { at: UnixMs(s * 1000), value }
    }

    #[test]
    fn b4_the_window_drops_what_is_too_old_and_keeps_gaps() {
        let mut trends = Trends::default();
        trends.seed("a", &[point(0, 1.0), point(1, 9.0), point(10, 2.0), point(4000, 3.0)]);
        assert_eq!(trends.points("a", UnixMs(0)), vec![point(4000, 3.0)], "one hour is kept, and the crowded point was left out");
        assert!(trends.points("unknown", UnixMs(0)).is_empty());
    }

    #[test]
    fn b4_thinning_keeps_peaks() {
        let mut trends = Trends::default();
        trends.seed("a", &[point(0, 1.0), point(5, 3.0), point(90, 8.0)]);
        let thin = trends.thinned("a", UnixMs(0), UnixMs(100_000), 10);
        assert_eq!(thin.iter().map(|p| p.value).collect::<Vec<_>>(), vec![3.0, 8.0]);
        trends.seed("performance.cache_hit_ratio", &[point(0, 0.9), point(5, 0.4)]);
        let low = trends.thinned("performance.cache_hit_ratio", UnixMs(0), UnixMs(100_000), 10);
        assert_eq!(low[0].value, 0.4, "where low is bad the lowest is kept");
    }
}
