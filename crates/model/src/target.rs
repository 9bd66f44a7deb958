//! Targets: the servers under care.

use crate::UnixMs;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The unique name of a target: 1 to 63 of `a-z`, `0-9`, `-`, `_`, starting with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetName(String);

impl TargetName {
    /// Checks and wraps a name.
    ///
    /// # Errors
    /// One sentence that says what a name may hold.
    pub fn new(name: impl Into<String>) -> Result<Self, String> {
        let name = name.into();
        let head = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let body = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if head && body && name.len() <= 63 {
            Ok(Self(name))
        } else {
            Err(format!(
                "A target's name has 1 to 63 of the characters a-z, 0-9, - and _, and starts with a letter or digit; {name:?} does not."
            ))
        }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TargetName {
    type Error = String;
    fn try_from(value: String) -> Result<Self, String> {
        Self::new(value)
    }
}

impl From<TargetName> for String {
    fn from(value: TargetName) -> Self {
        value.0
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of server a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// A PostgreSQL instance with all its databases.
    Postgres,
}

impl TargetKind {
    /// The word used in configuration and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
        }
    }
}

/// Where in the life of software a target stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Development.
    Dev,
    /// Staging.
    Staging,
    /// Production.
    Prod,
}

impl Environment {
    /// All, from the harmless to the precious.
    pub const ALL: [Self; 3] = [Self::Dev, Self::Staging, Self::Prod];

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.word() == word)
    }

    /// The word used in configuration and API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }
}

/// What is registered of a target, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// Unique name.
    pub name: TargetName,
    /// Kind of server.
    pub kind: TargetKind,
    /// Environment.
    pub environment: Environment,
    /// Host and port, or socket directory, as a person would say it; no user, no password.
    pub address: String,
    /// Free words to group by.
    pub tags: Vec<String>,
    /// Where it runs, in the words of whoever runs it, such as `eu-central-1`; none: nobody said.
    #[serde(default)]
    pub region: Option<String>,
    /// Who answers for it, such as a team or an address; none: nobody said.
    #[serde(default)]
    pub owner: Option<String>,
}

/// Longest region, owner or tag, characters.
pub const LONGEST_LABEL: usize = 100;

/// A region, an owner or a tag as it may be kept: without blanks around it, of 1 to [`LONGEST_LABEL`] characters, none of which breaks a
/// line, steers a terminal, or turns the direction of writing. `what` is its name in the sentence.
///
/// # Errors
/// One sentence that says what it may hold.
pub fn label(what: &str, text: &str) -> Result<String, String> {
    let text = text.trim();
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let length = text.chars().count();
    if (1..=LONGEST_LABEL).contains(&length) && !text.chars().any(|c| c.is_control() || turns(c)) {
        Ok(text.to_owned())
    } else {
        Err(format!("The {what} of a target has 1 to {LONGEST_LABEL} characters and is one line of plain text."))
    }
}

/// What a server that answers holds against Reeve's sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refusal {
    /// The password, or the lack of one. Servers say the same of a role that isn't there.
    Password,
    /// `pg_hba.conf`, or the role itself: it isn't there, or may not sign in.
    Rules,
    /// The database isn't there.
    Database,
    /// The role may not connect to the database.
    Right,
    /// No connection is left for the role, in the database or on the server.
    Limit,
}

/// Whether a target answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Reach {
    /// Not tried yet.
    Untried,
    /// Answered the newest round.
    Up {
        /// First good round in a row.
        since: UnixMs,
    },
    /// Did not answer the newest round.
    Down {
        /// First failed round in a row.
        since: UnixMs,
        /// Why, in one sentence without secrets.
        sentence: String,
        /// The last moment it answered, if it ever did.
        last_up: Option<UnixMs>,
        /// It does answer, and refuses the sign-in; none: nothing answers, or something else is wrong.
        #[serde(default)]
        refusal: Option<Refusal>,
    },
}
