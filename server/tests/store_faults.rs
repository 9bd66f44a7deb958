//! Reeve's own database stops, loses its connections, runs out of disk: pages go on, nothing acknowledged is lost (A1, A2, A4).
#![allow(clippy::unwrap_used)]

mod common;

use common::{PATIENCE, Running, Shop, dir, reason, target, until, watch_config};
use reeve_cluster::testing::TestCluster;
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tokio::time::{Instant, interval};

const HISTORY: &str = "/metrics/history?target=shop&metric=connections.active";
const CIRCUIT: &str = r#"reeve_pool_circuit_open{role="main"}"#;
const ROUNDS: &str = r#"reeve_probe_runs_total{target="shop",probe="activity",database=""}"#;

/// When each point was read, in the order of the answer.
fn moments(history: &Value) -> Vec<i64> {
    history["points"].as_array().unwrap().iter().map(|p| p["at"].as_i64().unwrap()).collect()
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Some more rounds of the target are read, whatever the store does.
async fn more_rounds(reeve: &Running, count: f64) {
    let before = reeve.metric(ROUNDS).await.unwrap();
    until("more rounds", || async { (reeve.metric(ROUNDS).await? >= before + count).then_some(()) }).await;
}

/// A page answers from memory, at once.
async fn page(reeve: &Running) -> String {
    let begun = Instant::now();
    let html = reeve.text("/admin/db-health").await;
    assert!(begun.elapsed() < Duration::from_secs(3), "the page waits {:?} for the store", begun.elapsed());
    html
}

/// A1, A5: the store stops and comes back; the figures say so, and history has the rounds of the time between, each once.
#[tokio::test(flavor = "multi_thread")]
async fn a1_the_circuit_opens_on_a_dead_store_and_history_catches_up() {
    let (data, shop, mut store) = (dir(), Shop::start().await, TestCluster::start(&[]).await.unwrap());
    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap()), ("DATABASE_URL", &store.url("postgres"))]).await;
    reeve.until(HISTORY, "points", |v| moments(v).len() >= 2).await;
    assert_eq!(reeve.metric(CIRCUIT).await, Some(0.0));
    assert_eq!(reeve.json("/api/health/databases").await["main"], true);

    // Ended connections are replaced; a sign-in may be turned away for that moment, and the next one is not.
    let admin = common::connect(&store.url("postgres")).await;
    for _ in 0..4 {
        let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'reeve/%'";
        assert!(admin.query_one(ended, &[]).await.unwrap().get::<_, i64>(0) >= 1);
        until("a sign-in", || reeve.try_login()).await;
        assert!(reeve.json("/api/health/connections").await["main"]["totalConnections"].as_u64() >= Some(1));
    }
    drop(admin);

    let stopped = now_ms();
    store.stop_server().await;
    reeve.until_line("/metrics", &format!("{CIRCUIT} 1")).await;
    reeve.until_line("/metrics", "reeve_store_up 0").await;
    assert_eq!(reeve.json("/api/health/databases").await["main"], false);
    assert_eq!(reeve.json("/api/health/connections").await["main"]["totalConnections"], 0);
    assert!(page(&reeve).await.contains("own database is away"), "the page says so");
    let login = reeve.post_json("/api/auth/login", &serde_json::json!({ "email": common::EMAIL, "password": common::PASSWORD })).await;
    assert_eq!(login.status(), 503, "nobody signs in meanwhile");
    more_rounds(&reeve, 4.0).await;
    let back = now_ms();
    store.start_again().await.unwrap();
    reeve.until_line("/metrics", &format!("{CIRCUIT} 0")).await;
    reeve.until_line("/metrics", "reeve_store_up 1").await;
    reeve.until("/api/health/databases", "that it answers", |v| v["main"] == true).await;
    reeve.until("/api/health/connections", "a connection", |v| v["main"]["totalConnections"].as_u64() >= Some(1)).await;

    let whole = reeve.until(HISTORY, "what was read meanwhile", |v| moments(v).last() > Some(&back)).await;
    let at = moments(&whole);
    assert!(at.windows(2).all(|pair| pair[0] < pair[1]), "each once: {whole:#}");
    assert!(at.iter().filter(|at| (stopped..back).contains(*at)).count() >= 1, "nothing of the time between is kept: {whole:#}");
    assert_eq!(reeve.metric("reeve_history_lost_rounds_total").await, Some(0.0));
    assert!(!page(&reeve).await.contains("own database is away"));
    assert_eq!(reeve.stop().await, Some(0));
}

/// A small disk of its own, in memory; let go of when dropped, whoever still uses it.
struct Disk(PathBuf);

impl Disk {
    /// Mounts it, or says why that can't be done here.
    fn mount(at: &Path, megabytes: u32) -> Result<Self, String> {
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0755"), "tmpfs"]).arg(at).output();
        match output {
            Ok(output) if output.status.success() => Ok(Self(at.to_owned())),
            Ok(output) => Err(format!("a small disk can't be mounted: {}", String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => Err(format!("there is no mount: {error}")),
        }
    }

    /// Takes all of its space, to the last byte.
    fn fill(&self) -> Filler {
        let path = self.0.join("filler");
        let mut file: File = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        for size in [1 << 20, 4096, 1] {
            let block = vec![1; size];
            while file.write_all(&block).is_ok() {}
        }
        Filler(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// What takes the space; dropping it gives it back.
struct Filler(PathBuf);

impl Drop for Filler {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// Writes until the server can't write on: the log finds no space for its next segment, which is the worst that a full disk does.
async fn write_until_it_breaks(admin: &tokio_postgres::Client) {
    let more = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 4000000)), pg_switch_wal()";
    let begun = Instant::now();
    while admin.query(more, &[]).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the disk never gets full");
    }
}

/// A superuser's session with Reeve's embedded store.
async fn into_store(data: &Path) -> tokio_postgres::Client {
    let place = data.join("store");
    let pid_file = std::fs::read_to_string(place.join("pgdata/postmaster.pid")).unwrap();
    let mut config = tokio_postgres::Config::new();
    config.host_path(pid_file.lines().nth(4).unwrap()).port(5432).user("postgres").dbname("reeve");
    config.password(std::fs::read_to_string(place.join("superuser.password")).unwrap().trim());
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A2, A4: no space under the embedded store. First single writes fail, then the server; Reeve serves from memory and says what
/// is wrong, and when there is space again everything goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a2_a_full_disk_under_the_embedded_store_is_told_and_survived() {
    let data = dir();
    let disk = match Disk::mount(data.path(), 160) {
        Ok(disk) => disk,
        Err(why) => return println!("SKIP {why}"),
    };
    let shop = Shop::start().await;
    let config = watch_config(shop.cluster.dir(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    let kept = moments(&reeve.until(HISTORY, "points", |v| moments(v).len() >= 2).await);
    let store = into_store(data.path()).await;

    // The server lives and takes nothing in: rows that fill their pages leave no room for Reeve's.
    let filler = disk.fill();
    for size in [500, 10] {
        let row = format!("INSERT INTO analytics.round SELECT 0, 99, clock_timestamp(), decode(repeat('00', {size}), 'hex')");
        while store.batch_execute(&row).await.is_ok() {}
    }
    let begun = Instant::now();
    let mut every = interval(Duration::from_millis(200));
    loop {
        every.tick().await;
        let health: Value = reeve.anonymous("/health").await.json().await.unwrap();
        if health["status"] == "degraded" {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "that nothing is kept goes unnoticed");
    }
    let html = page(&reeve).await;
    assert!(html.contains("takes nothing in") && html.contains("is full: free some space there"), "the page says what is wrong");

    write_until_it_breaks(&store).await;
    let full =
        until("the disk named as the cause", || async { Some(page(&reeve).await).filter(|p| p.contains("the disk that holds")) }).await;
    assert!(full.contains("is full: free some space there"));
    more_rounds(&reeve, 3.0).await;
    assert_eq!(reeve.anonymous("/ready").await.status(), 200);
    let back = now_ms();
    drop(filler);

    reeve.until("/health", "healthy", |v| v["status"] == "healthy").await;
    into_store(data.path()).await.batch_execute("DELETE FROM analytics.round WHERE topic = 99").await.unwrap();
    assert!(!reeve.login().await.is_empty(), "the account is there");
    let whole = moments(&reeve.until(HISTORY, "newer points", |v| moments(v).last() > Some(&back)).await);
    assert!(kept.iter().all(|at| whole.contains(at)), "an acknowledged point is lost: {kept:?} {whole:?}");
    assert_eq!(reeve.metric("reeve_history_lost_rounds_total").await, Some(0.0));
    assert_eq!(reeve.stop().await, Some(0));
}

/// B1: no space under a target. It breaks down and is told, its last known sizes stay; it heals.
#[tokio::test(flavor = "multi_thread")]
async fn b1_a_full_disk_under_a_target_is_told_and_survived() {
    let (data, mut shop) = (dir(), Shop::start().await);
    let (pgdata, aside) = (shop.cluster.dir().join("pgdata"), shop.cluster.dir().join("aside"));
    shop.cluster.stop_server().await;
    std::fs::rename(&pgdata, &aside).unwrap();
    std::fs::create_dir(&pgdata).unwrap();
    let disk = match Disk::mount(&pgdata, 160) {
        Ok(disk) => disk,
        Err(why) => return println!("SKIP {why}"),
    };
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&aside).unwrap());
    assert!(Command::new("cp").arg("-a").arg(aside.join(".")).arg(&pgdata).status().unwrap().success());
    std::fs::set_permissions(&pgdata, std::fs::Permissions::from_mode(0o700)).unwrap();
    chown(&pgdata, Some(owner), None).unwrap();
    shop.cluster.start_again().await.unwrap();
    shop.admin = shop.session().await;

    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    let tables = "/api/targets/shop/tables";
    let orders = |v: &Value| v["items"].as_array().unwrap().iter().find(|t| t["name"] == "orders").and_then(|t| t["bytes"].as_i64());
    let before = orders(&reeve.until(tables, "its table", |v| orders(v).is_some()).await);

    let filler = disk.fill();
    write_until_it_breaks(&shop.admin).await;
    let down = reeve.until("/api/targets", "down", |v| target(v, "shop")["reach"]["state"] == "down").await;
    let sentence = reason(&down, "shop", "availability.down").unwrap();
    assert!(sentence.starts_with("shop does not answer"), "{sentence}");
    assert_eq!(orders(&reeve.json(tables).await), before, "what was last known stays");
    assert!(page(&reeve).await.contains("does not answer"));
    drop(filler);
    reeve.until("/api/targets", "up again", |v| target(v, "shop")["reach"]["state"] == "up").await;
    let admin = shop.session().await;
    assert_eq!(admin.query_one("SELECT count(*) FROM public.orders", &[]).await.unwrap().get::<_, i64>(0), 5000);
    drop(admin);
    reeve.until(tables, "its table again", |v| orders(v) == before).await;
    assert_eq!(reeve.stop().await, Some(0));
    shop.cluster.stop_server().await;
}
