//! Builds, checks, tests and watches Reeve. `cargo xtask help` lists what it can do.

mod assets;
mod bench;
mod check;
mod fresh;
mod package;
mod shell;
mod sqlx;
mod testing;
mod watch;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const HELP: &str = "\
cargo xtask COMMAND

  assets [--quick]   build the islands, the style sheet and the public files into target/site
                     (--quick: unoptimised and uncompressed, for the edit loop)
  check              formatting, import rules of the rooms, licences, forbidden words, documented dependencies
  sqlx [--check]     record what PostgreSQL answers to the store's SQL (--check: fail when the record is stale)
  bench NAME         figures for docs/BENCHMARKS.md. flood: wrong passwords; pages: pages and viewers; adapter: pgbench through
                     the pools; audit: the log at a million events; backup: beside pg_dump; collect: rounds beside an exporter;
                     scan: evidence of many tables; history: bytes and reads of series; cold: starts with a store that is there
  fresh [--run]      the README's commands in a new Debian root, from the last commit; as root, an hour (--run: without `make test`)
  package            the Debian package, from a release build, in target/package
  test               everything that `make test` runs
  watch              run `reeve demo`, and build and start it again when a source changes
  help               this text
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let Some((command, rest)) = args.split_first() else {
        print!("{HELP}");
        return Ok(());
    };
    match command.as_str() {
        "assets" => assets::run(&Workspace::load()?, assets::Quality::parse(rest)?),
        "check" => check::run(&Workspace::load()?),
        "sqlx" => sqlx::run(&Workspace::load()?, sqlx::Purpose::parse(rest)?),
        "bench" => bench::run(&Workspace::load()?, rest),
        "fresh" => fresh::run(&Workspace::load()?, fresh::Extent::parse(rest)?),
        "package" => package::run(&Workspace::load()?),
        "test" => testing::run(&Workspace::load()?),
        "watch" => watch::run(&Workspace::load()?),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command `{other}`; `cargo xtask help` lists them"),
    }
}
