//! Sealed values as the runtime login keeps them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, refused};
use reeve_model::UnixMs;
use reeve_store::{Store, StoreError, accounts::DEFAULT_ORG, secrets::SIGNING_KEY};

fn event() -> reeve_model::audit::AuditEvent {
    common::event("set", "secret", "")
}

/// The shape of a sealed value: version, key id, nonce, tag.
fn sealed(key: u8, fill: u8) -> (Vec<u8>, Vec<u8>) {
    let id = vec![key; 8];
    ([&[1], id.as_slice(), &[fill; 44]].concat(), id)
}

#[tokio::test]
async fn g4_secrets_are_kept_replaced_and_removed_by_name() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    assert_eq!(store.secret("target", "a").await.unwrap(), None);
    for fill in [1, 2] {
        let (value, id) = sealed(7, fill);
        store.put_secret(("target", "a"), &value, &id, event()).await.unwrap();
        assert_eq!(store.secret("target", "a").await.unwrap(), Some(value));
    }
    assert_eq!(store.secret("smtp", "a").await.unwrap(), None, "the kind counts");
    assert!(store.remove_secret(("target", "a"), event()).await.unwrap());
    assert!(!store.remove_secret(("target", "a"), event()).await.unwrap());
    assert_eq!(bench.outbox().await.len(), 3, "set twice, removed once, each told");
    // AT-40: what is not sealed is not taken, not even by mistake.
    let id = [7; 8];
    assert!(store.put_secret(("target", "a"), b"postgres://u:p@h/d", &id, event()).await.is_err());
    assert!(
        store.put_secret(("target", "a"), &sealed(7, 1).0, &[8; 8], event()).await.is_err(),
        "the key's id beside it is the one inside"
    );
    assert!(refused(&mut bench.runtime("one").await, "ALTER TABLE main.secret DROP CONSTRAINT secret_pkey").await);
}

#[tokio::test]
async fn g4_all_are_sealed_anew_or_none() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    for name in ["a", "b", "c"] {
        let (value, id) = sealed(1, 0);
        store.put_secret(("target", name), &value, &id, event()).await.unwrap();
    }
    let now = UnixMs::now();
    store.add_signing_key("key", &sealed(1, 0).0, now.plus_ms(60_000), now).await.unwrap();
    let all = store.secrets().await.unwrap();
    let names: Vec<_> = all.iter().map(|s| (s.kind.as_str(), s.name.as_str())).collect();
    assert_eq!(names, [(SIGNING_KEY, "key"), ("target", "a"), ("target", "b"), ("target", "c")]);

    // The last one fails: the first ones are as before.
    let failing = store.reseal_secrets(event(), |secret| match secret.name.as_str() {
        "c" => Err(StoreError::Invalid("no".to_owned())),
        _ => Ok(Some(sealed(2, 0))),
    });
    assert!(matches!(failing.await, Err(StoreError::Invalid(_))));
    assert_eq!(store.secrets().await.unwrap(), all);
    let done = store.reseal_secrets(event(), |secret| Ok((secret.name != "b").then(|| sealed(2, 0))));
    assert_eq!(done.await.unwrap(), 3);
    let keys: Vec<u8> = store.secrets().await.unwrap().iter().map(|s| s.sealed[1]).collect();
    assert_eq!(keys, [2, 2, 1, 2]);
    assert!(store.remove_secret((SIGNING_KEY, "key"), event()).await.unwrap());
    assert_eq!(store.signing_keys().await.unwrap(), []);
    assert_eq!(bench.outbox().await.len(), 5, "what failed is not told as done");
}
