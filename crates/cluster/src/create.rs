//! Creates the data directory, once.

use crate::{
    ClusterError,
    account::Account,
    binaries::{self, Installation},
    layout::{Layout, last_lines},
    processes::{self, GroupGuard},
};
use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path, process::Stdio};

/// The superuser's name.
pub(crate) const SUPERUSER: &str = "postgres";

/// The installation to use: the one that made the data directory, else the one asked for, else the newest.
pub(crate) fn choose_installation(layout: &Layout, wanted: Option<u32>) -> Result<Installation, ClusterError> {
    choose_from(&binaries::installed(), layout, wanted)
}

fn choose_from(found: &[Installation], layout: &Layout, wanted: Option<u32>) -> Result<Installation, ClusterError> {
    let Some(made_by) = version_file(&layout.data)? else { return binaries::choose(found, wanted) };
    let other = |why: String| ClusterError::OtherMajor { dir: layout.data.clone(), needed: made_by.clone(), why };
    let major: u32 = made_by.parse().map_err(|_| other("is not one that Reeve runs".to_owned()))?;
    if found.is_empty() {
        return Err(ClusterError::NoPostgres);
    }
    if let Some(wanted) = wanted.filter(|w| *w != major) {
        return Err(other(format!("is not the asked-for {wanted}")));
    }
    binaries::choose(found, Some(major)).map_err(|_| other(format!("is not installed here (found: {})", binaries::list(found))))
}

/// What `PG_VERSION` says; none when there is no data directory yet.
fn version_file(data: &Path) -> Result<Option<String>, ClusterError> {
    match std::fs::read_to_string(data.join("PG_VERSION")) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(ClusterError::io(data, &e)),
    }
}

/// Runs initdb when there is no data directory yet. It is made beside its place and then renamed, so that a killed
/// run never leaves half of one. Dropped meanwhile, initdb and its helpers end.
pub(crate) async fn create_if_missing(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    sync: bool,
) -> Result<(), ClusterError> {
    if layout.data.join("PG_VERSION").exists() {
        return Ok(());
    }
    // The initdb of a Reeve that was killed works on and would write into what is removed here.
    let left = processes::end_makers(&layout.fresh).await;
    left.map_err(|pids| ClusterError::system("ending the initdb of an earlier start", format!("{pids:?} do not end")))?;
    remove_dir(&layout.fresh)?;
    DirBuilder::new().mode(0o700).create(&layout.fresh).map_err(|e| ClusterError::io(&layout.fresh, &e))?;
    account.own(&layout.fresh)?;
    layout.write_password(account)?;
    // Not every system has C.UTF-8; plain C sorts alike, but knows upper and lower case of ASCII only.
    match initdb(layout, account, installation, "C.UTF-8", sync).await {
        Err(ClusterError::InitFailed { output }) if output.contains("locale") => initdb(layout, account, installation, "C", sync).await?,
        other => other?,
    }
    // An empty directory in the way is replaced; anything else is refused and named.
    std::fs::rename(&layout.fresh, &layout.data).map_err(|e| ClusterError::io(&layout.data, &e))?;
    std::fs::File::open(&layout.dir).and_then(|d| d.sync_all()).map_err(|e| ClusterError::io(&layout.dir, &e))
}

/// Removes a directory that may not be there.
pub(crate) fn remove_dir(dir: &Path) -> Result<(), ClusterError> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(ClusterError::io(dir, &e)),
        _ => Ok(()),
    }
}

async fn initdb(layout: &Layout, account: &Account, installation: &Installation, locale: &str, sync: bool) -> Result<(), ClusterError> {
    let program = installation.program("initdb");
    let mut command = account.command(&program, &layout.fresh);
    command.arg("--pgdata").arg(&layout.fresh).arg("--pwfile").arg(&layout.password).arg("--username").arg(SUPERUSER).args([
        "--auth=scram-sha-256",
        "--data-checksums",
        "--encoding=UTF8",
        "--lc-messages=C",
    ]);
    command.arg(format!("--locale={locale}"));
    if !sync {
        command.arg("--no-sync");
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let trouble = |e| ClusterError::system(format!("running {}", program.display()), e);
    let child = tokio::process::Command::from(command).spawn().map_err(trouble)?;
    let mut guard = GroupGuard(child.id().and_then(|id| i32::try_from(id).ok()));
    let output = child.wait_with_output().await.map_err(trouble)?;
    guard.0 = None;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No space left on device") {
        return Err(ClusterError::DiskFull { dir: layout.dir.clone() });
    }
    Err(ClusterError::InitFailed { output: last_lines(&said, 5) })
}
