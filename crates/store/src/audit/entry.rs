//! Entries of the log as they are read.

use super::seal::Hash;
use crate::error::{Result, StoreError, unix_ms};
use reeve_model::{
    Origin, UnixMs,
    audit::{AuditEntry, AuditEvent, Outcome},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// The columns of an entry.
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) sealed_at: OffsetDateTime,
    pub(super) id: Option<Uuid>,
    pub(super) at: Option<OffsetDateTime>,
    pub(super) account: Option<Uuid>,
    pub(super) actor: Option<String>,
    pub(super) via: Option<String>,
    pub(super) verb: Option<String>,
    pub(super) noun: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) outcome: Option<String>,
    pub(super) address: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) request: Option<String>,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) count: Option<i32>,
    pub(super) salt: Option<Vec<u8>>,
    pub(super) leaf: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Its event and salt.
    Event([u8; 32], Box<AuditEvent>),
    /// It was erased: all is null.
    Erased,
    /// Nothing that was ever sealed looks like that.
    Damaged,
}

/// An entry with its proof.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) seq: i64,
    /// Microseconds since 1970.
    pub(super) sealed_at: i64,
    pub(super) content: Content,
    pub(super) leaf: Hash,
    pub(super) hash: Hash,
}

impl Entry {
    pub(super) fn read(org: &str, row: Row) -> Result<Self> {
        let digest = |bytes: &[u8]| {
            Hash::try_from(bytes).map_err(|_| StoreError::Corrupt(format!("The proof of the audit entry {} is no SHA-256.", row.seq)))
        };
        let (seq, sealed_at, leaf, hash) = (row.seq, micros(row.sealed_at), digest(&row.leaf)?, digest(&row.hash)?);
        Ok(Self { seq, sealed_at, content: content(org, row), leaf, hash })
    }

    /// As it is shown.
    pub(super) fn shown(self) -> AuditEntry {
        AuditEntry {
            seq: Some(self.seq),
            sealed_at: Some(UnixMs(self.sealed_at.div_euclid(1000))),
            hash: Some(hex::encode(self.hash)),
            event: match self.content {
                Content::Event(_, event) => Some(*event),
                Content::Erased | Content::Damaged => None,
            },
        }
    }
}

/// Microseconds since 1970, which is all that PostgreSQL keeps.
pub(super) fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1000)).unwrap_or(i64::MAX)
}

/// The moment of so many microseconds since 1970.
pub(super) fn from_micros(micros: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|_| StoreError::Invalid(format!("{micros} µs since 1970 is no moment that can be stored.")))
}

fn content(org: &str, row: Row) -> Content {
    let erased = row.id.is_none()
        && row.at.is_none()
        && row.account.is_none()
        && row.address.is_none()
        && row.count.is_none()
        && row.salt.is_none()
        && [&row.actor, &row.via, &row.verb, &row.noun, &row.resource, &row.outcome, &row.agent, &row.request, &row.before, &row.after]
            .into_iter()
            .all(Option::is_none);
    if erased { Content::Erased } else { whole(org, row).unwrap_or(Content::Damaged) }
}

fn whole(org: &str, row: Row) -> Option<Content> {
    let at = row.at?;
    // Events are noted to the millisecond: anything finer was put there later.
    if micros(at).rem_euclid(1000) != 0 {
        return None;
    }
    let address = match row.address {
        Some(text) => Some(address(&text)?),
        None => None,
    };
    let event = AuditEvent {
        id: row.id?.to_string(),
        org: org.to_owned(),
        at: unix_ms(at),
        account: row.account.map(|id| id.to_string()),
        actor: row.actor?,
        via: row.via?,
        verb: row.verb?,
        noun: row.noun?,
        resource: row.resource?,
        outcome: Outcome::from_word(&row.outcome?)?,
        origin: Origin { address, agent: row.agent?, request: row.request? },
        before: row.before,
        after: row.after,
        count: u32::try_from(row.count?).ok()?,
    };
    Some(Content::Event(row.salt?.try_into().ok()?, Box::new(event)))
}

/// An `inet` as text always has the length of its net: that of a single host, or it is not what was sealed.
fn address(text: &str) -> Option<std::net::IpAddr> {
    let (host, bits) = text.split_once('/')?;
    let address: std::net::IpAddr = host.parse().ok()?;
    (bits == if address.is_ipv4() { "32" } else { "128" }).then_some(address)
}
