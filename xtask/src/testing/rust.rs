//! The Rust tests, by cargo-nextest where it is installed, else by cargo's own runner.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Tally, clean};
use crate::shell;
use crate::workspace::Workspace;

/// Which crates' tests; apart, because together their dependencies' features would be unified and compiled anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crates {
    /// The default members: all that goes into the binary.
    Reeve,
    /// This program.
    Xtask,
}

impl Crates {
    fn selection(self) -> &'static [&'static str] {
        match self {
            Self::Reeve => &["--lib", "--bins", "--tests"],
            Self::Xtask => &["--package", "xtask"],
        }
    }
}

/// Compiles tests and the binary at once, so that the browser tests use the very binary that the others were compiled with, and the
/// server of the made-up estate that the gallery is taken from.
pub fn compile(workspace: &Workspace) -> Result<()> {
    shell::run(cargo(workspace).args(["build", "--quiet", "--locked", "--example", "preview"]).args(Crates::Reeve.selection()))
}

/// Runs the tests of these crates, whose output goes to the terminal, without that of tests that passed.
pub fn run(workspace: &Workspace, crates: Crates) -> Result<Tally> {
    if has_nextest() { nextest(workspace, crates) } else { cargo_test(workspace, crates.selection()) }
}

/// Runs the examples in the documentation; only cargo's own runner can.
pub fn run_doc_tests(workspace: &Workspace) -> Result<Tally> {
    cargo_test(workspace, &["--doc"])
}

fn cargo(workspace: &Workspace) -> Command {
    let mut command = shell::cargo();
    command.current_dir(&workspace.root);
    clean(&mut command, workspace);
    command
}

fn has_nextest() -> bool {
    shell::cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}

fn nextest(workspace: &Workspace, crates: Crates) -> Result<Tally> {
    let mut list = cargo(workspace);
    list.args(["nextest", "list", "--locked", "--cargo-quiet", "--message-format", "json", "--run-ignored", "all"])
        .args(crates.selection());
    let ignored = ignored(&shell::read(&mut list)?)?;
    let mut command = cargo(workspace);
    command.args(["nextest", "run", "--locked", "--cargo-quiet", "--color", "never", "--no-fail-fast", "--no-tests", "pass"]);
    command.args(["--show-progress", "none", "--status-level", "all", "--success-output", "immediate", "--failure-output", "immediate"]);
    command.args(crates.selection());
    let mut reader = Nextest::default();
    let success = follow(&mut command, &mut |line| reader.line(line))?;
    let mut tally = reader.tally;
    tally.passed -= tally.skipped.len();
    tally.skipped.extend(ignored);
    confirm(tally, success)
}

fn cargo_test(workspace: &Workspace, selection: &[&str]) -> Result<Tally> {
    let mut command = cargo(workspace);
    command.args(["test", "--quiet", "--locked", "--no-fail-fast"]).args(selection).args(["--", "--show-output", "--format", "pretty"]);
    let mut reader = Libtest::default();
    let success = follow(&mut command, &mut |line| reader.line(line))?;
    confirm(reader.tally, success)
}

/// A runner that fails without naming a failed test (it could not start one, say) is a failure all the same.
fn confirm(tally: Tally, success: bool) -> Result<Tally> {
    if !success && tally.failed.is_empty() {
        bail!("the test runner failed");
    }
    Ok(tally)
}

/// Reads both outputs line by line as they come; shows those that the reader says a person should see.
fn follow(command: &mut Command, show: &mut dyn FnMut(&str) -> bool) -> Result<bool> {
    let line = shell::describe(command);
    let (read, write) = std::io::pipe().context("no pipe")?;
    command.stdin(Stdio::null()).stdout(write.try_clone().context("no pipe")?).stderr(write);
    let mut child = command.spawn().with_context(|| format!("could not start `{line}`"))?;
    // The command keeps the writing end; as long as it is held here, the reading end never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for bytes in BufReader::new(read).split(b'\n') {
        let bytes = bytes.with_context(|| format!("could not read from `{line}`"))?;
        let text = String::from_utf8_lossy(&bytes);
        if show(&text) {
            println!("{text}");
        }
    }
    Ok(child.wait().with_context(|| format!("`{line}` got lost"))?.success())
}

/// The reason a test gives, on a line of its own output, for not being able to run here.
fn skip_reason(line: &str) -> Option<&str> {
    line.trim().strip_prefix("SKIP ")
}

/// The names of tests marked `#[ignore]`.
fn ignored(json: &str) -> Result<Vec<String>> {
    let list: serde_json::Value = serde_json::from_str(json).context("could not read nextest's list")?;
    let suites = list["rust-suites"].as_object().context("nextest's list has no suites")?;
    let cases = suites.values().filter_map(|suite| suite["testcases"].as_object()).flatten();
    Ok(cases.filter(|(_, case)| case["ignored"] == true).map(|(name, _)| name.clone()).collect())
}

/// Reads nextest's report: a line per test, then, indented below it, what the test wrote.
#[derive(Default)]
struct Nextest {
    tally: Tally,
    current: String,
    passing: bool,
    /// The summary has begun: it names failed tests a second time.
    done: bool,
}

impl Nextest {
    /// Takes a line; answers whether to show it.
    fn line(&mut self, line: &str) -> bool {
        if self.done {
            return true;
        }
        if let Some((status, name)) = headline(line) {
            self.passing = matches!(status, "PASS" | "LEAK");
            name.clone_into(&mut self.current);
            match status {
                "PASS" | "LEAK" => self.tally.passed += 1,
                // A slow test is told of again when it ends; a test that starts, is retried or is skipped is no result.
                "SLOW" | "TERMINATING" | "START" | "RETRY" | "SKIP" => {}
                _ => self.tally.failed.push(name.to_owned()),
            }
            return true;
        }
        if line.trim_start().starts_with("Summary [") {
            self.done = true;
            return true;
        }
        if let Some(reason) = skip_reason(line).filter(|_| self.passing && !self.current.is_empty()) {
            self.tally.skipped.push(std::mem::take(&mut self.current));
            println!("        skipped: {reason}");
        }
        !self.passing
    }
}

/// `PASS [   0.005s] ( 1/25) xtask::bin/xtask assets::tests::name` → the status and the test's name.
fn headline(line: &str) -> Option<(&str, &str)> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let word = !status.is_empty() && status.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | ' '));
    let (time, rest) = rest.split_once(']')?;
    // An ignored test took no time, and none is told.
    let timed = time.trim().is_empty() || time.trim_start_matches('>').trim_end().ends_with('s');
    (word && timed && rest.starts_with(' ')).then(|| (status, rest.rsplit(' ').next().unwrap_or_default()))
}

/// Reads libtest's report.
#[derive(Default)]
struct Libtest {
    tally: Tally,
    current: String,
}

impl Libtest {
    /// Takes a line; answers whether to show it.
    fn line(&mut self, line: &str) -> bool {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            name.clone_into(&mut self.current);
        } else if let Some(rest) = line.strip_prefix("test ") {
            if let Some((name, outcome)) = rest.rsplit_once(" ... ") {
                self.outcome(name, outcome);
            }
        } else if skip_reason(line).is_some() && !self.current.is_empty() {
            self.tally.skipped.push(std::mem::take(&mut self.current));
            self.tally.passed = self.tally.passed.saturating_sub(1);
        }
        true
    }

    fn outcome(&mut self, name: &str, outcome: &str) {
        match outcome.split([',', ' ']).next() {
            Some("ok") => self.tally.passed += 1,
            Some("ignored") => self.tally.skipped.push(name.to_owned()),
            _ => self.tally.failed.push(name.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_is_read() {
        let report = "\
 Nextest run ID 1 with nextest profile: default
    Starting 4 tests across 1 binary (1 test skipped)
        PASS [   0.005s] (1/4) a::bin/a one::tests::passes
        SLOW [> 60.000s] (───) a::bin/a one::tests::slow
        PASS [  61.005s] (2/4) a::bin/a one::tests::slow
        PASS [   0.005s] (3/4) a::bin/a one::tests::unable
  stdout ───

    running 1 test
    SKIP no such server here
        PASS [   0.005s] (4/5) a::bin/a one::tests::able
        SKIP [         ] (───) a::bin/a one::tests::later
        FAIL [   0.004s] (4/4) a::bin/a one::tests::fails
  stderr ───
    it broke
────────────
     Summary [   0.011s] 4 tests run: 3 passed, 1 failed, 1 skipped
        FAIL [   0.004s] (4/4) a::bin/a one::tests::fails
";
        let mut reader = Nextest::default();
        let shown: Vec<_> = report.lines().filter(|line| reader.line(line)).collect();
        assert_eq!((reader.tally.passed, reader.tally.failed.len()), (4, 1));
        assert_eq!(reader.tally.skipped, ["one::tests::unable"]);
        assert!(shown.contains(&"    it broke") && !shown.contains(&"    running 1 test"), "{shown:?}");
    }

    #[test]
    fn ignored_tests_are_found_in_nextests_list() {
        let json = r#"{"rust-suites":{"a":{"testcases":{"x":{"ignored":true},"y":{"ignored":false}}}}}"#;
        assert_eq!(ignored(json).expect("reads"), ["x"]);
    }

    #[test]
    fn libtest_is_read() {
        let report = "\
running 3 tests
test one::passes ... ok
test one::unable ... ok
test one::fails ... FAILED
test one::later ... ignored, needs a tape

successes:

---- one::unable stdout ----
SKIP no such server here

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let mut reader = Libtest::default();
        assert!(report.lines().all(|line| reader.line(line)));
        let skipped = vec!["one::later".into(), "one::unable".into()];
        assert_eq!(reader.tally, Tally { passed: 1, failed: vec!["one::fails".into()], skipped });
    }
}
