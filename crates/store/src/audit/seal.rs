//! How the log is sealed. Anybody can compute the same from an export, with nothing but SHA-256.
//!
//! - The first entry follows from `SHA-256(0x02 ‖ log ‖ organisation)`, both as the 16 bytes of their UUID.
//! - An entry's leaf is `SHA-256(0x00 ‖ salt ‖ event)`, the event as [`AuditEvent::canonical`] writes it. The salt (32 random bytes)
//!   keeps an erased event from being guessed and compared with its leaf.
//! - Its hash is `SHA-256(0x01 ‖ hash before ‖ seq ‖ sealed_at ‖ leaf)`: seq and the moment (microseconds since 1970) as 8 bytes each,
//!   most significant first.
//!
//! The first byte keeps the three apart: none can pass for another.

use reeve_model::audit::AuditEvent;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A SHA-256.
pub type Hash = [u8; 32];

/// What the first entry of a log follows from.
#[must_use]
pub fn beginning(log: Uuid, org: Uuid) -> Hash {
    Sha256::new().chain_update([2]).chain_update(log.as_bytes()).chain_update(org.as_bytes()).finalize().into()
}

/// The salted digest of an event.
#[must_use]
pub fn leaf(salt: &[u8; 32], event: &AuditEvent) -> Hash {
    Sha256::new().chain_update([0]).chain_update(salt).chain_update(event.canonical()).finalize().into()
}

/// The hash of an entry, which binds it to all before it. `sealed_at` is in microseconds since 1970.
#[must_use]
pub fn hash(before: &Hash, seq: i64, sealed_at: i64, leaf: &Hash) -> Hash {
    let digest = Sha256::new().chain_update([1]).chain_update(before).chain_update(seq.to_be_bytes());
    digest.chain_update(sealed_at.to_be_bytes()).chain_update(leaf).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_model::{Origin, UnixMs, audit::Outcome};

    #[test]
    fn g3_a_fixed_event_is_sealed_as_it_always_was() {
        let event = AuditEvent {
            id: "6f1c1f6e-0b0a-4c55-9d6c-0a4f0c1d2e3f".into(),
            org: "00000000-0000-0000-0000-000000000001".into(),
            at: UnixMs(1_790_000_000_123),
            account: Some("00000000-0000-0000-0000-000000000007".into()),
            actor: "ann@example.org".into(),
            via: "session".into(),
            verb: "change".into(),
            noun: "account".into(),
            resource: "böb@example.org".into(),
            outcome: Outcome::Done,
            origin: Origin { address: "2001:db8::1".parse().ok(), agent: "curl/8".into(), request: "r-1".into() },
            before: Some(r#"{"bindings":[]}"#.into()),
            after: Some(r#"{"bindings":["viewer@everything"]}"#.into()),
            count: 1,
        };
        let first = beginning(Uuid::from_u128(0xfeed), Uuid::from_u128(1));
        let leaf = leaf(&[7; 32], &event);
        let hash = hash(&first, 1, 1_790_000_000_456_789, &leaf);
        // Computed with another program (Python's hashlib) from the description above.
        assert_eq!(hex::encode(first), "5e945431a38e34bcf96ca37791783e61299fe8e65dbc3abe1cf80530538f1373");
        assert_eq!(hex::encode(leaf), "b911acf4e3e2cf3adabc807a242294a06c0f62f89be7f96bbd87a095624ed74d");
        assert_eq!(hex::encode(hash), "fe33cd5d17621cc8d4955f8409b8d4929e965c5a206665e6ca9f695f8a42ac14");
    }
}
