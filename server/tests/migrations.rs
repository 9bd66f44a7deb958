//! `reeve migrate` and what a start makes of the schema it finds (H1).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, Said, connect, dir, reeve, say};
use reeve_cluster::testing::TestCluster;
use serde_json::json;
use std::collections::BTreeMap;

/// `reeve migrate …` on this store.
async fn migrate(url: &str, what: &str) -> Said {
    let data = dir();
    let mut command = reeve(data.path(), &["migrate", what]);
    command.env("DATABASE_URL", url);
    say(command).await
}

/// How many of the listed migrations are pending, and how many are not.
fn counted(said: &Said) -> (usize, usize) {
    let rows: Vec<&str> = said.out.lines().skip(1).collect();
    let pending = rows.iter().filter(|row| row.trim_end().ends_with("pending")).count();
    (pending, rows.len() - pending)
}

fn number(said: &Said) -> usize {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(0), "{all}");
    match said.out.trim().split_once(" applied.") {
        Some((count, _)) => count.parse().unwrap(),
        None => {
            assert_eq!(said.out.trim(), "Nothing was pending.", "{all}");
            0
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_status_up_and_a_newer_schema_through_the_program() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let url = cluster.url("postgres");
    let fresh = migrate(&url, "status").await;
    let (pending, applied) = counted(&fresh);
    assert!(fresh.code == Some(1) && pending >= 2 && applied == 0, "{}{}", fresh.out, fresh.err);
    assert_eq!(number(&migrate(&url, "up").await), pending);
    let done = migrate(&url, "status").await;
    assert_eq!((done.code, counted(&done)), (Some(0), (0, pending)), "{}", done.out);
    assert_eq!(number(&migrate(&url, "up").await), 0);

    // A schema from the future: nothing touches it, and each says what to do.
    let admin = connect(&url).await;
    admin.batch_execute("INSERT INTO main._migrations (version, name, checksum) VALUES (9999, 'later', '')").await.unwrap();
    let data = dir();
    let mut serve = reeve(data.path(), &["serve"]);
    serve.env("DATABASE_URL", &url);
    for said in [migrate(&url, "status").await, migrate(&url, "up").await, say(serve).await] {
        let all = format!("{}{}", said.out, said.err);
        let sentences = said.err.lines().filter(|line| line.starts_with("reeve: ")).count();
        assert_eq!((said.code, said.out.as_str(), sentences), (Some(1), "", 1), "{all}");
        for word in ["The main schema is at version 9999, which this Reeve does not know", "Run the newer Reeve"] {
            assert!(all.contains(word), "{word:?} is missing in {all}");
        }
    }
    admin.batch_execute("DELETE FROM main._migrations WHERE version = 9999").await.unwrap();
    assert_eq!(number(&migrate(&url, "up").await), 0, "and all is well again");
}

/// Two programs at once on one empty database: each migration is applied once and both go on.
#[tokio::test(flavor = "multi_thread")]
async fn h1_two_starts_at_once_apply_each_migration_once() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute("CREATE DATABASE a").await.unwrap();
    admin.batch_execute("CREATE DATABASE b").await.unwrap();
    let (a, b) = (cluster.url("a"), cluster.url("b"));
    let all = counted(&migrate(&a, "status").await).0;
    let (first, second) = tokio::join!(migrate(&a, "up"), migrate(&a, "up"));
    assert_eq!(number(&first) + number(&second), all);
    assert_eq!(counted(&migrate(&a, "status").await), (0, all));

    let (one, two) = (dir(), dir());
    // Nodes that share a database share the key of what is sealed in it.
    let env = [("DATABASE_URL", b.as_str()), ("REEVE_SECRET_KEY", "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0")];
    let (one, two) = tokio::join!(Running::start(one.path(), &env), Running::start(two.path(), &env));
    assert_eq!(counted(&migrate(&b, "status").await), (0, all));
    assert_eq!((one.stop().await, two.stop().await), (Some(0), Some(0)));
}

/// Every table of Reeve's own schemas with a digest over its rows; partitions by their parent.
async fn contents(admin: &tokio_postgres::Client) -> BTreeMap<String, String> {
    let tables = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname IN ('main', 'analytics', 'compliance') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                    AND c.relname <> '_migrations'";
    let mut all = BTreeMap::new();
    for row in admin.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let digest = format!("SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {table} AS t");
        all.insert(table, admin.query_one(&digest, &[]).await.unwrap().get(0));
    }
    all
}

/// K1: a store goes back to what an older Reeve knows, and up again, and nothing is lost but what only the newer schema holds.
#[tokio::test(flavor = "multi_thread")]
async fn k1_a_store_is_downgraded_and_upgraded_with_all_it_holds() {
    let (cluster, data) = (TestCluster::start(&[]).await.unwrap(), dir());
    let url = cluster.url("postgres");
    let watched = cluster.url("template1");
    let env = [("DATABASE_URL", url.as_str()), ("REEVE_TARGET_SHOP_URL", watched.as_str())];
    let first = Running::start(data.path(), &env).await;
    first
        .until("/api/targets", "a verdict", |targets| {
            common::target(targets, "shop")["status"] == "healthy" || !common::target(targets, "shop")["reasons"].is_null()
        })
        .await;
    let body = json!({ "email": "new@test.example", "bindings": ["viewer"] });
    let invited = first.client.post(first.url("/api/invites")).bearer_auth(&first.token).json(&body).send().await.unwrap();
    assert!(invited.status().is_success(), "{}", invited.text().await.unwrap());
    assert_eq!(first.stop().await, Some(0));

    let admin = connect(&url).await;
    let before = contents(&admin).await;
    assert!(before.len() > 20 && before["main.account"].starts_with("1 "), "{before:#?}");
    let roll_back = |typed: &'static [&'static str]| {
        let mut command = reeve(data.path(), &[&["migrate", "rollback", "main", "9"], typed].concat());
        command.env("DATABASE_URL", &url);
        say(command)
    };
    // Without the name nothing happens; while a Reeve runs, neither.
    let asked = roll_back(&[]).await;
    assert!(asked.code == Some(1) && asked.err.contains("10 (registered target), 11 (backup queue)"), "{}{}", asked.out, asked.err);
    let second = Running::start(data.path(), &env).await;
    let refused = roll_back(&["--typed", "main"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("stop it first"), "{}{}", refused.out, refused.err);
    assert_eq!(second.stop().await, Some(0));
    let before = contents(&admin).await;
    let done = roll_back(&["--typed", "main"]).await;
    assert!(done.code == Some(0) && done.out.starts_with("2 taken back"), "{}{}", done.out, done.err);
    assert!(roll_back(&["--typed", "main"]).await.out.contains("Nothing of main is newer than 9"));

    let older = contents(&admin).await;
    let gone: Vec<&String> = before.keys().filter(|table| !older.contains_key(*table)).collect();
    assert_eq!(gone, ["main.registered_target"]);
    // Two columns went from the rows of targets; nothing else is different.
    let changed: Vec<&String> = older.iter().filter(|(table, digest)| before[*table] != **digest).map(|(table, _)| table).collect();
    assert_eq!(changed, ["main.target"]);

    let third = Running::start(data.path(), &env).await;
    third.until("/api/accounts", "the invitation of before", |accounts| accounts.to_string().contains("new@test.example")).await;
    assert_eq!(third.stop().await, Some(0));
    let mut verify = reeve(data.path(), &["audit", "verify"]);
    verify.env("DATABASE_URL", &url);
    let verified = say(verify).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);

    // What nothing removes.
    let mut trail = reeve(data.path(), &["migrate", "rollback", "compliance", "0", "--typed", "compliance"]);
    trail.env("DATABASE_URL", &url);
    let refused = say(trail).await;
    assert!(refused.code == Some(1) && refused.err.contains("holds the audit trail"), "{}{}", refused.out, refused.err);
}
