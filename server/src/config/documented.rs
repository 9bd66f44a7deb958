//! K2: `docs/CONFIGURATION.md` says what the code reads, all of it and nothing else.
#![allow(clippy::unwrap_used)]

use super::{EXAMPLE, load, variables};
use std::{collections::BTreeSet, fs, path::Path};

const DOCUMENT: &str = include_str!("../../../docs/CONFIGURATION.md");

/// What stands between the markers of this name. `UPDATE_DOCS=1` writes what should be there.
fn held(name: &str, expected: &str) {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = DOCUMENT.split_once(&open).unwrap_or_else(|| panic!("{open} is missing"));
    let (found, after) = rest.split_once(&close).unwrap_or_else(|| panic!("{close} is missing"));
    if found == expected {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/CONFIGURATION.md");
        fs::write(path, format!("{before}{open}{expected}{close}{after}")).unwrap();
    }
    panic!("docs/CONFIGURATION.md says otherwise between {open}; run this test with UPDATE_DOCS=1 and read the difference");
}

#[test]
fn k2_the_table_of_variables_is_that_of_the_code() {
    held("variables", &variables::table());
}

#[test]
fn k2_the_file_of_the_document_is_the_one_that_the_program_prints() {
    held("example", &format!("```toml\n{EXAMPLE}```\n"));
}

/// The sources of the program without their tests: what they name, they read or advise.
fn sources(dir: &Path, text: &mut String) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().into_string().unwrap();
        if path.is_dir() {
            sources(&path, text);
        } else if !["tests.rs", "documented.rs", "variables.rs"].contains(&name.as_str()) {
            text.push_str(fs::read_to_string(&path).unwrap().split("#[cfg(test)]\nmod tests {").next().unwrap());
        }
    }
}

#[test]
fn k2_every_variable_that_the_code_names_is_in_the_list_and_the_other_way_round() {
    let mut text = String::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for room in ["server/src", "crates/model/src", "crates/cluster/src", "crates/backup/src", "crates/service/src"] {
        sources(&root.join(room), &mut text);
    }
    let named: BTreeSet<&str> = text
        .split('"')
        .skip(1)
        .filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| (word.starts_with("REEVE_") && *word != "REEVE_" && *word != "REEVE_TARGET_") || word.ends_with("DATABASE_URL"))
        .collect();
    let listed: BTreeSet<&str> = variables::ROWS.iter().flat_map(|row| row.names).copied().collect();
    let unlisted: Vec<&&str> = named.difference(&listed).collect();
    assert!(unlisted.is_empty() && named.len() > 30, "read, but not listed: {unlisted:?} of {}", named.len());
    // Those of a target are put together of parts, which target.rs has one by one.
    let of_targets = |name: &&str| name.strip_prefix("REEVE_TARGET_<NAME>_").is_some_and(|part| text.contains(&format!("\"{part}\"")));
    let unread: Vec<&&str> = listed.difference(&named).filter(|name| !of_targets(name)).collect();
    assert!(unread.is_empty(), "listed, but read nowhere: {unread:?}");
}

/// The example with each setting that is commented out taken in.
fn uncommented() -> String {
    let setting = |rest: &str| rest.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
    EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| setting(rest)).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn k2_the_example_is_good_but_for_what_this_machine_lacks() {
    for text in [EXAMPLE.to_owned(), uncommented()] {
        let problems = load(Some(("reeve.toml", &text)), &Default::default()).map(drop).unwrap_err().to_string();
        // Files of secrets that are not here, and where two ways to say one thing stand beside each other.
        let strange: Vec<&str> = problems
            .lines()
            .filter(|line| line.contains("reeve.toml:"))
            .filter(|line| {
                !["can't be read", "more than one", "one of", "has no address", "more than once", "in an S3 store", "no public key of age"]
                    .iter()
                    .any(|known| line.contains(known))
            })
            .collect();
        assert!(strange.is_empty(), "{strange:#?}");
    }
}

#[test]
fn k2_every_setting_that_the_code_reads_is_in_the_example() {
    let code = include_str!("file.rs");
    let (_, walk) = code.split_once("fn root(").unwrap();
    let keys: BTreeSet<&str> = walk
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix('"')?.split_once("\" =>").map(|(key, _)| key))
        .filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    let words: BTreeSet<&str> = EXAMPLE.split(|c: char| !(c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())).collect();
    let missing: Vec<&&str> = keys.difference(&words).collect();
    assert!(missing.is_empty() && keys.len() > 40, "{missing:?} of {} are not in the example", keys.len());
}

#[test]
fn a6_a_misspelt_variable_is_noticed_and_a_strangers_is_not() {
    let slips = |names: &[&str]| variables::slips(&names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect());
    for (written, meant) in [
        ("REEVE_LISTN", "REEVE_LISTEN"),
        ("REEVE_DATADIR", "REEVE_DATA_DIR"),
        ("REEVE_ADMIN_PASWORD", "REEVE_ADMIN_PASSWORD"),
        ("REEVE_TARGET_ORDERS_URI", "REEVE_TARGET_ORDERS_URL"),
        ("REEVE_TARGET_ORDERS_TAG", "REEVE_TARGET_ORDERS_TAGS"),
        ("REEVE_BACKUP_REPOSITRY", "REEVE_BACKUP_REPOSITORY"),
    ] {
        assert_eq!(slips(&[written]), [(written.to_owned(), meant.to_owned())]);
    }
    // What an orchestrator sets for a service of this name, what is right, and what is not ours at all.
    let fine = [
        "REEVE_SERVICE_HOST",
        "REEVE_SERVICE_PORT",
        "REEVE_PORT",
        "REEVE_PORT_4400_TCP",
        "REEVE_",
        "REEVE_TARGET_ORDERS_URL",
        "PATH",
        "LISTEN",
    ];
    assert_eq!(slips(&fine), []);
}
