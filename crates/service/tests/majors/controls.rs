//! Every control on a server of each major, with the login that docs/CONFIGURATION.md asks for.

use crate::server::{MAJORS, connect, spec};
use reeve_cluster::testing::TestCluster;
use reeve_model::compliance::ControlState;
use reeve_rules::compliance::{Context, control::Control, judge, registry::CONTROLS};
use std::fmt::Write as _;

/// All but those that depend on the day and on the minor version that happens to be installed.
fn judged() -> impl Iterator<Item = &'static Control> {
    CONTROLS.iter().copied().filter(|c| !c.id.starts_with("PATCH-"))
}

/// A line for each control, a column for each major. A question that a version can't answer is unknown with the reason, never a pass.
#[tokio::test(flavor = "multi_thread")]
async fn a7_e1_every_control_is_judged_on_13_to_18() {
    let (mut columns, mut reasons) = (Vec::new(), Vec::new());
    for major in MAJORS {
        let settings = [("shared_preload_libraries", "pg_stat_statements"), ("autovacuum", "off")];
        let cluster = TestCluster::start_major(major, &settings).await.unwrap();
        let Some(cluster) = cluster else { return println!("SKIP no PostgreSQL {major} here: scripts/setup.sh test fetches it") };
        let admin = connect(&cluster.url("postgres"), "a test").await;
        let base =
            "CREATE ROLE reeve LOGIN PASSWORD 'a password of a test'; GRANT pg_monitor TO reeve; CREATE EXTENSION pg_stat_statements;
            CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t;
            CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'";
        admin.batch_execute(base).await.unwrap();
        let evidence = reeve_estate::evidence::collect(&spec(&cluster)).await.unwrap();
        let scan = judge(&evidence, &Context::new(evidence.finished_at));
        let word = |id: &str| match &scan.result(id).unwrap().state {
            ControlState::Pass => "pass",
            ControlState::Fail => "fail",
            ControlState::Unknown { .. } => "unknown",
            ControlState::NotApplicable { .. } => "n/a",
            ControlState::Attested { .. } => "attested",
        };
        columns.push(judged().map(|c| word(c.id)).collect::<Vec<_>>());
        for result in &scan.results {
            if result.control.starts_with("PATCH-") {
                continue;
            }
            if let ControlState::Unknown { reason } = &result.state {
                reasons.push(format!("{} {}", result.control, reason.replace(&major.to_string(), "N")));
            }
        }
    }
    let mut text = format!("{:<10}{}\n", "", MAJORS.map(|m| format!("{m:<9}")).concat());
    for (at, control) in judged().enumerate() {
        let words: String = columns.iter().map(|c| format!("{:<9}", c[at])).collect();
        writeln!(text, "{:<10}{}", control.id, words.trim_end()).unwrap();
    }
    reasons.sort();
    reasons.dedup();
    insta::assert_snapshot!(format!("{text}\n# unknown, because\n{}", reasons.join("\n")));
}
