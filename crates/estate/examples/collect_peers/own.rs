//! Reeve's collector in a process of its own, so that what it uses can be told apart. It takes a number of rounds by line, and answers with
//! the mean of their wall times.

use crate::{Cost, Failed, processes};
use reeve_adapter::Endpoint;
use reeve_estate::{Cadence, Collector, TargetSpec};
use reeve_model::{Environment, Reach, TargetInfo, TargetKind, TargetName};
use std::{io::BufRead, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

pub struct Own {
    child: Child,
    asks: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Own {
    pub async fn start(url: &str) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--collect", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let asks = child.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
        Ok(Self { child, asks, answers })
    }

    /// Means of so many.
    pub async fn rounds(&mut self, rounds: usize) -> Result<Cost, Failed> {
        let before = processes::cpu_ms(self.pid()?)?;
        self.asks.write_all(format!("{rounds}\n").as_bytes()).await?;
        let line = self.answers.next_line().await?.ok_or("the collector ended")?;
        Ok(Cost { server_ms: 0.0, own_ms: (processes::cpu_ms(self.pid()?)? - before) / rounds as f64, wall_ms: line.parse()? })
    }

    pub fn memory_mb(&self) -> Result<f64, Failed> {
        processes::memory_mb(self.pid()?)
    }

    fn pid(&self) -> Result<i32, Failed> {
        Ok(i32::try_from(self.child.id().ok_or("the collector ended")?)?)
    }
}

/// The child's side.
pub async fn collect(url: &str) -> Result<(), Failed> {
    let info = TargetInfo {
        name: TargetName::new("measured")?,
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: String::new(),
        tags: Vec::new(),
        region: None,
        owner: None,
    };
    let mut spec = TargetSpec::new(info, Endpoint::parse(url)?);
    // All but exact sizes and definitions, which are read minutes apart.
    spec.cadence = Cadence { live_ms: 1, critical_ms: 1, metrics_ms: 1, health_ms: 3_600_000, budget_permille: 1_000_000 };
    let mut collector = Collector::new(spec);
    for line in std::io::stdin().lock().lines() {
        let rounds: usize = line?.trim().parse()?;
        let mut wall_ms = 0.0;
        for _ in 0..rounds {
            tokio::time::sleep_until(collector.next_due(true)).await;
            let snapshot = collector.round(true).await;
            if !matches!(snapshot.reach, Reach::Up { .. }) {
                return Err(format!("the server is not reached: {:?}", snapshot.reach).into());
            }
            wall_ms += snapshot.round_ms / rounds as f64;
        }
        println!("{wall_ms}");
    }
    collector.close().await;
    Ok(())
}
