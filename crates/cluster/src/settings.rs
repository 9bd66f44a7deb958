//! The server's settings file, written anew at each start.

use crate::{
    ClusterError,
    account::Account,
    binaries::Installation,
    layout::{Layout, PORT},
};
use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path};

const FILE: &str = "reeve.conf";
const INCLUDE: &str = "include_if_exists = 'reeve.conf'";

/// Writes `reeve.conf` and has `postgresql.conf` include it. Answers notes about what was left out, as sentences.
pub(crate) fn write(
    layout: &Layout,
    account: &Account,
    installation: &Installation,
    wanted: &[(String, String)],
) -> Result<Vec<String>, ClusterError> {
    let mut notes = Vec::new();
    let mut text = String::from("# Written by Reeve at each start; what you change here is lost.\n");
    for (name, value) in wanted {
        if name.eq_ignore_ascii_case("shared_preload_libraries") {
            let libraries = present_libraries(value, installation, &mut notes);
            line(&mut text, name, &libraries);
        } else {
            line(&mut text, name, value);
        }
    }
    // Last, so that they win: a private cluster is reached through its socket only.
    line(&mut text, "listen_addresses", "");
    line(&mut text, "port", &PORT.to_string());
    line(&mut text, "unix_socket_directories", &layout.socket_dir.to_string_lossy());
    line(&mut text, "unix_socket_permissions", "0700");
    line(&mut text, "password_encryption", "scram-sha-256");
    line(&mut text, "logging_collector", "off");
    line(&mut text, "log_destination", "stderr");

    let path = layout.data.join(FILE);
    replace(&path, text.as_bytes(), account)?;
    include(&layout.data.join("postgresql.conf"), account)?;
    Ok(notes)
}

fn line(text: &mut String, name: &str, value: &str) {
    let value = value.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n");
    text.push_str(&format!("{name} = '{value}'\n"));
}

/// Keeps the libraries whose file is there: a missing one would keep the server from starting.
fn present_libraries(value: &str, installation: &Installation, notes: &mut Vec<String>) -> String {
    let dir = installation.library_dir();
    let names = value.split(',').map(str::trim).filter(|n| !n.is_empty());
    let present = names.filter(|name| {
        let there = name.contains('/') || dir.join(format!("{name}.so")).is_file();
        if !there {
            notes.push(format!(
                "the library {name} is not installed for PostgreSQL {}, so the server runs without it: install the contrib package of that version and start again",
                installation.major
            ));
        }
        there
    });
    present.collect::<Vec<_>>().join(",")
}

fn include(path: &Path, account: &Account) -> Result<(), ClusterError> {
    let mut text = std::fs::read_to_string(path).map_err(|e| ClusterError::io(path, &e))?;
    if text.lines().any(|l| l.trim() == INCLUDE) {
        return Ok(());
    }
    text.push_str(&format!("\n{INCLUDE}\n"));
    replace(path, text.as_bytes(), account)
}

/// Replaces a file as a whole: a reader sees the old or the new one.
fn replace(path: &Path, bytes: &[u8], account: &Account) -> Result<(), ClusterError> {
    let fresh = path.with_extension("conf.new");
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|e| ClusterError::io(&fresh, &e))?;
    account.own(&fresh)?;
    std::fs::rename(&fresh, path).map_err(|e| ClusterError::io(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        let mut text = String::new();
        line(&mut text, "log_line_prefix", r"it's \ %m");
        assert_eq!(text, "log_line_prefix = 'it''s \\\\ %m'\n");
    }

    #[test]
    fn a_library_that_is_not_there_is_left_out_with_a_note() {
        let installation = Installation { bin: "/nowhere/bin".into(), major: 15, version: String::new() };
        let mut notes = Vec::new();
        assert_eq!(present_libraries("pg_stat_statements, /opt/own.so", &installation, &mut notes), "/opt/own.so");
        assert!(notes[0].contains("pg_stat_statements") && notes.len() == 1, "{notes:?}");
    }
}
