//! The workload on a real server (SPEC I1, I6).
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use reeve_demo::{Workload, WorkloadOptions, load};
use secrecy::ExposeSecret;
use support::{connect, list, prepared, until};

#[tokio::test(flavor = "multi_thread")]
async fn i1_workload_moves_commits_and_survives_a_restart() {
    let (mut cluster, logins) = prepared().await;
    load(logins.owner_url.expose_secret(), |_| {}).await.unwrap();
    let client = connect(&cluster.url("findawise")).await.unwrap();
    let commits = "SELECT xact_commit::text FROM pg_stat_database WHERE datname = 'findawise'";
    let before: i64 = list(&client, commits).await[0].parse().unwrap();

    let workload = Workload::start(&logins.app_url, &WorkloadOptions::default()).unwrap();
    until("the server counts the commits", Duration::from_secs(30), async || {
        list(&client, commits).await[0].parse::<i64>().unwrap() > before + 100
    })
    .await;
    let sessions =
        "SELECT application_name || ' ' || count(*) FROM pg_stat_activity WHERE usename = 'findawise_app' GROUP BY application_name";
    let expected = ["findawise-api 1", "findawise-console 1", "findawise-jobs 1", "findawise-reports 1", "findawise-web 1"];
    assert_eq!(list(&client, sessions).await, expected);

    cluster.stop_server().await;
    let standing = workload.counters();
    assert_eq!(standing.connects, 5);
    cluster.start_again().await.unwrap();
    until("all five are back and commit", Duration::from_secs(30), async || {
        let now = workload.counters();
        now.connects >= 10 && now.commits > standing.commits + 50
    })
    .await;
    let done = workload.stop().await;
    assert!(done.commits > 150, "{done:?}");
    let client = connect(&cluster.url("findawise")).await.unwrap();
    let left = "SELECT pid::text FROM pg_stat_activity WHERE usename = 'findawise_app'";
    until("no session is left", Duration::from_secs(10), async || list(&client, left).await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_workload_stops_although_nothing_answers() {
    let url = "postgresql:///findawise?host=%2Ftmp%2Fno-such-directory&port=5432&user=findawise_app&password=x".to_owned().into();
    let workload = Workload::start(&url, &WorkloadOptions::default()).unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(5), workload.stop()).await.expect("it ends at once");
    assert_eq!((stopped.commits, stopped.connects), (0, 0));
}
