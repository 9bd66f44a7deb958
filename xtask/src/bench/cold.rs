//! How long Reeve takes from its start until it is ready, with a store that is there already.

use std::time::{Duration, Instant};

use anyhow::Result;
use reeve_cluster::testing::TestCluster;

use super::program::Program;
use super::quantile;
use crate::workspace::Workspace;

/// Starts of each kind.
const TURNS: usize = 9;
/// What is sealed in the store must be opened by each start.
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Starts with a database that runs, and starts that bring the embedded cluster up first.
pub async fn run(workspace: &Workspace) -> Result<()> {
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim());
    let cluster = TestCluster::start(&[]).await?;
    let outside = [("DATABASE_URL", cluster.url("postgres")), ("REEVE_SECRET_KEY", KEY.to_owned())];
    let (first, later) = starts(workspace, &outside).await?;
    println!("a database that runs: first start {first:?}, later p50 {:?}, longest {:?}", quantile(&later, 0.5), quantile(&later, 1.0));
    let (first, later) = starts(workspace, &[("REEVE_SECRET_KEY", KEY.to_owned())]).await?;
    println!("the embedded cluster: first start {first:?}, later p50 {:?}, longest {:?}", quantile(&later, 0.5), quantile(&later, 1.0));
    Ok(())
}

/// The first start, and the later ones in order of their length.
async fn starts(workspace: &Workspace, env: &[(&str, String)]) -> Result<(Duration, Vec<Duration>)> {
    let mut times = Vec::new();
    let mut kept = None;
    for _ in 0..=TURNS {
        let begun = Instant::now();
        let program = Program::serve(workspace, env).await?;
        times.push(begun.elapsed());
        kept = Some(program.pause().await?);
    }
    if let Some(dir) = kept {
        std::fs::remove_dir_all(dir)?;
    }
    let first = times.remove(0);
    times.sort_unstable();
    Ok((first, times))
}
