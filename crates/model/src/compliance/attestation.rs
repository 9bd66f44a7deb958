//! What only a person can show: who says so, on what grounds, and until when.

use super::Framework;
use crate::{TargetName, UnixMs};
use serde::{Deserialize, Serialize};

/// Days for which a person's word holds at most.
pub const MOST_ATTESTED_DAYS: u32 = 365;

/// What a person vouches for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum Subject {
    /// A control on one target.
    Control {
        /// The target.
        target: TargetName,
        /// The control.
        control: String,
    },
    /// A clause, for all that Reeve watches.
    Clause {
        /// Of which framework.
        framework: Framework,
        /// Key of the clause, for example `32(1)(b)`.
        clause: String,
    },
}

impl Subject {
    /// The word of its kind in the store.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Control { .. } => "control",
            Self::Clause { .. } => "clause",
        }
    }

    /// The target; none for a clause.
    #[must_use]
    pub fn target(&self) -> Option<&TargetName> {
        match self {
            Self::Control { target, .. } => Some(target),
            Self::Clause { .. } => None,
        }
    }

    /// The control's id, or framework and clause.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Control { control, .. } => control.clone(),
            Self::Clause { framework, clause } => format!("{} {clause}", framework.word()),
        }
    }

    /// From what [`kind`](Self::kind), [`target`](Self::target) and [`key`](Self::key) say.
    #[must_use]
    pub fn from_parts(kind: &str, target: Option<TargetName>, key: &str) -> Option<Self> {
        match (kind, target) {
            ("control", Some(target)) => Some(Self::Control { target, control: key.to_owned() }),
            ("clause", None) => {
                let (framework, clause) = key.split_once(' ')?;
                Some(Self::Clause { framework: Framework::from_word(framework)?, clause: clause.to_owned() })
            }
            _ => None,
        }
    }
}

/// A person's word for something that no database can show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What for.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who.
    pub by: String,
    /// What they say.
    pub statement: String,
    /// Where the proof lies, or its digest; may be empty.
    pub document: String,
    /// When.
    pub at: UnixMs,
    /// From then on it says nothing.
    pub expires: UnixMs,
    /// When and by whom it was taken back; none while it holds or has run out by itself.
    pub withdrawn: Option<(UnixMs, String)>,
}

impl Attestation {
    /// Whether it counts at this moment.
    #[must_use]
    pub fn holds(&self, now: UnixMs) -> bool {
        self.withdrawn.is_none() && now < self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_a_subject_comes_back_from_its_parts_and_a_word_ends() {
        let target = TargetName::new("shop").expect("a name");
        let all = [
            Subject::Control { target, control: "ENC-09".into() },
            Subject::Clause { framework: Framework::Gdpr, clause: "32(1)(b)".into() },
        ];
        for subject in all {
            assert_eq!(Subject::from_parts(subject.kind(), subject.target().cloned(), &subject.key()), Some(subject.clone()));
            let (at, expires) = (UnixMs(0), UnixMs(100));
            let mut word =
                Attestation { subject, by: "a".into(), statement: "b".into(), document: String::new(), at, expires, withdrawn: None };
            assert!(word.holds(UnixMs(99)) && !word.holds(UnixMs(100)));
            word.withdrawn = Some((UnixMs(50), "a".into()));
            assert!(!word.holds(UnixMs(60)));
        }
        assert_eq!(Subject::from_parts("clause", None, "iso 1"), None);
    }
}
