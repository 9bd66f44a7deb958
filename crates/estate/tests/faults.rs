//! Servers that hang, die, or take rights away.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_cluster::testing::TestCluster;
use reeve_estate::Collector;
use reeve_model::{Reach, Refusal, probe::ProbeOutcome};
use std::time::{Duration, Instant};

/// The postmaster and its children.
fn processes(cluster: &TestCluster) -> Vec<i32> {
    let parent = cluster.pid().unwrap();
    let mut pids = vec![parent];
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        if after_name.split_whitespace().nth(1) == Some(&parent.to_string()) {
            pids.push(pid);
        }
    }
    pids
}

fn signal(pids: &[i32], name: &str) {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    assert!(std::process::Command::new("kill").arg(format!("-{name}")).args(&pids).status().unwrap().success());
}

/// Ends the pause even when an assertion fails, so that the cluster can be stopped.
struct Paused(Vec<i32>);

impl Drop for Paused {
    fn drop(&mut self) {
        signal(&self.0, "CONT");
    }
}

#[tokio::test]
async fn b2_a_server_that_hangs_stalls_nothing_and_recovers() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    connect(&url).await.batch_execute("CREATE TABLE t(id int)").await.unwrap();
    let mut spec = spec(&url);
    // Reading may take its time, but somebody who was there before and now says nothing is away sooner.
    (spec.deadline, spec.silence) = (Duration::from_secs(8), Duration::from_secs(2));
    let mut collector = Collector::new(spec);
    let good = round(&mut collector).await;
    assert!(matches!(good.reach, Reach::Up { .. }));

    let paused = Paused(processes(&cluster));
    signal(&paused.0, "STOP");
    // Then it is called anew, which has the time of connecting.
    for (at_most, said) in [(3, "The server did not answer within 2 s."), (9, "did not answer")] {
        tokio::time::sleep_until(collector.next_due(true)).await;
        let start = Instant::now();
        let s = collector.round(true).await;
        assert!(start.elapsed() < Duration::from_secs(at_most), "{:?}", start.elapsed());
        let Reach::Down { sentence, last_up, since, .. } = &s.reach else { panic!("{:?}", s.reach) };
        assert!(sentence.contains(said), "{sentence}");
        assert!(*last_up == Some(good.at) && *since > good.at);
        assert_eq!(s.activity.value(), good.activity.value(), "what was last known stays");
        assert!(s.activity.why().is_some() && s.databases.why().is_some() && s.tables["postgres"].why().is_some());
        assert_eq!(table(&s, "t").name, "t");
    }
    // Asked again at once it does not try again.
    let start = Instant::now();
    collector.round(true).await;
    assert!(start.elapsed() < Duration::from_millis(50));
    drop(paused);
    let s = until(&mut collector, "up again", |s| matches!(s.reach, Reach::Up { .. })).await;
    assert!(s.activity.why().is_none() && s.tables["postgres"].why().is_none());
}

#[tokio::test]
async fn b2_a_crash_is_seen_and_rates_begin_anew() {
    let mut cluster = cluster().await;
    let url = cluster.url("postgres");
    let mut collector = collector(&url);
    until(&mut collector, "rates", |s| s.rates.value().is_some_and(|r| r.commits.is_some())).await;
    cluster.stop_server().await;
    let s = until(&mut collector, "down", |s| matches!(s.reach, Reach::Down { .. })).await;
    assert!(s.round_ms < 1_000.0 && s.rates.why().is_some() && s.server.is_some());
    cluster.start_again().await.unwrap();
    let s = until(&mut collector, "up", |s| matches!(s.reach, Reach::Up { .. })).await;
    let rates = s.rates.value().unwrap();
    assert_eq!((rates.commits, rates.wal_bytes, s.rates.why()), (None, None, None), "none over a restart");
    until(&mut collector, "rates again", |s| s.rates.value().is_some_and(|r| r.commits.is_some())).await;
}

#[tokio::test]
async fn b2_an_ended_session_alone_is_no_outage() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let db = connect(&url).await;
    let mut collector = collector(&url);
    round(&mut collector).await;
    let ended = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name LIKE 'reeve/%'";
    assert_eq!(db.query_one(ended, &[]).await.unwrap().get::<_, i64>(0), 1);
    let s = round(&mut collector).await;
    assert!(matches!(s.reach, Reach::Up { .. }), "{:?}", s.reach);
    assert!(s.activity.why().is_none());
    let own = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'reeve/%'";
    assert_eq!(db.query_one(own, &[]).await.unwrap().get::<_, i64>(0), 1, "one connection, not two");
    collector.close().await;
    let end = Instant::now() + Duration::from_secs(5);
    while db.query_one(own, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(Instant::now() < end, "close closes");
    }
}

#[tokio::test]
async fn a7_pg_monitor_suffices_and_its_loss_is_named() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let db = connect(&url).await;
    db.batch_execute(
        "CREATE EXTENSION pg_stat_statements; CREATE TABLE t(id serial PRIMARY KEY); INSERT INTO t DEFAULT VALUES;
         CREATE ROLE watcher LOGIN PASSWORD 'secret' IN ROLE pg_monitor",
    )
    .await
    .unwrap();
    let mut collector = collector(&cluster.url_for("watcher", "secret", "postgres"));
    let s = round(&mut collector).await;
    // What needs more than pg_monitor says which grant. Nobody is asked to let a watcher read all rows for the sake of an estimate.
    let troubled = troubled(&s);
    assert_eq!(troubled.len(), 3, "{troubled:#?}");
    assert!(troubled.iter().any(|t| t.starts_with("sequences") && t.contains("GRANT SELECT ON ALL SEQUENCES IN SCHEMA")));
    assert!(troubled.iter().any(|t| t.starts_with("bloat") && t.contains("read all rows") && !t.contains("GRANT")));
    assert_eq!(s.activity.value().unwrap().hidden, 0);
    assert!(table(&s, "t").heap_bytes.is_some_and(|b| b > 0) && s.statements.value().is_some());
    assert!(s.settings.value().unwrap().iter().any(|x| x.name == "shared_preload_libraries"));

    db.batch_execute("REVOKE pg_monitor FROM watcher").await.unwrap();
    round(&mut collector).await;
    let s = round(&mut collector).await;
    assert!(matches!(s.reach, Reach::Up { .. }));
    assert_eq!(s.activity.value().unwrap().hidden, 1, "the test's own session");
    assert!(s.statements.why().unwrap().contains("GRANT pg_monitor TO \"watcher\""), "{:?}", s.statements.fault);
    assert!(s.statements.value().is_some(), "the last value stays");
    let activity = s.probes.iter().find(|p| p.id == "activity").unwrap();
    assert!(matches!(&activity.outcome, ProbeOutcome::Partial { sentence } if sentence.contains("GRANT pg_monitor")));
    assert!(table(&s, "t").heap_bytes.is_some(), "tables need no grant");

    db.batch_execute("GRANT pg_monitor TO watcher").await.unwrap();
    let s = until(&mut collector, "rights are back", |s| s.activity.value().unwrap().hidden == 0 && s.statements.why().is_none()).await;
    assert!(s.probes.iter().any(|p| p.id == "activity" && p.outcome == ProbeOutcome::Ok));
}

#[tokio::test]
async fn a6_wrong_passwords_and_addresses_are_down_with_a_sentence_and_no_secret() {
    let cluster = cluster().await;
    for (url, cause) in [
        (cluster.url_for("nobody", "hunter2", "postgres"), Some(Refusal::Password)),
        (cluster.url("no_such_database"), Some(Refusal::Database)),
        ("postgresql://u:hunter2@127.0.0.1:1/d?sslmode=disable".to_owned(), None),
    ] {
        let s = collector(&url).round(false).await;
        let Reach::Down { sentence, last_up, refusal, .. } = &s.reach else { panic!("{:?}", s.reach) };
        assert_eq!(*refusal, cause, "{sentence}");
        assert!(sentence.ends_with('.') && !sentence.contains("hunter2") && last_up.is_none(), "{sentence}");
        assert!(reeve_estate::check(&spec(&url)).await.is_err());
        assert_eq!(s.activity.value(), None);
    }
}
