//! The peer: `prometheus-postgres-exporter` with its default collectors, indexes and statements.

use crate::{Cost, Failed, processes};
use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Exporter {
    child: Child,
    port: u16,
}

impl Exporter {
    fn program() -> String {
        std::env::var("REEVE_EXPORTER").unwrap_or_else(|_| "prometheus-postgres-exporter".to_owned())
    }

    /// What it calls itself.
    pub fn version() -> Result<String, Failed> {
        let said = Command::new(Self::program()).arg("--version").output();
        let said = said.map_err(|e| format!("{} can't be run ({e}): install it, or name one in REEVE_EXPORTER", Self::program()))?;
        let text = [said.stdout, said.stderr].concat();
        Ok(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned())
    }

    /// Beside the server at this host (or socket directory) and port.
    pub async fn start(host: &str, port: u16) -> Result<Self, Failed> {
        let dsn = format!("host={host} port={port} user=exporter password={} dbname=postgres sslmode=disable", crate::PASSWORD);
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let child = Command::new(Self::program())
            .env("DATA_SOURCE_NAME", dsn)
            .args([&format!("--web.listen-address=127.0.0.1:{port}"), "--collector.stat_statements", "--collector.statio_user_indexes"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let this = Self { child, port };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if Instant::now() > end {
                return Err("the exporter does not listen".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let text = this.scrape().await?;
        if !text.contains("\npg_up 1") || !text.contains("pg_stat_user_tables_seq_scan{") {
            let own: Vec<&str> = text.lines().filter(|l| l.starts_with("pg_")).take(40).collect();
            return Err(format!("the exporter does not read the server: {own:#?}").into());
        }
        Ok(this)
    }

    /// Means of so many.
    pub async fn scrapes(&mut self, rounds: usize) -> Result<Cost, Failed> {
        let pid = i32::try_from(self.child.id())?;
        let (before, clock) = (processes::cpu_ms(pid)?, Instant::now());
        for _ in 0..rounds {
            self.scrape().await?;
        }
        let wall_ms = clock.elapsed().as_secs_f64() * 1_000.0 / rounds as f64;
        Ok(Cost { server_ms: 0.0, own_ms: (processes::cpu_ms(pid)? - before) / rounds as f64, wall_ms })
    }

    pub fn memory_mb(&self) -> Result<f64, Failed> {
        processes::memory_mb(i32::try_from(self.child.id())?)
    }

    async fn scrape(&self) -> Result<String, Failed> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
