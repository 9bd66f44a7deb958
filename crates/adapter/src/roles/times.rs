//! How long callers waited for a connection: true percentiles over the last minutes in a fixed few kilobytes.

use std::time::{Duration, Instant};

/// One slice of time; five of them, the oldest dropped as a whole, make four to five minutes.
const SLICE: Duration = Duration::from_secs(60);
const SLICES: usize = 5;
/// Buckets per doubling: the relative error of a percentile stays under 5 %.
const PER_DOUBLING: f64 = 8.0;
/// From 1 µs up to 2^27 µs, over two minutes.
const BUCKETS: usize = 27 * 8 + 1;

/// The times of one pool.
pub(crate) struct AcquireTimes {
    slices: [Box<[u32; BUCKETS]>; SLICES],
    current: usize,
    begun: Instant,
}

impl AcquireTimes {
    pub(crate) fn new(now: Instant) -> Self {
        Self { slices: std::array::from_fn(|_| Box::new([0; BUCKETS])), current: 0, begun: now }
    }

    pub(crate) fn record(&mut self, now: Instant, took: Duration) {
        self.turn(now);
        self.slices[self.current][bucket(took)] += 1;
    }

    /// The time in milliseconds that a share `q` (0 to 1) of the callers did not exceed; none before the first.
    pub(crate) fn percentile_ms(&mut self, now: Instant, q: f64) -> Option<f64> {
        self.turn(now);
        let count = |b: usize| self.slices.iter().map(|s| u64::from(s[b])).sum::<u64>();
        let total: u64 = (0..BUCKETS).map(count).sum();
        if total == 0 {
            return None;
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = ((total as f64 * q).ceil() as u64).clamp(1, total);
        let mut seen = 0;
        let found = (0..BUCKETS).find(|b| {
            seen += count(*b);
            seen >= rank
        });
        found.map(upper_ms)
    }

    fn turn(&mut self, now: Instant) {
        let mut turns = 0;
        while now.saturating_duration_since(self.begun) >= SLICE && turns < SLICES {
            self.current = (self.current + 1) % SLICES;
            self.slices[self.current].fill(0);
            self.begun += SLICE;
            turns += 1;
        }
        if turns == SLICES {
            self.begun = now;
        }
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn bucket(took: Duration) -> usize {
    let micros = (took.as_nanos() as f64 / 1000.0).max(1.0);
    ((micros.log2() * PER_DOUBLING).ceil() as usize).min(BUCKETS - 1)
}

#[allow(clippy::cast_precision_loss)]
fn upper_ms(bucket: usize) -> f64 {
    (bucket as f64 / PER_DOUBLING).exp2() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_bucket_and_forget_after_minutes() {
        let start = Instant::now();
        let mut times = AcquireTimes::new(start);
        assert_eq!(times.percentile_ms(start, 0.5), None);
        for ms in 1..=100 {
            times.record(start, Duration::from_millis(ms));
        }
        let (p50, p99) = (times.percentile_ms(start, 0.5).expect("some"), times.percentile_ms(start, 0.99).expect("some"));
        assert!((50.0..55.0).contains(&p50) && (99.0..109.0).contains(&p99), "{p50} {p99}");
        times.record(start + SLICE * 4, Duration::from_millis(1));
        assert!(times.percentile_ms(start + SLICE * 4, 0.99).expect("some") > 90.0);
        assert!(times.percentile_ms(start + SLICE * 5, 0.99).expect("some") < 1.2);
        assert_eq!(times.percentile_ms(start + SLICE * 60, 0.99), None);
    }
}
