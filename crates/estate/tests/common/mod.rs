//! What the tests share: a private cluster, plain connections, and a collector that reads everything each round.
#![allow(clippy::unwrap_used, dead_code)]

use reeve_adapter::{Endpoint, WireClient, WireOptions, wire};
use reeve_cluster::testing::TestCluster;
use reeve_estate::{Cadence, Collector, TargetSpec};
use reeve_model::{
    Environment, TargetInfo, TargetKind, TargetName,
    snapshot::{DatabaseTables, TargetSnapshot},
    table::TableStats,
};
use std::{sync::Arc, time::Duration};

/// A cluster with `pg_stat_statements` loaded.
pub async fn cluster() -> TestCluster {
    TestCluster::start(&[("shared_preload_libraries", "pg_stat_statements"), ("autovacuum", "off")]).await.unwrap()
}

/// Every probe is due in every round.
pub fn spec(url: &str) -> TargetSpec {
    let info = TargetInfo {
        name: TargetName::new("test").unwrap(),
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: "local socket".to_owned(),
        tags: Vec::new(),
        region: None,
        owner: None,
    };
    let mut spec = TargetSpec::new(info, Endpoint::parse(url).unwrap());
    spec.cadence = Cadence { live_ms: 1, critical_ms: 1, metrics_ms: 1, health_ms: 1, budget_permille: 1_000_000 };
    spec
}

pub fn collector(url: &str) -> Collector {
    Collector::new(spec(url))
}

/// A round in which everything runs (probes have at least 100 ms of peace).
pub async fn round(collector: &mut Collector) -> Arc<TargetSnapshot> {
    tokio::time::sleep_until(collector.next_due(true)).await;
    collector.round(true).await
}

/// Rounds until something is seen, at most 10 s.
pub async fn until(collector: &mut Collector, what: &str, seen: impl Fn(&TargetSnapshot) -> bool) -> Arc<TargetSnapshot> {
    let end = tokio::time::Instant::now() + Duration::from_secs(15);
    loop {
        let snapshot = round(collector).await;
        if seen(&snapshot) {
            return snapshot;
        }
        assert!(tokio::time::Instant::now() < end, "not seen in time: {what}; last: {snapshot:#?}");
    }
}

pub async fn connect(url: &str) -> WireClient {
    let options = WireOptions { application_name: "a test".to_owned(), connect_timeout: Duration::from_secs(10), settings: Vec::new() };
    wire::connect(&Endpoint::parse(url).unwrap(), options).await.unwrap()
}

pub fn tables<'a>(snapshot: &'a TargetSnapshot, database: &str) -> &'a Arc<DatabaseTables> {
    snapshot.tables[database].value().unwrap_or_else(|| panic!("tables were read: {:?}", snapshot.tables[database]))
}

pub fn table<'a>(snapshot: &'a TargetSnapshot, name: &str) -> &'a TableStats {
    tables(snapshot, "postgres").tables.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("there is a table {name:?}"))
}

/// The ids of probes whose newest run was not all well.
pub fn troubled(snapshot: &TargetSnapshot) -> Vec<String> {
    use reeve_model::probe::ProbeOutcome::Ok;
    snapshot.probes.iter().filter(|p| p.outcome != Ok).map(|p| format!("{} ({:?}): {:?}", p.id, p.database, p.outcome)).collect()
}
