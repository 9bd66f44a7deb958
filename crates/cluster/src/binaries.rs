//! Finds installed PostgreSQL servers, major 13 to 18.

use crate::ClusterError;
use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The oldest major that Reeve runs.
pub const OLDEST: u32 = 13;
/// The newest major that Reeve runs.
pub const NEWEST: u32 = 18;

/// One installed server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The directory with `postgres` and `initdb`.
    pub bin: PathBuf,
    /// The major version.
    pub major: u32,
    /// The version as the binary says it, for example `15.18 (Debian 15.18-0+deb12u1)`.
    pub version: String,
}

impl Installation {
    /// The path of one of its programs.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Where its loadable libraries lie: what `pg_config --pkglibdir` says, else the usual place beside `bin`.
    #[must_use]
    pub fn library_dir(&self) -> PathBuf {
        let said = Command::new(self.program("pg_config")).arg("--pkglibdir").stdin(Stdio::null()).stderr(Stdio::null()).output();
        if let Ok(output) = said
            && output.status.success()
            && let Ok(text) = String::from_utf8(output.stdout)
            && !text.trim().is_empty()
        {
            return PathBuf::from(text.trim());
        }
        // A prefix that does not end in "postgresql" has a directory of that name below its libraries.
        let beside = self.bin.parent().unwrap_or(&self.bin).join("lib");
        let below = beside.join("postgresql");
        if below.is_dir() { below } else { beside }
    }
}

/// All installed servers, newest major first; for one major, that on PATH first. `REEVE_POSTGRES_BIN` names the directories
/// to look in instead.
#[must_use]
pub fn installed() -> Vec<Installation> {
    match std::env::var_os("REEVE_POSTGRES_BIN") {
        Some(dirs) => installed_in(&std::env::split_paths(&dirs).collect::<Vec<_>>()),
        None => installed_in(&candidate_dirs(std::env::var_os("PATH").as_deref())),
    }
}

/// The servers in the given directories, newest major first.
#[must_use]
pub fn installed_in(dirs: &[PathBuf]) -> Vec<Installation> {
    let mut seen = HashSet::new();
    let mut found: Vec<_> = dirs
        .iter()
        .filter(|dir| dir.join("initdb").is_file())
        // The real place: a link on PATH has no libraries and no sibling programs beside it.
        .filter_map(|dir| dir.join("postgres").canonicalize().ok())
        .filter(|postgres| seen.insert(postgres.clone()))
        .filter_map(|postgres| probe(&postgres))
        .collect();
    found.sort_by_key(|i| std::cmp::Reverse(i.major));
    found
}

/// Chooses among `found`: the wanted major, else the newest.
///
/// # Errors
/// When there is none.
pub fn choose(found: &[Installation], wanted: Option<u32>) -> Result<Installation, ClusterError> {
    let Some(newest) = found.first() else { return Err(ClusterError::NoPostgres) };
    let Some(wanted) = wanted else { return Ok(newest.clone()) };
    found.iter().find(|i| i.major == wanted).cloned().ok_or_else(|| ClusterError::MajorMissing { wanted, found: list(found) })
}

/// The majors in words: "15, 13".
pub(crate) fn list(found: &[Installation]) -> String {
    if found.is_empty() {
        return "none".to_owned();
    }
    found.iter().map(|i| i.major.to_string()).collect::<Vec<_>>().join(", ")
}

fn probe(postgres: &Path) -> Option<Installation> {
    let output = Command::new(postgres).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let version = version_of(&String::from_utf8(output.stdout).ok()?)?;
    let major = major_of(&version)?;
    let bin = postgres.parent()?.to_owned();
    ((OLDEST..=NEWEST).contains(&major) && bin.join("initdb").is_file()).then_some(Installation { bin, major, version })
}

/// `postgres (PostgreSQL) 15.18 (Debian …)` → `15.18 (Debian …)`.
fn version_of(line: &str) -> Option<String> {
    line.trim().strip_prefix("postgres (PostgreSQL) ").map(str::to_owned)
}

/// `15.18 (Debian …)`, `18beta1` → 15, 18.
fn major_of(version: &str) -> Option<u32> {
    version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

fn candidate_dirs(path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = path.map(|p| std::env::split_paths(p).collect()).unwrap_or_default();
    // Debian and Ubuntu keep each major apart.
    dirs.extend(children("/usr/lib/postgresql", |_| true).into_iter().map(|d| d.join("bin")));
    // PGDG on Red Hat and kin; SUSE; Arch and Alpine; from source.
    dirs.extend(children("/usr", |n| n.starts_with("pgsql-")).into_iter().map(|d| d.join("bin")));
    dirs.extend(children("/usr/lib", |n| n.starts_with("postgresql")).into_iter().map(|d| d.join("bin")));
    dirs.extend(children("/usr/libexec", |n| n.starts_with("postgresql")));
    dirs.extend(children("/opt", |n| n.starts_with("pgsql") || n.starts_with("postgres")).into_iter().map(|d| d.join("bin")));
    dirs.extend(children("/opt/homebrew/opt", |n| n.starts_with("postgresql")).into_iter().map(|d| d.join("bin")));
    dirs.extend(children("/home/linuxbrew/.linuxbrew/opt", |n| n.starts_with("postgresql")).into_iter().map(|d| d.join("bin")));
    dirs.extend(["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    dirs
}

/// The entries of `dir` whose name passes, sorted; none when it can't be read.
fn children(dir: &str, keep: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<_> = entries.flatten().filter(|e| e.file_name().to_str().is_some_and(&keep)).map(|e| e.path()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_is_read_from_what_the_binary_says() {
        let line = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        let version = version_of(line).expect("a version line");
        assert_eq!((version.as_str(), major_of(&version)), ("15.18 (Debian 15.18-0+deb12u1)", Some(15)));
        assert_eq!(major_of("18beta1"), Some(18));
        assert_eq!(version_of("bash: no such thing"), None);
    }

    #[test]
    fn without_postgresql_the_error_says_what_to_install() {
        let error = choose(&installed_in(&[PathBuf::from("/nowhere")]), None).expect_err("nothing is there");
        assert!(error.to_string().contains("apt-get install postgresql-15"), "{error}");
        assert!(error.to_string().contains("create_main_cluster"), "{error}");
    }

    #[test]
    fn a_missing_major_names_those_that_are_there() {
        let found = [17, 15].map(|major| Installation { bin: "/x".into(), major, version: String::new() });
        assert_eq!(choose(&found, None).expect("newest").major, 17);
        let error = choose(&found, Some(16)).expect_err("16 is not there").to_string();
        assert!(error.contains("PostgreSQL 16") && error.contains("17, 15"), "{error}");
    }
}
