//! `make test`: every check and every test, one after the other, and one line at the end that says how many passed.

mod browser;
mod rust;
mod skips;
mod space;
mod tally;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use self::tally::Tally;
use crate::assets::{self, Quality};
use crate::workspace::Workspace;
use crate::{check, shell, sqlx};

/// What a person's shell may have set and no test should see.
const NOT_FOR_TESTS: &[&str] = &[
    "DATABASE_URL",
    "ANALYTICS_DATABASE_URL",
    "DOCUMENTS_DATABASE_URL",
    "COMPLIANCE_DATABASE_URL",
    "READ_REPLICA_DATABASE_URL",
    "SECONDARY_DATABASE_URL",
    "REDIS_URL",
    "REEVE_ADMIN_EMAIL",
    "REEVE_ADMIN_PASSWORD",
    "REEVE_CONFIG",
    "REEVE_DATA_DIR",
    "REEVE_LISTEN",
];

/// One step: its name, how long it took, and what went wrong.
struct Step {
    name: &'static str,
    took: Duration,
    trouble: Option<String>,
}

/// Runs everything. What fails does not keep the rest from running, unless the rest can't run without it.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Vec::new();
    let mut tally = Tally::default();
    if prepare(workspace, &mut steps) {
        let mut tests = |name, outcome: &dyn Fn() -> Result<Tally>| {
            step(&mut steps, name, || {
                let found = outcome()?;
                let failed = found.failed.len();
                tally.add(found);
                if failed > 0 {
                    bail!("{failed} failed");
                }
                Ok(())
            })
        };
        tests("tests", &|| rust::run(workspace, rust::Crates::Reeve));
        tests("tests of xtask", &|| rust::run(workspace, rust::Crates::Xtask));
        tests("tests in the documentation", &|| rust::run_doc_tests(workspace));
        tests("browser tests", &|| browser::run(workspace));
    }
    let allowed = skips::read(&workspace.root)?;
    step(&mut steps, "skipped tests", || skips::judge(&allowed, &tally.skipped));
    report(&steps);
    list("failed", &tally.failed);
    println!("{tally}");
    let failed = steps.iter().filter(|step| step.trouble.is_some()).count();
    if failed > 0 {
        bail!("{failed} of {} steps failed", steps.len());
    }
    Ok(())
}

/// All that comes before the first test. Answers whether tests can run at all: without assets or a binary they can't.
fn prepare(workspace: &Workspace, steps: &mut Vec<Step>) -> bool {
    if !step(steps, "room on the disk", || space::check(&workspace.target)) {
        return false;
    }
    step(steps, "check", || check::run(workspace));
    step(steps, "types of the browser tests", || browser::types(workspace));
    if !step(steps, "assets", || assets::run(workspace, Quality::Full)) {
        return false;
    }
    step(steps, "recorded SQL", || sqlx::run(workspace, sqlx::Purpose::Compare));
    step(steps, "clippy", || clippy(workspace));
    step(steps, "compile", || rust::compile(workspace))
}

/// Three runs, because their features must not be unified: the server's crates, the islands as the browser gets them, and this program.
fn clippy(workspace: &Workspace) -> Result<()> {
    let runs: [&[&str]; 3] = [
        &["--all-targets"],
        &["--package", "xtask", "--all-targets"],
        &["--package", &workspace.site.lib_package, "--target", "wasm32-unknown-unknown", "--profile", "wasm-release"],
    ];
    for args in runs {
        shell::run(
            shell::cargo()
                .current_dir(&workspace.root)
                .args(["clippy", "--quiet", "--locked"])
                .args(args)
                .args(["--", "--deny", "warnings"]),
        )?;
    }
    Ok(())
}

fn step(steps: &mut Vec<Step>, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
    println!("\n=== {name} ===");
    let start = Instant::now();
    let trouble = work().err().map(|error| format!("{error:#}"));
    if let Some(trouble) = &trouble {
        println!("{name}: {trouble}");
    }
    let good = trouble.is_none();
    steps.push(Step { name, took: start.elapsed(), trouble });
    good
}

fn report(steps: &[Step]) {
    println!("\n=== summary ===");
    for step in steps {
        println!("{:>7.1} s  {}: {}", step.took.as_secs_f64(), step.name, step.trouble.as_deref().unwrap_or("ok"));
    }
}

/// Names at the very end, where whoever looks at a long log looks first.
fn list(title: &str, names: &[String]) {
    if !names.is_empty() {
        println!("\n=== {title} ===");
        names.iter().for_each(|name| println!("{name}"));
    }
}

/// A command as tests should see the world: nothing of the person's own databases, and the tools that setup fetched.
fn clean(command: &mut std::process::Command, workspace: &Workspace) {
    for name in NOT_FOR_TESTS {
        command.env_remove(name);
    }
    let tools = workspace.root.join("target/tools/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = std::iter::once(tools).chain(std::env::split_paths(&path)).collect();
    if let Ok(joined) = std::env::join_paths(all) {
        command.env("PATH", joined);
    }
    command.env("SQLX_OFFLINE", "true");
}
