//! From a real cause to the answer, and back (A5, B1, B2, B3, B6, C1, G1).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, Shop, dir, watch_config};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, timeout};

async fn running(shop: &Shop) -> (tempfile::TempDir, Running) {
    let data = dir();
    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    reeve.until("/api/targets", "a first round", |v| v["items"][0]["reach"]["state"] == "up").await;
    (data, reeve)
}

fn active(v: &Value) -> f64 {
    v["targets"]["shop"]["connections"]["active"].as_f64().unwrap_or(-1.0)
}

fn reason<'v>(v: &'v Value, id: &str) -> Option<&'v Value> {
    v["items"][0]["reasons"].as_array()?.iter().find(|r| r["id"].as_str().is_some_and(|i| i.contains(id)))
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_shapes_b2_sessions_and_a5_pools_follow_their_causes() {
    let shop = Shop::start().await;
    let (_data, reeve) = running(&shop).await;

    assert_eq!(
        reeve.json("/api/health/databases").await,
        serde_json::json!({"main": true, "analytics": true, "documents": true, "compliance": true, "readReplica": false})
    );
    let pools = reeve.json("/api/health/connections").await;
    assert!(pools["main"]["totalConnections"].as_u64().unwrap() >= 1, "{pools}");
    assert!(pools.as_object().unwrap().len() == 1, "only pools that exist: {pools}");

    let before = reeve.until("/api/db/health", "figures", |v| active(v) >= 0.0).await;
    for key in ["overall", "connections", "performance", "storage", "targets"] {
        assert!(before.get(key).is_some(), "{key} is missing: {before}");
    }
    // B2: three sessions at work are three more, and gone afterwards.
    let mut sleepers = Vec::new();
    for _ in 0..3 {
        let session = shop.session().await;
        let pid: i32 = session.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        sleepers.push((pid, tokio::spawn(async move { session.batch_execute("SELECT pg_sleep(600)").await })));
    }
    reeve.until("/api/db/health", "three more active", |v| active(v) >= active(&before) + 3.0).await;
    for (pid, _) in &sleepers {
        shop.admin.execute("SELECT pg_terminate_backend($1)", &[pid]).await.unwrap();
    }
    reeve.until("/api/db/health", "none of them", |v| active(v) <= active(&before)).await;

    // C1: a new table with rows appears with them.
    shop.admin
        .batch_execute("CREATE TABLE public.fresh (id int PRIMARY KEY); INSERT INTO public.fresh SELECT generate_series(1, 2000); ANALYZE public.fresh")
        .await
        .unwrap();
    let fresh = |v: &Value| v["items"].as_array().unwrap().iter().find(|t| t["name"] == "fresh").cloned();
    let page = reeve.until("/api/targets/shop/tables?sort=name", "the new table", |v| fresh(v).is_some_and(|t| t["rows"] == 2000.0)).await;
    assert!(fresh(&page).unwrap()["bytes"].as_i64().unwrap() > 0);
    // Pages of one fit together.
    let first = reeve.json("/api/targets/shop/tables?sort=name&limit=1").await;
    let next = first["next"].as_str().unwrap();
    let second = reeve.json(&format!("/api/targets/shop/tables?sort=name&limit=1&cursor={next}")).await;
    assert_ne!(first["items"][0]["name"], second["items"][0]["name"]);
    assert_eq!(second["next"], Value::Null);
    for bad in ["limit=0", "limit=9999", "sort=colour", "cursor=x", "unknown=1"] {
        assert_eq!(reeve.get(&format!("/api/targets/shop/tables?{bad}")).await.status(), 422, "{bad}");
    }
    assert_eq!(reeve.get("/api/targets/nowhere/tables").await.status(), 404);
    // B4: what was read is kept.
    reeve
        .until("/metrics/history?target=shop&metric=connections.active", "points", |v| v["points"].as_array().is_some_and(|p| p.len() >= 2))
        .await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// A session that holds ACCESS EXCLUSIVE on one table: Reeve goes on, marks the table, and forgets the mark when it is over.
#[tokio::test(flavor = "multi_thread")]
async fn b3_a_locked_table_is_marked_and_nobody_waits() {
    let shop = Shop::start().await;
    shop.admin.batch_execute("CREATE TABLE public.other (id int PRIMARY KEY)").await.unwrap();
    let (_data, reeve) = running(&shop).await;
    reeve.until("/api/targets/shop/tables", "both tables", |v| v["total"] == 2).await;
    let holder = shop.session().await;
    holder.batch_execute("BEGIN; LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let locked = |v: &Value, name: &str| v["items"].as_array().unwrap().iter().any(|t| t["name"] == name && t["locked"] == true);
    let page = reeve.until("/api/targets/shop/tables", "the mark", |v| locked(v, "orders")).await;
    assert!(!locked(&page, "other"), "only that one: {page}");
    let orders = page["items"].as_array().unwrap().iter().find(|t| t["name"] == "orders").unwrap().clone();
    assert!(orders["bytes"].is_null() || orders["bytes"].as_i64().unwrap() > 0, "never zero: {orders}");
    let html = reeve.text("/admin/targets/shop/tables/shop/public/orders").await;
    assert!(html.to_lowercase().contains("lock"), "its page says so");
    assert_eq!(reeve.json("/api/targets").await["items"][0]["reach"]["state"], "up");
    holder.batch_execute("ROLLBACK").await.unwrap();
    reeve.until("/api/targets/shop/tables", "no mark", |v| !locked(v, "orders")).await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// B1: a target that hangs (SIGSTOP) or dies turns critical with a sentence; Reeve itself stays ready; both heal.
#[tokio::test(flavor = "multi_thread")]
async fn b1_a_hanging_and_a_dead_target() {
    let mut shop = Shop::start().await;
    let (_data, reeve) = running(&shop).await;
    reeve.until("/api/targets/shop/tables", "tables", |v| v["total"] == 1).await;
    let everyone = backends(&shop);
    everyone.iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGSTOP).unwrap());
    let down = reeve.until("/api/targets", "critical", |v| v["items"][0]["status"] == "critical").await;
    assert_eq!(down["items"][0]["reach"]["state"], "down", "{down}");
    assert!(reason(&down, "").unwrap()["sentence"].as_str().unwrap().contains("shop"), "{down}");
    for path in ["/live", "/ready", "/health"] {
        let begun = Instant::now();
        assert_eq!(reeve.anonymous(path).await.status(), 200, "{path}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{path} waits for a dead target");
    }
    let begun = Instant::now();
    let html = reeve.text("/admin/db-health").await;
    assert!(begun.elapsed() < Duration::from_secs(2), "the page waits for a dead target");
    assert!(html.contains("does not answer"), "and says so");
    let tables = reeve.text("/admin/targets/shop/tables").await;
    assert!(tables.contains("orders"), "what was last known is still shown");
    let metrics = reeve.text("/metrics").await;
    assert!(metrics.contains("reeve_target_up{target=\"shop\"} 0"));
    assert!(!metrics.contains("reeve_table_bytes{target=\"shop\""), "no stale values");
    everyone.iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGCONT).unwrap());
    reeve.until("/api/targets", "up again", |v| v["items"][0]["reach"]["state"] == "up").await;

    shop.cluster.stop_server().await;
    let gone = reeve.until("/api/targets", "down", |v| v["items"][0]["reach"]["state"] == "down").await;
    assert_eq!(gone["items"][0]["status"], "critical");
    shop.cluster.start_again().await.unwrap();
    reeve.until("/api/targets", "up again", |v| v["items"][0]["reach"]["state"] == "up").await;
    // A stopped target must not hold up the end either.
    backends(&shop).iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGSTOP).unwrap());
    let stopping = backends(&shop);
    let code = timeout(Duration::from_secs(20), reeve.stop()).await.expect("it stops though its target hangs");
    stopping.iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGCONT).unwrap());
    assert_eq!(code, Some(0));
}

/// The postmaster and its children.
fn backends(shop: &Shop) -> Vec<i32> {
    let postmaster = shop.cluster.pid().expect("it runs");
    children_of(postmaster)
}

fn children_of(postmaster: i32) -> Vec<i32> {
    let mut all = vec![postmaster];
    let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap();
    all.extend(children.split_whitespace().filter_map(|p| p.parse::<i32>().ok()));
    all
}

/// A1, A2, A4: the embedded store is killed under load: back by itself, nothing lost, and who was signed in reads on.
#[tokio::test(flavor = "multi_thread")]
async fn a2_the_embedded_store_killed_under_load_comes_back() {
    let shop = Shop::start().await;
    let (data, reeve) = running(&shop).await;
    let pid_file = data.path().join("store/pgdata/postmaster.pid");
    let pid = |text: String| text.lines().next().unwrap().trim().parse::<i32>().unwrap();
    let before = pid(std::fs::read_to_string(&pid_file).unwrap());
    let history = "/metrics/history?target=shop&metric=connections.active";
    let kept = reeve.until(history, "points", |v| v["points"].as_array().is_some_and(|p| p.len() >= 2)).await;
    let asking = (0..4).map(|_| {
        let (client, url, token) = (reeve.client.clone(), reeve.url("/admin/db-health"), reeve.token.clone());
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for _ in 0..50 {
                answers.push(client.get(&url).bearer_auth(&token).send().await.unwrap().status().as_u16());
            }
            answers
        })
    });
    let asking: Vec<_> = asking.collect();
    kill(Pid::from_raw(before), Signal::SIGKILL).unwrap();
    for answers in asking {
        assert_eq!(answers.await.unwrap(), vec![200; 50], "every page was answered");
    }
    let after = timeout(common::PATIENCE, async {
        let mut every = tokio::time::interval(Duration::from_millis(100));
        loop {
            every.tick().await;
            let now = std::fs::read_to_string(&pid_file).ok().filter(|t| t.contains("ready")).map(pid);
            if let Some(now) = now.filter(|now| *now != before) {
                return now;
            }
        }
    });
    assert_ne!(after.await.expect("it is started again"), before);
    let again = reeve
        .until(history, "more points", |v| v["points"].as_array().is_some_and(|p| p.len() > kept["points"].as_array().unwrap().len()))
        .await;
    for point in kept["points"].as_array().unwrap() {
        assert!(again["points"].as_array().unwrap().contains(point), "an acknowledged point is lost");
    }
    assert!(!reeve.login().await.is_empty(), "people can sign in again");

    // Stopped, it still answers from memory, and says that the store is away.
    let now = pid(std::fs::read_to_string(&pid_file).unwrap());
    let all = children_of(now);
    all.iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGSTOP).unwrap());
    let said = timeout(common::PATIENCE, async {
        let mut every = tokio::time::interval(Duration::from_millis(300));
        loop {
            every.tick().await;
            let begun = Instant::now();
            let health: Value = reeve.anonymous("/health").await.json().await.unwrap();
            let page = reeve.get("/admin/db-health").await;
            assert_eq!(page.status(), 200);
            assert!(begun.elapsed() < Duration::from_secs(3), "the page waits for the store");
            if health["status"] == "degraded" {
                return page.text().await.unwrap();
            }
        }
    });
    let html = said.await.expect("the outage is noticed");
    assert!(html.contains("own database"), "the page says that the store is away");
    all.iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGCONT).unwrap());
    reeve.until("/health", "healthy", |v| v["status"] == "healthy").await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// After `kill -9` of Reeve the next start ends what was left, keeps its data and the accounts.
#[tokio::test(flavor = "multi_thread")]
async fn a2_after_kill_9_the_next_start_is_clean() {
    let data = dir();
    let first = Running::start(data.path(), &[]).await;
    let pid_file = data.path().join("store/pgdata/postmaster.pid");
    let orphan: i32 = std::fs::read_to_string(&pid_file).unwrap().lines().next().unwrap().trim().parse().unwrap();
    let second = common::say(common::reeve(data.path(), &["serve"])).await;
    assert_ne!(second.code, Some(0), "two at once are refused");
    assert!(second.err.contains("in use"), "{}", second.err);
    first.kill().await;
    assert!(kill(Pid::from_raw(orphan), None).is_ok(), "the postmaster outlived it");
    let again = Running::start(data.path(), &[("REEVE_ADMIN_PASSWORD", common::PASSWORD)]).await;
    assert!(std::fs::read_to_string(format!("/proc/{orphan}/cmdline")).map_or(true, |c| !c.contains("postgres")), "the orphan is gone");
    assert_eq!(again.stop().await, Some(0));
    assert!(!pid_file.exists(), "it stops what it started");
}

/// AT-20, AT-25: names that would be markup, SQL or label syntax are text everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn c1_hostile_names_are_text_everywhere() {
    let shop = Shop::start().await;
    let long = "é".repeat(31);
    let names = ["\"><script>alert(1)</script>", "quo'te\"d", "new\nline", "..", "a/b?c#d", "%2e%2e", "\\back\\slash", long.as_str()];
    for name in names {
        shop.admin.batch_execute(&format!("CREATE TABLE public.\"{}\" (id int PRIMARY KEY)", name.replace('"', "\"\""))).await.unwrap();
    }
    let (_data, reeve) = running(&shop).await;
    let wanted = u64::try_from(names.len()).unwrap() + 1;
    let page = reeve.until("/api/targets/shop/tables?limit=100", "all tables", |v| v["total"].as_u64() == Some(wanted)).await;
    let html = reeve.text("/admin/targets/shop/tables?limit=100").await;
    assert!(!html.contains("<script>alert"), "markup from a name");
    for name in names {
        assert!(page["items"].as_array().unwrap().iter().any(|t| t["name"] == name), "{name:?} is missing in the list");
        // Its own page is reached by the link that the list holds.
        let link = format!("/admin/targets/shop/tables/shop/public/{}", reeve_app::route::encode(name));
        assert!(html.contains(&link), "{link} is not linked");
        let own = reeve.get(&link).await;
        assert_eq!(own.status(), 200, "{link}");
        assert!(!own.text().await.unwrap().contains("<script>alert"));
    }
    let metrics = reeve.text("/metrics").await;
    assert!(metrics.contains(r#"table="\"><script>alert(1)</script>""#) && metrics.contains(r#"table="new\nline""#));
    for line in metrics.lines().filter(|l| !l.starts_with('#')) {
        assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "no valid line: {line}");
    }
    assert_eq!(reeve.stop().await, Some(0));
}

/// A9: each missing right or extension is named once, with all that it keeps away; its own SQL mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a9_doctor_names_what_is_missing_and_its_sql_mends_it() {
    let (shop, data) = (Shop::start().await, dir());
    shop.admin.batch_execute("REVOKE pg_monitor FROM watcher; DROP EXTENSION pg_stat_statements").await.unwrap();
    let doctor = async || {
        let mut command = common::reeve(data.path(), &["doctor"]);
        command.env("REEVE_TARGET_SHOP_URL", &shop.url);
        common::say(command).await
    };
    let sick = doctor().await;
    assert_eq!(sick.code, Some(1), "{}{}", sick.out, sick.err);
    let hba = "GRANT SELECT ON pg_catalog.pg_hba_file_rules TO";
    for part in
        ["shop:", "GRANT pg_monitor TO", "CREATE EXTENSION pg_stat_statements", "“Sessions”", "“Statements”", hba, "control AUTH-01"]
    {
        assert!(sick.out.contains(part), "{part} is missing: {}", sick.out);
    }
    assert_eq!(sick.out.matches(hba).count(), 1, "a reason is said once: {}", sick.out);
    assert!(!sick.out.contains(common::MONITOR_PASSWORD));
    assert!(!sick.out.contains("GRANT pg_read_all_data"), "a watcher is not made a reader of all rows: {}", sick.out);

    // As it stands, a statement a line; what is no SQL stands behind it as a comment.
    let is_sql = |line: &&str| line.starts_with("GRANT ") || line.starts_with("CREATE EXTENSION ");
    let statements: Vec<&str> = sick.out.lines().map(str::trim).filter(is_sql).collect();
    assert!(statements.len() >= 5, "{}", sick.out);
    for sql in &statements {
        assert!(sql.ends_with(';') || sql.contains("; -- "), "{sql}");
        assert_eq!(statements.iter().filter(|other| other == &sql).count(), 1, "{sql} is said once");
        shop.admin.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let better = doctor().await;
    assert!(!better.out.contains("pg_hba_file_rules") && !better.out.contains("“Sessions”"), "{}", better.out);

    let mut command = common::reeve(data.path(), &["doctor", "--json"]);
    command.env("REEVE_TARGET_SHOP_URL", "postgres://nobody@127.0.0.1:1/shop");
    let away = common::say(command).await;
    let json: Value = serde_json::from_str(&away.out).unwrap();
    assert!(away.code == Some(1) && json["targets"][0]["fault"].as_str().is_some_and(|f| f.contains("127.0.0.1:1")), "{json}");
}

/// Whoever looks on must not keep out what asks whether Reeve lives. 400 open files are 200 connections, 150 of which may be streams.
#[tokio::test(flavor = "multi_thread")]
async fn b3_as_many_live_streams_as_there_may_be_leave_room_for_everything_else() {
    let data = dir();
    let reeve = Running::cramped(data.path(), 400).await;
    let open = async || reeve.get("/admin/live?page=%2Fadmin%2Fdb-health").await;
    let mut streams = Vec::new();
    for n in 0..150 {
        let stream = open().await;
        assert_eq!(stream.status(), 200, "stream {n}");
        streams.push(stream);
    }
    let refused = open().await;
    assert_eq!(refused.status(), 503);
    let said = refused.text().await.unwrap();
    assert!(said.contains("As many live pages are open as Reeve serves at once"), "{said}");
    assert_eq!(reeve.anonymous("/live").await.status(), 200);
    assert_eq!(reeve.get("/admin/db-health").await.status(), 200);
    for stream in &mut streams {
        assert!(stream.chunk().await.unwrap().is_some(), "each has its first frame");
    }
    streams.truncate(149);
    common::until("a place that is free again", async || (open().await.status() == 200).then_some(())).await;
}
