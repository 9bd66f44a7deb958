//! Servers of majors that are not installed, from the npm packages of `scripts/majors`.

use crate::{ClusterError, binaries::Installation};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Takes the server of a major out of its package into `place`, where the server's user can reach it. None: the package isn't there
/// (`scripts/setup.sh test` installs it).
pub(super) fn unpack(major: u32, place: &Path) -> Result<Option<Installation>, ClusterError> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/majors/node_modules");
    let package = packages.join(format!("pg{major}"));
    if !package.join("native/bin/postgres").is_file() {
        return Ok(None);
    }
    copy(&package.join("native"), &place.join("native")).map_err(|e| ClusterError::io(place, &e))?;
    let links = fs::read(package.join("native/pg-symlinks.json")).map_err(|e| ClusterError::io(&package, &e))?;
    for link in serde_json::from_slice::<Vec<Link>>(&links).map_err(|e| ClusterError::system("reading pg-symlinks.json", e))? {
        let (from, to) = (place.join(&link.source), place.join(&link.target));
        if !to.exists() {
            symlink(&from, &to).map_err(|e| ClusterError::io(&to, &e))?;
        }
    }
    let found = crate::binaries::installed_in(&[place.join("native/bin")]);
    found.into_iter().next().map(Some).ok_or_else(|| ClusterError::system("looking at the package's server", "it does not run here"))
}

#[derive(serde::Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// By hard links where that goes: each test takes its own copy.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, into) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &into)?;
        } else if entry.file_type()?.is_file() {
            fs::hard_link(&path, &into).or_else(|_| fs::copy(&path, &into).map(|_| ()))?;
        }
    }
    Ok(())
}

/// A copy with the same rights and owners; the source must not be in use.
pub(super) fn clone_owned(from: &Path, to: &Path) -> std::io::Result<()> {
    let done = std::process::Command::new("cp").arg("--archive").arg(from).arg(to).output()?;
    if done.status.success() { Ok(()) } else { Err(std::io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned())) }
}
