//! Mistakes in the configuration.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `reeve.toml:12: target[0].url` or `REEVE_LISTEN`.
    pub place: String,
    /// What is wrong and what to do.
    pub sentence: String,
}

/// All mistakes of one reading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Notes one more.
    pub fn add(&mut self, place: impl Into<String>, sentence: impl Into<String>) {
        self.0.push(Problem { place: place.into(), sentence: sentence.into() });
    }

    /// None were found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many were found.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "a mistake" } else { "mistakes" };
        writeln!(f, "The configuration has {plural}:")?;
        for problem in &self.0 {
            writeln!(f, "  {}: {}", problem.place, problem.sentence)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
