//! `reeve migrate` and what a start makes of the schema it finds (H1).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, Said, connect, dir, reeve, say};
use reeve_cluster::testing::TestCluster;

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
