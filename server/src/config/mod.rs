//! Configuration: `reeve.toml` plus environment; the environment wins.
//!
//! All mistakes are reported together, each with its place, and none with a secret in it.

mod backup;
mod file;
mod guards;
mod keys;
mod problem;
mod s3;
mod target;
mod values;
pub mod variables;

pub use backup::BackupConfig;
pub use guards::{HttpConfig, Limits, Rate, TlsFiles};
pub use problem::Problems;
pub use reeve_service::registry::Address;

use reeve_adapter::Endpoint;
use reeve_estate::Cadence;
use reeve_model::{TargetInfo, pool::StoreRole};
use reeve_service::vault::VaultKey;
use secrecy::SecretString;
use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

/// A `reeve.toml` with every setting. `docs/CONFIGURATION.md` shows it, `reeve config example` prints it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Where Reeve listens when nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:4400";

/// One target as configured.
#[derive(Debug, Clone)]
pub struct TargetConfig {
    /// What is registered.
    pub info: TargetInfo,
    /// How to reach it.
    pub address: Address,
    /// Another login, for backups; none: the same.
    pub backup: Option<Endpoint>,
    /// How often to look.
    pub cadence: Cadence,
    /// Only these databases; empty: all.
    pub databases: Vec<String>,
    /// Where it stands, such as `reeve.toml:12: target[0]` or the name of a variable.
    pub place: String,
}

/// Where the key comes from that seals stored secrets.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// Nothing is said: a file in the data directory, made at random.
    DataDir,
    /// Given as text or in a file.
    Given(VaultKey),
    /// What this program writes to its standard output; not empty.
    Command(Vec<String>),
}

/// The keys of stored secrets.
#[derive(Debug, Clone)]
pub struct KeyConfig {
    /// Seals and opens.
    pub source: KeySource,
    /// These only open.
    pub old: Vec<VaultKey>,
}

/// Everything that can be configured, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How the web server is reached and guarded.
    pub http: HttpConfig,
    /// Where the embedded store and keys live.
    pub data_dir: PathBuf,
    /// E-mail of the first admin.
    pub admin_email: Option<String>,
    /// Password of the first admin.
    pub admin_password: Option<SecretString>,
    /// Reeve's own databases; without main an embedded cluster is started.
    pub store: BTreeMap<StoreRole, Endpoint>,
    /// The login that migrates; without it main's own login does.
    pub owner: Option<Endpoint>,
    /// Days of history to keep.
    pub history_days: u32,
    /// How often each target is scanned for findings.
    pub compliance_interval: Duration,
    /// The keys of stored secrets.
    pub keys: KeyConfig,
    /// How backups are made and kept.
    pub backup: BackupConfig,
    /// How often targets are read that say nothing of their own.
    pub cadence: Cadence,
    /// Targets in the order of the file.
    pub targets: Vec<TargetConfig>,
}

/// Reads configuration from the text of a file (if there is one) and the environment.
///
/// # Errors
/// All problems found, in the order of their places.
pub fn load(text: Option<(&str, &str)>, env: &BTreeMap<String, String>) -> Result<Config, Problems> {
    let mut problems = Problems::default();
    let mut draft = file::Draft::default();
    if let Some((name, text)) = text {
        file::read(name, text, env, &mut draft, &mut problems);
    }
    values::from_environment(env, &mut draft, &mut problems);
    let config = values::finish(draft, env, &mut problems);
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
