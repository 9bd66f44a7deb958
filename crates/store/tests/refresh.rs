//! G1: refresh tokens are used once (AT-14), and a stolen one ends its session.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, account, event, new_session};
use reeve_model::{UnixMs, audit::Outcome};
use reeve_store::{
    auth_sessions,
    refresh_tokens::{RefreshOutcome, RefreshUse, use_refresh},
};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

fn hour() -> UnixMs {
    UnixMs::now().plus_ms(3_600_000)
}

fn present(token: u8, fingerprint: u8) -> RefreshUse {
    RefreshUse {
        digest: [token; 32],
        fingerprint: [fingerprint; 32],
        grace_ms: 10_000,
        successor: [token + 1; 32],
        alarm: common::event("refresh", "session", ""),
    }
}

async fn signed_in(c: &mut PgConnection) -> Uuid {
    let ann = account(c, 7, "ann@example.org", &["viewer"]).await;
    let mut session = new_session(1, ann, hour());
    session.via = "bearer".to_owned();
    session.refresh = Some(([1; 32], hour()));
    auth_sessions::begin(c, &session, &event("sign_in", "session", "")).await.unwrap();
    session.sid
}

#[tokio::test]
async fn at_14_of_twenty_that_use_a_token_at_once_one_rotates_and_all_get_the_same_successor() {
    let bench = Bench::migrated().await;
    let sid = signed_in(&mut bench.runtime("one").await).await;
    let mut connections = Vec::new();
    for _ in 0..20 {
        connections.push(bench.runtime("one").await);
    }
    let tries = connections.into_iter().map(|mut c| tokio::spawn(async move { use_refresh(&mut c, &present(1, 5)).await.unwrap() }));
    let (mut rotated, mut again) = (0, 0);
    for outcome in tries.collect::<Vec<_>>() {
        match outcome.await.unwrap() {
            RefreshOutcome::Rotated(session) if session.sid == sid => rotated += 1,
            RefreshOutcome::Again(session) if session.sid == sid => again += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((rotated, again), (1, 19));
    let mut c = bench.runtime("one").await;
    let successors: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT digest FROM main.refresh_token WHERE generation = 2").fetch_all(&mut c).await.unwrap();
    assert_eq!(successors, [[2; 32]]);
    assert!(matches!(use_refresh(&mut c, &present(2, 5)).await.unwrap(), RefreshOutcome::Rotated(_)));
}

#[tokio::test]
async fn g1_a_token_used_by_somebody_else_or_too_late_ends_the_session_with_an_alarm() {
    for late in [false, true] {
        let bench = Bench::migrated().await;
        let mut c = bench.runtime("one").await;
        let sid = signed_in(&mut c).await;
        assert!(matches!(use_refresh(&mut c, &present(1, 5)).await.unwrap(), RefreshOutcome::Rotated(_)));
        assert!(matches!(use_refresh(&mut c, &present(2, 5)).await.unwrap(), RefreshOutcome::Rotated(_)));
        let thief = if late {
            // The same client, when its seconds are over.
            sqlx::raw_sql("UPDATE main.refresh_token SET used_at = used_at - interval '11 seconds'").execute(&mut c).await.unwrap();
            present(1, 5)
        } else {
            present(1, 6)
        };
        let alarm = RefreshUse { alarm: reeve_model::audit::AuditEvent { outcome: Outcome::Alarm, ..thief.alarm.clone() }, ..thief };
        let outcome = use_refresh(&mut c, &alarm).await.unwrap();
        let account = Uuid::from_u128(7);
        assert_eq!(outcome, RefreshOutcome::Reused { sid, account, email: "ann@example.org".to_owned() });
        assert!(auth_sessions::live(&mut c, sid).await.unwrap().is_none());
        let written = bench.outbox().await.pop().unwrap();
        assert_eq!((written.outcome, written.actor.as_str(), written.resource), (Outcome::Alarm, "ann@example.org", sid.to_string()));
        assert_eq!(written.account, Some(account.to_string()));
        // The whole family is over, and one alarm says so.
        for token in [1, 2, 3] {
            assert_eq!(use_refresh(&mut c, &present(token, 5)).await.unwrap(), RefreshOutcome::Unknown);
        }
        assert_eq!(bench.outbox().await.len(), 3);
    }
}

#[tokio::test]
async fn g1_a_token_that_is_over_or_unknown_gets_nothing() {
    let bench = Bench::migrated().await;
    let mut c = bench.runtime("one").await;
    let sid = signed_in(&mut c).await;
    assert_eq!(use_refresh(&mut c, &present(9, 5)).await.unwrap(), RefreshOutcome::Unknown);
    let mut owner = bench.owner("one").await;
    sqlx::raw_sql("UPDATE main.refresh_token SET expires_at = now() - interval '1 second'").execute(&mut owner).await.unwrap();
    assert_eq!(use_refresh(&mut c, &present(1, 5)).await.unwrap(), RefreshOutcome::Unknown);
    // A successor lives as long as its predecessor, within the session.
    sqlx::raw_sql("UPDATE main.refresh_token SET created_at = now() - interval '10 minutes', expires_at = now() + interval '20 minutes'")
        .execute(&mut owner)
        .await
        .unwrap();
    assert!(matches!(use_refresh(&mut c, &present(1, 5)).await.unwrap(), RefreshOutcome::Rotated(_)));
    let left = "SELECT extract(epoch FROM expires_at - now())::float8 FROM main.refresh_token ORDER BY generation DESC LIMIT 1";
    let seconds: f64 = sqlx::query_scalar(left).fetch_one(&mut c).await.unwrap();
    assert!((1700.0..=1800.0).contains(&seconds), "{seconds}");
    sqlx::raw_sql("UPDATE main.refresh_token SET expires_at = now() + interval '9 hours' WHERE generation = 2")
        .execute(&mut owner)
        .await
        .unwrap();
    assert!(matches!(use_refresh(&mut c, &present(2, 5)).await.unwrap(), RefreshOutcome::Rotated(_)));
    let seconds: f64 = sqlx::query_scalar(left).fetch_one(&mut c).await.unwrap();
    assert!(Duration::from_secs_f64(seconds) <= Duration::from_secs(3600), "{seconds}");
    auth_sessions::end(&mut c, Uuid::from_u128(7), sid, &event("sign_out", "session", "")).await.unwrap();
    assert_eq!(use_refresh(&mut c, &present(3, 5)).await.unwrap(), RefreshOutcome::Unknown);
    // Who reads the table can't use it: tokens are only there as digests, and go with their session.
    assert_eq!(auth_sessions::purge(&mut c, UnixMs::now().plus_ms(1000)).await.unwrap(), 1);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM main.refresh_token").fetch_one(&mut c).await.unwrap();
    assert_eq!(left, 0);
}
