//! Targets in trouble: slow, locked, hanging, without rights (B1, B2, B3, C1). Each cause is real, is seen, and is seen to end.
#![allow(clippy::unwrap_used)]

mod common;

use common::{PATIENCE, Running, Shop, dir, processes, reason, target, watch_all, watch_config};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream},
    time::{Instant, interval, sleep_until},
};

/// A page or an answer that comes from memory takes less, also on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Targets are read every 2 s; a round of a target that doesn't answer takes 8 s. What is older waited for another target.
const NOT_DELAYED_S: f64 = 7.0;

/// A way to a server on which every answer is late. The delay can change while it is open.
async fn late_way(socket: PathBuf, delay_ms: Arc<AtomicU64>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((outside, _)) = listener.accept().await {
            let (socket, delay_ms) = (socket.clone(), Arc::clone(&delay_ms));
            tokio::spawn(async move {
                let (mut from_reeve, mut to_reeve) = outside.into_split();
                let (mut from_server, mut to_server) = UnixStream::connect(socket).await.ok()?.into_split();
                let (send, mut queue) = tokio::sync::mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
                tokio::spawn(async move {
                    let mut bytes = vec![0; 64 * 1024];
                    while let Ok(n @ 1..) = from_server.read(&mut bytes).await {
                        let at = Instant::now() + Duration::from_millis(delay_ms.load(Ordering::SeqCst));
                        if send.send((at, bytes[..n].to_vec())).is_err() {
                            return;
                        }
                    }
                });
                tokio::spawn(async move {
                    while let Some((at, bytes)) = queue.recv().await {
                        sleep_until(at).await;
                        if to_reeve.write_all(&bytes).await.is_err() {
                            return;
                        }
                    }
                });
                tokio::io::copy(&mut from_reeve, &mut to_server).await.ok()
            });
        }
    });
    port
}

fn age_s(targets: &Value, name: &str) -> f64 {
    target(targets, name)["age"].as_f64().unwrap_or(f64::INFINITY)
}

fn state<'v>(targets: &'v Value, name: &str) -> &'v str {
    target(targets, name)["reach"]["state"].as_str().unwrap_or("none")
}

/// Watches the good target until `enough` says so of all of them; it must be read on and on meanwhile.
async fn good_while(reeve: &Running, good: &str, what: &str, enough: impl Fn(&Value) -> bool) {
    let begun = Instant::now();
    let mut every = interval(Duration::from_millis(200));
    let (mut rounds, mut before) = (0, f64::INFINITY);
    loop {
        every.tick().await;
        let asked = Instant::now();
        let targets = reeve.json("/api/targets").await;
        assert!(asked.elapsed() < AT_ONCE, "the answer waits for a target");
        let age = age_s(&targets, good);
        assert!(age < NOT_DELAYED_S && state(&targets, good) == "up", "{good} is held up: {targets:#}");
        // It became younger: one more round.
        rounds += u32::from(age < before);
        before = age;
        if rounds >= 5 && enough(&targets) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "never seen: {what}; last:\n{targets:#}");
    }
}

/// B2, B3: 700 ms on every answer. Reeve says so, reads everything all the same, and nobody else waits.
#[tokio::test(flavor = "multi_thread")]
async fn b2_a_slow_target_is_told_read_to_the_end_and_delays_nobody() {
    let (data, shop) = (dir(), Shop::start().await);
    let delay_ms = Arc::new(AtomicU64::new(700));
    let port = late_way(shop.cluster.socket_dir().join(".s.PGSQL.5432"), Arc::clone(&delay_ms)).await;
    let late = format!("postgres://watcher:{}@127.0.0.1:{port}/shop?sslmode=disable", common::MONITOR_PASSWORD);
    let config = watch_all(data.path(), &[("late", &late), ("near", &shop.url)]);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    reeve.until("/api/targets", "a first round of the near one", |v| state(v, "near") == "up").await;

    good_while(&reeve, "near", "the slow one's reason", |v| reason(v, "late", "availability.late").is_some()).await;
    let targets = reeve.json("/api/targets").await;
    let sentence = reason(&targets, "late", "availability.late").unwrap();
    assert!(sentence.starts_with("Every answer comes late") && sentence.ends_with('.'), "{sentence}");
    assert_eq!((state(&targets, "late"), &target(&targets, "late")["status"]), ("up", &Value::from("degraded")), "{targets:#}");
    assert_eq!(reason(&targets, "near", "availability.late"), None);
    // Its tables come last in a round; they are reached although all before them took its time.
    reeve.until("/api/targets/late/tables", "its tables", |v| v["total"] == 1).await;
    for path in ["/admin/db-health", "/admin/targets/late", "/api/db/health"] {
        let begun = Instant::now();
        let text = reeve.text(path).await;
        assert!(begun.elapsed() < AT_ONCE, "{path} waits for a slow target");
        assert!(path.starts_with("/api") || text.contains("comes late"), "{path} says what is slow");
    }
    delay_ms.store(0, Ordering::SeqCst);
    reeve.until("/api/targets", "no such reason", |v| age_s(v, "late") < 3.0 && reason(v, "late", "availability.late").is_none()).await;

    delay_ms.store(700, Ordering::SeqCst);
    reeve.until("/api/targets", "slow again", |v| reason(v, "late", "availability.late").is_some()).await;
    let begun = Instant::now();
    assert_eq!(reeve.stop().await, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(8), "the end waited {:?} for a slow target", begun.elapsed());
}

/// B3: one target hangs with all its processes; the other is read as often as before.
#[tokio::test(flavor = "multi_thread")]
async fn b3_a_hanging_target_does_not_delay_another() {
    let (data, good, bad) = (dir(), Shop::start().await, Shop::start().await);
    let config = watch_all(data.path(), &[("bad", &bad.url), ("good", &good.url)]);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    reeve.until("/api/targets", "first rounds", |v| state(v, "good") == "up" && state(v, "bad") == "up").await;
    let stopped = Stopped::all_of(&bad);
    good_while(&reeve, "good", "that the bad one is down", |v| state(v, "bad") == "down").await;
    let targets = reeve.json("/api/targets").await;
    assert_eq!(target(&targets, "bad")["status"], "critical", "{targets:#}");
    assert_eq!(reason(&targets, "good", "availability.down"), None);
    drop(stopped);
    good_while(&reeve, "good", "that the bad one is back", |v| state(v, "bad") == "up").await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// Processes under SIGSTOP; they go on when this is dropped, so that a failed test can end its server.
struct Stopped(Vec<i32>);

impl Stopped {
    fn all_of(shop: &Shop) -> Self {
        let all = processes(&shop.cluster);
        all.iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGSTOP).unwrap());
        Self(all)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.0 {
            kill(Pid::from_raw(*pid), Signal::SIGCONT).ok();
        }
    }
}

type Sizes = BTreeMap<String, Option<i64>>;

fn sizes(page: &Value) -> Sizes {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|t| (t["name"].as_str().unwrap().to_owned(), t["bytes"].as_i64())).collect()
}

fn locked(page: &Value) -> usize {
    page["items"].as_array().unwrap().iter().filter(|t| t["locked"] == true).count()
}

/// B3, C1: somebody holds ACCESS EXCLUSIVE on every table there is.
#[tokio::test(flavor = "multi_thread")]
async fn b3_with_every_table_locked_rounds_go_on_and_sizes_stay() {
    let (data, shop) = (dir(), Shop::start().await);
    shop.admin
        .batch_execute(
            "CREATE TABLE wide (id serial PRIMARY KEY, body text); ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
             INSERT INTO wide (body) SELECT repeat('x', 9000) FROM generate_series(1, 50);
             CREATE TABLE parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
             CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
             CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
             INSERT INTO parts SELECT i, '2024-01-31'::date + i % 2 FROM generate_series(1, 500) i;
             ANALYZE",
        )
        .await
        .unwrap();
    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    let pages = "/api/targets/shop/tables?limit=100";
    let all_known = |v: &Value| v["total"].as_u64() >= Some(3) && sizes(v).values().all(|bytes| bytes.is_some_and(|b| b > 0));
    let before = sizes(&reeve.until(pages, "all sizes", all_known).await);

    let holder = shop.session().await;
    holder
        .batch_execute(
            "BEGIN; DO $$ DECLARE t regclass; BEGIN
               FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LOOP
                 EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', t);
               END LOOP; END $$",
        )
        .await
        .unwrap();
    let page = reeve.until(pages, "every table marked", |v| locked(v) == before.len()).await;
    assert_eq!(sizes(&page), before, "the sizes are those last known");
    // It goes on like that: exact sizes come due in between, and none is lost or becomes zero.
    let runs = r#"reeve_probe_runs_total{target="shop",probe="tables",database="shop"}"#;
    let marked = reeve.metric(runs).await.unwrap();
    let begun = Instant::now();
    let mut every = interval(Duration::from_millis(200));
    while reeve.metric(runs).await.unwrap() < marked + 3.0 {
        every.tick().await;
        let (page, targets) = (reeve.json(pages).await, reeve.json("/api/targets").await);
        assert_eq!((sizes(&page), locked(&page)), (before.clone(), before.len()), "{page:#}");
        assert!(age_s(&targets, "shop") < NOT_DELAYED_S && state(&targets, "shop") == "up", "{targets:#}");
        assert!(begun.elapsed() < PATIENCE, "rounds stand still");
    }
    let asked = Instant::now();
    let html = reeve.text("/admin/targets/shop/tables").await;
    assert!(asked.elapsed() < AT_ONCE && html.to_lowercase().contains("locked"), "the page answers and says so");
    holder.batch_execute("ROLLBACK").await.unwrap();
    reeve.until(pages, "no mark", |v| locked(v) == 0 && sizes(v) == before).await;
    assert_eq!(reeve.stop().await, Some(0));
}

/// A7, B1: the role loses pg_monitor while it is watched with, and gets it back.
#[tokio::test(flavor = "multi_thread")]
async fn a7_rights_lost_on_the_way_are_named_and_come_back() {
    let (data, shop) = (dir(), Shop::start().await);
    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    let detail = "/api/fn/target_detail?name=shop";
    let fault = |v: &Value| v["statements"]["fault"]["sentence"].as_str().map(str::to_owned);
    let query_time = |v: &Value| {
        let figures = v["summary"]["figures"].as_array().unwrap();
        figures.iter().find(|f| f["id"] == "performance.mean_query_ms").cloned().unwrap()
    };
    let worker = shop.session().await;
    tokio::spawn(async move {
        let mut every = interval(Duration::from_millis(200));
        while worker.query("SELECT count(*) FROM public.orders", &[]).await.is_ok() {
            every.tick().await;
        }
    });
    let fine = |v: &Value| fault(v).is_none() && query_time(v)["value"].is_number() && query_time(v)["stale"] == false;
    let known = reeve.until(detail, "statements", fine).await;

    shop.admin.batch_execute("REVOKE pg_monitor FROM watcher").await.unwrap();
    let without = reeve.until(detail, "what is missing", |v| fault(v).is_some()).await;
    let sentence = fault(&without).unwrap();
    assert!(sentence.contains("GRANT pg_monitor TO \"watcher\""), "{sentence}");
    assert!(without["statements"]["last"]["at"].as_i64() >= known["statements"]["last"]["at"].as_i64(), "the last known stay: {without:#}");
    let said = reeve.until("/api/targets", "the reason", |v| reason(v, "shop", "verdict.rights").is_some()).await;
    assert_eq!(state(&said, "shop"), "up", "it answers all the same");
    assert_ne!(target(&said, "shop")["status"], "healthy", "what is hidden is not called healthy");
    assert!(reeve.text("/admin/targets/shop").await.contains("pg_monitor"), "the page says what to grant");
    // Old, it is shown as old, never as zero and never as new.
    let old = reeve.until(detail, "a stale figure", |v| query_time(v)["stale"] == true).await;
    assert!(query_time(&old)["value"].is_number(), "{:#}", query_time(&old));

    shop.admin.batch_execute("GRANT pg_monitor TO watcher").await.unwrap();
    reeve.until(detail, "statements again", fine).await;
    reeve.until("/api/targets", "no such reason", |v| reason(v, "shop", "verdict.rights").is_none()).await;
    assert_eq!(reeve.stop().await, Some(0));
}
