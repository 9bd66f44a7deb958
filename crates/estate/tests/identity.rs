//! Which server is a copy of which: real primaries, standbys and copies that were promoted.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_cluster::testing::TestCluster;
use reeve_model::snapshot::ServerIdentity;

const SETUP: [&str; 4] = [
    "CREATE ROLE reeve LOGIN PASSWORD 'secret' IN ROLE pg_monitor",
    "CREATE DATABASE orders",
    "CREATE DATABASE people",
    // Like a provider that lets nobody look at the control file.
    "CREATE ROLE barred LOGIN PASSWORD 'secret' IN ROLE pg_monitor",
];

async fn set_up(cluster: &TestCluster) {
    let client = connect(&cluster.url("postgres")).await;
    for statement in SETUP {
        client.batch_execute(statement).await.unwrap();
    }
}

async fn identity(cluster: &TestCluster, role: &str) -> ServerIdentity {
    let mut collector = collector(&cluster.url_for(role, "secret", "postgres"));
    let seen = round(&mut collector).await;
    assert!(!troubled(&seen).iter().any(|t| t.starts_with("identity")), "{:?}", troubled(&seen));
    seen.server.clone().unwrap()
}

#[tokio::test]
async fn d4_a_standby_is_known_by_its_system_and_its_timeline() {
    let primary = cluster().await;
    set_up(&primary).await;
    // The same databases under the same numbers, and another server all the same.
    let stranger = cluster().await;
    set_up(&stranger).await;
    let standby = primary.standby().await.unwrap();
    let promoted = primary.standby().await.unwrap();
    connect(&promoted.url("postgres")).await.query_one("SELECT pg_promote()", &[]).await.unwrap();

    let (first, other) = (identity(&primary, "reeve").await, identity(&stranger, "reeve").await);
    let (follower, copy) = (identity(&standby, "reeve").await, identity(&promoted, "reeve").await);
    assert!(first.system.is_some() && first.system == follower.system && first.system == copy.system && first.system != other.system);
    assert_eq!((first.timeline, follower.timeline, copy.timeline, other.timeline), (Some(1), Some(1), Some(2), Some(1)));
    assert_eq!((first.standby, follower.standby, copy.standby), (false, true, false));
    assert!(follower.follows_one_of([&first, &follower, &copy, &other]));
    assert!(!follower.follows_one_of([&copy, &other, &follower]), "its own primary is not among them");

    // Without the right the rest is known all the same, and it is nobody's standby.
    let revoke = "REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() TO reeve";
    connect(&primary.url("postgres")).await.batch_execute(revoke).await.unwrap();
    let barred = identity(&primary, "barred").await;
    assert_eq!((barred.system.as_deref(), barred.timeline, barred.user.as_str()), (None, None, "barred"));
    assert!(!follower.follows_one_of([&barred]));

    // A standby whose primary was replaced by another standby follows that one's timeline from then on.
    let mut collector = collector(&standby.url_for("reeve", "secret", "postgres"));
    until(&mut collector, "the standby's own timeline", |s| s.server.as_ref().is_some_and(|i| i.timeline == Some(1))).await;
    connect(&standby.url("postgres")).await.query_one("SELECT pg_promote()", &[]).await.unwrap();
    // No restart, no new connection: the next rounds tell.
    let seen = until(&mut collector, "it writes a timeline of its own", |s| s.server.as_ref().is_some_and(|i| i.timeline == Some(2))).await;
    let now = seen.server.clone().unwrap();
    assert!(!now.standby && now.started_at == follower.started_at);
}

#[tokio::test]
async fn a7_every_major_tells_any_login_its_system_and_timeline() {
    for major in 13..=18 {
        let Some(cluster) = TestCluster::start_major(major, &[]).await.unwrap() else {
            return println!("SKIP no PostgreSQL {major} here: scripts/setup.sh test fetches it");
        };
        connect(&cluster.url("postgres")).await.batch_execute("CREATE ROLE plain LOGIN PASSWORD 'secret'").await.unwrap();
        let found = collector(&cluster.url_for("plain", "secret", "postgres")).round(true).await;
        let server = found.server.clone().unwrap();
        assert!(server.system.is_some() && server.timeline == Some(1), "{server:?}");
    }
}
