//! PostgreSQL's own programs: which ones fit a server, how they log in, and running one of them to its end or to a cancellation.

use crate::BackupError;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use reeve_adapter::{Endpoint, Host, TlsMode};
use reeve_cluster::binaries::Installation;
use secrecy::ExposeSecret;
use std::{
    ffi::{OsStr, OsString},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_util::sync::CancellationToken;

/// Where distributions keep the public certificate authorities, for tools that don't know `sslrootcert=system`.
const SYSTEM_ROOTS: &[&str] = &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
/// So many words of an error are kept, bytes.
const SAID_LIMIT: usize = 600;

/// The programs of the oldest major that is not older than `major`: nearest to the server, and what it writes loads into most.
///
/// # Errors
/// One sentence that names what is installed and what to install.
pub(crate) fn pick(installed: &[Installation], major: u32, program: &str) -> Result<Installation, BackupError> {
    let usable = installed.iter().filter(|i| i.major >= major && i.program(program).is_file());
    usable.min_by_key(|i| i.major).cloned().ok_or_else(|| {
        let mut found: Vec<String> = installed.iter().map(|i| i.major.to_string()).collect();
        found.dedup();
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        BackupError::Refused(format!(
            "the server is PostgreSQL {major} and its {program} must be at least as new, but installed here are: {found}; install the PostgreSQL {major} programs, or name their directory in REEVE_POSTGRES_BIN"
        ))
    })
}

/// How libpq's programs reach a server: an environment and a passfile. No secret is in either the arguments or the environment.
#[derive(Debug)]
pub(crate) struct Login {
    env: Vec<(&'static str, OsString)>,
    major: u32,
}

impl Login {
    /// Writes the passfile into `private`, a directory that only we can read.
    pub(crate) fn prepare(endpoint: &Endpoint, private: &Path, major: u32) -> Result<Self, BackupError> {
        let passfile = private.join("passfile");
        let nothing = private.join("none");
        let host: OsString = match endpoint.host() {
            Host::Socket(dir) => dir.clone().into(),
            Host::Tcp(host) => host.into(),
        };
        let mut env: Vec<(&'static str, OsString)> = vec![
            ("PGHOST", host),
            ("PGPORT", endpoint.port().to_string().into()),
            ("PGUSER", endpoint.user().into()),
            ("PGDATABASE", endpoint.database().into()),
            ("PGAPPNAME", "reeve/backup".into()),
            ("PGCONNECT_TIMEOUT", "15".into()),
            ("PGPASSFILE", passfile.clone().into()),
            ("PGSSLMODE", endpoint.tls().word().into()),
            // Else libpq looks for files in the home directory: the same configuration must mean the same everywhere.
            ("PGSSLCERT", nothing.clone().into()),
            ("PGSSLKEY", nothing.clone().into()),
            ("PGSSLCRL", nothing.clone().into()),
            ("PGSSLROOTCERT", nothing.into()),
        ];
        if let Some(root) = root_cert(endpoint, major)? {
            env.retain(|(name, _)| *name != "PGSSLROOTCERT");
            env.push(("PGSSLROOTCERT", root));
        }
        if let Some(client) = endpoint.client_cert() {
            env.retain(|(name, _)| !matches!(*name, "PGSSLCERT" | "PGSSLKEY"));
            // The programs run in a directory of their own, so a relative path must be told from here.
            for (name, path) in [("PGSSLCERT", &client.certificate), ("PGSSLKEY", &client.key)] {
                env.push((name, std::path::absolute(path).map_err(|e| BackupError::io(path, &e))?.into()));
            }
        }
        if let Some(password) = endpoint.password() {
            let escaped = password.expose_secret().replace('\\', "\\\\").replace(':', "\\:");
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&passfile)
                .map_err(|e| BackupError::io(&passfile, &e))?;
            writeln!(file, "*:*:*:*:{escaped}").map_err(|e| BackupError::io(&passfile, &e))?;
        }
        Ok(Self { env, major })
    }

    /// For programs that talk to no server.
    pub(crate) fn nowhere(private: &Path) -> Self {
        Self { env: vec![("PGPASSFILE", private.join("none").into())], major: 0 }
    }

    /// One of the programs, with an environment of its own: nothing of ours leaks into it.
    pub(crate) fn tool(&self, installation: &Installation, name: &'static str, dir: &Path) -> Tool {
        debug_assert!(installation.major >= self.major);
        let path = installation.program(name);
        let mut command = tokio::process::Command::new(&path);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").envs(self.env.iter().cloned());
        if let Some(value) = std::env::var_os("LD_LIBRARY_PATH") {
            command.env("LD_LIBRARY_PATH", value);
        }
        command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        Tool { name, path, command }
    }
}

/// What libpq is told to trust; none: no certificate is looked at.
fn root_cert(endpoint: &Endpoint, major: u32) -> Result<Option<OsString>, BackupError> {
    if let Some(root) = endpoint.root_cert() {
        return Ok(Some(root.into()));
    }
    if !matches!(endpoint.tls(), TlsMode::VerifyCa | TlsMode::VerifyFull) {
        return Ok(None);
    }
    if major >= 16 {
        return Ok(Some("system".into()));
    }
    SYSTEM_ROOTS.iter().find(|path| Path::new(path).is_file()).map(|path| Some(path.into())).ok_or_else(|| {
        BackupError::Refused(format!(
            "the address of {} asks for a verified certificate, but no list of public authorities was found for its tools: name one with sslrootcert",
            endpoint.redacted()
        ))
    })
}

/// A program about to run.
pub(crate) struct Tool {
    name: &'static str,
    path: PathBuf,
    command: tokio::process::Command,
}

impl Tool {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sends its standard output to a file.
    pub(crate) fn output_to(mut self, path: &Path) -> Result<Self, BackupError> {
        let file = std::fs::File::create(path).map_err(|e| BackupError::io(path, &e))?;
        self.command.stdout(file);
        Ok(self)
    }

    /// Runs it. Cancelled or dropped, it and its helpers are killed.
    pub(crate) async fn run(self, cancel: &CancellationToken) -> Result<(), BackupError> {
        let name = self.name;
        match self.outcome(cancel).await? {
            (true, _) => Ok(()),
            (false, said) => Err(BackupError::Tool { tool: name.to_owned(), said }),
        }
    }

    /// Runs it; answers whether it succeeded and what it complained of.
    pub(crate) async fn outcome(mut self, cancel: &CancellationToken) -> Result<(bool, String), BackupError> {
        let trouble = |e: std::io::Error| BackupError::system(format!("running {}", self.path.display()), e);
        let mut child = self.command.kill_on_drop(true).spawn().map_err(trouble)?;
        let group = Group(child.id().and_then(|id| i32::try_from(id).ok()));
        let stderr = child.stderr.take();
        let mut complaints = Complaints::default();
        let work = async {
            if let Some(stderr) = stderr {
                let mut reader = BufReader::new(stderr);
                let mut line = Vec::new();
                // By bytes: names in it may be in another encoding than ours.
                while reader.read_until(b'\n', &mut line).await? > 0 {
                    complaints.hear(&String::from_utf8_lossy(&line));
                    line.clear();
                }
            }
            child.wait().await
        };
        let status = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(BackupError::Cancelled),
            status = work => status.map_err(trouble)?,
        };
        group.ended();
        let said = complaints.said().unwrap_or_else(|| format!("it ended with {status}"));
        if !status.success() && said.contains("No space left on device") {
            return Err(BackupError::Full { place: "the scratch space, or at the server".to_owned() });
        }
        Ok((status.success(), said))
    }
}

/// Kills a process group when dropped, unless it has ended.
struct Group(Option<i32>);

impl Group {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.filter(|pid| *pid > 1) {
            killpg(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
    }
}

/// The first errors that a program told of. Details and contexts are left out: they quote rows.
#[derive(Default)]
struct Complaints {
    errors: Vec<String>,
    last: Option<String>,
}

impl Complaints {
    fn hear(&mut self, line: &str) {
        let line = line.trim();
        let quotes_rows = ["DETAIL:", "CONTEXT:", "detail:", "Command was:", "STATEMENT:"].iter().any(|w| line.contains(w));
        if line.is_empty() || quotes_rows {
            return;
        }
        let grave = ["error:", "fatal:", "ERROR:", "FATAL:", "PANIC:", "hint:"].iter().any(|w| line.contains(w));
        if grave && self.errors.len() < 3 {
            self.errors.push(line.to_owned());
        }
        self.last = Some(line.to_owned());
    }

    fn said(self) -> Option<String> {
        let text = if self.errors.is_empty() { self.last? } else { self.errors.join("; ") };
        let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= SAID_LIMIT).last().unwrap_or(0);
        Some(text[..end].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(major: u32, dir: &Path) -> Installation {
        let bin = dir.join(major.to_string());
        std::fs::create_dir_all(&bin).expect("makes");
        std::fs::write(bin.join("pg_dump"), "").expect("writes");
        Installation { bin, major, version: major.to_string() }
    }

    #[test]
    fn d2_tools_older_than_the_server_are_refused_and_the_nearest_newer_ones_are_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let installed = [18, 16, 13].map(|major| installation(major, dir.path()));
        let picked = |major| pick(&installed, major, "pg_dump").map(|i| i.major);
        assert_eq!((picked(13).ok(), picked(14).ok(), picked(16).ok(), picked(17).ok()), (Some(13), Some(16), Some(16), Some(18)));
        let sentence = pick(&installed[2..], 15, "pg_dump").expect_err("13 is too old").to_string();
        assert!(sentence.contains("PostgreSQL 15") && sentence.contains("installed here are: 13"), "{sentence}");
        assert!(pick(&installed, 18, "pg_restore").is_err(), "a directory without the program doesn't count");
    }

    #[test]
    fn d1_a_password_is_in_the_passfile_only_and_escaped_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let endpoint = Endpoint::parse("postgresql://u:pa%3Ass%5C%2Fword@db.example/d?sslmode=require").expect("a URL");
        let login = Login::prepare(&endpoint, dir.path(), 15).expect("prepares");
        assert!(!format!("{login:?}").contains("word"));
        let text = std::fs::read_to_string(dir.path().join("passfile")).expect("reads");
        assert_eq!(text, "*:*:*:*:pa\\:ss\\\\/word\n");
        let mode = std::os::unix::fs::PermissionsExt::mode(&dir.path().join("passfile").metadata().expect("there").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn d1_what_a_tool_says_is_kept_without_rows() {
        let mut complaints = Complaints::default();
        for line in ["pg_restore: connecting", "pg_restore: error: COPY failed for table \"t\"", "DETAIL:  Key (mail)=(a@b.c)", "done"] {
            complaints.hear(line);
        }
        assert_eq!(complaints.said().as_deref(), Some("pg_restore: error: COPY failed for table \"t\""));
        assert_eq!(Complaints::default().said(), None);
    }
}
