//! Counts in bounded memory.

use reeve_model::UnixMs;
use std::collections::HashMap;

/// What a [`Bounded`] map needs to know of its entries.
pub(super) trait Entry: Default {
    /// When it was last of use.
    fn touched(&self) -> UnixMs;
    /// How much is lost when it is forgotten.
    fn weight(&self, now: UnixMs) -> Weight;
}

/// How much is lost when an entry is forgotten; the lighter go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// One failure or none: what a flood of made-up names leaves behind.
    Light,
    /// Several failures.
    Counting,
    /// Holds somebody back at present.
    Holding,
}

impl Weight {
    pub fn of(holding: bool, failures: f64) -> Self {
        match holding {
            true => Self::Holding,
            false if failures > 1.0 => Self::Counting,
            false => Self::Light,
        }
    }
}

/// A map that never has more than so many entries. Light ones go first, the oldest of them before the others, so that a flood of new
/// names can't wash away those that hold somebody back.
#[derive(Debug)]
pub(super) struct Bounded<E> {
    most: usize,
    map: HashMap<u64, E>,
}

impl<E: Entry> Bounded<E> {
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), map: HashMap::new() }
    }

    pub fn get(&mut self, key: u64) -> Option<&mut E> {
        self.map.get_mut(&key)
    }

    pub fn remove(&mut self, key: u64) {
        self.map.remove(&key);
    }

    /// The entry, made when there is none; room is made before. Eighths at a time: the search for the oldest costs a walk over all.
    pub fn entry(&mut self, key: u64, now: UnixMs) -> &mut E {
        if self.map.len() >= self.most && !self.map.contains_key(&key) {
            drop_oldest(&mut self.map, self.most / 8 + 1, |entry| (entry.weight(now), entry.touched()));
        }
        self.map.entry(key).or_default()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.map.len()
    }
}

/// Removes the `count` entries that come first in an order.
pub(super) fn drop_oldest<V, O: Ord>(map: &mut HashMap<u64, V>, count: usize, order: impl Fn(&V) -> O) {
    let mut all: Vec<(O, u64)> = map.iter().map(|(key, value)| (order(value), *key)).collect();
    if count < all.len() {
        all.select_nth_unstable(count - 1);
        all.truncate(count);
    }
    for (_, key) in all {
        map.remove(&key);
    }
}

/// Events in a sliding window, from two counters: the part of the former window that still overlaps counts in proportion.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Window {
    begun: UnixMs,
    before: u32,
    here: u32,
}

impl Window {
    /// Counts one more and says how many there are.
    pub fn count(&mut self, now: UnixMs, length_ms: i64) -> f64 {
        self.turn(now, length_ms);
        self.here = self.here.saturating_add(1);
        self.at(now, length_ms)
    }

    /// How many there are.
    #[allow(clippy::cast_precision_loss)] // a share of the window
    pub fn at(&mut self, now: UnixMs, length_ms: i64) -> f64 {
        self.turn(now, length_ms);
        let gone = now.ms_since(self.begun) as f64 / length_ms.max(1) as f64;
        f64::from(self.here) + f64::from(self.before) * (1.0 - gone).clamp(0.0, 1.0)
    }

    /// How many its counters hold, whenever that was.
    pub fn held(&self) -> f64 {
        f64::from(self.here) + f64::from(self.before)
    }

    fn turn(&mut self, now: UnixMs, length_ms: i64) {
        let length_ms = length_ms.max(1);
        // A clock that stepped back begins a new window rather than one that lasts until the old time comes again.
        if now < self.begun {
            self.begun = now;
        }
        let gone = now.ms_since(self.begun);
        if gone >= length_ms.saturating_mul(2) || (self.here == 0 && self.before == 0) {
            *self = Self { begun: now, before: 0, here: 0 };
        } else if gone >= length_ms {
            *self = Self { begun: self.begun.plus_ms(length_ms), before: self.here, here: 0 };
        }
    }
}
