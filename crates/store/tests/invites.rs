//! G1 and G5: single-use links (AT-46), and API tokens.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, account, bindings, event, new_account, new_session};
use reeve_model::UnixMs;
use reeve_store::{
    StoreError,
    accounts::{self, DEFAULT_ORG},
    api_tokens::{self, NewApiToken},
    auth_sessions,
    invites::{self, Choice, NewInvite, Purpose, UseOutcome},
};
use uuid::Uuid;

fn hour() -> UnixMs {
    UnixMs::now().plus_ms(3_600_000)
}

fn link(id: u8, email: &str, purpose: Purpose) -> NewInvite {
    NewInvite {
        id: Uuid::from_u128(id.into()),
        org: DEFAULT_ORG,
        digest: [id; 32],
        email: email.to_owned(),
        purpose,
        made_by: Uuid::from_u128(7),
        expires_at: hour(),
    }
}

fn join() -> Purpose {
    Purpose::Join(bindings(&["operator@environment:dev", "viewer"]))
}

fn choice(id: u128, hash: &str) -> Choice {
    Choice { account: Uuid::from_u128(id), display_name: "Bob".to_owned(), password_hash: hash.to_owned() }
}

#[tokio::test]
async fn g5_an_invitation_makes_one_account_with_its_roles() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    account(&mut c, 7, "ann@example.org", &["admin"]).await;
    let told = || event("create", "invite", "bob@example.org");
    for _ in 0..2 {
        invites::make(&mut c, &link(1, " Bob@Example.org", join()), &told()).await.unwrap();
    }
    assert!(matches!(invites::make(&mut c, &link(2, "bob", join()), &told()).await, Err(StoreError::Invalid(_))));
    let open = invites::open(&mut c, DEFAULT_ORG).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].email.as_str(), open[0].made_by.as_str(), open[0].reset), ("bob@example.org", "ann@example.org", false));
    assert_eq!(open[0].bindings, bindings(&["operator@environment:dev", "viewer"]));
    let offered = invites::offer(&mut c, &[1; 32]).await.unwrap().unwrap();
    assert_eq!((offered.email.as_str(), offered.purpose), ("bob@example.org", join()));
    assert!(invites::offer(&mut c, &[9; 32]).await.unwrap().is_none());

    let accepted = event("accept", "invite", "bob@example.org");
    let made = UseOutcome::Made { account: Uuid::from_u128(8), email: "bob@example.org".to_owned() };
    assert_eq!(invites::use_once(&mut c, &[1; 32], &choice(8, "$a"), &accepted).await.unwrap(), made);
    // The same choice whose answer got lost is told the same; any other finds the link used.
    assert_eq!(invites::use_once(&mut c, &[1; 32], &choice(8, "$a"), &accepted).await.unwrap(), made);
    let again = event("accept", "invite", "");
    assert_eq!(invites::use_once(&mut c, &[1; 32], &choice(9, "$b"), &again).await.unwrap(), UseOutcome::Gone);
    assert_eq!(invites::use_once(&mut c, &[1; 32], &choice(8, "$b"), &again).await.unwrap(), UseOutcome::Gone);
    let bob = accounts::by_email(&mut c, DEFAULT_ORG, "bob@example.org").await.unwrap().unwrap();
    assert_eq!((bob.id, bob.display_name.as_str(), bob.bindings), (Uuid::from_u128(8), "Bob", open[0].bindings.clone()));
    assert_eq!(bench.outbox().await.iter().filter(|e| e.verb == "accept").count(), 1);
    assert!(invites::offer(&mut c, &[1; 32]).await.unwrap().is_none());
    assert!(!invites::withdraw(&mut c, DEFAULT_ORG, Uuid::from_u128(1), &again).await.unwrap(), "a used one can't be taken back");

    // Somebody with that e-mail came in another way meanwhile.
    invites::make(&mut c, &link(3, "carl@example.org", join()), &told()).await.unwrap();
    account(&mut c, 10, "carl@example.org", &[]).await;
    assert_eq!(invites::use_once(&mut c, &[3; 32], &choice(11, "$c"), &event("accept", "invite", "")).await.unwrap(), UseOutcome::Taken);
    assert!(invites::offer(&mut c, &[3; 32]).await.unwrap().is_some());
}

#[tokio::test]
async fn at_46_of_two_who_use_a_link_at_once_one_gets_it() {
    let bench = Bench::migrated().await;
    let (mut a, mut b) = (bench.runtime("one").await, bench.runtime("one").await);
    account(&mut a, 7, "ann@example.org", &["admin"]).await;
    for round in 0..10_u8 {
        let email = format!("bob{round}@example.org");
        let id = u128::from(round) * 2 + 100;
        invites::make(&mut a, &link(round + 10, &email, join()), &event("create", "invite", &email)).await.unwrap();
        let (e, f) = (event("accept", "invite", &email), event("accept", "invite", &email));
        let (x, y) = (choice(id, "$x"), choice(id + 1, "$y"));
        let digest = [round + 10; 32];
        let (x, y) = tokio::join!(invites::use_once(&mut a, &digest, &x, &e), invites::use_once(&mut b, &digest, &y, &f));
        let (x, y) = (x.unwrap(), y.unwrap());
        let won = |o: &UseOutcome| matches!(o, UseOutcome::Made { .. });
        assert!(won(&x) != won(&y) && (x == UseOutcome::Gone || y == UseOutcome::Gone), "{x:?} {y:?}");
        assert_eq!(bench.outbox().await.iter().filter(|e| e.verb == "accept" && e.resource == email).count(), 1);
    }
    assert_eq!(accounts::count(&mut a).await.unwrap(), 11);
}

#[tokio::test]
async fn g1_a_reset_sets_a_password_once_and_the_newest_link_counts() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let ann = account(&mut c, 7, "ann@example.org", &["admin"]).await;
    let bob = account(&mut c, 8, "bob@example.org", &["viewer"]).await;
    auth_sessions::begin(&mut c, &new_session(1, bob, hour()), &event("sign_in", "session", "")).await.unwrap();
    let told = || event("create", "reset", "bob@example.org");
    for id in [1, 2] {
        invites::make(&mut c, &link(id, "bob@example.org", Purpose::Reset(bob)), &told()).await.unwrap();
    }
    assert!(invites::offer(&mut c, &[1; 32]).await.unwrap().is_none(), "the older link still works");
    assert_eq!(invites::offer(&mut c, &[2; 32]).await.unwrap().unwrap().purpose, Purpose::Reset(bob));
    assert!(invites::open(&mut c, DEFAULT_ORG).await.unwrap()[0].reset);
    // A disabled account can't be opened by a link, and its link stays withdrawn when it is enabled again.
    accounts::set_disabled(&mut c, DEFAULT_ORG, bob, true, &event("disable", "account", "")).await.unwrap();
    let accepted = event("accept", "reset", "bob@example.org");
    assert_eq!(invites::use_once(&mut c, &[2; 32], &choice(99, "$new"), &accepted).await.unwrap(), UseOutcome::Gone);
    accounts::set_disabled(&mut c, DEFAULT_ORG, bob, false, &event("enable", "account", "")).await.unwrap();
    assert!(invites::offer(&mut c, &[2; 32]).await.unwrap().is_none(), "the link came back with the account");
    invites::make(&mut c, &link(5, "bob@example.org", Purpose::Reset(bob)), &told()).await.unwrap();
    let token = NewApiToken {
        id: Uuid::from_u128(50),
        account: bob,
        digest: [50; 32],
        name: "ci".to_owned(),
        scopes: vec!["view targets".to_owned()],
        expires_at: hour(),
    };
    assert!(api_tokens::make(&mut c, &token, &event("make", "token", "ci")).await.unwrap());
    auth_sessions::begin(&mut c, &new_session(2, bob, hour()), &event("sign_in", "session", "")).await.unwrap();
    let outcome = invites::use_once(&mut c, &[5; 32], &choice(99, "$new"), &accepted).await.unwrap();
    let email = "bob@example.org".to_owned();
    assert_eq!(outcome, UseOutcome::Reset { account: bob, email: email.clone(), ended: vec![Uuid::from_u128(2), Uuid::from_u128(50)] });
    assert!(api_tokens::by_digest(&mut c, &[50; 32]).await.unwrap().is_none(), "a token outlives the reset");
    let again = invites::use_once(&mut c, &[5; 32], &choice(99, "$new"), &accepted).await.unwrap();
    assert_eq!(again, UseOutcome::Reset { account: bob, email, ended: vec![] });
    assert_eq!(invites::use_once(&mut c, &[5; 32], &choice(99, "$other"), &accepted).await.unwrap(), UseOutcome::Gone);
    assert_eq!(accounts::by_id(&mut c, DEFAULT_ORG, bob).await.unwrap().unwrap().password_hash, "$new");
    assert_eq!(accounts::count(&mut c).await.unwrap(), 2);

    invites::make(&mut c, &link(3, "ann@example.org", Purpose::Reset(ann)), &told()).await.unwrap();
    let written = bench.outbox().await.len();
    let back = || event("withdraw", "invite", "");
    assert!(!invites::withdraw(&mut c, Uuid::from_u128(2), Uuid::from_u128(3), &back()).await.unwrap(), "of another organisation");
    assert!(invites::withdraw(&mut c, DEFAULT_ORG, Uuid::from_u128(3), &back()).await.unwrap());
    assert!(invites::withdraw(&mut c, DEFAULT_ORG, Uuid::from_u128(3), &back()).await.unwrap());
    assert_eq!(bench.outbox().await.len(), written + 1);
    assert!(invites::offer(&mut c, &[3; 32]).await.unwrap().is_none());
    let late = NewInvite { expires_at: UnixMs::now().plus_ms(-1), ..link(4, "ann@example.org", Purpose::Reset(ann)) };
    invites::make(&mut c, &late, &told()).await.unwrap();
    assert!(invites::offer(&mut c, &[4; 32]).await.unwrap().is_none());
    assert_eq!(invites::use_once(&mut c, &[4; 32], &choice(99, "$x"), &accepted).await.unwrap(), UseOutcome::Gone);
    assert!(invites::open(&mut c, DEFAULT_ORG).await.unwrap().is_empty());
    assert_eq!(invites::purge(&mut c, hour()).await.unwrap(), 5);
}

#[tokio::test]
async fn g1_an_api_token_works_until_it_is_revoked_expires_or_its_owner_is_disabled() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let ann = account(&mut c, 7, "ann@example.org", &["admin"]).await;
    let bob = account(&mut c, 8, "bob@example.org", &["viewer@tag:eu"]).await;
    let token = |id: u8, expires_at| NewApiToken {
        id: Uuid::from_u128(id.into()),
        account: bob,
        digest: [id; 32],
        name: format!("ci {id}"),
        scopes: vec!["view estate".to_owned()],
        expires_at,
    };
    let told = || event("create", "token", "ci");
    let first = told();
    assert!(api_tokens::make(&mut c, &token(1, hour()), &first).await.unwrap());
    assert!(api_tokens::make(&mut c, &token(1, hour()), &first).await.unwrap());
    assert!(api_tokens::make(&mut c, &token(2, UnixMs::now().plus_ms(-1)), &told()).await.unwrap());
    assert!(!api_tokens::make(&mut c, &NewApiToken { account: Uuid::from_u128(99), ..token(3, hour()) }, &told()).await.unwrap());
    assert_eq!(bench.outbox().await.len(), 4);
    let found = api_tokens::by_digest(&mut c, &[1; 32]).await.unwrap().unwrap();
    assert_eq!((found.account, found.bindings, found.scopes), (bob, bindings(&["viewer@tag:eu"]), vec!["view estate".to_owned()]));
    assert!(api_tokens::by_digest(&mut c, &[2; 32]).await.unwrap().is_none());
    assert!(api_tokens::by_digest(&mut c, &[9; 32]).await.unwrap().is_none());

    assert_eq!(api_tokens::of_account(&mut c, bob).await.unwrap()[1].last_used, None);
    api_tokens::touch(&mut c, found.id).await.unwrap();
    let used = api_tokens::of_account(&mut c, bob).await.unwrap()[1].last_used.unwrap();
    api_tokens::touch(&mut c, found.id).await.unwrap();
    assert_eq!(api_tokens::of_account(&mut c, bob).await.unwrap()[1].last_used, Some(used), "written twice in a minute");
    assert_eq!(accounts::views(&mut c, DEFAULT_ORG, Some(bob)).await.unwrap()[0].tokens, 1);

    accounts::set_disabled(&mut c, DEFAULT_ORG, bob, true, &event("disable", "account", "")).await.unwrap();
    assert!(api_tokens::by_digest(&mut c, &[1; 32]).await.unwrap().is_none());
    assert!(!api_tokens::make(&mut c, &token(3, hour()), &told()).await.unwrap());
    accounts::set_disabled(&mut c, DEFAULT_ORG, bob, false, &event("enable", "account", "")).await.unwrap();
    assert!(api_tokens::by_digest(&mut c, &[1; 32]).await.unwrap().is_none(), "a token came back with its account");
    assert!(api_tokens::make(&mut c, &token(4, hour()), &told()).await.unwrap());
    let found = api_tokens::by_digest(&mut c, &[4; 32]).await.unwrap().unwrap();
    let gone = || event("revoke", "token", "ci");
    assert!(!api_tokens::revoke(&mut c, ann, found.id, &gone()).await.unwrap(), "somebody else's");
    let written = bench.outbox().await.len();
    assert!(api_tokens::revoke(&mut c, bob, found.id, &gone()).await.unwrap());
    assert!(api_tokens::revoke(&mut c, bob, found.id, &gone()).await.unwrap());
    assert_eq!(bench.outbox().await.len(), written + 1);
    assert!(api_tokens::by_digest(&mut c, &[4; 32]).await.unwrap().is_none());
    assert_eq!(api_tokens::of_account(&mut c, bob).await.unwrap().len(), 3);
    let mut owner = bench.owner("one").await;
    sqlx::raw_sql("UPDATE main.api_token SET revoked_at = now() - interval '31 days'").execute(&mut owner).await.unwrap();
    assert!(api_tokens::of_account(&mut c, bob).await.unwrap().is_empty());
    assert_eq!(api_tokens::purge(&mut c, UnixMs::now()).await.unwrap(), 3);
    assert!(accounts::create(&mut c, &new_account(9, "x@example.org", &[]), &told()).await.unwrap().is_some());
}
