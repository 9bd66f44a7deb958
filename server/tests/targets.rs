//! `reeve target`, and a running Reeve that takes up what it changes, without a restart (A6).
#![allow(clippy::unwrap_used)]

mod common;

use common::{MONITOR_PASSWORD, PATIENCE, Running, Said, Shop, connect, dir, reeve, target, until};
use reeve_cluster::testing::TestCluster;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{io::AsyncWriteExt, time::timeout};

/// A Reeve with a store of its own that the test can look into, and a server to watch.
struct Bench {
    data: tempfile::TempDir,
    store: TestCluster,
    shop: Shop,
    config: PathBuf,
}

impl Bench {
    async fn start() -> Self {
        let (data, store, shop) = (dir(), TestCluster::start(&[]).await.unwrap(), Shop::start().await);
        let config = common::watch_all(data.path(), &[]);
        Self { data, store, shop, config }
    }

    fn env(&self) -> [(String, String); 2] {
        [("REEVE_CONFIG".to_owned(), self.config.display().to_string()), ("DATABASE_URL".to_owned(), self.store.url("postgres"))]
    }

    async fn serve(&self) -> Running {
        let env = self.env();
        Running::start(self.data.path(), &env.each_ref().map(|(k, v)| (k.as_str(), v.as_str()))).await
    }

    /// `reeve …` with something on its standard input.
    async fn tell(&self, arguments: &[&str], input: &str) -> Said {
        tell(self.data.path(), arguments, &self.env(), input).await
    }

    /// One value of the store.
    async fn asked(&self, sql: &str) -> Option<String> {
        let row = connect(&self.store.url("postgres")).await.query_opt(sql, &[]).await.unwrap();
        row.and_then(|row| row.get(0))
    }
}

async fn tell(data: &Path, arguments: &[&str], env: &[(String, String)], input: &str) -> Said {
    let mut command = reeve(data, arguments);
    let mut child = command.envs(env.iter().cloned()).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses without reading closes the pipe.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    assert!(!format!("{}{}", said.out, said.err).contains(MONITOR_PASSWORD), "{}{}", said.out, said.err);
    said
}

#[track_caller]
fn good(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    words.iter().for_each(|word| assert!(said.out.contains(word), "{word:?} is missing in:\n{}", said.out));
}

#[track_caller]
fn bad(said: &Said, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(1), "{all}");
    words.iter().for_each(|word| assert!(all.contains(word), "{word:?} is missing in:\n{all}"));
}

fn is_up(targets: &Value) -> bool {
    target(targets, "shop")["reach"]["state"] == "up"
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_a_target_comes_changes_and_goes_while_reeve_runs() {
    let bench = Bench::start().await;
    let reeve = bench.serve().await;
    assert_eq!(reeve.json("/api/targets").await["items"].as_array().unwrap().len(), 0);

    let browser = reeve.browser_of(common::EMAIL, common::PASSWORD).await;
    let open = || browser.get(reeve.url("/admin/live?page=/admin/db-health")).send();
    let mut stream = open().await.unwrap();
    let about = ["--environment", "staging", "--region", "eu-1", "--owner", "team a", "--tag", "web", "--tag", "shop"];
    let added = bench.tell(&[&["target", "add", "shop", "--url-stdin"], about.as_slice()].concat(), &bench.shop.url).await;
    good(&added, &["shop answers in", "as the role watcher", "shop is registered"]);
    let seen = reeve.until("/api/targets", "the target, up", is_up).await;
    let shop = target(&seen, "shop");
    assert_eq!(
        (shop["region"].as_str(), shop["owner"].as_str(), shop["environment"].as_str()),
        (Some("eu-1"), Some("team a"), Some("staging"))
    );
    assert_eq!(shop["tags"], serde_json::json!(["web", "shop"]));
    // An open page is asked anew, and shows it: the stream ends, without the farewell of a session that is over.
    let mut said = String::new();
    while let Ok(Some(chunk)) = timeout(PATIENCE, stream.chunk()).await.expect("the stream ends") {
        said.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(!said.contains("event: bye") && !said.contains("shop"), "{said}");
    let first = open().await.unwrap().chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("shop"), "the page comes back with the target");
    // Tables are read, scans are made: all that asks the registry.
    reeve.until("/api/targets/shop/tables", "its tables", |v| v["items"].as_array().is_some_and(|all| !all.is_empty())).await;
    reeve.until("/api/security/audit", "a scan", |v| v.to_string().contains("\"shop\"")).await;
    let page = reeve.text("/admin/targets/shop").await;
    assert!(page.contains("eu-1") && page.contains("owned by team a"), "the page tells region and owner");
    let listed = bench.tell(&["target", "list"], "").await;
    good(&listed, &["shop", "staging", "eu-1", "team a", "web shop", "registered"]);
    bad(&bench.tell(&["target", "add", "shop", "--url-stdin"], &bench.shop.url).await, &["registered already", "reeve target edit shop"]);

    // A password is changed: the old one gets nobody in, the new one is taken up without a restart.
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'watcher'";
    bench.shop.admin.batch_execute("ALTER ROLE watcher PASSWORD 'rotated-8812'").await.unwrap();
    bench.shop.admin.execute(ended, &[]).await.unwrap();
    reeve.until("/api/targets", "the refusal", |v| target(v, "shop")["reach"]["state"] == "down").await;
    let wrong = bench.tell(&["target", "edit", "shop", "--url-stdin"], &bench.shop.url).await;
    bad(&wrong, &["can't be watched", "  ALTER ROLE \"watcher\" PASSWORD '…';", "  -- CREATE ROLE \"watcher\" LOGIN", "--force"]);
    let rotated = bench.shop.url.replace(MONITOR_PASSWORD, "rotated-8812");
    let edited = bench.tell(&["target", "edit", "shop", "--url-stdin"], &rotated).await;
    good(&edited, &["shop is changed"]);
    assert!(!format!("{}{}", edited.out, edited.err).contains("rotated-8812"));
    reeve.until("/api/targets", "the target with its new password", is_up).await;

    good(&bench.tell(&["target", "edit", "shop", "--region", "", "--tag", "b2b"], "").await, &["shop is changed"]);
    let seen = reeve.until("/api/targets", "other words", |v| target(v, "shop")["region"].is_null()).await;
    assert_eq!((&target(&seen, "shop")["tags"], &target(&seen, "shop")["owner"]), (&serde_json::json!(["b2b"]), &Value::from("team a")));

    // Removed: gone from every answer, and its past stays.
    bad(&bench.tell(&["target", "remove", "shop"], "shpo").await, &["Nothing was removed"]);
    assert!(is_up(&reeve.json("/api/targets").await));
    good(&bench.tell(&["target", "remove", "shop"], "shop\n").await, &["shop is removed", "history"]);
    reeve.until("/api/targets", "its going", |v| target(v, "shop").is_null()).await;
    assert_eq!(reeve.get("/admin/targets/shop").await.status(), 404);
    until("the end of its connections", || async {
        let row = bench.shop.admin.query_one("SELECT count(*) FROM pg_stat_activity WHERE usename = 'watcher'", &[]).await.unwrap();
        (row.get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    let kept = "SELECT count(*)::text FROM main.verdict_change v JOIN main.target t ON t.id = v.target_id WHERE t.name = 'shop' AND t.retired_at IS NOT NULL";
    assert_ne!(bench.asked(kept).await.as_deref(), Some("0"), "its verdicts are there");
    assert_eq!(bench.asked("SELECT name FROM main.secret WHERE kind = 'target'").await, None, "its address is not");
    bad(&bench.tell(&["target", "remove", "shop", "--yes"], "").await, &["No target called shop is registered"]);

    // It comes back with its past.
    good(&bench.tell(&["target", "add", "shop", "--url-stdin"], &rotated).await, &["shop is registered"]);
    reeve.until("/api/targets", "the target again", is_up).await;
    assert_eq!(bench.asked("SELECT count(*)::text FROM main.target").await.as_deref(), Some("1"));

    // Each change is told, with what it was before and after, and no secret.
    for (verb, word) in [("add", "eu-1"), ("edit", "b2b"), ("remove", "team a")] {
        let path = format!("/api/audit?verb={verb}&noun=target");
        let told = reeve.until(&path, "the event", |v| v["items"].as_array().is_some_and(|all| !all.is_empty())).await;
        let text = told.to_string();
        assert!(text.contains(word) && text.contains("(command line)"), "{verb}: {text}");
        assert!(!text.contains(MONITOR_PASSWORD) && !text.contains("rotated-8812"), "{text}");
    }
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_the_configuration_wins_and_says_where_it_stands() {
    let bench = Bench::start().await;
    let url = bench.shop.url.as_str();
    good(&bench.tell(&["target", "add", "extra", "--url-stdin"], url).await, &["extra is registered"]);
    std::fs::write(&bench.config, format!("[[target]]\nname = \"extra\"\nurl = '{url}'\n")).unwrap();
    let place = format!("{}:1: target[0]", bench.config.display());
    for arguments in [
        &["target", "add", "extra", "--url-stdin"][..],
        &["target", "edit", "extra", "--tag", "x"],
        &["target", "remove", "extra", "--yes"],
    ] {
        bad(&bench.tell(arguments, url).await, &[&place, "change it there"]);
    }
    let listed = bench.tell(&["target", "list"], "").await;
    good(&listed, &[&place, "extra is registered too, and passed over"]);
    let mut env = bench.env().to_vec();
    env.push(("REEVE_TARGET_SHOP_URL".to_owned(), url.to_owned()));
    let said = tell(bench.data.path(), &["target", "remove", "shop", "--yes"], &env, "").await;
    bad(&said, &["REEVE_TARGET_SHOP_URL"]);
    // One target, not two; `reeve check` and its kin know what is registered.
    let reeve = bench.serve().await;
    assert_eq!(reeve.json("/api/targets").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(reeve.stop().await, Some(0));
    std::fs::write(&bench.config, "").unwrap();
    good(&bench.tell(&["check"], "").await, &["extra "]);
    // A login with few rights lacks something, and that is told.
    bad(&bench.tell(&["doctor"], "").await, &["extra:", "without it:"]);
    good(&bench.tell(&["target", "test", "extra"], "").await, &["extra answers in", "without it:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_of_two_at_once_one_registers_and_nothing_hostile_gets_in() {
    let bench = Bench::start().await;
    good(&bench.tell(&["migrate", "up"], "").await, &[]);
    let add = ["target", "add", "shop", "--url-stdin"];
    let (one, two) = tokio::join!(bench.tell(&add, &bench.shop.url), bench.tell(&add, &bench.shop.url));
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "{}{}\n{}{}", one.out, one.err, two.out, two.err);
    let late = if one.code == Some(0) { &two } else { &one };
    assert!(late.err.contains("registered already"), "{}", late.err);
    assert_eq!(bench.asked("SELECT count(*)::text FROM main.audit_outbox WHERE body->>'verb' = 'add'").await.as_deref(), Some("1"));

    for name in ["", "Shop", "a b", "../x", "a/b", "shop\n", "é", "-x", "'; DROP TABLE main.secret; --", &"a".repeat(64)] {
        let said = bench.tell(&["target", "add", "--url-stdin", "--", name], &bench.shop.url).await;
        bad(&said, &["A target's name has"]);
    }
    let shown = "postgres://watcher:hunter2@h/d";
    for arguments in [
        &["target", "add", shown][..],
        &["target", "add", "x", shown],
        &["target", "add", "x", "--url-env", shown],
        &["target", "edit", "shop", shown],
        &["target", "test", shown],
    ] {
        let said = bench.tell(arguments, "").await;
        bad(&said, &["never an argument"]);
        assert!(!format!("{}{}", said.out, said.err).contains("hunter2"), "{}{}", said.out, said.err);
    }
    for (extra, words) in [
        (["--region", "a\nb"], "one line"),
        (["--owner", "\u{202e}nimda"], "one line"),
        (["--tag", "two words"], "one word"),
        (["--environment", "live"], "no environment"),
        (["--database", "no_such_database"], "no_such_database"),
    ] {
        let said = bench.tell(&[&["target", "add", "other", "--url-stdin"], extra.as_slice()].concat(), &bench.shop.url).await;
        bad(&said, &[words]);
    }
    for wrong in ["", "hunter2 is no url", "postgres://:hunter2@"] {
        let said = bench.tell(&["target", "add", "other", "--url-stdin"], wrong).await;
        assert!(said.code == Some(1) && !said.err.contains("hunter2"), "{}", said.err);
    }
    let listed: Value = serde_json::from_str(&bench.tell(&["target", "list", "--json"], "").await.out).unwrap();
    assert_eq!(listed["targets"].as_array().unwrap().len(), 1, "{listed:#}");
    // What fails can be forced, and is then known with its fault.
    let nowhere = "postgres://u:p@127.0.0.1:1/d";
    bad(&bench.tell(&["target", "add", "later", "--url-stdin"], nowhere).await, &["can't be watched", "--force"]);
    good(&bench.tell(&["target", "add", "later", "--url-stdin", "--force"], nowhere).await, &["later is registered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_test_tells_what_is_missing_what_it_costs_and_the_sql() {
    let (data, shop) = (dir(), Shop::start().await);
    shop.admin.batch_execute("CREATE ROLE \"po\"\"or\" LOGIN PASSWORD 'poor-secret'").await.unwrap();
    shop.admin.batch_execute("CREATE DATABASE plain").await.unwrap();
    let poor = shop.cluster.url_for("po\"or", "poor-secret", "plain");
    let test = async |input: &str, more: &[&str]| tell(data.path(), &[&["target", "test", "--url-stdin"], more].concat(), &[], input).await;
    let said = test(&poor, &[]).await;
    good(
        &said,
        &["as the role po\"or", "without it:", "GRANT pg_monitor TO \"po\"\"or\";", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"],
    );
    let json: Value = serde_json::from_str(&test(&poor, &["--json"]).await.out).unwrap();
    assert_eq!((&json["good"], json["sql"].as_array().unwrap().len()), (&Value::Bool(true), 2), "{json:#}");
    assert!(json["missing"].as_array().unwrap().iter().all(|m| !m["missing"].as_array().unwrap().is_empty()), "{json:#}");
    // What is printed is what helps.
    for statement in json["sql"].as_array().unwrap() {
        connect(&shop.cluster.url("plain")).await.batch_execute(statement.as_str().unwrap()).await.unwrap();
    }
    let json: Value = serde_json::from_str(&test(&poor, &["--json"]).await.out).unwrap();
    assert!(json["sql"] == serde_json::json!([]) && !json.to_string().contains("pg_monitor"), "{json:#}");
    let wrong = test(&poor.replace("poor-secret", "wrong-secret"), &["--json"]).await;
    assert!(wrong.code == Some(1) && !wrong.out.contains("wrong-secret"), "{}{}", wrong.out, wrong.err);
    let json: Value = serde_json::from_str(&wrong.out).unwrap();
    assert!(json["good"] == false && json["sql"][0].as_str().unwrap().starts_with("ALTER ROLE \"po\"\"or\" PASSWORD"), "{json:#}");
    assert!(!data.path().join("store").exists(), "a test makes no Reeve");
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_while_the_store_is_away_what_was_known_goes_on_being_watched() {
    let mut bench = Bench::start().await;
    good(&bench.tell(&["target", "add", "shop", "--url-stdin"], &bench.shop.url).await, &["shop is registered"]);
    let reeve = bench.serve().await;
    reeve.until("/api/targets", "the target, up", is_up).await;
    let env = bench.env();
    bench.store.stop_server().await;
    reeve.until_line("/metrics", "reeve_store_up 0").await;
    let rounds = r#"reeve_probe_runs_total{target="shop",probe="activity",database=""}"#;
    let before = reeve.metric(rounds).await.unwrap();
    until("more rounds", || async { (reeve.metric(rounds).await? >= before + 3.0).then_some(()) }).await;
    assert!(is_up(&reeve.json("/api/targets").await));
    bad(&tell(bench.data.path(), &["target", "remove", "shop", "--yes"], &env, "").await, &["Reeve's own database"]);
    bench.store.start_again().await.unwrap();
    reeve.until_line("/metrics", "reeve_store_up 1").await;
    good(&bench.tell(&["target", "edit", "shop", "--owner", "night shift"], "").await, &["shop is changed"]);
    reeve.until("/api/targets", "its owner", |v| target(v, "shop")["owner"] == "night shift").await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// A job at work goes on with the address it began with; the next one finds no target.
#[tokio::test(flavor = "multi_thread")]
async fn a6_a_target_that_is_removed_during_its_backup_breaks_nothing() {
    let bench = Bench::start().await;
    let all = bench.shop.cluster.url("shop");
    good(&bench.tell(&["target", "add", "shop", "--url-stdin"], &all).await, &["shop is registered"]);
    let mut reeve = bench.serve().await;
    reeve.until("/api/backups", "the database", |v| v.to_string().contains("\"shop\"")).await;
    // pg_dump waits for the lock, so the backup is at work for as long as the test likes.
    let mut holder = bench.shop.session().await;
    let held = holder.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let body = serde_json::json!({ "target": "shop", "database": "shop" });
    let asked = reeve.client.post(reeve.url("/api/backups")).bearer_auth(&reeve.token).json(&body).send().await.unwrap();
    assert!(asked.status().is_success(), "{}", asked.text().await.unwrap());
    until("pg_dump at the lock", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reeve/backup' AND wait_event_type = 'Lock'";
        (bench.shop.admin.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0).then_some(())
    })
    .await;
    good(&bench.tell(&["target", "remove", "shop", "--yes"], "").await, &["shop is removed"]);
    reeve.until("/api/targets", "its going", |v| target(v, "shop").is_null()).await;
    held.rollback().await.unwrap();
    let ended = until("the end of the job", || bench.asked("SELECT state FROM main.backup_job WHERE ended_at IS NOT NULL")).await;
    assert_eq!(ended, "done", "{:?}", bench.asked("SELECT sentence FROM main.backup_job").await);
    let again = reeve.client.post(reeve.url("/api/backups")).bearer_auth(&reeve.token).json(&body).send().await.unwrap();
    assert_eq!(again.status(), 404);
    let heard = reeve.heard().join("\n");
    assert!(!heard.contains("panicked"), "{heard}");
    assert_eq!(reeve.stop().await, Some(0));
}

/// A configured target whose address stands in a file: what is written there is taken up, and what can't be used is not.
#[tokio::test(flavor = "multi_thread")]
async fn a6_an_address_in_a_file_is_taken_up_when_the_file_changes() {
    let bench = Bench::start().await;
    let file = bench.data.path().join("shop.url");
    std::fs::write(&file, "postgres://u:p@127.0.0.1:1/d\n").unwrap();
    let text = format!("[intervals]\ncritical = \"2s\"\nbudget = \"100%\"\n[[target]]\nname = \"shop\"\nurl_file = '{}'\n", file.display());
    std::fs::write(&bench.config, text).unwrap();
    let mut reeve = bench.serve().await;
    reeve.until("/api/targets", "that nobody answers", |v| target(v, "shop")["reach"]["state"] == "down").await;
    std::fs::write(&file, format!("{}\n", bench.shop.url)).unwrap();
    reeve.until("/api/targets", "the target, up", is_up).await;
    std::fs::write(&file, "hunter2 is no url").unwrap();
    let mut heard = String::new();
    until("the warning", || {
        heard.push_str(&reeve.heard().join("\n"));
        let said = heard.contains("goes on being reached as before");
        async move { said.then_some(()) }
    })
    .await;
    std::fs::remove_file(&file).unwrap();
    let rounds = r#"reeve_probe_runs_total{target="shop",probe="activity",database=""}"#;
    let before = reeve.metric(rounds).await.unwrap();
    until("more rounds", || async { (reeve.metric(rounds).await? >= before + 3.0).then_some(()) }).await;
    assert!(is_up(&reeve.json("/api/targets").await));
    heard.push_str(&reeve.heard().join("\n"));
    assert!(!heard.contains("hunter2") && !heard.contains(MONITOR_PASSWORD), "{heard}");
    assert_eq!(reeve.stop().await, Some(0));
}

/// A registered target never vanishes: its address is not taken away from it, and where it is gone all the same, it is shown as down.
#[tokio::test(flavor = "multi_thread")]
async fn a6_a_registered_target_whose_address_is_gone_is_down_and_says_why() {
    let bench = Bench::start().await;
    std::fs::write(&bench.config, "[intervals]\ncritical = \"2s\"\n").unwrap();
    good(&bench.tell(&["target", "add", "shop", "--url-stdin"], &bench.shop.url).await, &["is registered"]);
    bad(&bench.tell(&["secret", "remove", "target/shop"], "").await, &["reeve target remove shop"]);
    assert_eq!(bench.asked("DELETE FROM main.secret WHERE name = 'shop' RETURNING name").await.as_deref(), Some("shop"));
    let reeve = bench.serve().await;
    let down = reeve.until("/api/targets", "that it is down", |v| target(v, "shop")["reach"]["state"] == "down").await;
    let why = target(&down, "shop")["reach"]["sentence"].as_str().unwrap();
    assert!(why.contains("reeve secret set target/shop"), "{why}");
    let html = reeve.text("/admin/db-health").await;
    assert!(html.contains("The address of the registered target shop is gone"), "{html}");
    // It is given back, and is watched without a restart.
    good(&bench.tell(&["secret", "set", "target/shop"], &bench.shop.url).await, &["within seconds"]);
    reeve.until("/api/targets", "the target, up", is_up).await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// A configured target whose address is a stored secret: a new one is taken up as soon as it is set.
#[tokio::test(flavor = "multi_thread")]
async fn a6_a_stored_address_is_taken_up_when_it_is_set_anew() {
    let bench = Bench::start().await;
    std::fs::write(&bench.config, "[intervals]\ncritical = \"2s\"\nbudget = \"100%\"\n[[target]]\nname = \"shop\"\nurl_stored = true\n")
        .unwrap();
    good(&bench.tell(&["secret", "set", "target/shop"], "postgres://u:p@127.0.0.1:1/d").await, &["is stored"]);
    let reeve = bench.serve().await;
    reeve.until("/api/targets", "that nobody answers", |v| target(v, "shop")["reach"]["state"] == "down").await;
    good(&bench.tell(&["secret", "set", "target/shop"], &bench.shop.url).await, &["within seconds"]);
    reeve.until("/api/targets", "the target, up", is_up).await;
    // Taken away while it is watched: it stays watched, and the next start says what is missing.
    good(&bench.tell(&["secret", "remove", "target/shop"], "").await, &[]);
    let rounds = r#"reeve_probe_runs_total{target="shop",probe="activity",database=""}"#;
    let before = reeve.metric(rounds).await.unwrap();
    until("more rounds", || async { (reeve.metric(rounds).await? >= before + 3.0).then_some(()) }).await;
    assert!(is_up(&reeve.json("/api/targets").await));
    assert_eq!(reeve.stop().await, Some(0));
}
