//! How fast pages are, whatever the size of what is watched, and what viewers cost: Reeve itself and the server that it watches.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reeve_cluster::testing::TestCluster;
use tokio::task::JoinSet;

use super::http::Connection;
use super::program::{EMAIL, PASSWORD, Program};
use super::quantile;
use crate::workspace::Workspace;

/// Tables of the server that is watched.
const SIZES: [usize; 3] = [10_000, 3_000, 300];
/// Live streams at once.
const STREAMS: usize = 1_000;
/// How long each page is asked for, one after the other by each client.
const WHILE: Duration = Duration::from_secs(8);
/// How long viewers look on.
const VIEW: Duration = Duration::from_secs(30);
/// Until a server with many tables was read for the first time.
const FIRST: Duration = Duration::from_secs(120);
const TARGET: &str = "bench";
const HEALTH: &str = "/admin/db-health";

/// Pages at each size, then viewers at the last.
pub async fn run(workspace: &Workspace) -> Result<()> {
    for tables in SIZES {
        let cluster = server(tables).await?;
        let program = Program::serve(workspace, &[("REEVE_TARGET_BENCH_URL", cluster.url("postgres"))]).await?;
        let token = sign_in(&program).await?;
        known(&program, &token).await?;
        println!("\n{tables} tables, load {}, memory {} MB", load(), program.memory_mb().unwrap_or(0));
        for (page, clients) in [(HEALTH, 2), (HEALTH, 20), ("/admin/targets/bench", 2), ("/admin/targets/bench/tables", 2)] {
            page_times(&program, &token, page, clients).await?;
        }
        if tables == SIZES[2] {
            viewers(&program, &token, &cluster).await?;
        }
        program.stop().await?;
    }
    Ok(())
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').take(1).collect()
}

async fn server(tables: usize) -> Result<TestCluster> {
    let settings = [("shared_preload_libraries", "pg_stat_statements"), ("max_locks_per_transaction", "1024"), ("shared_buffers", "512MB")];
    let cluster = TestCluster::start(&settings).await?;
    sql(&cluster, "CREATE EXTENSION pg_stat_statements")?;
    for from in (1..=tables).step_by(500) {
        let to = (from + 499).min(tables);
        let make = format!(
            "DO $$ BEGIN FOR i IN {from}..{to} LOOP
               EXECUTE format('CREATE TABLE public.t%1$s (id bigint PRIMARY KEY, owner text); CREATE INDEX ON public.t%1$s (owner)', i);
             END LOOP; END $$"
        );
        sql(&cluster, &make)?;
    }
    Ok(cluster)
}

fn sql(cluster: &TestCluster, text: &str) -> Result<String> {
    let said = Command::new("psql")
        .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", &cluster.url("postgres"), "-c", text])
        .output()?;
    ensure!(said.status.success(), "psql: {}", String::from_utf8_lossy(&said.stderr));
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

fn here() -> IpAddr {
    Ipv4Addr::LOCALHOST.into()
}

async fn sign_in(program: &Program) -> Result<String> {
    let login = serde_json::json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let answer = Connection::new(here(), program.address).post("/api/auth/login", &login).await?;
    let said: serde_json::Value = serde_json::from_slice(&answer.body)?;
    Ok(said["access_token"].as_str().context("no access token")?.to_owned())
}

/// Until the tables of the target are there.
async fn known(program: &Program, token: &str) -> Result<()> {
    let (mut connection, begun) = (Connection::new(here(), program.address), Instant::now());
    loop {
        let answer = connection.get(&format!("/api/targets/{TARGET}/tables?limit=1"), token).await?;
        let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if said["items"].as_array().is_some_and(|items| !items.is_empty()) {
            return Ok(());
        }
        ensure!(begun.elapsed() < FIRST, "the tables were not read in {} s: {said}", FIRST.as_secs());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn page_times(program: &Program, token: &str, page: &str, clients: usize) -> Result<()> {
    let (mut all, token, to) = (JoinSet::new(), token.to_owned(), program.address);
    for _ in 0..clients {
        let (token, page) = (token.clone(), page.to_owned());
        all.spawn(async move {
            let (mut connection, mut times, begun) = (Connection::new(here(), to), Vec::new(), Instant::now());
            let mut size = (0, 0);
            while begun.elapsed() < WHILE {
                let asked = Instant::now();
                let answer = connection.get(&page, &token).await?;
                times.push(asked.elapsed());
                ensure!(answer.status == 200, "{page} was answered with {}", answer.status);
                if size.0 == 0 {
                    size = (answer.body.len(), brotli_size(&answer.body)?);
                }
            }
            Ok((times, size))
        });
    }
    let (mut times, mut size) = (Vec::new(), (0, 0));
    while let Some(done) = all.join_next().await {
        let (some, its) = done??;
        times.extend(some);
        size = its;
    }
    times.sort_unstable();
    let ms = |share: f64| quantile(&times, share).as_secs_f64() * 1_000.0;
    println!(
        "  {page}, {clients} clients: {} pages, p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms; {:.0} KB, {:.1} KB as brotli",
        times.len(),
        ms(0.5),
        ms(0.99),
        ms(1.0),
        size.0 as f64 / 1_000.0,
        size.1 as f64 / 1_000.0
    );
    Ok(())
}

fn brotli_size(body: &[u8]) -> Result<usize> {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
    Ok(brotli::BrotliCompress(&mut &body[..], &mut packed, &params)?)
}

/// What one viewer and a hundred cost the server that is watched, and what many cost Reeve.
async fn viewers(program: &Program, token: &str, cluster: &TestCluster) -> Result<()> {
    let mut rates = Vec::new();
    for many in [1, 100] {
        let watching = watch(program, token, many).await?;
        // The first moments belong to the opening of the streams.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = calls(cluster)?;
        tokio::time::sleep(VIEW).await;
        rates.push((calls(cluster)? - before) / VIEW.as_secs_f64());
        drop(watching);
    }
    println!(
        "  statements on the target: {:.2} a second with 1 viewer, {:.2} with 100 ({:.2} times)",
        rates[0],
        rates[1],
        rates[1] / rates[0]
    );
    let before = program.memory_mb().unwrap_or(0);
    let watching = watch(program, token, STREAMS).await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    watching.arrivals.lock().await.clear();
    tokio::time::sleep(VIEW).await;
    let mut arrivals = std::mem::take(&mut *watching.arrivals.lock().await);
    let after = program.memory_mb().unwrap_or(0);
    let bytes = watching.bytes.load(Ordering::Relaxed);
    drop(watching);
    arrivals.sort_unstable();
    // One change reaches all within moments, and the next comes a second later: a pause parts them.
    let mut behind = Vec::new();
    let (mut first, mut last) = (arrivals.first().copied(), arrivals.first().copied());
    for at in arrivals {
        if last.is_some_and(|last| at - last > Duration::from_millis(300)) {
            first = Some(at);
        }
        behind.push(first.map_or(Duration::ZERO, |first| at - first));
        last = Some(at);
    }
    behind.sort_unstable();
    let ms = |share: f64| quantile(&behind, share).as_secs_f64() * 1_000.0;
    println!(
        "  {STREAMS} live streams: {} arrivals behind the first to get the same change: p50 {:.1} ms, p99 {:.1} ms; {} MB more memory than before ({before} MB); {} MB sent",
        behind.len(),
        ms(0.5),
        ms(0.99),
        after.saturating_sub(before),
        bytes / 1_000_000
    );
    Ok(())
}

/// Statements that Reeve has made on the target so far.
fn calls(cluster: &TestCluster) -> Result<f64> {
    Ok(sql(cluster, "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '%/* reeve:%'")?.parse()?)
}

/// Streams that are listened to until this is dropped.
struct Watching {
    arrivals: Arc<tokio::sync::Mutex<Vec<Instant>>>,
    bytes: Arc<AtomicU64>,
    _tasks: JoinSet<Result<()>>,
}

async fn watch(program: &Program, token: &str, many: usize) -> Result<Watching> {
    let (arrivals, bytes, mut tasks) = (Arc::default(), Arc::new(AtomicU64::new(0)), JoinSet::new());
    let path = format!("/admin/live?page={}", HEALTH.replace('/', "%2F"));
    for _ in 0..many {
        let mut events = Connection::new(here(), program.address).events(&path, token).await?;
        let (arrivals, bytes): (Arc<tokio::sync::Mutex<Vec<Instant>>>, _) = (Arc::clone(&arrivals), Arc::clone(&bytes));
        tasks.spawn(async move {
            loop {
                let n = events.next().await?;
                bytes.fetch_add(n as u64, Ordering::Relaxed);
                arrivals.lock().await.push(Instant::now());
            }
        });
    }
    Ok(Watching { arrivals, bytes, _tasks: tasks })
}
