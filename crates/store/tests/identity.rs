//! G1: accounts, sign-ins, keys; and the targets' registry. All through the runtime login.
#![allow(clippy::unwrap_used)]

mod common;

use common::Bench;
use reeve_model::{Environment, Status, TargetInfo, TargetKind, TargetName, UnixMs};
use reeve_store::{
    StoreError,
    accounts::{self, DEFAULT_ORG, NewAccount},
    auth_sessions, signing_keys,
    targets::{self, VerdictRecord},
};
use uuid::Uuid;

fn new<'a>(id: u128, email: &'a str, roles: &'a [String]) -> NewAccount<'a> {
    NewAccount { id: Uuid::from_u128(id), org: DEFAULT_ORG, email, display_name: "Ann", password_hash: "$argon2id$x", roles }
}

#[tokio::test]
async fn g1_accounts_are_found_by_email_in_any_case_and_made_once() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let roles = ["admin".to_owned()];
    assert_eq!(accounts::count(&mut c).await.unwrap(), 0);
    assert_eq!(accounts::create(&mut c, &new(7, " Ann@Example.org ", &roles)).await.unwrap(), Some(Uuid::from_u128(7)));
    // A retry is the same account; another with that e-mail is refused.
    assert_eq!(accounts::create(&mut c, &new(7, "ann@example.org", &roles)).await.unwrap(), Some(Uuid::from_u128(7)));
    assert_eq!(accounts::create(&mut c, &new(8, "ANN@example.org", &roles)).await.unwrap(), None);
    for wrong in ["", "ann", "@x", "ann@", "a b@x.org"] {
        assert!(matches!(accounts::create(&mut c, &new(9, wrong, &roles)).await, Err(StoreError::Invalid(_))), "{wrong}");
    }
    assert_eq!(accounts::count(&mut c).await.unwrap(), 1);
    let ann = accounts::by_email(&mut c, DEFAULT_ORG, "ANN@EXAMPLE.ORG").await.unwrap().unwrap();
    assert_eq!((ann.email.as_str(), &ann.roles[..], ann.epoch, ann.disabled_at), ("ann@example.org", &roles[..], 1, None));
    assert!(!format!("{ann:?}").contains("argon2id"));
    assert!(accounts::by_email(&mut c, DEFAULT_ORG, "bob@example.org").await.unwrap().is_none());

    accounts::rehash(&mut c, ann.id, &ann.password_hash, "newer").await.unwrap();
    assert_eq!(accounts::by_id(&mut c, ann.id).await.unwrap().unwrap().epoch, 1);
    assert!(accounts::set_password(&mut c, ann.id, "other").await.unwrap());
    accounts::rehash(&mut c, ann.id, "newer", "stale").await.unwrap();
    let ann = accounts::by_id(&mut c, ann.id).await.unwrap().unwrap();
    assert_eq!((ann.password_hash.as_str(), ann.epoch), ("other", 2));
    assert!(accounts::set_disabled(&mut c, ann.id, true).await.unwrap());
    assert!(accounts::set_disabled(&mut c, ann.id, true).await.unwrap());
    let ann = accounts::by_id(&mut c, ann.id).await.unwrap().unwrap();
    assert!(ann.disabled_at.is_some() && ann.epoch == 3);
    assert!(accounts::set_disabled(&mut c, ann.id, false).await.unwrap());
    assert!(accounts::by_id(&mut c, ann.id).await.unwrap().unwrap().disabled_at.is_none());
    assert!(!accounts::set_disabled(&mut c, Uuid::from_u128(99), true).await.unwrap());
}

#[tokio::test]
async fn g1_a_sign_in_lives_until_it_ends_expires_or_its_account_is_disabled() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let roles = ["admin".to_owned()];
    let ann = accounts::create(&mut c, &new(7, "ann@example.org", &roles)).await.unwrap().unwrap();
    let later = UnixMs::now().plus_ms(3_600_000);
    let [a, b, old, second] = [1, 2, 3, 4].map(Uuid::from_u128);
    for (sid, until) in [(a, later), (b, later), (old, UnixMs::now().plus_ms(-1)), (second, later)] {
        auth_sessions::begin(&mut c, sid, ann, "session", until).await.unwrap();
        auth_sessions::begin(&mut c, sid, ann, "session", until).await.unwrap();
    }
    assert!(auth_sessions::begin(&mut c, Uuid::from_u128(5), Uuid::from_u128(99), "session", later).await.is_err());
    let live = auth_sessions::live(&mut c, a).await.unwrap().unwrap();
    assert_eq!((live.account, live.email.as_str(), live.epoch, live.expires_at), (ann, "ann@example.org", 1, later));
    assert!(auth_sessions::live(&mut c, old).await.unwrap().is_none());
    assert!(!auth_sessions::touch(&mut c, old, Some(later)).await.unwrap(), "an expired one came back");
    assert!(auth_sessions::touch(&mut c, a, Some(later.plus_ms(1000))).await.unwrap());
    assert_eq!(auth_sessions::live(&mut c, a).await.unwrap().unwrap().expires_at, later.plus_ms(1000));

    assert!(auth_sessions::end(&mut c, a).await.unwrap());
    assert!(!auth_sessions::end(&mut c, a).await.unwrap());
    assert!(auth_sessions::live(&mut c, a).await.unwrap().is_none());
    assert!(!auth_sessions::touch(&mut c, a, Some(later)).await.unwrap());
    accounts::set_disabled(&mut c, ann, true).await.unwrap();
    assert!(auth_sessions::live(&mut c, b).await.unwrap().is_none());
    assert!(auth_sessions::begin(&mut c, Uuid::from_u128(6), ann, "bearer", later).await.is_err());
    accounts::set_disabled(&mut c, ann, false).await.unwrap();
    let mut ended = auth_sessions::end_all(&mut c, ann).await.unwrap();
    ended.sort();
    assert_eq!(ended, [b, old, second]);
    assert_eq!(auth_sessions::purge(&mut c, UnixMs::now().plus_ms(1000)).await.unwrap(), 4);
}

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
