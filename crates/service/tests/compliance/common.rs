//! A private cluster that most controls like, and how it is scanned.

use reeve_adapter::{Endpoint, WireClient, WireOptions, wire};
use reeve_cluster::testing::TestCluster;
use reeve_estate::{TargetSpec, evidence};
use reeve_model::{
    Environment, TargetInfo, TargetKind, TargetName, UnixMs,
    compliance::{EvidenceSet, Scan},
};
use reeve_rules::compliance::{Context, judge};
use std::{collections::BTreeSet, time::Duration};

/// While the tables of releases are young, whenever the test runs.
pub const NOW: UnixMs = UnixMs(1_795_651_200_000);
pub const PASSWORD: &str = "a password of a test";

/// Roles, and one of everything in good order.
const BASE: &str = "
CREATE ROLE maker NOLOGIN; CREATE ROLE reader NOLOGIN;
CREATE ROLE app LOGIN CONNECTION LIMIT 20; CREATE ROLE old LOGIN CONNECTION LIMIT 5;
CREATE ROLE nobody LOGIN CONNECTION LIMIT 5 PASSWORD 'a password of a test';
CREATE ROLE reeve_monitor LOGIN CONNECTION LIMIT 10 PASSWORD 'a password of a test';
GRANT pg_monitor TO reeve_monitor;
GRANT SELECT ON pg_hba_file_rules, pg_ident_file_mappings, pg_file_settings TO reeve_monitor;
GRANT EXECUTE ON FUNCTION pg_hba_file_rules(), pg_ident_file_mappings(), pg_show_all_file_settings() TO reeve_monitor;
CREATE SCHEMA ext; CREATE EXTENSION postgres_fdw SCHEMA ext; CREATE EXTENSION pg_stat_statements SCHEMA ext;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'far.example');
GRANT CREATE, USAGE ON SCHEMA public TO maker, app;
SET ROLE maker;
CREATE TABLE t (id int, tenant text, secret text); CREATE SEQUENCE s;
ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON t TO app USING (tenant = CURRENT_USER);
CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM t;
CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
CREATE TABLE par (id int) PARTITION BY RANGE (id); CREATE TABLE par1 PARTITION OF par FOR VALUES FROM (0) TO (9);
ALTER TABLE par ENABLE ROW LEVEL SECURITY; ALTER TABLE par FORCE ROW LEVEL SECURITY; CREATE POLICY positive ON par TO app USING (id > 0);
CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC;
CREATE FUNCTION g(a text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN a = 'password_reset' AND a <> 'the token of nobody'; END $$;
RESET ROLE;
SET ROLE app;
CREATE TABLE mine (id int); ALTER TABLE mine ENABLE ROW LEVEL SECURITY; ALTER TABLE mine FORCE ROW LEVEL SECURITY;
CREATE POLICY mine_only ON mine TO app USING (id > 0);
RESET ROLE;";

/// The helper of docs/COMPLIANCE.md, taken from there: what is promised is what is tested.
pub fn helper() -> String {
    let text = include_str!("../../../../docs/COMPLIANCE.md");
    let at = text.find("CREATE SCHEMA reeve;").expect("the helper is in the document");
    text[at..].split("```").next().unwrap_or_default().to_owned()
}

pub struct Server {
    pub cluster: TestCluster,
    pub admin: WireClient,
}

pub async fn server() -> Server {
    let settings = [
        ("fsync", "on"),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("log_connections", "on"),
        ("log_disconnections", "on"),
        ("log_statement", "ddl"),
        ("log_timezone", "UTC"),
        ("log_replication_commands", "on"),
        ("log_line_prefix", "%m [%p] %u@%d %h "),
        ("autovacuum", "off"),
    ];
    let cluster = TestCluster::start(&settings).await.unwrap();
    let admin = connect(&cluster.url("postgres")).await;
    admin.batch_execute(BASE).await.unwrap();
    Server { cluster, admin }
}

pub async fn connect(url: &str) -> WireClient {
    let options = WireOptions { application_name: "a test".to_owned(), connect_timeout: Duration::from_secs(10), settings: Vec::new() };
    wire::connect(&Endpoint::parse(url).unwrap(), options).await.unwrap()
}

impl Server {
    /// What the role of the documentation reads.
    pub async fn evidence(&self, user: &str) -> EvidenceSet {
        let url = if user == "postgres" { self.cluster.url("postgres") } else { self.cluster.url_for(user, PASSWORD, "postgres") };
        let info = TargetInfo {
            name: TargetName::new("test").unwrap(),
            kind: TargetKind::Postgres,
            environment: Environment::Dev,
            address: "local socket".to_owned(),
            tags: Vec::new(),
            region: None,
            owner: None,
        };
        evidence::collect(&TargetSpec::new(info, Endpoint::parse(&url).unwrap())).await.unwrap()
    }

    pub async fn scan(&self, user: &str) -> Scan {
        judge(&self.evidence(user).await, &Context::new(NOW))
    }

    pub async fn run(&self, sql: &str) {
        for statement in sql.split(";;") {
            self.admin.batch_execute(statement).await.unwrap_or_else(|e| panic!("{statement}: {e:?}"));
        }
        // The postmaster takes a reload over in its own time, and new sessions ask the postmaster.
        for name in sql.split("ALTER SYSTEM ").skip(1).filter_map(|rest| rest.split_whitespace().nth(1)) {
            self.reloaded(name.trim_end_matches(';')).await;
        }
    }

    async fn reloaded(&self, name: &str) {
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let fresh = connect(&self.cluster.url("postgres")).await;
            let sql = "SELECT s.pending_restart OR s.setting = coalesce((SELECT f.setting FROM pg_file_settings f WHERE f.name = $1 \
                         ORDER BY f.seqno DESC LIMIT 1), s.boot_val) \
                         FROM pg_settings s WHERE s.name = $1";
            if fresh.query_one(sql, &[&name]).await.unwrap().get::<_, bool>(0) {
                return;
            }
        }
        panic!("{name} was not reloaded");
    }

    /// Puts lines at the end of one of the server's files, and answers what it was. The views read the file, so nothing is reloaded.
    pub fn append(&self, file: &str, line: &str) -> String {
        let path = self.cluster.dir().join("pgdata").join(file);
        let former = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{former}\n{line}\n")).unwrap();
        former
    }

    pub fn restore(&self, file: &str, text: &str) {
        std::fs::write(self.cluster.dir().join("pgdata").join(file), text).unwrap();
    }
}

/// All that a scan says that could change: states and offenders.
pub fn facts(scan: &Scan) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for result in &scan.results {
        all.insert((result.control.clone(), format!("is {}", result.state.word())));
        for o in &result.offenders {
            all.insert((result.control.clone(), format!("{:?} {}: {}", o.database, o.object, o.sentence)));
        }
    }
    all
}

/// The controls that say something else.
pub fn changed(before: &Scan, after: &Scan) -> BTreeSet<String> {
    facts(before).symmetric_difference(&facts(after)).map(|(control, _)| control.clone()).collect()
}
