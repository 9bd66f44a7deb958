//! Counting, whatever the runner.

use std::fmt;

/// How many tests ended how.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Passed, skipped ones not counted.
    pub passed: usize,
    /// The names of those that failed, also by time-out or crash.
    pub failed: Vec<String>,
    /// The names of those that did not run, or ran and said that they can't here.
    pub skipped: Vec<String>,
}

impl Tally {
    /// Takes in the count of another run.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed.len(), self.skipped.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let mut sum = Tally { passed: 2, skipped: vec!["a".into()], ..Tally::default() };
        sum.add(Tally { passed: 3, failed: vec!["c".into()], skipped: vec!["b".into()] });
        assert_eq!(sum.to_string(), "5 passed, 1 failed, 2 skipped");
    }
}
