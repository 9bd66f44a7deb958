//! Measures a backup and a restore of pgbench's tables beside PostgreSQL's own programs with the same compression, in one run.
//!
//! `cargo run --release -p reeve-backup --example pgbench_backup [scale]` (70 when left out: about 1 GB)
#![allow(clippy::unwrap_used)]

use reeve_adapter::Endpoint;
use reeve_backup::{Engine, EngineConfig, Keys, Location, Progress, RestoreRequest, RunRequest};
use reeve_cluster::{binaries::Installation, testing::TestCluster};
use reeve_model::{
    TargetName,
    backup::{Backup, BackupKind, JobPhase},
};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Each is measured so often, in turns; the median counts.
const RUNS: usize = 3;
/// zstd's level, for both.
const LEVEL: i32 = 3;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let scale = std::env::args().nth(1).unwrap_or_else(|| "70".to_owned());
    let cluster = TestCluster::start(&[("shared_buffers", "1GB"), ("max_wal_size", "4GB"), ("checkpoint_timeout", "1h")]).await?;
    let tools = reeve_cluster::binaries::installed().into_iter().find(|i| i.major == cluster.major()).ok_or("no programs of this major")?;
    let dir = tempfile::Builder::new().prefix("reeve-bench").tempdir_in("/tmp")?;
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let url = |database: &str| cluster.url(database);
    run(&tools, "psql", &[&url("postgres"), "--quiet", "--command=CREATE DATABASE bench"])?;
    run(&tools, "pgbench", &["--initialize", "--quiet", &format!("--scale={scale}"), &url("bench")])?;
    println!("pgbench, scale {scale}, PostgreSQL {}, median of {RUNS}, zstd level {LEVEL}, two jobs", tools.version);

    let (mut dumps, mut counted, mut gzips, mut plain, mut sealed, mut phases) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    for round in 0..RUNS {
        let (to, gz) = (dir.path().join(format!("peer{round}")), dir.path().join(format!("gzip{round}")));
        let clock = Instant::now();
        run(&tools, "pg_dump", &["--format=directory", "--jobs=2", "--compress=0", &format!("--file={}", to.display()), &url("bench")])?;
        pack(&to)?;
        dumps.push(clock.elapsed());
        let also = dir.path().join(format!("counted{round}"));
        let clock = Instant::now();
        dump_and_count(&tools, &also, &url("bench"))?;
        pack(&also)?;
        counted.push(clock.elapsed());
        fs::remove_dir_all(&also)?;
        let clock = Instant::now();
        run(&tools, "pg_dump", &["--format=directory", "--jobs=2", &format!("--file={}", gz.display()), &url("bench")])?;
        gzips.push(clock.elapsed());
        println!("  stored: pg_dump and zstd {} MB, pg_dump's gzip {} MB", size(&to) / 1_000_000, size(&gz) / 1_000_000);
        fs::remove_dir_all(&gz)?;
        for (secret, times) in [(false, &mut plain), (true, &mut sealed)] {
            let (engine, clock) = (engine(&dir.path().join(format!("reeve{round}{secret}")), secret).await?, Instant::now());
            let (backup, spent) = back_up(&engine, &url("bench")).await?;
            times.push(clock.elapsed());
            if secret {
                continue;
            }
            println!("  stored: Reeve {} MB", backup.size_bytes / 1_000_000);
            phases.push(spent);
            last = Some((to.clone(), engine, backup));
        }
    }
    let peer = median(&mut dumps);
    let line =
        |what: &str, time: Duration| println!("{what}: {:.2} s, {:.2} times", time.as_secs_f64(), time.as_secs_f64() / peer.as_secs_f64());
    line("pg_dump -Fd -j2 -Z0, then zstd of its files by two threads", peer);
    let with = median(&mut counted);
    line("the same, and psql runs beside it the query that counts and sums", with);
    line("pg_dump -Fd -j2 with its own gzip", median(&mut gzips));
    let ours = median(&mut plain);
    line("Reeve: with row counts and sums, SHA-256, and reading back", ours);
    println!("  of the peer that counts, too: {:.2} times", ours.as_secs_f64() / with.as_secs_f64());
    line("Reeve: the same, encrypted", median(&mut sealed));
    println!("  of the last unencrypted run: {:?}", phases.last().unwrap());

    let (packed, engine, backup) = last.ok_or("nothing was measured")?;
    let (mut peers, mut loads, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..RUNS {
        let (name, unpacked) = (format!("peer{round}"), dir.path().join(format!("unpacked{round}")));
        run(&tools, "psql", &[&url("postgres"), "--quiet", &format!("--command=CREATE DATABASE {name}")])?;
        let clock = Instant::now();
        unpack(&packed, &unpacked)?;
        run(
            &tools,
            "pg_restore",
            &["--format=directory", "--jobs=2", &format!("--dbname={}", url(&name)), &unpacked.display().to_string()],
        )?;
        peers.push(clock.elapsed());
        fs::remove_dir_all(&unpacked)?;
        let server = Endpoint::parse(&url("postgres"))?;
        let request = RestoreRequest { id: backup.id.clone(), server, database: Some(format!("reeve{round}")), tables: None, over: None };
        let clock = Instant::now();
        let report = engine.restore(&request, &Progress::silent(), &CancellationToken::new()).await?;
        whole.push(clock.elapsed());
        loads.push(Duration::from_millis(report.duration_ms));
        assert!(report.differences.is_empty());
        for name in [name, format!("reeve{round}")] {
            run(&tools, "psql", &[&url("postgres"), "--quiet", &format!("--command=DROP DATABASE {name}")])?;
        }
    }
    let peer = median(&mut peers);
    let line =
        |what: &str, time: Duration| println!("{what}: {:.2} s, {:.2} times", time.as_secs_f64(), time.as_secs_f64() / peer.as_secs_f64());
    line("unzstd by two threads, then pg_restore -j2", peer);
    line("Reeve: fetched with its digests checked, and loaded", median(&mut loads));
    line("Reeve: with all rows compared", median(&mut whole));
    Ok(())
}

async fn engine(dir: &Path, encrypted: bool) -> Result<Engine, Box<dyn Error>> {
    let identity = age::x25519::Identity::generate();
    let recipients = if encrypted { vec![identity.to_public().to_string()] } else { Vec::new() };
    let keys = Keys::read(&recipients, encrypted.then(|| identity.to_string()).as_ref())?;
    let config = EngineConfig::new(Location::Directory(dir.join("repository")), dir.join("scratch"));
    Ok(Engine::open(EngineConfig { keys, compression: LEVEL, ..config }).await?)
}

type Phases = Vec<(JobPhase, Duration)>;

async fn back_up(engine: &Engine, url: &str) -> Result<(Backup, Phases), Box<dyn Error>> {
    let heard = Arc::new(Mutex::new(Vec::<(JobPhase, Instant)>::new()));
    let ear = Arc::clone(&heard);
    let progress = Progress::new(move |now| {
        let mut heard = ear.lock().unwrap();
        if heard.last().is_none_or(|(phase, _)| *phase != now.phase) {
            heard.push((now.phase, Instant::now()));
        }
    });
    let request = RunRequest { target: TargetName::new("bench")?, endpoint: Endpoint::parse(url)?, kind: BackupKind::Manual, tables: None };
    let backup = engine.run(request, &progress, &CancellationToken::new()).await?;
    let ends = Instant::now();
    let heard = heard.lock().unwrap().clone();
    let next = heard.iter().skip(1).map(|(_, at)| *at).chain([ends]);
    Ok((backup, heard.iter().zip(next).map(|((phase, from), to)| (*phase, to - *from)).collect()))
}

fn run(tools: &Installation, name: &str, args: &[&str]) -> Result<(), Box<dyn Error>> {
    let done = Command::new(tools.program(name)).args(args).output()?;
    if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned().into()) }
}

/// What Reeve asks of the server, by PostgreSQL's own programs: a dump, and beside it the rows of each table counted and summed.
fn dump_and_count(tools: &Installation, to: &Path, url: &str) -> Result<(), Box<dyn Error>> {
    let tables = ["pgbench_accounts", "pgbench_branches", "pgbench_history", "pgbench_tellers"];
    let counting: Vec<String> = tables.iter().map(|name| format!("--command={}", reeve_backup::count_sql("public", name))).collect();
    let mut counting = Command::new(tools.program("psql")).args(["--quiet", "--output=/dev/null", url]).args(counting).spawn()?;
    run(tools, "pg_dump", &["--format=directory", "--jobs=2", "--compress=0", &format!("--file={}", to.display()), url])?;
    if counting.wait()?.success() { Ok(()) } else { Err("psql did not count".into()) }
}

/// Every file of a dump by two threads, the large ones first.
fn each(dir: &Path, work: impl Fn(&Path) -> std::io::Result<()> + Sync) -> std::io::Result<()> {
    let mut files: Vec<(u64, PathBuf)> =
        fs::read_dir(dir)?.map(|e| e.and_then(|e| Ok((e.metadata()?.len(), e.path())))).collect::<std::io::Result<_>>()?;
    files.sort();
    let queue = Mutex::new(files);
    let next = || queue.lock().unwrap().pop();
    let thread = || -> std::io::Result<()> {
        while let Some((_, path)) = next() {
            work(&path)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(thread);
        thread()?;
        other.join().unwrap()
    })
}

fn pack(dir: &Path) -> std::io::Result<()> {
    each(dir, |path| {
        let to = fs::File::create(path.with_extension("packed.zst"))?;
        zstd::stream::copy_encode(fs::File::open(path)?, &to, LEVEL)?;
        to.sync_all()?;
        fs::rename(path.with_extension("packed.zst"), path)
    })
}

fn unpack(dir: &Path, into: &Path) -> std::io::Result<()> {
    fs::create_dir_all(into)?;
    each(dir, |path| {
        let to = fs::File::create(into.join(path.file_name().unwrap_or_default()))?;
        zstd::stream::copy_decode(fs::File::open(path)?, to)
    })
}

fn size(dir: &Path) -> u64 {
    fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
