//! The name of a backup.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// `20261126T131845Z-7f3a9c01`: the moment it began, UTC, and eight hexadecimal digits at random. Sorts by time; safe in paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupId(String);

impl BackupId {
    /// Checks and wraps an id.
    ///
    /// # Errors
    /// One sentence that says what an id looks like.
    pub fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let shape = |(index, byte): (usize, u8)| match index {
            8 => byte == b'T',
            15 => byte == b'Z',
            16 => byte == b'-',
            0..=14 => byte.is_ascii_digit(),
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        };
        if text.len() == 25 && text.bytes().enumerate().all(shape) {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} is no backup's id; one looks like 20261126T131845Z-7f3a9c01, and `reeve backup list` shows them."))
        }
    }

    /// The id itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BackupId {
    type Error = String;
    fn try_from(value: String) -> Result<Self, String> {
        Self::new(value)
    }
}

impl FromStr for BackupId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(text)
    }
}

impl From<BackupId> for String {
    fn from(value: BackupId) -> Self {
        value.0
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d1_an_id_is_safe_in_paths_or_refused() {
        assert!(BackupId::new("20261126T131845Z-7f3a9c01").is_ok());
        for bad in ["", "../../etc/passwd", "20261126T131845Z-7F3A9C01", "20261126T131845Z-7f3a9c0/", "20261126T131845Z-7f3a9c011"] {
            assert!(BackupId::new(bad).is_err(), "{bad}");
        }
    }
}
