//! The command line.

mod access;
mod account;
mod audit;
mod backup;
mod backup_print;
mod backup_schedule;
mod backup_target;
mod check;
mod compliance;
mod config;
mod demo;
mod demo_fault;
mod doctor;
mod documented;
mod health;
mod migrate;
mod secret;
mod serve;
mod target;
mod target_list;
mod target_test;

use crate::{
    config::{self as configuration, Config},
    run::{logging::LogFormat, output::complain},
};
use clap::{Args, Parser, Subcommand};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

/// The control room of a database estate: health, tables, pools, in one program.
#[derive(Debug, Parser)]
#[command(name = "reeve", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 something is wrong (it says what), 2 the command line or configuration can't be used.\n\
                        Settings come from reeve.toml and the environment; the environment wins: `reeve config example`, `reeve config variables`."
)]
pub struct Reeve {
    #[command(subcommand)]
    command: Command,
    /// How log lines look on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "REEVE_LOG_FORMAT")]
    pub log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run Reeve: watch the configured targets and serve the control room.
    Serve(Common),
    /// Run Reeve with the sample estate, in private PostgreSQL clusters of its own.
    ///
    /// The first start loads about 150 MB of sample rows; later starts take seconds. Nothing outside the data directory is touched.
    Demo {
        #[command(flatten)]
        common: Common,
        #[command(subcommand)]
        what: Option<DemoWhat>,
    },
    /// Test every configured connection: latency, version, role, TLS, missing rights. Exit code 1 when one fails.
    Check(Common),
    /// Which panels and controls each missing grant or extension keeps away, and the SQL that helps.
    ///
    /// Exit code 1 when something is missing.
    Doctor {
        #[command(flatten)]
        common: Common,
        /// The same as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look once at every configured target and say how it is. Exit code 1 unless all are healthy.
    Health {
        #[command(flatten)]
        common: Common,
        /// The same as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Reeve's own schema: what is applied, and bringing it up to date.
    Migrate {
        #[command(subcommand)]
        what: migrate::What,
        #[command(flatten)]
        common: Common,
    },
    /// What can be configured: an example of the file, the variables.
    Config {
        #[command(subcommand)]
        what: config::What,
    },
    /// Who may do what.
    Access {
        #[command(subcommand)]
        what: access::What,
    },
    /// Accounts, for whoever has the machine: when nobody can sign in any more.
    Account {
        #[command(subcommand)]
        what: account::What,
        #[command(flatten)]
        common: Common,
    },
    /// The audit trail: check it, take it out, check what was taken out.
    Audit {
        #[command(subcommand)]
        what: audit::What,
        #[command(flatten)]
        common: Common,
    },
    /// Compliance: scan the configured targets against the catalogue of controls.
    Compliance {
        #[command(subcommand)]
        what: compliance::What,
        #[command(flatten)]
        common: Common,
    },
    /// Backups: make, list, verify, try out, restore and thin out. See docs/BACKUP.md.
    Backup {
        #[command(subcommand)]
        what: backup::What,
        #[command(flatten)]
        common: Common,
    },
    /// Targets beside the configuration: register, test, list, edit, remove. A running Reeve takes it up within seconds.
    Target {
        #[command(subcommand)]
        what: target::What,
        #[command(flatten)]
        common: Common,
    },
    /// Small secrets, such as addresses of targets, sealed in Reeve's own database.
    Secret {
        #[command(subcommand)]
        what: secret::What,
        #[command(flatten)]
        common: Common,
    },
}

/// What to do with the sample estate, beside running it.
#[derive(Debug, Subcommand)]
enum DemoWhat {
    /// Break something in it, to see Reeve notice.
    Fault {
        #[command(subcommand)]
        fault: demo_fault::Fault,
    },
    /// Take back what `reeve demo fault` broke. A flipped bit stays: say corrupt-backup again.
    Heal,
    /// Go into one of its servers with psql, as superuser; what stands behind -- is for psql.
    Psql {
        /// findawise, systems or systems-replica.
        #[arg(default_value = "findawise")]
        target: String,
        /// Arguments of psql.
        #[arg(last = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The configuration file. Without it ./reeve.toml and /etc/reeve/reeve.toml are tried.
    #[arg(long, short, env = "REEVE_CONFIG", global = true)]
    config: Option<PathBuf>,
}

impl Common {
    /// Reads and checks the configuration.
    fn load(&self) -> Result<Config, String> {
        let env = environment()?;
        for (written, meant) in configuration::variables::slips(&env) {
            complain(format!("The variable {written} is set but not read. Did you mean {meant}?"));
        }
        let places = [PathBuf::from("reeve.toml"), PathBuf::from("/etc/reeve/reeve.toml")];
        let path = match &self.config {
            Some(path) => Some(path.clone()),
            None => places.into_iter().find(|p| p.is_file()),
        };
        let text = match &path {
            None => None,
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .map_err(|error| format!("The configuration file {} can't be read ({error}).", path.display()))?,
            ),
        };
        let name = path.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
        configuration::load(text.as_deref().map(|text| (name.as_str(), text)), &env).map_err(|problems| problems.to_string())
    }
}

/// The environment as text. What is no text can't be one of Reeve's settings, unless its name says that it is meant as one.
fn environment() -> Result<BTreeMap<String, String>, String> {
    let mut env = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => {
                env.insert(name, value);
            }
            Err(_) if name.starts_with("REEVE_") || name.ends_with("DATABASE_URL") => {
                return Err(format!("The environment variable {name} is not valid UTF-8; set it to text."));
            }
            Err(_) => {}
        }
    }
    Ok(env)
}

/// Exit code for a command line or configuration that can't be used.
const UNUSABLE: u8 = 2;

/// Runs what was asked for.
pub async fn dispatch(line: Reeve) -> ExitCode {
    if let Command::Secret { what: secret::What::GenerateKey, .. } = &line.command {
        return ended(secret::generate_key());
    }
    // Neither configuration nor database.
    match &line.command {
        Command::Access { what } => return ended(access::run(*what)),
        Command::Config { what } => return ended(config::run(*what)),
        Command::Audit { what: audit::What::Check { file }, .. } => return ended(audit::check(file)),
        Command::Compliance { what: compliance::What::Controls { json }, .. } => return ended(compliance::controls(*json)),
        _ => {}
    }
    let (common, command) = match &line.command {
        Command::Serve(common) | Command::Demo { common, .. } | Command::Check(common) => (common, &line.command),
        Command::Health { common, .. }
        | Command::Doctor { common, .. }
        | Command::Migrate { common, .. }
        | Command::Target { common, .. }
        | Command::Secret { common, .. } => (common, &line.command),
        Command::Account { common, .. } | Command::Audit { common, .. } => (common, &line.command),
        Command::Compliance { common, .. } | Command::Backup { common, .. } => (common, &line.command),
        Command::Access { .. } | Command::Config { .. } => return ExitCode::SUCCESS,
    };
    let config = match common.load() {
        Ok(config) => config,
        Err(sentence) => {
            complain(sentence.trim_end());
            return ExitCode::from(UNUSABLE);
        }
    };
    ended(match command {
        Command::Serve(_) => serve::run(config).await,
        Command::Demo { what: None, .. } => demo::run(config).await,
        Command::Demo { what: Some(DemoWhat::Fault { fault }), .. } => demo_fault::run(&config, *fault).await,
        Command::Demo { what: Some(DemoWhat::Heal), .. } => demo_fault::heal(&config).await,
        Command::Demo { what: Some(DemoWhat::Psql { target, arguments }), .. } => demo::psql::run(&config, target, arguments).await,
        Command::Check(_) => check::run(&config).await,
        Command::Doctor { json, .. } => doctor::run(&config, *json).await,
        Command::Health { json, .. } => health::run(&config, *json).await,
        Command::Migrate { what, .. } => migrate::run(&config, what).await,
        Command::Target { what, .. } => target::run(&config, what).await,
        Command::Secret { what, .. } => secret::run(&config, what).await,
        Command::Account { what, .. } => account::run(&config, what).await,
        Command::Audit { what, .. } => audit::run(&config, what).await,
        Command::Compliance { what, .. } => compliance::run(&config, what).await,
        Command::Backup { what, .. } => backup::run(&config, what).await,
        Command::Access { .. } | Command::Config { .. } => Ok(ExitCode::SUCCESS),
    })
}

fn ended(outcome: Result<ExitCode, String>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(sentence) => {
            complain(sentence.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// Prints rows under a header, columns padded to their widest cell.
fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|h| h.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut out = vec![line(header.to_vec())];
    out.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Reeve::command().debug_assert();
    }

    #[test]
    fn tables_line_up() {
        let text = table(&["name", "n"], &[vec!["a".into(), "10".into()], vec!["longer".into(), "2".into()]]);
        assert_eq!(text, "name    n\na       10\nlonger  2");
    }
}
