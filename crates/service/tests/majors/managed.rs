//! A managed server, as far as roles can play one (SPEC A7): nobody but the provider is a superuser, functions that touch files are taken
//! away from all others, the provider keeps a database of its own, and a view that vanilla PostgreSQL has is missing.

use crate::server::{MAJORS, connect, round, spec};
use reeve_adapter::{Endpoint, WireClient};
use reeve_cluster::testing::TestCluster;
use reeve_estate::{Collector, TargetSpec};
use reeve_model::{compliance::ControlState, probe::ProbeOutcome, snapshot::TargetSnapshot};
use reeve_rules::{
    compliance::{Context, judge as scan_of},
    figures, judge as verdict,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::Instant;

/// What the provider does. `master` is what the customer gets; it makes `reeve` as docs/CONFIGURATION.md says.
const PROVIDER: [&str; 8] = [
    "CREATE EXTENSION pg_stat_statements",
    "CREATE ROLE provider SUPERUSER LOGIN PASSWORD 'a password of a test'",
    "CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'a password of a test'; GRANT pg_monitor, pg_signal_backend TO master WITH ADMIN OPTION",
    "CREATE DATABASE rdsadmin OWNER provider",
    "REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC",
    "CREATE DATABASE shop OWNER master",
    "DO $$ DECLARE f regprocedure; BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
    AND proname ~ '^(pg_stat_file|pg_ls_.*|pg_read_(binary_)?file.*|pg_control_.*|pg_hba_file_rules|pg_show_all_file_settings|pg_current_logfile)$'
  LOOP EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, pg_monitor', f); END LOOP; END $$",
    "SET allow_system_table_mods = on; DROP VIEW IF EXISTS pg_catalog.pg_stat_wal",
];

const CUSTOMER: &str = "
CREATE ROLE reeve LOGIN PASSWORD 'a password of a test'; GRANT pg_monitor TO reeve;
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);
INSERT INTO orders (body) SELECT repeat('x', 100) FROM generate_series(1, 5000); ANALYZE orders";

/// What pg_monitor does not show there: sequences want a grant, and the view is gone.
const HIDDEN: [&str; 3] = ["maintenance.sequence_used_ratio", "maintenance.sequence_left_s", "writes.full_page_images"];

/// A7: each major is read without an error in its log and without a step into the provider's database; what can't be known there is said
/// with its reason and makes nobody's verdict worse; and no control takes a missing right for a pass.
#[tokio::test(flavor = "multi_thread")]
async fn a7_a_managed_server_is_read_with_what_its_customer_may() {
    let (mut lost, mut unknown) = (Vec::new(), BTreeSet::new());
    for major in MAJORS {
        let settings = [
            ("shared_preload_libraries", "pg_stat_statements"),
            ("log_connections", "on"),
            ("log_line_prefix", "%u@%d %a "),
            ("full_page_writes", "on"),
            ("fsync", "on"),
        ];
        let cluster = TestCluster::start_major(major, &settings).await.unwrap();
        let Some(cluster) = cluster else { return println!("SKIP no PostgreSQL {major} here: scripts/setup.sh test fetches it") };
        let admin = connect(&cluster.url("postgres"), "provider").await;
        for sql in PROVIDER {
            admin.batch_execute(sql).await.unwrap_or_else(|e| panic!("{major}: {sql}: {e}"));
        }
        let password = "a password of a test";
        connect(&cluster.url_for("master", password, "shop"), "customer").await.batch_execute(CUSTOMER).await.unwrap();
        let before = log(&cluster);

        let (mut collector, mut superuser) = (Collector::new(spec(&cluster)), Collector::new(as_superuser(&cluster)));
        let customer = connect(&cluster.url_for("master", password, "shop"), "customer").await;
        let snapshot = beside(&mut collector, &mut superuser, &customer).await;
        for run in &snapshot.probes {
            if let ProbeOutcome::Failed { sentence } = &run.outcome {
                panic!("{major}: {} failed: {sentence}", run.id);
            }
        }
        assert_eq!(snapshot.tables.keys().collect::<Vec<_>>(), ["postgres", "shop"], "{major}: the provider's database is left alone");
        for figure in figures(&snapshot, snapshot.at, 600_000) {
            match (HIDDEN.contains(&figure.id.as_str()), figure.value) {
                (true, None) => lost.push(format!("{major} {}: {}", figure.id, figure.why.unwrap_or_default())),
                (true, Some(_)) => lost.push(format!("{major} {}: known", figure.id)),
                (false, _) => {}
            }
        }
        let judged = verdict(&snapshot, snapshot.at, None);
        assert!(judged.reasons.is_empty(), "{major}: what may not be read is no fault: {:?}", judged.reasons);

        let evidence = reeve_estate::evidence::collect(&spec(&cluster)).await.unwrap();
        let scan = scan_of(&evidence, &Context::new(evidence.finished_at));
        for result in scan.results.iter().filter(|r| !r.control.starts_with("PATCH-")) {
            if let ControlState::Unknown { reason } = &result.state {
                unknown.insert(format!("{} {}", result.control, reason.replace(&major.to_string(), "N")));
            }
        }
        collector.close().await;
        superuser.close().await;

        let since = log(&cluster)[before.len()..].to_owned();
        assert!(since.contains("reeve@shop"), "{major}: connections are logged: {since}");
        let troubles: Vec<&str> =
            since.lines().filter(|l| l.contains("ERROR:") || l.contains("FATAL:") || l.contains("@rdsadmin")).collect();
        assert!(troubles.is_empty(), "{major}: {troubles:?}");
    }
    let lost = lost.join("\n");
    let unknown = unknown.into_iter().collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(format!("# figures that are not to be had\n{lost}\n\n# controls that stay unknown\n{unknown}"));
}

fn as_superuser(cluster: &TestCluster) -> TargetSpec {
    TargetSpec { endpoint: Endpoint::parse(&cluster.url("postgres")).unwrap(), ..spec(cluster) }
}

/// Looks with the rights of each until the customer's login has seen every figure that a superuser has seen, [`HIDDEN`] aside. Answers its
/// newest round. Something happens meanwhile, so that there is something to see.
async fn beside(own: &mut Collector, superuser: &mut Collector, customer: &WireClient) -> Arc<TargetSnapshot> {
    let known = |s: &TargetSnapshot| {
        let all = figures(s, s.at, 600_000).into_iter().filter(|f| f.value.is_some() && !HIDDEN.contains(&f.id.as_str()));
        all.map(|f| f.id).collect::<BTreeSet<_>>()
    };
    let (mut mine, mut all) = (BTreeSet::new(), BTreeSet::new());
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        for _ in 0..20 {
            customer.batch_execute("SELECT count(*) FROM orders").await.unwrap();
        }
        all.extend(known(&*round(superuser).await));
        let snapshot = round(own).await;
        mine.extend(known(&snapshot));
        if all.contains("performance.commits_per_s") && all.contains("performance.cache_hit_ratio") && mine.is_superset(&all) {
            return snapshot;
        }
        assert!(Instant::now() < end, "never seen: {:?}", all.difference(&mine).collect::<Vec<_>>());
    }
}

fn log(cluster: &TestCluster) -> String {
    let entries = std::fs::read_dir(cluster.dir()).unwrap().flatten();
    let logs = entries.filter(|e| e.file_name().to_string_lossy().contains("log"));
    logs.filter_map(|e| std::fs::read_to_string(e.path()).ok()).collect()
}
