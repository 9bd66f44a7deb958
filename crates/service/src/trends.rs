//! The recent past in memory: what sparklines and charts draw, also while the store is away.

use reeve_model::{Figure, UnixMs, series::Point};
use std::collections::{BTreeMap, VecDeque};

/// How far back points are kept in memory, milliseconds.
pub const WINDOW_MS: i64 = 3_600_000;
/// Points closer together than this are left out, so that a live view at 1 s does not crowd out the hour.
const SPACING_MS: i64 = 5_000;

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
        if line.back().is_some_and(|last| point.at.0 < last.at.0 + SPACING_MS) {
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

    /// At most `most` points of a figure since `from`: the mean of equal slices of time, so that a sparkline stays small.
    /// A slice without a point is left out: a gap is shown as a gap.
    pub fn thinned(&self, id: &str, from: UnixMs, to: UnixMs, most: usize) -> Vec<Point> {
        let points = self.points(id, from);
        let span = (to.0 - from.0).max(1);
        let most = i64::try_from(most.max(1)).unwrap_or(1);
        let mut out: Vec<(i64, f64, f64, i64)> = Vec::new();
        for point in points {
            let slice = ((point.at.0 - from.0) * most / span).clamp(0, most - 1);
            match out.last_mut() {
                Some(last) if last.0 == slice => {
                    last.1 += point.value;
                    last.2 += 1.0;
                    last.3 = point.at.0;
                }
                _ => out.push((slice, point.value, 1.0, point.at.0)),
            }
        }
        out.into_iter().map(|(_, sum, count, at)| Point { at: UnixMs(at), value: sum / count }).collect()
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
    fn b4_thinning_averages_slices() {
        let mut trends = Trends::default();
        trends.seed("a", &[point(0, 1.0), point(5, 3.0), point(90, 8.0)]);
        let thin = trends.thinned("a", UnixMs(0), UnixMs(100_000), 10);
        assert_eq!(thin.iter().map(|p| p.value).collect::<Vec<_>>(), vec![2.0, 8.0]);
    }
}
