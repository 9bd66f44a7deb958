//! The browser tests: Playwright in `end2end`, against the binary that was compiled for the other tests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Tally, clean};
use crate::shell;
use crate::workspace::Workspace;

/// Characters of an error that are repeated at the end of the log: enough for what was expected and what was there.
const LONGEST: usize = 600;

/// Checks the tests' types, which Playwright itself does not.
pub fn types(workspace: &Workspace) -> Result<()> {
    shell::run(&mut node(workspace, "typescript/bin/tsc", &["--noEmit"]))
}

/// What needs the machine, one after the other on one estate.
const BUSY: [&str; 5] = ["desktop", "phone", "desktop without script", "phone without script", "faults"];
/// What mostly waits, or looks at no estate at all: beside them, on an estate of its own.
const WAITING: [&str; 2] = ["gallery", "late"];

/// Runs them all and counts from Playwright's reports.
pub fn run(workspace: &Workspace) -> Result<Tally> {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run_projects(workspace, "late", &WAITING));
        let mut tally = run_projects(workspace, "all", &BUSY)?;
        tally.add(waiting.join().map_err(|_| anyhow::anyhow!("the run beside the others broke off"))??);
        Ok(tally)
    })
}

fn run_projects(workspace: &Workspace, name: &str, projects: &[&str]) -> Result<Tally> {
    let report = workspace.target.join(format!("browser-tests-{name}.json"));
    if report.exists() {
        std::fs::remove_file(&report).with_context(|| format!("could not remove {}", report.display()))?;
    }
    let mut command = node(workspace, "@playwright/test/cli.js", &["test"]);
    command.args(projects.iter().map(|project| format!("--project={project}")));
    command.env("REEVE_BIN", workspace.target.join("debug/reeve")).env("REEVE_BROWSER_REPORT", &report);
    command.env("REEVE_BROWSER_OUTPUT", format!("test-results/{name}"));
    let line = shell::describe(&command);
    let status = command.status().with_context(|| format!("could not start `{line}`"))?;
    let tally = read(&report)?;
    if !status.success() && tally.failed.is_empty() {
        bail!("`{line}` failed ({status})");
    }
    Ok(tally)
}

fn node(workspace: &Workspace, script: &str, args: &[&str]) -> Command {
    let folder = workspace.root.join("end2end");
    let mut command = Command::new("node");
    command.current_dir(&folder).arg(Path::new("node_modules").join(script)).args(args);
    clean(&mut command, workspace);
    command
}

fn read(report: &Path) -> Result<Tally> {
    let text = std::fs::read_to_string(report).context("Playwright left no report")?;
    count(&text)
}

fn count(json: &str) -> Result<Tally> {
    let report: serde_json::Value = serde_json::from_str(json).context("could not read Playwright's report")?;
    let mut tally = Tally::default();
    let suites = report["suites"].as_array().context("Playwright's report has no suites")?;
    suites.iter().for_each(|suite| count_suite(suite, &mut tally));
    // What broke outside any test, such as a server that did not start.
    let broken = report["errors"].as_array().into_iter().flatten();
    tally.failed.extend(broken.map(|error| format!("outside any test: {}", gist(error))));
    Ok(tally)
}

fn count_suite(suite: &serde_json::Value, tally: &mut Tally) {
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    for inner in list(&suite["suites"]) {
        count_suite(&inner, tally);
    }
    for spec in list(&suite["specs"]) {
        for test in list(&spec["tests"]) {
            let word = |key: &str| spec[key].as_str().unwrap_or("?").to_owned();
            let name = || format!("{}: {}", word("file"), word("title"));
            let trouble = || {
                let results = list(&test["results"]);
                let error = results.iter().map(|result| gist(&result["error"])).find(|line| !line.is_empty());
                format!("{} ({}): {}", name(), test["projectName"].as_str().unwrap_or("?"), error.unwrap_or_default())
            };
            match test["status"].as_str() {
                Some("expected") => tally.passed += 1,
                Some("skipped") => tally.skipped.push(name()),
                // Also a flaky one: it failed once.
                _ => tally.failed.push(trouble()),
            }
        }
    }
}

/// What an error of Playwright's report says, on one line, without the colours that are meant for a terminal.
fn gist(error: &serde_json::Value) -> String {
    let mut plain = String::new();
    let mut coloured = false;
    for c in error["message"].as_str().unwrap_or_default().chars() {
        match c {
            '\u{1b}' => coloured = true,
            'm' if coloured => coloured = false,
            c if !coloured => plain.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project that nobody runs would be a test that can't fail.
    #[test]
    fn every_project_of_the_browser_tests_is_run() {
        let config = include_str!("../../../end2end/playwright.config.ts");
        let named = config.lines().filter_map(|line| line.trim_start().strip_prefix("{ name: \"")?.split_once('"').map(|(name, _)| name));
        let mut named: Vec<&str> = named.collect();
        let mut run = [&BUSY[..], &WAITING[..]].concat();
        named.sort_unstable();
        run.sort_unstable();
        assert_eq!(named, run);
    }

    #[test]
    fn playwrights_report_is_read() {
        let json = r#"{"suites":[{"specs":[{"title":"signs in","file":"sign-in.spec.ts","tests":[{"status":"expected"},{"status":"skipped"}]}],
            "suites":[{"specs":[{"title":"x","file":"y","tests":[
                {"status":"flaky","projectName":"phone","results":[{"error":{"message":"\u001b[31mlate\u001b[39m\nmore"}},{}]},
                {"status":"unexpected","projectName":"desktop","results":[{}]}]}]}]}],"errors":[{"message":"no server"}]}"#;
        let tally = count(json).expect("reads");
        let expected = Tally {
            passed: 1,
            failed: vec!["y: x (phone): late more".into(), "y: x (desktop): ".into(), "outside any test: no server".into()],
            skipped: vec!["sign-in.spec.ts: signs in".into()],
        };
        assert_eq!(tally, expected);
    }
}
