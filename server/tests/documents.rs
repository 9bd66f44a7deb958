//! K2: every block of commands in the documents does what it says, run as it stands.
//!
//! A block is found by its document and the words it begins with. What a reader fills in (`…`, `ID`) is filled in here, and nothing
//! else is changed. A block that is nowhere in [`PLACES`] fails the walk below.
#![allow(clippy::unwrap_used)]

mod common;

use common::{EMAIL, PASSWORD, Running, connect, dir, say};
use reeve_cluster::testing::TestCluster;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Where a block is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    /// By a test of this file.
    Here,
    /// By another test or command, or not at all: which, and why.
    Elsewhere(&'static str),
}
use Where::{Elsewhere, Here};

/// Document, how the block begins, and where it is run.
const PLACES: &[(&str, &str, Where)] = &[
    ("README.md", "make run", Elsewhere("`cargo xtask fresh`, in a new Debian")),
    ("README.md", "[[target]]", Here),
    ("README.md", "reeve check", Here),
    ("CONTRIBUTING.md", "cargo xtask watch", Elsewhere("`make test` runs what these run; watching does not end")),
    ("docs/API.md", "curl -s http://127.0.0.1:4400/metrics", Here),
    ("docs/API.md", "TOKEN=", Here),
    ("docs/API.md", "scrape_configs:", Elsewhere("server/tests/endpoints.rs reads it with Prometheus' own words; it is no command")),
    ("docs/AUDIT.md", "reeve compliance scan --json --evidence > scan.json", Here),
    ("docs/BACKUP.md", "reeve demo", Here),
    ("docs/BACKUP.md", "reeve backup run findawise ", Here),
    ("docs/BACKUP.md", "CREATE ROLE reeve_backup", Here),
    ("docs/BACKUP.md", "[backup]", Elsewhere("server/src/config: names files that only a reader has")),
    ("docs/BACKUP.md", "{\"Version\"", Elsewhere("a policy of AWS; no AWS is here")),
    ("docs/COMPLIANCE.md", "CREATE ROLE reeve_monitor LOGIN", Elsewhere("crates/service/tests/compliance, tier by tier")),
    ("docs/COMPLIANCE.md", "CREATE SCHEMA reeve;", Elsewhere("crates/service/tests/compliance, tier by tier")),
    ("docs/CONFIGURATION.md", "listen =", Elsewhere("server/src/config/documented.rs")),
    ("docs/INSTALL.md", "cargo xtask package", Elsewhere("xtask's own test of the package; apt and systemd belong to a machine")),
    ("docs/INSTALL.md", "docker compose", Elsewhere("no container engine is here; xtask/src/package.rs checks the files")),
    ("docs/INSTALL.md", "CREATE ROLE reeve_monitor", Here),
    ("docs/INSTALL.md", "DROP OWNED BY", Here),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The blocks of a document that are of a language: what has none is a picture or a saying.
fn blocks(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let (mut all, mut open) = (Vec::new(), None::<(bool, String)>);
    for line in text.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(""), Some(_)) => all.extend(open.take().filter(|(counts, _)| *counts).map(|(_, block)| block)),
            (Some(kind), None) => open = Some((!kind.is_empty(), String::new())),
            (_, Some((_, block))) => block.extend([line, "\n"]),
            (_, None) => {}
        }
    }
    assert!(open.is_none(), "{document} ends within a block");
    all
}

/// The block of a document that begins like this.
fn block(document: &str, begins: &str) -> String {
    let mut found = blocks(document).into_iter().filter(|block| block.starts_with(begins));
    let block = found.next().unwrap_or_else(|| panic!("{document} has no block that begins with {begins}"));
    assert!(found.next().is_none(), "{document} has two blocks that begin with {begins}");
    block
}

#[test]
fn k2_every_block_of_every_document_has_its_place() {
    let mut documents = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    let pages = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    documents.extend(pages.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")));
    let mut wrong = Vec::new();
    let mut met = Vec::new();
    for document in &documents {
        for block in blocks(document) {
            let places: Vec<_> = PLACES.iter().filter(|(d, begins, _)| d == document && block.starts_with(begins)).collect();
            match places.as_slice() {
                [place] => met.push(**place),
                _ => wrong.push(format!("{document}: {} places for {:?}", places.len(), block.lines().next().unwrap_or_default())),
            }
        }
    }
    wrong.extend(
        PLACES
            .iter()
            .filter(|place| !met.contains(place))
            .map(|(document, begins, _)| format!("{document}: no block begins with {begins}")),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (document, begins, place) in PLACES {
        if let Elsewhere(why) = place {
            println!("{document}: {begins:?} is not run here: {why}");
        }
    }
}

/// A shell as a reader has it: `reeve` in `PATH`, and what the scene sets.
struct Reader {
    env: Vec<(String, String)>,
    place: PathBuf,
}

impl Reader {
    fn new(place: &Path, data: &Path) -> Self {
        let own = Path::new(env!("CARGO_BIN_EXE_reeve")).parent().unwrap();
        let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
        let env = [("PATH", path), ("REEVE_DATA_DIR", data.display().to_string()), ("REEVE_LISTEN", "127.0.0.1:0".into())];
        Self { env: env.map(|(name, value)| (name.to_owned(), value)).into(), place: place.to_owned() }
    }

    fn bash(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", line])
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(&self.place)
            .kill_on_drop(true);
        command
    }

    /// Runs lines to their end and gives what they wrote. They must end with this code.
    async fn run(&self, lines: &str, code: i32) -> String {
        let said = say(self.bash(lines)).await;
        assert_eq!(said.code, Some(code), "{lines}\n{}{}", said.out, said.err);
        said.out
    }
}

/// The commands of a block: a line each, as a reader copies them.
fn commands(block: &str) -> Vec<&str> {
    block.lines().filter(|line| !line.trim().is_empty()).collect()
}

/// Runs a block of SQL with psql, as the superuser of a cluster.
async fn psql(reader: &Reader, cluster: &TestCluster, database: &str, sql: &str) {
    let file = reader.place.join("block.sql");
    std::fs::write(&file, sql).unwrap();
    let line = format!("psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file block.sql '{}'", cluster.url(database));
    reader.run(&line, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_a_stranger_connects_a_server_with_least_rights_as_the_documents_say() {
    let settings = [("shared_preload_libraries", "pg_stat_statements"), ("fsync", "on")];
    let (cluster, place, data) = (TestCluster::start(&settings).await.unwrap(), dir(), dir());
    let reader = Reader::new(place.path(), data.path());
    let root = connect(&cluster.url("postgres")).await;
    root.batch_execute("CREATE DATABASE orders").await.unwrap();
    let orders = connect(&cluster.url("orders")).await;
    orders
        .batch_execute(
            "CREATE TABLE public.item (id bigint PRIMARY KEY, what text NOT NULL);
             INSERT INTO public.item SELECT i, 'item ' || i FROM generate_series(1, 100) AS i;
             ALTER TABLE public.item ENABLE ROW LEVEL SECURITY",
        )
        .await
        .unwrap();
    psql(&reader, &cluster, "orders", &block("docs/INSTALL.md", "CREATE ROLE reeve_monitor")).await;
    psql(&reader, &cluster, "orders", &block("docs/BACKUP.md", "CREATE ROLE reeve_backup")).await;
    // What \password does.
    root.batch_execute("ALTER ROLE reeve_monitor PASSWORD 'secret'; ALTER ROLE reeve_backup PASSWORD 'secret'").await.unwrap();

    let toml = block("README.md", "[[target]]");
    // The reader's own address in the place of the example's.
    let written = ["reeve_monitor", "reeve_backup"].iter().fold(toml.clone(), |text, login| {
        let example = format!("postgres://{login}:secret@db.example:5432/orders?sslmode=verify-full");
        assert!(text.contains(&example), "{text}");
        text.replace(&example, &cluster.url_for(login, "secret", "orders"))
    });
    std::fs::write(place.path().join("reeve.toml"), written).unwrap();
    let lines = block("README.md", "reeve check");
    for line in commands(&lines) {
        match line.split('#').next().unwrap().trim_end() {
            // A login with least rights lacks what only superusers have, and doctor says so; findings are findings.
            "reeve doctor" => assert!(reader.run(line, 1).await.contains("reeve_monitor")),
            "reeve compliance scan" => assert!(reader.run(line, 1).await.contains("orders")),
            "reeve serve" => {
                let mut env: Vec<(&str, &str)> = reader.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let config = place.path().join("reeve.toml").display().to_string();
                env.push(("REEVE_CONFIG", &config));
                let serving = Running::start(data.path(), &env).await;
                serving.until("/api/targets", "a verdict", |targets| common::target(targets, "orders")["status"] == "healthy").await;
                assert_eq!(serving.stop().await, Some(0));
            }
            _ => drop(reader.run(line, 0).await),
        }
    }
    let listed: Value = serde_json::from_str(&reader.run("reeve backup list --json", 0).await).unwrap();
    let id = listed["backups"][0]["id"].as_str().unwrap();
    for line in commands(&block("docs/AUDIT.md", "reeve compliance scan --json --evidence > scan.json")) {
        // What a fresh server lacks are findings, and findings are an answer.
        let code = i32::from(line.starts_with("reeve compliance scan"));
        reader.run(&line.replace("ID", id).replace("docs/", &format!("{}/docs/", self::root().display())), code).await;
    }
    let scan: Value = serde_json::from_slice(&std::fs::read(place.path().join("scan.json")).unwrap()).unwrap();
    assert!(scan.to_string().contains("AUTHZ-01"));
    psql(&reader, &cluster, "orders", &block("docs/INSTALL.md", "DROP OWNED BY")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_backups_drills_and_the_api_answer_as_the_documents_say() {
    let (place, data) = (dir(), dir());
    let reader = Reader::new(place.path(), data.path());
    let serving = Running::demo(data.path(), "findawise").await;
    let address = serving.base.trim_start_matches("http://").to_owned();
    let here = |text: &str| text.replace("127.0.0.1:4400", &address).replace("admin@reeve.local", EMAIL);

    let body = json!({ "name": "prometheus", "scopes": ["read metrics"], "days": 1 });
    let made = serving.client.post(serving.url("/api/account/tokens")).bearer_auth(&serving.token).json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let token = made["token"].as_str().unwrap();
    let metrics = block("docs/API.md", "curl -s http://127.0.0.1:4400/metrics");
    assert!(reader.run(&here(&metrics).replace("reeve_…", token), 0).await.contains("# TYPE reeve_"));
    let sign_in = block("docs/API.md", "TOKEN=");
    let targets: Value = serde_json::from_str(&reader.run(&here(&sign_in).replace('…', PASSWORD), 0).await).unwrap();
    assert_eq!(targets["items"][0]["name"], "findawise");

    let mut id = String::new();
    for line in commands(&block("docs/BACKUP.md", "reeve demo")).into_iter().skip(1) {
        let said = reader.run(&line.replace("ID", &id), 0).await;
        if line.starts_with("reeve backup list") {
            let listed: Value = serde_json::from_str(&reader.run("reeve backup list --json", 0).await).unwrap();
            id = listed["backups"][0]["id"].as_str().unwrap().to_owned();
            assert!(said.contains(&id), "{said}");
        }
    }
    // The page's way is tried in a browser; this is the same from a shell, with one backup more.
    for line in commands(&block("docs/BACKUP.md", "reeve backup run findawise ")) {
        let said = reader.run(&line.replace("ID", &id), 0).await;
        if line.starts_with("reeve backup put-back") {
            assert!(said.contains("core.users is back in findawise") && said.contains("Every row is as it was backed up."), "{said}");
        }
    }
    assert_eq!(serving.stop().await, Some(0));
}
