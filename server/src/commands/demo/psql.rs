//! `reeve demo psql`: into a server of the sample estate, as its superuser, to break it by hand.

use super::{REPLICA, SYSTEMS, TARGET, cluster_of};
use crate::config::Config;
use reeve_adapter::{Endpoint, endpoint::Host};
use reeve_cluster::{Cluster, Reached};
use secrecy::ExposeSecret;
use std::{ffi::OsString, os::unix::process::CommandExt, process::Command, time::Duration};

/// How long to wait for the server, which may be coming up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Becomes psql. `arguments` are psql's own.
///
/// # Errors
/// One sentence: there is no such server, it does not run, or there is no psql.
pub async fn run(config: &Config, target: &str, arguments: &[OsString]) -> Result<std::process::ExitCode, String> {
    let away =
        || format!("{target} of the sample estate does not run: start `reeve demo`, and say this beside it, with the same REEVE_DATA_DIR.");
    if ![TARGET, SYSTEMS, REPLICA].contains(&target) {
        return Err(format!("The sample estate has no {target}; it has {TARGET}, {SYSTEMS} and {REPLICA}."));
    }
    let Some((cluster, database)) = cluster_of(config, target) else { return Err(away()) };
    if !cluster.dir.join("pgdata").join("postmaster.pid").exists() {
        return Err(away());
    }
    let url = match Cluster::start_or_attach(cluster, PATIENCE).await.map_err(|e| e.to_string())? {
        Reached::Other(attached) => attached.superuser_url(database),
        Reached::Own(cluster) => {
            cluster.stop().await;
            return Err(away());
        }
    };
    let endpoint = Endpoint::parse(url.expose_secret()).map_err(|e| e.to_string())?;
    let mut psql = Command::new("psql");
    if let Host::Socket(directory) = endpoint.host() {
        psql.env("PGHOST", directory);
    }
    psql.env("PGPORT", endpoint.port().to_string()).env("PGUSER", endpoint.user()).env("PGDATABASE", endpoint.database());
    if let Some(password) = endpoint.password() {
        psql.env("PGPASSWORD", password.expose_secret());
    }
    let error = psql.args(arguments).exec();
    Err(format!("psql could not be started ({error}): install PostgreSQL's client programs."))
}
