//! The house rules, kept by a program: each rule is one file here and one line in [`run`].

mod dependencies;
mod lengths;
mod licences;
mod places;
mod promises;
mod purity;
mod rooms;
mod words;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;
use crate::workspace::Workspace;

/// Runs every rule, prints what each found, and fails when one found something.
pub fn run(workspace: &Workspace) -> Result<()> {
    let files = tracked(workspace)?;
    let metadata = &workspace.metadata;
    let rules: Vec<(&str, Vec<String>)> = vec![
        ("formatting", formatting(workspace)),
        ("rooms", rooms::judge(metadata)),
        ("purity", purity::judge(&files)),
        ("licences", licences::judge(metadata, &licences::npm_packages(&workspace.root)?)),
        ("dependencies", dependencies::judge(&workspace.root, metadata)?),
        ("words", words::judge(&files, &words::places(&workspace.root))),
        ("places", places::judge(&workspace.root)),
        ("promises", promises::judge(&files)),
    ];
    let mut found = 0;
    for (rule, findings) in &rules {
        println!("check {rule}: {}", if findings.is_empty() { "ok".to_owned() } else { format!("{} found", findings.len()) });
        for finding in findings {
            println!("  {finding}");
        }
        found += findings.len();
    }
    for warning in lengths::judge(&files) {
        println!("warning: {warning}");
    }
    if found > 0 {
        bail!("{found} {} to mend", if found == 1 { "thing" } else { "things" });
    }
    Ok(())
}

/// A file of the project with its text; binary files are left out.
pub struct Source {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// What git tracks or would track.
fn tracked(workspace: &Workspace) -> Result<Vec<Source>> {
    let mut git = Command::new("git");
    let list = shell::read(git.current_dir(&workspace.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let paths = list.split('\0').filter(|path| !path.is_empty());
    // A file that was removed but not yet committed is listed and not there: passed over.
    Ok(paths
        .filter_map(|path| Some(Source { path: path.to_owned(), text: std::fs::read_to_string(workspace.root.join(path)).ok()? }))
        .collect())
}

fn formatting(workspace: &Workspace) -> Vec<String> {
    let mut command = shell::cargo();
    match command.current_dir(&workspace.root).args(["fmt", "--all", "--check", "--", "-l"]).output() {
        Ok(output) if output.status.success() => Vec::new(),
        Ok(output) => {
            let files: Vec<_> = String::from_utf8_lossy(&output.stdout)
                .lines()
                .map(|file| format!("{} is not formatted", relative(workspace, file)))
                .collect();
            if files.is_empty() { vec![String::from_utf8_lossy(&output.stderr).trim().to_owned()] } else { files }
        }
        Err(error) => vec![format!("could not start cargo fmt: {error}")],
    }
}

fn relative(workspace: &Workspace, file: &str) -> String {
    let path = PathBuf::from(file);
    path.strip_prefix(&workspace.root).unwrap_or(&path).display().to_string()
}
