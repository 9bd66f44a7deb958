//! Subscriptions of logical replication: two of one name in two databases, of which one meets a row that conflicts.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_cluster::testing::TestCluster;
use reeve_model::snapshot::{Subscription, TargetSnapshot};

/// The one of this database.
fn of<'a>(s: &'a TargetSnapshot, database: &str) -> Option<&'a Subscription> {
    s.subscriptions.value()?.iter().find(|s| s.database == database)
}

/// The slots are made beforehand: within one server CREATE SUBSCRIPTION would wait for its own transaction to end.
async fn subscribe(cluster: &TestCluster) {
    let admin = connect(&cluster.url("postgres")).await;
    for name in ["source", "good", "bad"] {
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        connect(&cluster.url(name)).await.batch_execute("CREATE TABLE orders(id int PRIMARY KEY)").await.unwrap();
    }
    let source = connect(&cluster.url("source")).await;
    source.batch_execute("CREATE PUBLICATION orders FOR TABLE orders").await.unwrap();
    for name in ["good", "bad"] {
        source.execute("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", &[&name]).await.unwrap();
        let with = format!("create_slot = false, slot_name = '{name}', copy_data = false");
        let sql = format!("CREATE SUBSCRIPTION orders_in CONNECTION '{}' PUBLICATION orders WITH ({with})", cluster.url("source"));
        connect(&cluster.url(name)).await.batch_execute(&sql).await.unwrap();
    }
}

#[tokio::test]
async fn a7_b2_a_subscription_that_stands_still_is_seen_with_pg_monitor_on_13_to_18() {
    for major in 13..=18 {
        // A worker that ended is started again after this long.
        let settings = [("wal_level", "logical"), ("wal_retrieve_retry_interval", "1s")];
        let Some(cluster) = TestCluster::start_major(major, &settings).await.unwrap() else {
            return println!("SKIP no PostgreSQL {major} here: scripts/setup.sh test fetches it");
        };
        let watcher = "CREATE ROLE watcher LOGIN PASSWORD 'secret' IN ROLE pg_monitor";
        connect(&cluster.url("postgres")).await.batch_execute(watcher).await.unwrap();
        let mut collector = collector(&cluster.url_for("watcher", "secret", "postgres"));
        let s = until(&mut collector, "none", |s| s.subscriptions.value().is_some()).await;
        assert!(s.subscriptions.value().unwrap().is_empty(), "{major}");

        subscribe(&cluster).await;
        let works = |s: &TargetSnapshot, database| of(s, database).is_some_and(|s| s.enabled && s.worker && s.silent_s.is_some());
        let source = connect(&cluster.url("source")).await;
        source.batch_execute("INSERT INTO orders VALUES (1)").await.unwrap();
        let s = until(&mut collector, "two workers", |s| works(s, "good") && works(s, "bad")).await;
        assert!(of(&s, "good").is_some_and(|s| s.name == "orders_in" && s.silent_s.is_some_and(|s| s < 60.0)), "{major}: {s:#?}");

        connect(&cluster.url("bad")).await.batch_execute("INSERT INTO orders VALUES (2)").await.unwrap();
        source.batch_execute("INSERT INTO orders VALUES (2)").await.unwrap();
        let stands = |s: &TargetSnapshot| of(s, "bad").is_some_and(|s| s.enabled && !s.worker && s.silent_s.is_none());
        let s = until(&mut collector, "one worker", |s| stands(s) && works(s, "good")).await;
        let counts = |s: &Subscription| (s.apply_errors.is_some(), s.sync_errors.is_some());
        assert_eq!(of(&s, "good").map(counts), Some((major >= 15, major >= 15)), "{major}: what is not counted is none");
        if major >= 15 {
            until(&mut collector, "errors that grow", |s| of(s, "bad").is_some_and(|s| s.apply_errors_new.is_some_and(|n| n > 0))).await;
            assert_eq!(of(&collector.snapshot(), "good").and_then(|s| s.apply_errors), Some(0), "{major}");
        }

        connect(&cluster.url("bad")).await.batch_execute("DELETE FROM orders WHERE id = 2").await.unwrap();
        until(&mut collector, "both again", |s| works(s, "good") && works(s, "bad")).await;
        connect(&cluster.url("bad")).await.batch_execute("ALTER SUBSCRIPTION orders_in DISABLE").await.unwrap();
        until(&mut collector, "one disabled", |s| of(s, "bad").is_some_and(|s| !s.enabled && !s.worker)).await;
    }
}
