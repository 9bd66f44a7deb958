//! The sample estate's systems with their replica: told as healthy, broken by the menu of faults, told, and healed (SPEC I3, I6).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, dir, reeve, say};
use serde_json::Value;

/// What is said of a target for one reason; none when it isn't given.
fn sentence<'a>(targets: &'a Value, target: &str, reason: &str) -> Option<&'a str> {
    let found = targets["items"].as_array()?.iter().find(|t| t["name"] == target)?;
    found["reasons"].as_array()?.iter().find(|r| r["id"] == reason)?["sentence"].as_str()
}

fn statuses(targets: &Value) -> Vec<(&str, &str)> {
    let items = targets["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|t| Some((t["name"].as_str()?, t["status"].as_str()?))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_a_replica_that_is_cut_off_or_replays_nothing_is_told_by_name_and_healed() {
    let data = dir();
    let running = Running::demo(data.path(), "systems-replica").await;
    let healthy = |targets: &Value| statuses(targets) == [("systems", "healthy"), ("systems-replica", "healthy")];
    running.until("/api/targets", "both healthy", healthy).await;

    let fault = async |arguments: &[&str]| {
        let said = say(reeve(data.path(), &[&["demo"], arguments].concat())).await;
        assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.out, said.err);
        said.out
    };
    fault(&["fault", "replica-stop"]).await;
    let away = |targets: &Value| {
        sentence(targets, "systems", "replication.standby_away").is_some_and(|s| s.contains("systems_replica"))
            && sentence(targets, "systems-replica", "replication.not_receiving").is_some()
    };
    running.until("/api/targets", "a replica that is away", away).await;
    let listed = fault(&["fault", "list"]).await;
    assert!(listed.lines().any(|l| l.starts_with("replica-stop") && l.contains("  now  ")), "{listed}");
    assert!(fault(&["heal"]).await.contains("the replica streams again"));
    running.until("/api/targets", "both healthy again", healthy).await;

    fault(&["fault", "replica-lag"]).await;
    let behind = |targets: &Value| {
        sentence(targets, "systems", "replication.lag").is_some_and(|s| s.starts_with("Standby systems-replica is behind"))
            && sentence(targets, "systems-replica", "replication.lag").is_some()
    };
    running.until("/api/targets", "a replica that is behind", behind).await;
    assert!(fault(&["heal"]).await.contains("the replica replays again"));
    running.until("/api/targets", "both healthy again", healthy).await;
    assert!(fault(&["heal"]).await.contains("Nothing was broken."));

    // What a replica holds is backed up at its primary, and nobody is told otherwise.
    let backups = running.json("/api/backups").await;
    let text = backups.to_string();
    assert!(text.contains("parafort_main") && !text.contains("systems-replica"), "{backups:#}");
    let said = say(reeve(data.path(), &["backup", "run", "systems-replica"])).await;
    assert!(said.code == Some(1) && said.err.contains("systems"), "{}{}", said.out, said.err);
    assert_eq!(running.stop().await, Some(0));

    // What is not known is refused before anything starts.
    let mut command = reeve(data.path(), &["demo"]);
    command.env("REEVE_DEMO_SYSTEMS", "sistems");
    let said = say(command).await;
    assert!(said.code == Some(1) && said.err.contains("sistems"), "{}{}", said.out, said.err);
}
