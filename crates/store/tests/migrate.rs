//! H1 and A2: migrations and the two logins.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, refused};
use reeve_store::{
    Domain,
    migrate::{self, MigrateError},
};

#[tokio::test]
async fn h1_migrations_go_up_once_are_listed_and_go_down() {
    let bench = Bench::start().await;
    let mut owner = bench.owner("one").await;
    for domain in Domain::ALL {
        let before = migrate::status(&mut owner, domain).await.unwrap();
        assert!(!before.is_empty() && before.iter().all(|m| m.applied_at.is_none()));
        let done = migrate::up(&mut owner, domain, Bench::RUNTIME).await.unwrap();
        assert_eq!(done.iter().map(|m| m.version).collect::<Vec<_>>(), before.iter().map(|m| m.version).collect::<Vec<_>>());
        assert_eq!(migrate::up(&mut owner, domain, Bench::RUNTIME).await.unwrap(), []);
        // The runtime login may look, too.
        assert_eq!(migrate::status(&mut bench.runtime("one").await, domain).await.unwrap(), done);
        let versions: Vec<i64> = done.iter().rev().map(|m| m.version).collect();
        assert_eq!(migrate::down(&mut owner, domain, 0).await.unwrap(), versions);
        assert_eq!(migrate::status(&mut owner, domain).await.unwrap(), before);
        assert_eq!(migrate::up(&mut owner, domain, Bench::RUNTIME).await.unwrap().len(), versions.len());
    }
}

#[tokio::test]
async fn h1_two_starts_at_once_apply_each_migration_once() {
    let bench = Bench::start().await;
    let (mut a, mut b) = (bench.owner("one").await, bench.owner("one").await);
    let (a, b) = tokio::join!(migrate::up(&mut a, Domain::Main, Bench::RUNTIME), migrate::up(&mut b, Domain::Main, Bench::RUNTIME));
    let mut versions: Vec<i64> = a.unwrap().into_iter().chain(b.unwrap()).map(|m| m.version).collect();
    versions.sort_unstable();
    let known: Vec<i64> = migrate::status(&mut bench.owner("one").await, Domain::Main).await.unwrap().iter().map(|m| m.version).collect();
    assert_eq!(versions, known);
}

#[tokio::test]
async fn h1_a_changed_a_newer_and_a_missing_migration_are_refused() {
    let bench = Bench::migrated().await;
    let mut owner = bench.owner("one").await;
    let bench = &bench;
    let change = |sql: &'static str| async move {
        sqlx::raw_sql(sql).execute(&mut bench.owner("one").await).await.unwrap();
    };
    change("UPDATE main._migrations SET checksum = '\\x00' WHERE version = 1").await;
    for error in [
        migrate::status(&mut owner, Domain::Main).await.map(drop).unwrap_err(),
        migrate::up(&mut owner, Domain::Main, Bench::RUNTIME).await.map(drop).unwrap_err(),
        migrate::down(&mut owner, Domain::Main, 0).await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, MigrateError::Changed { version: 1, .. }), "{error}");
    }
    change("INSERT INTO analytics._migrations (version, name, checksum) VALUES (9999, 'from the future', '')").await;
    let error = migrate::up(&mut owner, Domain::Analytics, Bench::RUNTIME).await.unwrap_err();
    assert!(matches!(error, MigrateError::Newer { version: 9999, .. }), "{error}");
    change("DELETE FROM main._migrations WHERE version = 1").await;
    let error = migrate::status(&mut owner, Domain::Main).await.unwrap_err();
    assert!(matches!(error, MigrateError::Gap { version: 1, .. }), "{error}");
}

#[tokio::test]
async fn h1_who_may_not_create_and_a_login_that_is_missing_get_a_sentence() {
    let bench = Bench::start().await;
    let error = migrate::up(&mut bench.runtime("one").await, Domain::Main, Bench::RUNTIME).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotOwner { .. }), "{error}");
    let error = migrate::up(&mut bench.owner("one").await, Domain::Main, "nobody").await.unwrap_err();
    assert!(matches!(error, MigrateError::NoSuchLogin { .. }), "{error}");
    // One login for both: nothing to grant, and the owner keeps its rights.
    migrate::up(&mut bench.owner("one").await, Domain::Main, "store_owner").await.unwrap();
    sqlx::raw_sql("SELECT * FROM main.account").execute(&mut bench.owner("one").await).await.unwrap();
}

#[tokio::test]
async fn a2_domains_live_in_one_database_or_in_two() {
    let bench = Bench::start().await;
    migrate::up(&mut bench.owner("one").await, Domain::Main, Bench::RUNTIME).await.unwrap();
    migrate::up(&mut bench.owner("two").await, Domain::Analytics, Bench::RUNTIME).await.unwrap();
    for (database, holds, lacks) in [("one", Domain::Main, Domain::Analytics), ("two", Domain::Analytics, Domain::Main)] {
        let mut runtime = bench.runtime(database).await;
        assert!(migrate::status(&mut runtime, holds).await.unwrap().iter().all(|m| m.applied_at.is_some()));
        assert!(migrate::status(&mut runtime, lacks).await.unwrap().iter().all(|m| m.applied_at.is_none()));
    }
    // The other domains may come into the same database later.
    migrate::up(&mut bench.owner("one").await, Domain::Analytics, Bench::RUNTIME).await.unwrap();
    assert_eq!(migrate::up(&mut bench.owner("one").await, Domain::Main, Bench::RUNTIME).await.unwrap(), []);
}

#[tokio::test]
async fn a2_the_runtime_login_cannot_create_alter_or_change_what_is_append_only() {
    let bench = Bench::migrated().await;
    let mut runtime = bench.runtime("one").await;
    for sql in [
        "CREATE TABLE main.mine (a int)",
        "CREATE TABLE analytics.mine (a int)",
        "CREATE SCHEMA mine",
        "ALTER TABLE main.account ADD COLUMN a int",
        "DROP TABLE main.account",
        "TRUNCATE main.verdict_change",
        "UPDATE main.verdict_change SET status = 'healthy'",
        "DELETE FROM main.verdict_change",
        "DELETE FROM main.account",
        "DELETE FROM main.target",
        "UPDATE main.organisation SET name = 'x'",
        "UPDATE main._migrations SET name = 'x'",
        "DELETE FROM analytics.chunk",
        "UPDATE analytics.round SET body = ''",
        "UPDATE analytics.series SET metric = 'x'",
        "UPDATE main.binding SET role = 'admin'",
        "TRUNCATE main.binding",
        "UPDATE main.audit_outbox SET body = '{}'",
        "TRUNCATE main.audit_outbox",
        "DELETE FROM main.audit_head",
        "GRANT ALL ON main.account TO PUBLIC",
    ] {
        assert!(refused(&mut runtime, sql).await || sql.starts_with("GRANT"), "{sql} was not refused");
    }
    // A grant without the right to give it is a warning, not an error: what counts is that nothing was granted.
    let given: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.table_privileges WHERE grantee = 'PUBLIC' AND table_schema IN ('main', 'analytics', 'compliance')",
    )
    .fetch_one(&mut runtime)
    .await
    .unwrap();
    assert_eq!(given, 0);
}

#[tokio::test]
async fn a2_a_right_that_was_given_by_hand_is_taken_back_by_the_next_migrate() {
    let bench = Bench::migrated().await;
    let mut owner = bench.owner("one").await;
    sqlx::raw_sql("GRANT ALL ON main.verdict_change TO \"store \"\"runtime\"").execute(&mut owner).await.unwrap();
    assert!(!refused(&mut bench.runtime("one").await, "DELETE FROM main.verdict_change").await);
    migrate::up(&mut owner, Domain::Main, Bench::RUNTIME).await.unwrap();
    assert!(refused(&mut bench.runtime("one").await, "DELETE FROM main.verdict_change").await);
}

#[tokio::test]
async fn g2_roles_of_before_become_bindings_and_come_back() {
    let bench = Bench::migrated().await;
    let mut owner = bench.owner("one").await;
    migrate::down(&mut owner, Domain::Main, 2).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO main.account (id, org_id, email, display_name, password_hash, roles)
         SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, (SELECT id FROM main.organisation), n || '@x', '', '', roles
         FROM (VALUES (1, ARRAY['admin', 'admin']), (2, ARRAY['viewer', 'no_such_role', 'operator']), (3, ARRAY[]::text[])) AS a (n, roles);
         INSERT INTO main.auth_session (sid, org_id, account_id, via, expires_at)
         SELECT id, org_id, id, 'session', now() + interval '1 hour' FROM main.account",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let roles = "SELECT array_agg(email || array_to_string(roles, ',') ORDER BY email) FROM main.account";
    for _ in 0..2 {
        assert_eq!(migrate::up(&mut owner, Domain::Main, Bench::RUNTIME).await.unwrap().len(), 9);
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT a.email || b.role || '@' || b.scope FROM main.binding b JOIN main.account a ON a.id = b.account_id ORDER BY 1",
        )
        .fetch_all(&mut owner)
        .await
        .unwrap();
        assert_eq!(found, ["1@xadmin@everything", "2@xoperator@everything", "2@xviewer@everything"]);
        let live: i64 = sqlx::query_scalar("SELECT count(*) FROM main.auth_session WHERE idle_ends_at IS NULL AND address = ''")
            .fetch_one(&mut owner)
            .await
            .unwrap();
        assert_eq!(live, 3);
        // A narrower role has no place in the old shape: it is lost, never widened.
        sqlx::raw_sql("INSERT INTO main.binding SELECT org_id, id, 'admin', 'environment:dev' FROM main.account WHERE email = '3@x'")
            .execute(&mut owner)
            .await
            .unwrap();
        migrate::down(&mut owner, Domain::Main, 2).await.unwrap();
        let found: Vec<String> = sqlx::query_scalar(roles).fetch_one(&mut owner).await.unwrap();
        assert_eq!(found, ["1@xadmin", "2@xoperator,viewer", "3@x"]);
    }
    migrate::up(&mut owner, Domain::Main, Bench::RUNTIME).await.unwrap();
}
