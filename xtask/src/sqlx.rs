//! The recorded answers of sqlx's checked queries: made, or compared, against a private PostgreSQL that lives as long as this command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use reeve_cluster::testing::TestCluster;

use crate::shell;
use crate::workspace::Workspace;

/// The crate that holds all SQL of Reeve's own store.
const PACKAGE: &str = "reeve-store";
const RECORDED: &str = "crates/store/.sqlx";
const SOURCE: &str = "crates/store/src/lib.rs";
const DATABASE: &str = "dev";

/// What to do with the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Replace the recorded ones.
    Write,
    /// Fail when the recorded ones differ.
    Compare,
}

impl Purpose {
    /// Reads the arguments of `cargo xtask sqlx`.
    pub fn parse(args: &[String]) -> Result<Self> {
        match args {
            [] => Ok(Self::Write),
            [one] if one == "--check" => Ok(Self::Compare),
            _ => bail!("`sqlx` takes `--check` or nothing"),
        }
    }
}

/// Asks PostgreSQL about every query of the store, on the schema that the migrations make.
pub fn run(workspace: &Workspace, purpose: Purpose) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().context("no runtime")?;
    let fresh = {
        let cluster = runtime.block_on(TestCluster::start(&[])).context("the private PostgreSQL did not start")?;
        migrate(workspace, &cluster)?;
        let fresh = ask(workspace, &cluster.url(DATABASE));
        runtime.block_on(async { drop(cluster) });
        fresh?
    };
    let folder = workspace.root.join(RECORDED);
    let recorded = read(&folder)?;
    let differences = differences(&recorded, &fresh);
    match purpose {
        Purpose::Compare if !differences.is_empty() => {
            for line in &differences {
                println!("  {line}");
            }
            bail!("the store's SQL and its recorded answers differ: run `cargo xtask sqlx`")
        }
        Purpose::Compare => println!("sqlx: {} recorded queries are up to date", recorded.len()),
        Purpose::Write => {
            write(&folder, &recorded, &fresh)?;
            // The next build must look at the new answers, and only a changed source makes it look.
            touch(&workspace.root.join(SOURCE))?;
            println!("sqlx: {} queries recorded, {} differences", fresh.len(), differences.len());
        }
    }
    Ok(())
}

/// Applies the migrations as plain SQL: the store's own migrator can't be compiled while the answers are stale.
fn migrate(workspace: &Workspace, cluster: &TestCluster) -> Result<()> {
    let installation = reeve_cluster::binaries::choose(&reeve_cluster::binaries::installed(), None)?;
    let psql = |database: &str, args: &[&str]| {
        let mut command = Command::new(installation.program("psql"));
        command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", &cluster.url(database)]).args(args);
        // Not through `shell::run`, whose message would hold the URL with its password.
        let output = command.output().context("could not start psql")?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    };
    psql("postgres", &["--command", &format!("CREATE DATABASE {DATABASE}")])?;
    for domain in sorted(&workspace.root.join("migrations"))? {
        let files: Vec<_> = sorted(&domain)?.into_iter().filter(|file| file.to_string_lossy().ends_with(".up.sql")).collect();
        if files.is_empty() {
            continue;
        }
        let name = domain.file_name().unwrap_or_default().to_string_lossy();
        psql(DATABASE, &["--command", &format!("CREATE SCHEMA {name}")])?;
        for file in files {
            psql(DATABASE, &["--single-transaction", "--file", &file.to_string_lossy()]).with_context(|| file.display().to_string())?;
        }
    }
    Ok(())
}

/// Compiles the store against the database; its macros write one file per query.
fn ask(workspace: &Workspace, url: &str) -> Result<BTreeMap<String, String>> {
    let folder = workspace.target.join("sqlx-fresh");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    touch(&workspace.root.join(SOURCE))?;
    let mut cargo = shell::cargo();
    cargo.current_dir(&workspace.root).args(["check", "--quiet", "--locked", "--package", PACKAGE]);
    cargo.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", &folder).env("DATABASE_URL", url);
    let asked = shell::run(&mut cargo);
    // What was compiled just now looked at this database, not at the recorded answers: it must not count as up to date.
    touch(&workspace.root.join(SOURCE))?;
    asked?;
    read(&folder)
}

/// The answers in a folder by file name; none where there is no folder.
fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    if !folder.is_dir() {
        return Ok(BTreeMap::new());
    }
    let files = sorted(folder)?.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files
        .map(|path| {
            let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
            Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text))
        })
        .collect()
}

fn differences(recorded: &BTreeMap<String, String>, fresh: &BTreeMap<String, String>) -> Vec<String> {
    let parsed = |text: &String| serde_json::from_str::<serde_json::Value>(text).ok();
    let new = fresh.iter().filter(|(name, _)| !recorded.contains_key(*name)).map(|(_, text)| format!("not recorded: {}", query(text)));
    let gone = recorded.iter().filter(|(name, _)| !fresh.contains_key(*name)).map(|(_, text)| format!("no longer asked: {}", query(text)));
    let changed = fresh.iter().filter(|(name, text)| recorded.get(*name).is_some_and(|old| parsed(old) != parsed(text)));
    new.chain(gone).chain(changed.map(|(_, text)| format!("answered differently: {}", query(text)))).collect()
}

/// The SQL of an answer on one line.
fn query(text: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let words: Vec<_> = answer["query"].as_str().unwrap_or("(unreadable)").split_whitespace().collect();
    words.join(" ")
}

fn write(folder: &Path, recorded: &BTreeMap<String, String>, fresh: &BTreeMap<String, String>) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    for name in recorded.keys().filter(|name| !fresh.contains_key(*name)) {
        std::fs::remove_file(folder.join(name)).with_context(|| format!("could not remove {name}"))?;
    }
    for (name, text) in fresh.iter().filter(|(name, text)| recorded.get(*name) != Some(text)) {
        std::fs::write(folder.join(name), text).with_context(|| format!("could not write {name}"))?;
    }
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.is_dir() || path.is_file());
    paths.sort();
    Ok(paths)
}

fn touch(file: &Path) -> Result<()> {
    let open = std::fs::File::options().append(true).open(file).with_context(|| format!("could not open {}", file.display()))?;
    open.set_modified(std::time::SystemTime::now()).with_context(|| format!("could not touch {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_missing_and_changed_answers_are_told() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let recorded = BTreeMap::from([
            file("a", r#"{"query":"select 1"}"#),
            file("b", r#"{"query":"select 2","x":1}"#),
            file("c", r#"{"query": "q"}"#),
        ]);
        let fresh = BTreeMap::from([
            file("b", r#"{"query":"select 2","x":2}"#),
            file("c", r#"{"query":"q"}"#),
            file("d", "{\"query\":\"select\\n  3\"}"),
        ]);
        assert_eq!(
            differences(&recorded, &fresh),
            ["not recorded: select 3", "no longer asked: select 1", "answered differently: select 2"]
        );
        assert_eq!(differences(&recorded, &recorded), Vec::<String>::new());
    }
}
