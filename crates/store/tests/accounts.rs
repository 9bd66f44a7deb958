//! G1 and G2: accounts, their roles, and sign-ins; each change with its event (AT-44), and always an admin left (AT-46).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, account, bindings, event, new_account, new_session};
use reeve_model::{UnixMs, account::AccountView};
use reeve_store::{
    StoreError,
    accounts::{self, DEFAULT_ORG},
    api_tokens::{self, NewApiToken},
    auth_sessions,
    invites::{self, Choice, NewInvite, Purpose},
    refresh_tokens::{self, RefreshUse},
};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

fn hour() -> UnixMs {
    UnixMs::now().plus_ms(3_600_000)
}

#[tokio::test]
async fn g1_accounts_are_found_by_email_in_any_case_and_made_once() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    assert_eq!(accounts::count(&mut c).await.unwrap(), 0);
    let made = event("create", "account", "ann@example.org");
    let roles = ["admin@everything", "viewer@tag:eu"];
    let create = async |c: &mut PgConnection, id, email: &str| accounts::create(c, &new_account(id, email, &roles), &made).await;
    assert_eq!(create(&mut c, 7, " Ann@Example.org ").await.unwrap(), Some(Uuid::from_u128(7)));
    // A retry is the same account and the same event; another with that e-mail is refused.
    assert_eq!(create(&mut c, 7, "ann@example.org").await.unwrap(), Some(Uuid::from_u128(7)));
    assert_eq!(create(&mut c, 8, "ANN@example.org").await.unwrap(), None);
    for wrong in ["", "ann", "@x", "ann@", "a b@x.org", "a\u{0}@x.org"] {
        assert!(matches!(create(&mut c, 9, wrong).await, Err(StoreError::Invalid(_))), "{wrong:?}");
    }
    assert_eq!(accounts::count(&mut c).await.unwrap(), 1);
    assert_eq!(bench.outbox().await, [made]);
    let ann = accounts::by_email(&mut c, DEFAULT_ORG, "ANN@EXAMPLE.ORG").await.unwrap().unwrap();
    assert_eq!((ann.email.as_str(), &ann.bindings, ann.epoch, ann.disabled_at), ("ann@example.org", &bindings(&roles), 1, None));
    assert!(!format!("{ann:?}").contains("argon2id"));
    assert!(accounts::by_email(&mut c, DEFAULT_ORG, "bob@example.org").await.unwrap().is_none());
    assert!(accounts::by_id(&mut c, Uuid::from_u128(2), ann.id).await.unwrap().is_none(), "of another organisation");

    accounts::rehash(&mut c, ann.id, &ann.password_hash, "newer").await.unwrap();
    let read = async |c: &mut PgConnection| accounts::by_id(c, DEFAULT_ORG, Uuid::from_u128(7)).await.unwrap().unwrap();
    assert_eq!(read(&mut c).await.epoch, 1);
    let told = || event("change", "password", "ann@example.org");
    assert!(accounts::set_password(&mut c, DEFAULT_ORG, ann.id, "other", None, &told()).await.unwrap().is_some());
    accounts::rehash(&mut c, ann.id, "newer", "stale").await.unwrap();
    let ann = read(&mut c).await;
    assert_eq!((ann.password_hash.as_str(), ann.epoch), ("other", 2));
    let nobody = Uuid::from_u128(99);
    assert_eq!(accounts::set_password(&mut c, DEFAULT_ORG, nobody, "x", None, &told()).await.unwrap(), None);
    assert_eq!(accounts::set_disabled(&mut c, DEFAULT_ORG, nobody, true, &told()).await.unwrap(), None);
    assert!(!accounts::set_bindings(&mut c, DEFAULT_ORG, nobody, &bindings(&["viewer"]), &told()).await.unwrap());
    assert_eq!(bench.outbox().await.len(), 2, "what did not happen was written");
}

#[tokio::test]
async fn g2_new_roles_replace_the_old_ones_and_raise_the_epoch() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let ann = account(&mut c, 7, "ann@example.org", &["viewer", "operator@environment:dev"]).await;
    let bob = account(&mut c, 8, "bob@example.org", &["admin"]).await;
    let wanted = bindings(&["operator@environment:dev", "security_officer@target:orders"]);
    assert!(accounts::set_bindings(&mut c, DEFAULT_ORG, ann, &wanted, &event("change", "account", "ann@example.org")).await.unwrap());
    let read = accounts::by_id(&mut c, DEFAULT_ORG, ann).await.unwrap().unwrap();
    assert_eq!((read.bindings, read.epoch), (wanted.clone(), 2));
    assert!(accounts::set_bindings(&mut c, DEFAULT_ORG, ann, &[], &event("change", "account", "ann@example.org")).await.unwrap());
    let views = accounts::views(&mut c, DEFAULT_ORG, None).await.unwrap();
    let shown: Vec<(&str, usize)> = views.iter().map(|v| (v.email.as_str(), v.bindings.len())).collect();
    assert_eq!(shown, [("ann@example.org", 0), ("bob@example.org", 1)]);
    accounts::set_disabled(&mut c, DEFAULT_ORG, ann, true, &event("disable", "account", "ann@example.org")).await.unwrap();
    let views = accounts::views(&mut c, DEFAULT_ORG, None).await.unwrap();
    assert_eq!(views.iter().map(|v| v.email.as_str()).collect::<Vec<_>>(), ["bob@example.org", "ann@example.org"]);
    let only: Vec<AccountView> = accounts::views(&mut c, DEFAULT_ORG, Some(bob)).await.unwrap();
    assert_eq!(only, views[..1]);
}

#[tokio::test]
async fn g1_a_sign_in_lives_until_it_ends_idles_expires_or_its_account_is_disabled() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let ann = account(&mut c, 7, "ann@example.org", &["viewer"]).await;
    let past = UnixMs::now().plus_ms(-1);
    let mut idle = new_session(4, ann, hour());
    idle.idle_ends_at = Some(past);
    let mut watched = new_session(2, ann, hour());
    watched.idle_ends_at = Some(UnixMs::now().plus_ms(60_000));
    for new in [new_session(1, ann, hour()), watched, new_session(3, ann, past), idle] {
        let told = event("sign_in", "session", "");
        auth_sessions::begin(&mut c, &new, &told).await.unwrap();
        auth_sessions::begin(&mut c, &new, &told).await.unwrap();
    }
    let [a, b, old, idle] = [1, 2, 3, 4].map(Uuid::from_u128);
    assert_eq!(bench.outbox().await.len(), 5, "a retry was written twice");
    let nobody = new_session(5, Uuid::from_u128(99), hour());
    assert!(auth_sessions::begin(&mut c, &nobody, &event("sign_in", "session", "")).await.is_err());
    assert_eq!(bench.outbox().await.len(), 5);
    let live = auth_sessions::live(&mut c, a).await.unwrap().unwrap();
    assert_eq!((live.account, live.email.as_str(), live.epoch, live.bindings), (ann, "ann@example.org", 1, bindings(&["viewer"])));
    for over in [old, idle] {
        assert!(auth_sessions::live(&mut c, over).await.unwrap().is_none());
        assert!(!auth_sessions::touch(&mut c, over, Some(hour())).await.unwrap(), "one that was over came back");
    }
    assert!(accounts::by_id(&mut c, DEFAULT_ORG, ann).await.unwrap().unwrap().last_sign_in.is_some());
    assert_eq!(
        auth_sessions::known_addresses(&mut c, DEFAULT_ORG).await.unwrap(),
        [("ann@example.org".to_owned(), "192.0.2.7".to_owned())]
    );

    // Written at most once a minute.
    let until = live.idle_ends_at;
    assert!(auth_sessions::touch(&mut c, a, Some(hour())).await.unwrap());
    assert_eq!(auth_sessions::live(&mut c, a).await.unwrap().unwrap().idle_ends_at, until);
    let mut owner = bench.owner("one").await;
    sqlx::raw_sql("UPDATE main.auth_session SET last_seen = now() - interval '61 seconds'").execute(&mut owner).await.unwrap();
    let later = hour();
    assert!(auth_sessions::touch(&mut c, a, Some(later)).await.unwrap());
    let live = auth_sessions::live(&mut c, a).await.unwrap().unwrap();
    assert_eq!(live.idle_ends_at, Some(later));
    assert!(live.last_seen.0 > UnixMs::now().plus_ms(-30_000).0);
    let shown = auth_sessions::of_account(&mut c, ann, Some(b)).await.unwrap();
    let ids: Vec<(String, bool)> = shown.iter().map(|s| (s.id.clone(), s.current)).collect();
    assert_eq!(ids, [(b.to_string(), true), (a.to_string(), false)]);
    assert_eq!((shown[0].address.as_str(), shown[0].agent.as_str()), ("192.0.2.7", "test"));

    let told = || event("sign_out", "session", "");
    assert!(!auth_sessions::end(&mut c, Uuid::from_u128(8), a, &told()).await.unwrap(), "somebody else's");
    let written = bench.outbox().await.len();
    assert!(auth_sessions::end(&mut c, ann, a, &told()).await.unwrap());
    assert!(auth_sessions::end(&mut c, ann, a, &told()).await.unwrap());
    assert_eq!(bench.outbox().await.len(), written + 1, "it ended once");
    assert!(auth_sessions::live(&mut c, a).await.unwrap().is_none());
    assert!(!auth_sessions::touch(&mut c, a, Some(later)).await.unwrap());
    let mut ended = accounts::set_disabled(&mut c, DEFAULT_ORG, ann, true, &event("disable", "account", "")).await.unwrap().unwrap();
    ended.sort();
    assert_eq!(ended, [b, old, idle]);
    assert!(auth_sessions::begin(&mut c, &new_session(6, ann, hour()), &told()).await.is_err());
    accounts::set_disabled(&mut c, DEFAULT_ORG, ann, false, &event("enable", "account", "")).await.unwrap();
    assert!(auth_sessions::live(&mut c, b).await.unwrap().is_none(), "enabled again, what had ended came back");
    assert_eq!(accounts::by_id(&mut c, DEFAULT_ORG, ann).await.unwrap().unwrap().epoch, 2);
    assert_eq!(auth_sessions::purge(&mut c, UnixMs::now().plus_ms(1000)).await.unwrap(), 4);
}

#[tokio::test]
async fn g1_a_new_password_ends_all_sessions_but_the_one_that_set_it() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let ann = account(&mut c, 7, "ann@example.org", &["viewer"]).await;
    let [a, b, other] = [1, 2, 3].map(Uuid::from_u128);
    for sid in [1, 2, 3] {
        auth_sessions::begin(&mut c, &new_session(sid, ann, hour()), &event("sign_in", "session", "")).await.unwrap();
    }
    let ended = accounts::set_password(&mut c, DEFAULT_ORG, ann, "new", Some(b), &event("change", "password", "")).await.unwrap().unwrap();
    assert!(ended.len() == 2 && ended.contains(&a) && ended.contains(&other));
    assert_eq!(auth_sessions::live(&mut c, b).await.unwrap().unwrap().epoch, 2);
    assert_eq!(auth_sessions::end_all_but(&mut c, ann, None, &event("sign_out", "session", "all")).await.unwrap(), [b]);
}

#[tokio::test]
async fn at_46_the_last_admin_for_everything_stays() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let viewer = account(&mut c, 5, "val@example.org", &["viewer"]).await;
    // Before there is an admin, others may come and go.
    accounts::set_disabled(&mut c, DEFAULT_ORG, viewer, true, &event("disable", "account", "")).await.unwrap();
    let ann = account(&mut c, 7, "ann@example.org", &["admin", "viewer"]).await;
    account(&mut c, 8, "bob@example.org", &["admin@environment:prod"]).await;
    let carl = account(&mut c, 9, "carl@example.org", &["admin"]).await;
    accounts::set_disabled(&mut c, DEFAULT_ORG, carl, true, &event("disable", "account", "")).await.unwrap();
    let written = bench.outbox().await.len();
    // One for a part, and one who is disabled, don't count.
    for roles in [&["viewer"][..], &["admin@environment:prod"], &[]] {
        let error = accounts::set_bindings(&mut c, DEFAULT_ORG, ann, &bindings(roles), &event("change", "account", "")).await.unwrap_err();
        assert!(matches!(error, StoreError::LastAdmin), "{error}");
    }
    let error = accounts::set_disabled(&mut c, DEFAULT_ORG, ann, true, &event("disable", "account", "")).await.unwrap_err();
    assert!(matches!(error, StoreError::LastAdmin), "{error}");
    let read = accounts::by_id(&mut c, DEFAULT_ORG, ann).await.unwrap().unwrap();
    assert_eq!((read.bindings, read.epoch, read.disabled_at), (bindings(&["admin", "viewer"]), 1, None));
    assert_eq!(bench.outbox().await.len(), written, "what did not happen was written");
    let mut owner = bench.owner("one").await;
    let gone = sqlx::raw_sql("DELETE FROM main.account WHERE email = 'ann@example.org'").execute(&mut owner).await.unwrap_err();
    assert_eq!(gone.as_database_error().unwrap().constraint(), Some("last_admin"));
    // Roles may change around the one that counts, and with another one there it may go.
    assert!(accounts::set_bindings(&mut c, DEFAULT_ORG, ann, &bindings(&["admin"]), &event("change", "account", "")).await.unwrap());
    accounts::set_disabled(&mut c, DEFAULT_ORG, carl, false, &event("enable", "account", "")).await.unwrap();
    assert!(accounts::set_bindings(&mut c, DEFAULT_ORG, ann, &[], &event("change", "account", "")).await.unwrap());
    // A transaction that only sees the moment of its beginning can't be trusted to look.
    sqlx::raw_sql("INSERT INTO main.binding SELECT org_id, id, 'admin', 'everything' FROM main.account WHERE email = 'ann@example.org'")
        .execute(&mut owner)
        .await
        .unwrap();
    let past = "BEGIN ISOLATION LEVEL REPEATABLE READ; DELETE FROM main.binding WHERE scope = 'everything'; COMMIT";
    assert!(sqlx::raw_sql(past).execute(&mut owner).await.is_err());
}

#[tokio::test]
async fn at_46_of_two_who_remove_each_other_as_admin_at_once_one_stays() {
    let bench = Bench::migrated().await;
    let (mut a, mut b) = (bench.runtime("one").await, bench.runtime("one").await);
    let ann = account(&mut a, 7, "ann@example.org", &["admin"]).await;
    let bob = account(&mut a, 8, "bob@example.org", &["admin"]).await;
    for round in 0..20 {
        let (x, y) = if round % 2 == 0 {
            let (e, f) = (event("change", "account", "ann@example.org"), event("change", "account", "bob@example.org"));
            let (x, y) = tokio::join!(
                accounts::set_bindings(&mut a, DEFAULT_ORG, ann, &[], &e),
                accounts::set_bindings(&mut b, DEFAULT_ORG, bob, &[], &f)
            );
            (x.map(drop), y.map(drop))
        } else {
            let (e, f) = (event("disable", "account", "ann@example.org"), event("change", "account", "bob@example.org"));
            let (x, y) = tokio::join!(
                accounts::set_disabled(&mut a, DEFAULT_ORG, ann, true, &e),
                accounts::set_bindings(&mut b, DEFAULT_ORG, bob, &[], &f)
            );
            (x.map(drop), y.map(drop))
        };
        assert!(x.is_ok() != y.is_ok(), "{x:?} {y:?}");
        assert!(matches!(x.and(y), Err(StoreError::LastAdmin)));
        for id in [ann, bob] {
            accounts::set_disabled(&mut a, DEFAULT_ORG, id, false, &event("enable", "account", "")).await.unwrap();
            accounts::set_bindings(&mut a, DEFAULT_ORG, id, &bindings(&["admin"]), &event("change", "account", "")).await.unwrap();
        }
    }
    // Held open until the other waits: the second to come finds out that it is the last.
    let mut first = bench.runtime("one").await;
    let mut held = first.begin().await.unwrap();
    sqlx::raw_sql("DELETE FROM main.binding WHERE account_id = '00000000-0000-0000-0000-000000000007'").execute(&mut *held).await.unwrap();
    let told = event("change", "account", "bob@example.org");
    let second = accounts::set_bindings(&mut b, DEFAULT_ORG, bob, &[], &told);
    let commit = async {
        while !waits(&mut a).await {
            tokio::task::yield_now().await;
        }
        held.commit().await.unwrap();
    };
    let (second, ()) = tokio::join!(second, commit);
    assert!(matches!(second, Err(StoreError::LastAdmin)), "{second:?}");
}

async fn waits(c: &mut PgConnection) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)").fetch_one(c).await.unwrap()
}

/// All that the main schema holds, but for what waits to be sealed.
async fn contents(c: &mut PgConnection) -> String {
    let mut all = String::new();
    for table in ["account", "binding", "auth_session", "refresh_token", "api_token", "invite", "known_address"] {
        let sql = format!("SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM main.{table} t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut *c).await.unwrap();
        all.push_str(&format!("{table}\n{rows}\n"));
    }
    all
}

#[tokio::test]
async fn at_44_nothing_changes_when_its_event_cannot_be_written() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let ann = account(&mut c, 7, "ann@example.org", &["admin"]).await;
    let bob = account(&mut c, 8, "bob@example.org", &["viewer"]).await;
    let mut session = new_session(1, bob, hour());
    session.refresh = Some(([1; 32], hour()));
    auth_sessions::begin(&mut c, &session, &event("sign_in", "session", "")).await.unwrap();
    let used = |fingerprint| RefreshUse {
        digest: [1; 32],
        fingerprint: [fingerprint; 32],
        grace_ms: 10_000,
        successor: [2; 32],
        alarm: event("refresh", "session", ""),
    };
    refresh_tokens::use_refresh(&mut c, &used(1)).await.unwrap();
    let token = |id| NewApiToken {
        id: Uuid::from_u128(id),
        account: bob,
        digest: [u8::try_from(id).unwrap(); 32],
        name: "ci".to_owned(),
        scopes: vec!["view estate".to_owned()],
        expires_at: hour(),
    };
    api_tokens::make(&mut c, &token(20), &event("create", "token", "ci")).await.unwrap();
    let invite = |id: u128, email: &str, purpose| NewInvite {
        id: Uuid::from_u128(id),
        org: DEFAULT_ORG,
        digest: [u8::try_from(id).unwrap(); 32],
        email: email.to_owned(),
        purpose,
        made_by: ann,
        expires_at: hour(),
    };
    let join = Purpose::Join(bindings(&["viewer"]));
    invites::make(&mut c, &invite(30, "carl@example.org", join.clone()), &event("create", "invite", "")).await.unwrap();
    invites::make(&mut c, &invite(31, "bob@example.org", Purpose::Reset(bob)), &event("create", "invite", "")).await.unwrap();

    let mut owner = bench.owner("one").await;
    sqlx::raw_sql(
        "CREATE FUNCTION main.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON main.audit_outbox FOR EACH ROW EXECUTE FUNCTION main.full()",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let before = contents(&mut owner).await;
    let e = event("change", "account", "");
    let choice = |id| Choice { account: Uuid::from_u128(id), display_name: "Carl".to_owned(), password_hash: "new".to_owned() };
    let outcomes = [
        ("create", accounts::create(&mut c, &new_account(9, "dora@example.org", &["viewer"]), &e).await.map(drop)),
        ("bindings", accounts::set_bindings(&mut c, DEFAULT_ORG, bob, &bindings(&["operator"]), &e).await.map(drop)),
        ("disable", accounts::set_disabled(&mut c, DEFAULT_ORG, bob, true, &e).await.map(drop)),
        ("password", accounts::set_password(&mut c, DEFAULT_ORG, bob, "new", None, &e).await.map(drop)),
        ("begin", auth_sessions::begin(&mut c, &new_session(2, bob, hour()), &e).await),
        ("end", auth_sessions::end(&mut c, bob, Uuid::from_u128(1), &e).await.map(drop)),
        ("end all", auth_sessions::end_all_but(&mut c, bob, None, &e).await.map(drop)),
        ("reuse", refresh_tokens::use_refresh(&mut c, &used(9)).await.map(drop)),
        ("token", api_tokens::make(&mut c, &token(21), &e).await.map(drop)),
        ("revoke", api_tokens::revoke(&mut c, bob, Uuid::from_u128(20), &e).await.map(drop)),
        ("invite", invites::make(&mut c, &invite(32, "eve@example.org", join), &e).await),
        ("accept", invites::use_once(&mut c, &[30; 32], &choice(10), &e).await.map(drop)),
        ("reset", invites::use_once(&mut c, &[31; 32], &choice(10), &e).await.map(drop)),
        ("withdraw", invites::withdraw(&mut c, DEFAULT_ORG, Uuid::from_u128(30), &e).await.map(drop)),
    ];
    for (name, outcome) in outcomes {
        assert!(outcome.is_err(), "{name} went on without its event");
    }
    assert_eq!(contents(&mut owner).await, before);
    // With room again each is done, and each writes one event.
    sqlx::raw_sql("DROP TRIGGER full_disk ON main.audit_outbox").execute(&mut owner).await.unwrap();
    let written = bench.outbox().await.len();
    accounts::set_bindings(&mut c, DEFAULT_ORG, bob, &bindings(&["operator"]), &e).await.unwrap();
    assert_ne!(contents(&mut owner).await, before);
    assert_eq!(bench.outbox().await.len(), written + 1);
    // The other way round: no event of what did not happen. A database that fails late fails all of it.
    sqlx::raw_sql("ALTER TABLE main.binding ADD CONSTRAINT late CHECK (role <> 'security_officer')").execute(&mut owner).await.unwrap();
    let officer = bindings(&["security_officer"]);
    assert!(accounts::set_bindings(&mut c, DEFAULT_ORG, bob, &officer, &event("change", "account", "")).await.is_err());
    assert_eq!(accounts::create(&mut c, &new_account(9, "ann@example.org", &[]), &event("create", "account", "")).await.unwrap(), None);
    assert_eq!(bench.outbox().await.len(), written + 1);
}
