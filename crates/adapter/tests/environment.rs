//! Nothing is taken from `PG*` variables (SPEC A6): the same URL means the same server everywhere.
#![allow(clippy::unwrap_used)]

mod common;

use common::{endpoint, pools, settings};
use reeve_adapter::{Endpoint, RoleSettings, WireOptions, wire};
use reeve_cluster::testing::TestCluster;
use reeve_model::pool::StoreRole;

const CHILD: &str = "REEVE_TEST_CHILD";
const NAME: &str = "a6_variables_of_libpq_change_nothing";

/// Runs itself once more with the variables set; that run does the work.
#[tokio::test]
async fn a6_variables_of_libpq_change_nothing() {
    let Ok(part) = std::env::var(CHILD) else {
        for (part, extra) in [("ignored", None), ("refused", Some(("PGOPTIONS", "-c geqo=off")))] {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            child.args(["--exact", NAME, "--nocapture"]).env(CHILD, part).envs(extra).envs([
                ("PGHOST", "db.invalid"),
                ("PGHOSTADDR", "192.0.2.1"),
                ("PGPORT", "1"),
                ("PGUSER", "somebody"),
                ("PGPASSWORD", "wrong"),
                ("PGDATABASE", "nowhere"),
                ("PGSSLMODE", "verify-full"),
                ("PGSSLROOTCERT", "/nowhere.pem"),
                ("PGSSLCERT", "/nowhere.pem"),
                ("PGSSLKEY", "/nowhere.pem"),
                ("PGAPPNAME", "somebody"),
            ]);
            let output = child.output().unwrap();
            assert!(output.status.success(), "{part}: {}", String::from_utf8_lossy(&output.stdout));
        }
        return;
    };
    let cluster = TestCluster::start(&[]).await.unwrap();
    if part == "refused" {
        let role = RoleSettings::with_defaults(StoreRole::Main, endpoint(&cluster));
        let config = reeve_adapter::RoleConfig::new([(StoreRole::Main, role)].into());
        let error = reeve_adapter::RolePools::new(config).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("PGOPTIONS"), "{error}");
        return;
    }
    let whoami = "select current_user || ' ' || current_database() || ' ' || current_setting('application_name')";
    let client = wire::connect(&endpoint(&cluster), WireOptions::new("reeve/test")).await.unwrap();
    assert_eq!(client.query_one(whoami, &[]).await.unwrap().get::<_, String>(0), "postgres postgres reeve/test");
    let pools = pools([(StoreRole::Main, settings(&cluster, 2))]);
    let mut lease = pools.acquire(StoreRole::Main).await.unwrap();
    let said: String = sqlx::query_scalar(whoami).fetch_one(&mut *lease).await.unwrap();
    assert_eq!(said, "postgres postgres reeve/main");
    // A password that the URL doesn't have isn't found elsewhere either.
    let url = cluster.url("postgres");
    let without = url.split("&password=").next().unwrap();
    let bare = Endpoint::parse(without).unwrap();
    assert!(wire::connect(&bare, WireOptions::new("reeve/test")).await.is_err());
}
