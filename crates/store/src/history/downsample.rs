//! Fewer points for a chart, with the peaks kept.

use reeve_model::series::Point;

/// At most `most` points (2 or more) that look the same on a chart: the time is cut into equal parts, and of each part the lowest and
/// the highest point stay, in their order. Every point answered is one that was measured.
#[must_use]
pub fn downsample(points: Vec<Point>, most: usize) -> Vec<Point> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return points };
    if points.len() <= most {
        return points;
    }
    let parts = i64::try_from((most / 2).max(1)).unwrap_or(i64::MAX);
    let (from, span) = (first.at.0, i128::from(last.at.0) - i128::from(first.at.0) + 1);
    let part = |p: &Point| (i128::from(p.at.0) - i128::from(from)) * i128::from(parts) / span;
    let mut kept = Vec::with_capacity(most);
    for bucket in points.chunk_by(|a, b| part(a) == part(b)) {
        let (mut low, mut high) = (0, 0);
        for (i, p) in bucket.iter().enumerate() {
            if p.value < bucket[low].value {
                low = i;
            }
            if p.value > bucket[high].value {
                high = i;
            }
        }
        kept.push(bucket[low.min(high)]);
        if low != high {
            kept.push(bucket[low.max(high)]);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::UnixMs;

    #[test]
    fn b4_downsampling_keeps_peaks_and_the_limit() {
        let points: Vec<Point> =
            (0..10_000).map(|i| Point { at: UnixMs(i * 15_000), value: if i == 4321 { 1e6 } else { (i % 7) as f64 } }).collect();
        let few = downsample(points.clone(), 100);
        assert!(few.len() <= 100 && few.len() > 50, "{}", few.len());
        assert!(few.iter().any(|p| p.value == 1e6));
        assert!(few.windows(2).all(|w| w[0].at < w[1].at));
        assert!(few.iter().all(|p| points.contains(p)));
        assert_eq!(downsample(points[..100].to_vec(), 100).len(), 100);
        assert!(downsample(Vec::new(), 10).is_empty());
    }
}
