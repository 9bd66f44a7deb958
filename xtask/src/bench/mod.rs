//! Benchmarks: figures for docs/BENCHMARKS.md, never a test. Each compares with a peer in the same run.

mod cold;
mod flood;
mod http;
mod pages;
pub mod program;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::shell;
use crate::workspace::Workspace;

/// Runs the benchmark of this name.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    match args {
        [one, rest @ ..] if matches!(one.as_str(), "cold" | "flood" | "pages") && matches!(rest, [] | [_]) => {
            match rest.first().map(String::as_str) {
                None => program::build(workspace)?,
                // The release binary as it stands.
                Some("--built") => {}
                Some(other) => bail!("`bench {one}` takes `--built` or nothing, not `{other}`"),
            }
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                match one.as_str() {
                    "cold" => cold::run(workspace).await,
                    "flood" => flood::run(workspace).await,
                    _ => pages::run(workspace).await,
                }
            })
        }
        [one] if one == "adapter" => example(workspace, "reeve-adapter", "pgbench_pools"),
        [one] if one == "audit" => example(workspace, "reeve-store", "audit_million"),
        [one] if one == "backup" => example(workspace, "reeve-backup", "pgbench_backup"),
        [one] if one == "collect" => example(workspace, "reeve-estate", "collect_peers"),
        [one] if one == "history" => example(workspace, "reeve-store", "bytes_per_sample"),
        [one] if one == "scan" => example(workspace, "reeve-estate", "scan_tables"),
        _ => bail!("`bench` takes `cold`, `flood`, `pages`, `adapter`, `audit`, `backup`, `collect`, `history` or `scan`"),
    }
}

fn example(workspace: &Workspace, package: &str, name: &str) -> Result<()> {
    let mut command = shell::cargo();
    command.current_dir(&workspace.root).args(["run", "--quiet", "--release", "--locked", "--package", package]);
    shell::run(command.args(["--example", name]))
}

/// The time below which this share of the sorted times lies.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // a few thousand times
    let at = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&times, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&times, 1.0), Duration::from_millis(100));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
