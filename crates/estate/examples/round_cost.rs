//! What rounds cost: `cargo run --release -p reeve-estate --example round_cost -- URL [ROUNDS]`, on the server's own
//! machine (it reads the CPU time of the backend from `/proc`). Prints medians of rounds with all probes but those of
//! the health class, and the cost of one round with all.

use reeve_adapter::Endpoint;
use reeve_estate::{Cadence, Collector, TargetSpec};
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName};
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: round_cost URL [ROUNDS]")?;
    let rounds: usize = arguments.next().map_or(Ok(50), |n| n.parse())?;
    let info = TargetInfo {
        name: TargetName::new("measured")?,
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: String::new(),
        tags: Vec::new(),
        region: None,
        owner: None,
    };
    let mut spec = TargetSpec::new(info, Endpoint::parse(&url)?);
    spec.cadence = Cadence { live_ms: 1, critical_ms: 1, metrics_ms: 1, health_ms: 3_600_000, budget_permille: 1_000_000 };
    let mut collector = Collector::new(spec);
    let first = Instant::now();
    let snapshot = collector.round(true).await;
    println!("first round, connecting and preparing: {:.1} ms, {:?}", first.elapsed().as_secs_f64() * 1000.0, snapshot.reach);
    for run in &snapshot.probes {
        println!("  {:18} {:8.2} ms wall, {:6} rows, {:?}", run.id, run.wall_ms, run.rows, run.outcome);
    }
    let mut walls = Vec::new();
    let before = (cpu_ms("/proc/self/stat"), server_cpu_ms());
    for _ in 0..rounds {
        tokio::time::sleep(Duration::from_millis(110)).await;
        walls.push(collector.round(true).await.round_ms);
    }
    let after = (cpu_ms("/proc/self/stat"), server_cpu_ms());
    walls.sort_by(f64::total_cmp);
    let each = |a: f64, b: f64| (b - a) / f64::from(u32::try_from(rounds).unwrap_or(1));
    println!("{rounds} rounds without the health class: wall median {:.2} ms", walls[walls.len() / 2]);
    println!("  server CPU {:.2} ms, own CPU {:.2} ms a round", each(before.1, after.1), each(before.0, after.0));
    for run in &collector.snapshot().probes {
        println!("  {:18} {:8.2} ms wall, {:6} rows, server {:?} ms", run.id, run.wall_ms, run.rows, run.server_ms);
    }
    collector.close().await;
    Ok(())
}

/// CPU time of the probing backends of this machine, found by their title.
fn server_cpu_ms() -> f64 {
    let Ok(entries) = std::fs::read_dir("/proc") else { return 0.0 };
    let is_backend = |path: &std::path::Path| {
        std::fs::read_to_string(path.join("cmdline")).is_ok_and(|c| c.starts_with("postgres: ") && c.contains("[local] idle"))
    };
    entries.flatten().map(|e| e.path()).filter(|p| is_backend(p)).map(|p| cpu_ms(&p.join("stat").to_string_lossy())).sum()
}

/// User and system time of a process; the kernel counts in hundredths of a second.
fn cpu_ms(stat: &str) -> f64 {
    let text = std::fs::read_to_string(stat).unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    [11, 12].iter().filter_map(|i| fields.get(*i)?.parse::<f64>().ok()).sum::<f64>() * 10.0
}
