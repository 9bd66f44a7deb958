//! The release binary with the sample estate, for as long as a benchmark lasts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::assets::{self, Quality};
use crate::shell;
use crate::workspace::Workspace;

/// The first admin of the benchmark's Reeve.
pub const EMAIL: &str = "bench@example.org";
/// And their password.
pub const PASSWORD: &str = "a long password for benchmarks";
/// The sample estate is loaded within this time.
const START: Duration = Duration::from_secs(120);

/// Builds the assets and the release binary.
pub fn build(workspace: &Workspace) -> Result<()> {
    assets::run(workspace, Quality::Full)?;
    shell::run(shell::cargo().current_dir(&workspace.root).args(["build", "--quiet", "--release", "--locked", "--bin", "reeve"]))
}

/// A running Reeve. Stops when it is told to, and is killed when it is dropped.
pub struct Program {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    dir: PathBuf,
}

impl Program {
    /// Starts `reeve demo` in a directory of its own.
    pub async fn demo(workspace: &Workspace) -> Result<Self> {
        Self::start(workspace, "demo", &[("REEVE_DEMO_SYSTEMS", "findawise".to_owned())]).await
    }

    /// Starts `reeve serve`, watching the servers of these addresses: `REEVE_TARGET_…_URL`, and the address.
    pub async fn serve(workspace: &Workspace, targets: &[(&str, String)]) -> Result<Self> {
        Self::start(workspace, "serve", targets).await
    }

    async fn start(workspace: &Workspace, command: &str, more: &[(&str, String)]) -> Result<Self> {
        let dir = std::env::temp_dir().join(format!("reeve-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        // One address asks for all, more often than any person.
        let much = "{ burst = 1000000, per_minute = 10000000 }";
        std::fs::write(dir.join("reeve.toml"), format!("[limits]\nconnections_per_address = 5000\npages = {much}\n"))?;
        // Under root PostgreSQL runs as another user, who must be able to pass through.
        std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let mut child = Command::new(workspace.target.join("release/reeve"))
            .arg(command)
            .current_dir(&dir)
            .env("REEVE_DATA_DIR", dir.join("data"))
            .env("REEVE_LISTEN", "127.0.0.1:0")
            .envs(more.iter().map(|(name, value)| (name, value)))
            .env("REEVE_ADMIN_EMAIL", EMAIL)
            .env("REEVE_ADMIN_PASSWORD", PASSWORD)
            .env("REEVE_LOG", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the release binary did not start")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(address) = line.strip_prefix("Reeve is ready at http://") {
                    return Ok(address.parse::<SocketAddr>()?);
                }
            }
            bail!("reeve ended before it was ready")
        };
        let address = tokio::time::timeout(START, ready).await.context("reeve was not ready in time")??;
        Ok(Self { child, address, dir })
    }

    /// Resident memory, MB.
    pub fn memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
    }

    /// Stops it; the next one goes on with its data.
    pub async fn pause(mut self) -> Result<PathBuf> {
        let pid = i32::try_from(self.child.id().context("it has ended")?)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM)?;
        self.child.wait().await?;
        Ok(self.dir)
    }

    /// Stops it and removes what it left.
    pub async fn stop(self) -> Result<()> {
        std::fs::remove_dir_all(self.pause().await?)?;
        Ok(())
    }
}
