//! The audit trail: who did what, when, from where, and what came of it.

use crate::{Origin, UnixMs};
use serde::{Deserialize, Serialize};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// The caller may not, or could not prove who they are.
    Refused,
    /// It was tried and did not work.
    Failed,
    /// Something that should never happen did: somebody should look.
    Alarm,
}

impl Outcome {
    /// All.
    pub const ALL: [Self; 4] = [Self::Done, Self::Refused, Self::Failed, Self::Alarm];

    /// The word stored and used in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Alarm => "alarm",
        }
    }

    /// From its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.word() == word)
    }
}

/// One event as it is written, before it has its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Unique id (UUID).
    pub id: String,
    /// Organisation (UUID).
    pub org: String,
    /// When it happened.
    pub at: UnixMs,
    /// Account (UUID); none for somebody unknown.
    pub account: Option<String>,
    /// E-mail of the account, or what was typed in its place; `reeve` for Reeve itself.
    pub actor: String,
    /// How they proved who they are: `session`, `bearer`, `token`, `local`; empty when they didn't.
    pub via: String,
    /// What was done: `change`, `sign_in`, `export`, `view`, …
    pub verb: String,
    /// To what kind of thing: `account`, `session`, `token`, `audit`, …
    pub noun: String,
    /// Which one: an e-mail, a target's name, an id; empty where there is only one.
    pub resource: String,
    /// What came of it.
    pub outcome: Outcome,
    /// From where.
    pub origin: Origin,
    /// What it was before, as JSON, secrets removed; none where that says nothing.
    pub before: Option<String>,
    /// What it is now, as JSON, secrets removed.
    pub after: Option<String>,
    /// How many alike this one stands for: refusals of a flood are counted, not written one by one.
    pub count: u32,
}

impl AuditEvent {
    /// The bytes that are sealed: each field as `length:bytes,` in the order below, a missing one as `-,`. Numbers are decimal.
    /// Anybody can make them anew from an export, in any language: lengths count bytes of UTF-8, and nothing needs escaping.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let (at, count) = (self.at.0.to_string(), self.count.to_string());
        let address = self.origin.address.map(|a| a.to_string());
        let fields: [Option<&str>; 16] = [
            Some(&self.id),
            Some(&self.org),
            Some(&at),
            self.account.as_deref(),
            Some(&self.actor),
            Some(&self.via),
            Some(&self.verb),
            Some(&self.noun),
            Some(&self.resource),
            Some(self.outcome.word()),
            address.as_deref(),
            Some(&self.origin.agent),
            Some(&self.origin.request),
            self.before.as_deref(),
            self.after.as_deref(),
            Some(&count),
        ];
        let mut out = Vec::with_capacity(256);
        for field in fields {
            match field {
                Some(text) => {
                    out.extend_from_slice(text.len().to_string().as_bytes());
                    out.push(b':');
                    out.extend_from_slice(text.as_bytes());
                }
                None => out.push(b'-'),
            }
            out.push(b',');
        }
        out
    }
}

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Place in the log, from 1 without gaps; none while it waits to be sealed.
    pub seq: Option<i64>,
    /// The event; none when it was erased by law: its place and proof stay.
    pub event: Option<AuditEvent>,
    /// When it was sealed.
    pub sealed_at: Option<UnixMs>,
    /// Hash of the chain up to here, hexadecimal.
    pub hash: Option<String>,
}

/// What to look for. Empty fields match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditQuery {
    /// Part of the actor's e-mail, or their account id.
    pub actor: Option<String>,
    /// Exact verb.
    pub verb: Option<String>,
    /// Exact noun.
    pub noun: Option<String>,
    /// Beginning of the resource's name.
    pub resource: Option<String>,
    /// Outcome.
    pub outcome: Option<Outcome>,
    /// Not before.
    pub from: Option<UnixMs>,
    /// Before.
    pub to: Option<UnixMs>,
    /// What a former page gave as `next`.
    pub cursor: Option<String>,
    /// Entries of a page, 1 to 500; 0 means 50.
    pub limit: u32,
}

/// One page, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The present moment.
    pub at: UnixMs,
    /// The entries.
    pub items: Vec<AuditEntry>,
    /// How to ask for the next page; none at the end.
    pub next: Option<String>,
    /// Events that wait to be sealed.
    pub waiting: u32,
    /// Since when nothing could be sealed, and why; none while sealing works.
    pub stalled: Option<(UnixMs, String)>,
    /// Newest place in the log.
    pub head: Option<i64>,
}

/// What a check of the log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditVerdict {
    /// Entries that were read.
    pub checked: i64,
    /// Last good place; 0 for none.
    pub good_to: i64,
    /// Places whose content was erased by law; their proofs hold.
    pub erased: i64,
    /// Hash at the last good place, hexadecimal.
    pub head: String,
    /// What is wrong, in order; empty when all is well. Each names its place.
    pub problems: Vec<AuditProblem>,
}

/// Something wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AuditProblem {
    /// The content of an entry is not what was sealed.
    Changed {
        /// Its place.
        seq: i64,
    },
    /// Entries are missing in the middle.
    Removed {
        /// First missing place.
        from: i64,
        /// Last missing place.
        to: i64,
    },
    /// An entry's chain hash does not follow from the one before: entries were reordered, inserted or the rest rewritten.
    Broken {
        /// First place where it does not follow.
        seq: i64,
    },
    /// The log ends before the place that was recorded elsewhere as its end.
    CutOff {
        /// Last place there is.
        ends_at: i64,
        /// Place recorded as the end.
        recorded: i64,
        /// Where that is recorded.
        by: String,
    },
    /// The hash at a place that was recorded elsewhere is another: the whole log was rewritten.
    Rewritten {
        /// The place.
        seq: i64,
        /// Where it is recorded.
        by: String,
    },
}

impl AuditProblem {
    /// The finding in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Changed { seq } => format!("Entry {seq} was changed after it was sealed."),
            Self::Removed { from, to } if from == to => format!("Entry {from} was removed."),
            Self::Removed { from, to } => format!("Entries {from} to {to} were removed."),
            Self::Broken { seq } => {
                format!("Entry {seq} does not follow from the one before it: entries were reordered, inserted or sealed anew.")
            }
            Self::CutOff { ends_at, recorded, by } => {
                format!("The log ends at entry {ends_at}, but {by} recorded its end as {recorded}: the newest entries were cut off.")
            }
            Self::Rewritten { seq, by } => format!("Entry {seq} is sealed by another hash than {by} recorded: the log was rewritten."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_no_two_events_have_the_same_canonical_bytes() {
        let event = AuditEvent {
            id: "i".into(),
            org: "o".into(),
            at: UnixMs(5),
            account: None,
            actor: "a,1:b".into(),
            via: String::new(),
            verb: "change".into(),
            noun: "account".into(),
            resource: "é".into(),
            outcome: Outcome::Done,
            origin: Origin::default(),
            before: None,
            after: Some("{}".into()),
            count: 1,
        };
        let text = String::from_utf8(event.canonical()).expect("UTF-8");
        assert_eq!(text, "1:i,1:o,1:5,-,5:a,1:b,0:,6:change,7:account,2:é,4:done,-,0:,0:,-,2:{},1:1,");
        // A value moved from one field to the next is another event.
        let moved = AuditEvent { verb: "changeaccount".into(), noun: String::new(), ..event.clone() };
        assert_ne!(moved.canonical(), event.canonical());
        let empty = AuditEvent { before: Some(String::new()), ..event.clone() };
        assert_ne!(empty.canonical(), event.canonical(), "nothing is not the same as empty");
    }
}
