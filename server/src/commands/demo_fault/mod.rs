//! `reeve demo fault …` and `reeve demo heal`: things that really go wrong in the sample estate, so that a person can see Reeve notice
//! (SPEC I6).

mod backup;
mod disk;
mod replica;
mod server;
mod sessions;
mod wraparound;

use crate::{
    commands::{demo, table},
    config::Config,
    run::output::say,
};
use clap::{Subcommand, ValueEnum};
use std::{path::PathBuf, process::ExitCode};

pub use wraparound::mend;

/// What to break. Each can be taken back; nothing outside the sample estate is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand, ValueEnum)]
pub enum Fault {
    /// Run a statement that does not end. Told after 5 s, critical after a minute.
    SlowQuery,
    /// Hold a row in an open transaction while six other sessions wait for it. Told at once.
    LockChain,
    /// Take nearly all connections. Told within seconds, critical.
    ConnectionFlood,
    /// Leave a transaction open and do nothing. Told after 5 minutes.
    IdleInTransaction,
    /// Fill a table and delete most of it, with autovacuum kept away from it. Told with the next look at tables.
    Bloat,
    /// Kill the server with SIGKILL, as a crash would, and again whenever it comes back. Told within seconds, critical.
    KillTarget,
    /// Stop the server where it stands, as a machine that hangs would.
    HangTarget,
    /// Flip one bit of the newest backup of the sample estate, as a bad disk would. Said again, it flips it back.
    CorruptBackup,
    /// Cut systems-replica off from its primary; it still answers, and nothing arrives. Told within seconds, on both.
    ReplicaStop,
    /// Let systems-replica receive and not replay, so that what it shows grows old. Told after 30 s, on both.
    ReplicaLag,
    /// Forget a replication slot and use up 1.7 billion transaction ids; the server restarts once. Told within seconds, critical.
    Wraparound,
    /// Fill a small filesystem with a tablespace of the server on it. Needs root, who mounts it. Told within seconds, critical.
    DiskFull,
    /// List what can be broken, and what is broken now.
    List,
}

impl Fault {
    /// Its word on the command line, and in the names of its sessions.
    fn word(self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }
}

/// Breaks it, and says what was done and how to see it.
///
/// # Errors
/// One sentence: there is nothing to break, or it may not be.
pub async fn run(config: &Config, fault: Fault) -> Result<ExitCode, String> {
    match fault {
        Fault::CorruptBackup => return backup::corrupt_backup(config).await,
        Fault::List => return list(config).await,
        Fault::DiskFull => disk::may()?,
        Fault::ReplicaStop | Fault::ReplicaLag => return replica::cause(config, fault).await,
        _ => {}
    }
    let data = data(config)?;
    match fault {
        Fault::KillTarget => server::kill(&data).await,
        Fault::HangTarget => server::hang(&data),
        Fault::Bloat => sessions::bloat(config).await,
        Fault::Wraparound => wraparound::cause(config).await,
        Fault::DiskFull => disk::cause(config).await,
        held => sessions::hold(config, held).await,
    }
}

/// Takes everything back but a flipped bit.
///
/// # Errors
/// One sentence when the sample estate does not run.
pub async fn heal(config: &Config) -> Result<ExitCode, String> {
    // A server that was just killed has no postmaster.pid; its directory is enough to spare it.
    let dir = demo::dir(config).join("pgdata");
    let spared = server::spare(&dir);
    let woken = server::wake(&dir);
    let mended = wraparound::mend(config).await?;
    let followed = replica::heal(config).await?;
    let runs = spared || mended || data(config).is_ok();
    let released = if runs { Vec::new() } else { disk::heal_stopped(config)? };
    // Either may run without the other.
    if !runs && followed.is_none() && released.is_empty() {
        data(config)?;
    }
    let mut done = released;
    if spared {
        done.push("the server is killed no more".to_owned());
    }
    if woken > 0 {
        done.push("the server goes on".to_owned());
    }
    if runs {
        // First what may hold old ids, and the full disk on which nothing can be frozen, then the ids.
        let sessions = sessions::heal(config).await?;
        done.extend(sessions);
        done.extend(disk::heal(config).await?);
        done.extend(wraparound::heal(config).await?);
    }
    done.extend(followed.into_iter().flatten());
    say(if done.is_empty() { "Nothing was broken.".to_owned() } else { format!("Healed: {}.", done.join(", ")) });
    Ok(ExitCode::SUCCESS)
}

async fn list(config: &Config) -> Result<ExitCode, String> {
    let dir = demo::dir(config).join("pgdata");
    let mut active = match data(config) {
        _ if server::dies(&dir) => vec![Fault::KillTarget.word()],
        Ok(data) if server::hangs(&data) => vec![Fault::HangTarget.word()],
        Ok(_) => sessions::active(config).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    active.extend(replica::active(config).await);
    let about = |f: &Fault| f.to_possible_value().and_then(|v| v.get_help().map(ToString::to_string)).unwrap_or_default();
    let row = |f: &Fault| {
        let now = if active.contains(&f.word()) { "now" } else { "" };
        vec![f.word(), now.to_owned(), about(f)]
    };
    let rows: Vec<_> = Fault::value_variants().iter().filter(|f| **f != Fault::List).map(row).collect();
    say(table(&["fault", "broken", "what"], &rows));
    Ok(ExitCode::SUCCESS)
}

/// The data directory of the sample estate's server.
fn data(config: &Config) -> Result<PathBuf, String> {
    let data = demo::dir(config).join("pgdata");
    if data.join("postmaster.pid").exists() {
        return Ok(data);
    }
    Err("The sample estate does not run, or its server is only just coming up: start it with `reeve demo`, and say this beside it, with the same REEVE_DATA_DIR.".to_owned())
}
