//! G1: keys; and the targets' registry. All through the runtime login.
#![allow(clippy::unwrap_used)]

mod common;

use common::Bench;
use reeve_model::{Environment, Status, TargetInfo, TargetKind, TargetName, UnixMs};
use reeve_store::{
    StoreError,
    accounts::DEFAULT_ORG,
    signing_keys,
    targets::{self, VerdictRecord},
};

#[tokio::test]
async fn g1_of_two_nodes_that_make_a_key_one_wins_and_both_use_it() {
    let bench = Bench::migrated().await;
    let (mut a, mut b) = (bench.runtime("one").await, bench.runtime("one").await);
    let (now, later) = (UnixMs::now(), UnixMs::now().plus_ms(86_400_000));
    let due = now.plus_ms(-3_600_000);
    let (x, y) =
        tokio::join!(signing_keys::add(&mut a, "kid-a", b"secret", later, due), signing_keys::add(&mut b, "kid-b", b"secret", later, due));
    assert_eq!(x.as_ref().unwrap().kid, y.unwrap().kid);
    assert!(!format!("{x:?}").contains("115"), "the key's bytes are shown");
    assert_eq!(signing_keys::current(&mut a).await.unwrap().len(), 1);
    // Due again: a second one signs, the first still verifies.
    let soon = UnixMs::now().plus_ms(60_000);
    assert_eq!(signing_keys::add(&mut a, "kid-c", b"other", later, soon).await.unwrap().kid, "kid-c");
    assert_eq!(signing_keys::current(&mut a).await.unwrap().len(), 2);
    assert_eq!(signing_keys::purge(&mut a, later.plus_ms(1)).await.unwrap(), 2);
}

#[tokio::test]
async fn b1_since_outlives_a_restart_and_a_status_is_recorded_once() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let name = TargetName::new("findawise").unwrap();
    let info = |tags: &[&str]| TargetInfo {
        name: name.clone(),
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: "/run".to_owned(),
        tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        region: None,
        owner: None,
    };
    let id = targets::register(&mut c, DEFAULT_ORG, &[info(&[])]).await.unwrap()[&name];
    assert_eq!(targets::register(&mut c, DEFAULT_ORG, &[info(&["sample"])]).await.unwrap()[&name], id);
    assert_eq!(targets::register(&mut c, DEFAULT_ORG, &[info(&["sample"])]).await.unwrap()[&name], id);
    assert_eq!(targets::registered(&mut c, DEFAULT_ORG).await.unwrap(), [info(&["sample"])]);

    let at = UnixMs(1_790_000_000_123);
    let verdict = |status, since, score| VerdictRecord { status, since, score };
    assert!(targets::last_verdicts(&mut c, DEFAULT_ORG).await.unwrap().is_empty());
    let healthy = verdict(Status::Healthy, at, Some(97.5));
    assert!(targets::record_verdict(&mut c, DEFAULT_ORG, &name, healthy).await.unwrap());
    assert!(!targets::record_verdict(&mut c, DEFAULT_ORG, &name, verdict(Status::Healthy, at.plus_ms(5), None)).await.unwrap());
    assert_eq!(targets::last_verdicts(&mut c, DEFAULT_ORG).await.unwrap()[&name], healthy);
    let critical = verdict(Status::Critical, at.plus_ms(10), None);
    assert!(targets::record_verdict(&mut c, DEFAULT_ORG, &name, critical).await.unwrap());
    assert_eq!(targets::last_verdicts(&mut c, DEFAULT_ORG).await.unwrap()[&name], critical);
    assert_eq!(targets::verdict_changes(&mut c, DEFAULT_ORG, &name, at).await.unwrap(), [healthy, critical]);
    // Gone from the configuration and back: the same id, the same past.
    targets::register(&mut c, DEFAULT_ORG, &[]).await.unwrap();
    assert!(targets::last_verdicts(&mut c, DEFAULT_ORG).await.unwrap().is_empty());
    assert_eq!(targets::register(&mut c, DEFAULT_ORG, &[info(&[])]).await.unwrap()[&name], id);
    assert_eq!(targets::last_verdicts(&mut c, DEFAULT_ORG).await.unwrap()[&name], critical);
    let nobody = TargetName::new("nobody").unwrap();
    assert!(matches!(targets::record_verdict(&mut c, DEFAULT_ORG, &nobody, healthy).await, Err(StoreError::Invalid(_))));
}
