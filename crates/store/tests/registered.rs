//! A6: registered targets, through the runtime login.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, event, refused};
use reeve_model::{Environment, TargetKind, TargetName};
use reeve_store::{
    Store,
    accounts::DEFAULT_ORG,
    registered::{Registration, SealedAddress},
};
use uuid::Uuid;

fn address(fill: u8) -> SealedAddress {
    SealedAddress { sealed: [&[1][..], &[7; 8], &[fill; 44]].concat(), key_id: vec![7; 8] }
}

fn registration(name: &str, tags: &[&str]) -> Registration {
    Registration {
        name: TargetName::new(name).unwrap(),
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        region: Some("eu-1".into()),
        owner: None,
        tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        databases: vec!["Or\"ders".into()],
    }
}

#[tokio::test]
async fn a6_a_registration_its_address_and_its_event_are_one() {
    let bench = Bench::migrated().await;
    let (store, other) = (Store::new(bench.pools(false), DEFAULT_ORG), Store::new(bench.pools(false), DEFAULT_ORG));
    assert_eq!(store.stored_targets().await.unwrap(), Default::default());
    let first = event("add", "target", "shop");
    assert!(store.add_target(registration("shop", &["a"]), address(1), first.clone()).await.unwrap());
    // A commit whose answer was lost is done again, and is the same.
    assert!(store.add_target(registration("shop", &["a"]), address(1), first.clone()).await.unwrap());
    assert!(!other.add_target(registration("shop", &["b"]), address(2), event("add", "target", "shop")).await.unwrap());
    let seen = other.stored_targets().await.unwrap();
    assert_eq!(seen.registered[0].registration, registration("shop", &["a"]));
    assert_eq!(seen.addresses["shop"], address(1).sealed, "the second one changed nothing");
    assert_eq!(seen.registered[0].event, Uuid::parse_str(&first.id).unwrap());
    assert_eq!(bench.outbox().await.len(), 1);

    // Of two who saw the same, one changes it.
    let (a, b) = tokio::join!(
        store.edit_target(registration("shop", &["x"]), seen.registered[0].event, None, event("edit", "target", "shop")),
        other.edit_target(registration("shop", &["y"]), seen.registered[0].event, Some(address(3)), event("edit", "target", "shop")),
    );
    assert!(a.unwrap() ^ b.unwrap());
    assert_eq!(bench.outbox().await.len(), 2);
    let gone = TargetName::new("shop").unwrap();
    assert!(!store.remove_target(gone.clone(), seen.registered[0].event, event("remove", "target", "shop")).await.unwrap());
    let seen = store.stored_targets().await.unwrap();
    assert_ne!(seen.registered[0].registration.tags, ["a"]);
    assert!(store.remove_target(gone, seen.registered[0].event, event("remove", "target", "shop")).await.unwrap());
    assert_eq!(store.stored_targets().await.unwrap(), Default::default(), "nothing of it is left");
    assert_eq!(bench.outbox().await.len(), 3);

    // An event that can't be written leaves nothing behind, and what is not sealed is not taken.
    let mut broken = event("add", "target", "late");
    broken.org = "none".to_owned();
    assert!(store.add_target(registration("late", &[]), address(1), broken).await.is_err());
    let bare = SealedAddress { sealed: b"postgres://u:p@h/d".to_vec(), key_id: vec![7; 8] };
    assert!(store.add_target(registration("late", &[]), bare, event("add", "target", "late")).await.is_err());
    assert_eq!(store.stored_targets().await.unwrap(), Default::default());
    assert!(refused(&mut bench.runtime("one").await, "ALTER TABLE main.registered_target DROP COLUMN owner").await);
}
