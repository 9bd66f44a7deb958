//! What each tier of privilege leaves unknown, as a listing; and that reading leaves no trace of trouble.

use crate::common::{helper, server};
use reeve_model::compliance::ControlState;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_unknowns_per_tier_are_as_listed() {
    let server = server().await;
    let unknown = async |user: &str| {
        let scan = server.scan(user).await;
        let lines = scan.results.iter().filter_map(|r| match &r.state {
            ControlState::Unknown { reason } => Some(format!("{}: {reason}", r.control)),
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!("e0", unknown("nobody").await);
    server.run("GRANT pg_monitor TO nobody").await;
    insta::assert_snapshot!("e1", unknown("nobody").await);
    insta::assert_snapshot!("e2", unknown("reeve_monitor").await);
    server.run(&helper()).await;
    insta::assert_snapshot!("e3", unknown("reeve_monitor").await);
    // The more a role may read the less is unknown, and a superuser sees no more than the documented grants show.
    insta::assert_snapshot!("superuser", unknown("postgres").await);
}

/// What the role may not read is not tried: the server's log has no error of Reeve's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_scan_without_rights_causes_no_error_on_the_server() {
    let server = server().await;
    let set = server.evidence("nobody").await;
    assert!(set.items.iter().any(|e| e.missing.as_deref().is_some_and(|m| m.contains("GRANT SELECT ON pg_catalog.pg_hba_file_rules"))));
    let log = logs(server.cluster.dir());
    assert!(log.contains("nobody"), "connections are logged: {log}");
    let errors: Vec<&str> = log.lines().filter(|l| l.contains("ERROR")).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

fn logs(dir: &std::path::Path) -> String {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().contains("log")).filter_map(|e| std::fs::read_to_string(e.path()).ok()).collect()
}

/// Evidence names the question, the time and the hash, and the same server gives the same hash twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_evidence_can_be_asked_again() {
    let server = server().await;
    let (one, two) = (server.evidence("reeve_monitor").await, server.evidence("reeve_monitor").await);
    for (a, b) in one.items.iter().zip(&two.items) {
        assert_eq!((&a.id, &a.database, &a.query), (&b.id, &b.database, &b.query));
        if !matches!(a.id.as_str(), "databases" | "statements" | "sessions" | "archiver") {
            assert_eq!(a.hash, b.hash, "{}", a.id);
        }
        assert!(a.missing.is_some() || a.hash.len() == 64, "{}: {:?}", a.id, a.missing);
        if a.missing.is_none() && !a.query.is_empty() {
            let again = crate::common::connect(&server.cluster.url(a.database.as_deref().unwrap_or("postgres"))).await;
            again.batch_execute("SET search_path = pg_catalog").await.unwrap();
            again.query(a.query.as_str(), &[]).await.unwrap_or_else(|e| panic!("{}: {e:?}", a.id));
        }
    }
    let all = format!("{one:?}");
    assert!(!all.contains(crate::common::PASSWORD) && !all.contains("SCRAM-SHA-256$"), "no password and no verifier");
}
