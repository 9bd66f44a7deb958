//! Who runs the server, and whether that user can reach a directory.

use crate::{ClusterError, binaries::Installation};
use nix::unistd::{Gid, Uid, User};
use std::{
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The account that the server runs under.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Whether it is another one than ours: only root changes.
    pub(crate) switch: bool,
}

impl Account {
    /// Our own account, or `postgres` when we are root: PostgreSQL refuses to run as root.
    pub(crate) fn for_server() -> Result<Self, ClusterError> {
        let uid = Uid::effective();
        if uid.is_root() {
            let user = User::from_name("postgres").ok().flatten().filter(|u| !u.uid.is_root()).ok_or(ClusterError::NoServerUser)?;
            return Ok(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), switch: true });
        }
        let name = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |u| u.name);
        Ok(Self { name, uid: uid.as_raw(), gid: Gid::effective().as_raw(), switch: false })
    }

    /// A command that runs as this account, in its own process group (Ctrl-C at the terminal must not reach the
    /// server), with a small environment: nothing of ours (PG* variables, secrets) leaks into it.
    pub(crate) fn command(&self, program: &Path, working_dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").current_dir(working_dir);
        for keep in ["TZ", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(keep) {
                command.env(keep, value);
            }
        }
        command.stdin(Stdio::null()).process_group(0);
        if self.switch {
            // Set by root, these also clear the supplementary groups.
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes `path` belong to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), ClusterError> {
        if self.switch {
            std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).map_err(|e| ClusterError::io(path, &e))?;
        }
        Ok(())
    }

    /// Really enters `dir` as this account, so that access lists and the like count too.
    pub(crate) fn check_entry(&self, dir: &Path, installation: &Installation) -> Result<(), ClusterError> {
        let mut command = self.command(&installation.program("postgres"), dir);
        match command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(ClusterError::NotTraversable {
                user: self.name.clone(),
                blocking: self.blocking(dir).unwrap_or_else(|| dir.to_owned()),
            }),
            Err(error) => Err(ClusterError::system(format!("running {}", installation.program("postgres").display()), error)),
        }
    }

    /// The first directory on the way to `dir` whose mode bits keep this account out.
    fn blocking(&self, dir: &Path) -> Option<PathBuf> {
        let mut way: Vec<_> = dir.ancestors().collect();
        way.reverse();
        way.into_iter().find(|d| d.metadata().is_ok_and(|m| !self.may_enter(&m))).map(Path::to_owned)
    }

    fn may_enter(&self, meta: &std::fs::Metadata) -> bool {
        let bit = if meta.uid() == self.uid {
            0o100
        } else if meta.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        meta.mode() & bit != 0
    }
}
