//! Names that want to be something else: they are found, told, and their repairs work.

use crate::common::{connect, server};
use reeve_model::compliance::{Offender, Scan};

const HOSTILE: &str = r#"
CREATE ROLE "ro""le; DROP" LOGIN;
CREATE SCHEMA "Sch""ema
<script>alert(1)</script>";
GRANT CREATE ON SCHEMA "Sch""ema
<script>alert(1)</script>" TO PUBLIC;
CREATE TABLE "Sch""ema
<script>alert(1)</script>"."t'; --" ("c""ol" int);
GRANT SELECT, INSERT ON "Sch""ema
<script>alert(1)</script>"."t'; --" TO PUBLIC;
CREATE POLICY "p;ol" ON "Sch""ema
<script>alert(1)</script>"."t'; --" USING ("c""ol" > 0);
CREATE FUNCTION "Sch""ema
<script>alert(1)</script>"."f;()"("a""b" int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
GRANT SELECT ON "Sch""ema
<script>alert(1)</script>"."t'; --" TO "ro""le; DROP" WITH GRANT OPTION;
GRANT pg_read_all_data TO "ro""le; DROP";"#;

/// Controls whose repair is one complete statement.
const REPAIRED: [&str; 7] = ["AUTH-15", "AUTHZ-04", "AUTHZ-06", "AUTHZ-08", "AUTHZ-12", "AUTHZ-15", "RLS-01"];

fn ours(scan: &Scan, control: &str) -> Vec<Offender> {
    let named = |o: &&Offender| o.object.contains("script") || o.object.contains("DROP");
    scan.result(control).unwrap().offenders.iter().filter(named).cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_repairs_of_hostile_names_repair_and_their_undo_undoes() {
    let server = server().await;
    let name = "data\"base; '\n<b>";
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    server.admin.batch_execute(&format!("CREATE DATABASE {quoted}")).await.unwrap();
    let url = reeve_adapter::Endpoint::parse(&server.cluster.url("postgres")).unwrap().with_database(name);
    let options = reeve_adapter::WireOptions::new("a test");
    let inside = reeve_adapter::wire::connect(&url, options).await.unwrap();
    inside.batch_execute(HOSTILE).await.unwrap();
    let before = server.scan("reeve_monitor").await;
    assert!(before.databases.iter().any(|d| d.name == name && d.missing.is_none()), "{:?}", before.databases);
    for control in REPAIRED {
        let found = ours(&before, control);
        assert!(!found.is_empty(), "{control}");
        for offender in &found {
            assert!(offender.database.as_deref().is_none_or(|d| d == name));
            inside.batch_execute(&offender.fix).await.unwrap_or_else(|e| panic!("{control} {}: {e:?}", offender.fix));
        }
        assert!(ours(&server.scan("reeve_monitor").await, control).is_empty(), "{control} is repaired");
        for offender in &found {
            inside.batch_execute(&offender.undo).await.unwrap_or_else(|e| panic!("{control} {}: {e:?}", offender.undo));
        }
        assert_eq!(ours(&server.scan("reeve_monitor").await, control).len(), found.len(), "{control} is as before");
    }
}

/// A database that does not let Reeve in is named, and nothing passes over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_closed_database_leaves_a_hole_that_is_told() {
    let server = server().await;
    server.run("CREATE DATABASE closed;; REVOKE CONNECT ON DATABASE closed FROM PUBLIC").await;
    let scan = server.scan("reeve_monitor").await;
    let closed = scan.databases.iter().find(|d| d.name == "closed").unwrap();
    assert!(
        closed.missing.as_deref().is_some_and(|m| m.ends_with("run GRANT CONNECT ON DATABASE \"closed\" TO \"reeve_monitor\";")),
        "{closed:?}"
    );
    for control in ["AUTHZ-06", "AUTHZ-11", "RLS-01"] {
        assert_eq!(scan.result(control).unwrap().state.word(), "unknown", "{control}");
    }
}

/// Somebody holds a table: the scan neither waits for it nor holds others up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_locked_table_does_not_hold_a_scan_up() {
    let server = server().await;
    let holder = connect(&server.cluster.url("postgres")).await;
    holder.batch_execute("BEGIN; LOCK TABLE t, v IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let start = std::time::Instant::now();
    let scan = server.scan("reeve_monitor").await;
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    assert_ne!(scan.result("RLS-01").unwrap().state.word(), "fail");
    holder.batch_execute("ROLLBACK").await.unwrap();
}
