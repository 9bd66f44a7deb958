//! A small generator of random numbers that can be seeded: SplitMix64, good enough to choose what a visitor does next.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Random numbers; the same seed gives the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    /// From a seed, or from the operating system's entropy (the standard library keys its hashers with it).
    pub(crate) fn new(seed: Option<u64>, stream: u64) -> Self {
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(stream));
        Self { state: seed.wrapping_add(stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)) }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// In `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits fit a double exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In `0..limit`; 0 when `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// One of the values; the slice must not be empty.
    pub(crate) fn one_of<'a>(&mut self, values: &[&'a str]) -> &'a str {
        let index = self.below(values.len() as u64) as usize;
        values.get(index).copied().unwrap_or_default()
    }

    /// A waiting time around `mean`, as between visitors who don't know of each other; never over four times the mean.
    pub(crate) fn pause(&mut self, mean: Duration) -> Duration {
        mean.mul_f64((-(1.0 - self.unit()).ln()).min(4.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i1_the_same_seed_gives_the_same_numbers() {
        let draw = |seed, stream| {
            let mut rng = Rng::new(Some(seed), stream);
            [rng.below(1000), rng.below(1000), rng.below(1000)]
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        let mut rng = Rng::new(None, 0);
        let mean: f64 = (0..4000).map(|_| rng.pause(Duration::from_secs(1)).as_secs_f64()).sum::<f64>() / 4000.0;
        assert!((0.85..1.1).contains(&mean), "pauses average {mean} s");
    }
}
