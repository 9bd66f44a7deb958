//! Every command that a document, a message or a comment names is one that this program takes.

#![cfg(test)]
#![allow(clippy::unwrap_used)]

use super::Reeve;
use clap::{CommandFactory, error::ErrorKind};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is written for a reader to replace or to leave out: `ID`, `KIND/NAME`, `…`, `<name>`, `[--json]`.
fn is_placeholder(word: &str) -> bool {
    let loud = |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase() || matches!(c, '_' | '-'));
    word.contains(['<', '…', '{', '|', '*', '[']) || word.split('/').any(loud)
}

/// The words of a line as a shell would split it, up to a comment or the end of the command.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => all.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (None, '|' | ';' | '&' | '>' | ')') => break,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// Why this command line can't be one of ours; none: it can. `whole`: it stands as a person would type it.
fn objection(line: &str, whole: bool) -> Option<String> {
    let words = words(line);
    // A sentence about commands of a kind, and what somebody is to fill in, are no command lines.
    let known: Vec<&String> = words.iter().take_while(|w| !is_placeholder(w)).collect();
    let cut = known.len() < words.len();
    let error = Reeve::command().try_get_matches_from(&known).err()?;
    let fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        // A value follows that was left out, or the command is only named.
        ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            cut || !whole
        }
        ErrorKind::InvalidValue | ErrorKind::NoEquals => cut || !whole,
        _ => false,
    };
    (!fine).then(|| format!("{line:?}: {}", error.to_string().lines().next().unwrap_or_default()))
}

/// Commands in a document: lines of its shell blocks, and what stands between backticks.
fn commands(text: &str) -> Vec<(String, bool)> {
    let (mut found, mut shell) = (Vec::new(), false);
    for line in text.lines() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            shell = !shell && matches!(kind.trim(), "sh" | "bash" | "console");
            continue;
        }
        let line = line.trim().trim_start_matches("$ ").trim_start_matches("sudo ").trim_start_matches("-u reeve ");
        if shell {
            found.extend((line == "reeve" || line.starts_with("reeve ")).then(|| (line.to_owned(), true)));
        } else {
            let spans = line.split('`').skip(1).step_by(2).map(str::trim);
            found.extend(spans.filter(|s| s.starts_with("reeve ")).map(|s| (s.to_owned(), false)));
        }
    }
    found
}

fn files(dir: &Path, ends: &str, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && !["target", "node_modules"].contains(&name) {
            files(&path, ends, all);
        } else if name.ends_with(ends) {
            all.push(path);
        }
    }
}

#[test]
fn k2_each_command_that_is_documented_or_advised_is_one_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut all = Vec::new();
    files(root, ".md", &mut all);
    let documents = all.len();
    for room in ["app/src", "crates", "server/src", "packaging"] {
        files(&root.join(room), ".rs", &mut all);
    }
    let (mut seen, mut wrong) = (0, Vec::new());
    for path in &all {
        // This file holds wrong ones on purpose.
        for (line, whole) in commands(&fs::read_to_string(path).unwrap()).into_iter().filter(|_| !path.ends_with("documented.rs")) {
            seen += 1;
            wrong.extend(objection(&line, whole).map(|why| format!("{}: {why}", path.strip_prefix(root).unwrap().display())));
        }
    }
    assert!(documents > 10 && seen > 100, "{documents} documents and {seen} commands: are they where they were?");
    assert!(wrong.is_empty(), "{} of {seen}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn k2_a_command_that_there_is_not_is_noticed() {
    for (line, whole) in [
        ("reeve backup lst", false),
        ("reeve backups list", false),
        ("reeve compliance scan --fail-on grim", true),
        ("reeve backup verify", true),
        ("reeve serve --port 80", false),
    ] {
        assert!(objection(line, whole).is_some(), "{line}");
    }
    for (line, whole) in [
        ("reeve secret set KIND/NAME", false),
        ("reeve secret list [--json]", false),
        ("reeve backup verify ID   # every byte", true),
        ("reeve backup restore", false),
        ("reeve audit …", false),
        ("reeve target add 'my orders' --environment prod", true),
    ] {
        assert_eq!(objection(line, whole), None, "{line}");
    }
    let text = "run `reeve check` or\n```sh\nsudo reeve health  # now\nmake run\n```\nand `make test`";
    assert_eq!(commands(text), [("reeve check".to_owned(), false), ("reeve health  # now".to_owned(), true)]);
}
