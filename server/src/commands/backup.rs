//! `reeve backup`: making backups, proving them, restoring them.

use super::{backup_print as print, backup_schedule as schedule, backup_target as target};
use crate::{
    config::Config,
    run::{
        backups::engine_config,
        output::{complain, say},
        signals::Stop,
    },
};
use clap::{Args, Subcommand};
use reeve_backup::{DrillRequest, Engine, Over, Progress, PutBackRequest, RestoreRequest, RunRequest, TableName};
use reeve_model::{
    TargetName,
    backup::{BackupId, BackupKind, DrillOutcome, JobPhase, JobProgress, VerificationLevel},
};
use std::{
    process::ExitCode,
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// A long phase tells of itself this often.
const PACE: Duration = Duration::from_secs(5);

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// Make a backup of a database: a consistent dump, compressed, encrypted when recipients are configured, read back.
    ///
    /// Ctrl-C ends it and leaves nothing. Exit code 1 when it failed; then nothing of it is listed.
    Run {
        /// The target's name (`findawise` and `systems` are the sample estate).
        #[arg(value_name = "TARGET", value_parser = target_name)]
        target: TargetName,
        /// The database; without it the one that the target's address names.
        database: Option<String>,
        /// Only the rows of these tables, as schema.table; the structure is always whole. May be given several times.
        #[arg(long, value_name = "SCHEMA.TABLE")]
        table: Vec<String>,
        /// What causes it: manual, scheduled or migration.
        #[arg(long = "type", value_name = "TYPE", default_value = "manual", value_parser = kind)]
        kind: BackupKind,
        #[command(flatten)]
        output: Output,
    },
    /// All backups, newest first, from the repository alone. Exit code 1 when a manifest can't be read.
    List {
        /// Only those of this target.
        #[arg(long, value_parser = target_name)]
        target: Option<TargetName>,
        #[command(flatten)]
        output: Output,
    },
    /// One backup: what it holds, what was proven of it.
    Show {
        /// The backup's id.
        id: BackupId,
        #[command(flatten)]
        output: Output,
    },
    /// Read a backup from end to end: digests, decryption, decompression, and pg_restore to nowhere. Exit code 1 when something is wrong.
    Verify {
        /// The backup's id.
        id: BackupId,
        /// Lengths and digests only. Needs no key and no scratch space.
        #[arg(long)]
        digests: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Restore a backup into a private server that is thrown away, compare every row, measure the time. Exit code 1 unless it passes.
    Drill {
        /// The backup's id.
        id: BackupId,
        #[command(flatten)]
        output: Output,
    },
    /// Restore a backup beside the original, as DATABASE_restored_TIME. Exit code 1 when it failed or rows differ.
    Restore {
        /// The backup's id.
        id: BackupId,
        /// The target to restore into; without it the one it was taken from.
        #[arg(long, value_parser = target_name)]
        target: Option<TargetName>,
        /// The new database's name.
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
        /// Only the rows of these tables, as schema.table; the structure is always whole. May be given several times.
        #[arg(long, value_name = "SCHEMA.TABLE")]
        table: Vec<String>,
        /// Put it in the place of this database, which is kept under another name. Ends all its connections.
        #[arg(long, value_name = "DATABASE", requires = "typed", conflicts_with_all = ["table", "database"])]
        over: Option<String>,
        /// The name of that database once more, typed by you.
        #[arg(long, value_name = "DATABASE", requires = "over")]
        typed: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Put a table back into the original, where it is missing, from a database that this backup was restored as. Nothing that is there is
    /// touched. Exit code 1 when it failed, or not all is as it was backed up.
    PutBack {
        /// The backup's id.
        id: BackupId,
        /// The table, as schema.table.
        #[arg(long, value_name = "SCHEMA.TABLE")]
        table: String,
        /// The database that `reeve backup restore` made.
        #[arg(long, value_name = "DATABASE")]
        from: String,
        /// The target of both databases; without it the one the backup was taken from.
        #[arg(long, value_parser = target_name)]
        target: Option<TargetName>,
        #[command(flatten)]
        output: Output,
    },
    /// What is backed up or drilled again and again.
    Schedule {
        /// What to do.
        #[command(subcommand)]
        what: schedule::What,
    },
    /// Remove backups beyond what is to be kept, and what broken-off jobs left. The last verified one of a database always stays.
    Prune {
        /// Only say what would be removed.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        output: Output,
    },
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// The answer as JSON.
    #[arg(long)]
    json: bool,
}

fn target_name(text: &str) -> Result<TargetName, String> {
    TargetName::new(text)
}

fn kind(text: &str) -> Result<BackupKind, String> {
    BackupKind::from_word(text).ok_or_else(|| "it is manual, scheduled or migration".to_owned())
}

/// Runs it. Told to stop, it cancels and waits until nothing is left.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    if let What::Schedule { what } = what {
        return schedule::run(config, what).await;
    }
    let mut signal = Stop::listen()?;
    let cancel = CancellationToken::new();
    let work = act(config, what, &cancel);
    tokio::pin!(work);
    tokio::select! {
        outcome = &mut work => outcome,
        () = signal.requested() => {
            cancel.cancel();
            work.await
        }
    }
}

async fn act(config: &Config, what: &What, cancel: &CancellationToken) -> Result<ExitCode, String> {
    let engine = Engine::open(engine_config(config)).await.map_err(sentence)?;
    match what {
        What::Run { target, database, table, kind, output } => {
            let reached = target::reach(config, target).await?;
            let endpoint = database.as_ref().map_or_else(|| reached.endpoint.clone(), |name| reached.endpoint.with_database(name));
            let request = RunRequest { target: target.clone(), endpoint, kind: *kind, tables: tables(table) };
            let outcome = engine.run(request, &progress(*output), cancel).await;
            reached.stop().await;
            let backup = outcome.map_err(|e| format!("No backup was made: {e}."))?;
            say(print::made(&backup, output.json));
            Ok(ExitCode::SUCCESS)
        }
        What::List { target, output } => {
            let mut catalogue = engine.list().await.map_err(sentence)?;
            catalogue.entries.retain(|entry| target.as_ref().is_none_or(|t| *t == entry.backup.target));
            say(print::list(&catalogue, engine.config(), output.json));
            for (name, why) in &catalogue.damaged {
                complain(format!("The manifest of {name} can't be read ({why}); that backup does not count."));
            }
            Ok(success(catalogue.damaged.is_empty()))
        }
        What::Show { id, output } => {
            say(print::show(&engine.show(id).await.map_err(sentence)?, output.json));
            Ok(ExitCode::SUCCESS)
        }
        What::Verify { id, digests, output } => {
            let level = if *digests { VerificationLevel::Digests } else { VerificationLevel::Full };
            let verification = engine.verify(id, level, &progress(*output), cancel).await.map_err(sentence)?;
            say(print::verification(&verification, output.json));
            Ok(success(verification.passed()))
        }
        What::Drill { id, output } => {
            let rto_target = Duration::from_secs(u64::from(config.backup.rto_minutes) * 60);
            let request = DrillRequest { rto_target, ..DrillRequest::new(id.clone()) };
            let drill = engine.drill(&request, &progress(*output), cancel).await.map_err(sentence)?;
            say(print::drill(&drill, output.json));
            Ok(success(drill.outcome == DrillOutcome::Passed))
        }
        What::Restore { .. } => restore(config, &engine, what, cancel).await,
        What::PutBack { id, table, from, target, output } => {
            let reached = target::reach(config, &home(&engine, id, target.as_ref()).await?).await?;
            let request =
                PutBackRequest { id: id.clone(), server: reached.endpoint.clone(), from: from.clone(), table: TableName::parse(table) };
            let outcome = engine.put_back(&request, &progress(*output), cancel).await;
            reached.stop().await;
            let report = outcome.map_err(|e| format!("Nothing was put back: {e}."))?;
            say(print::put_back(&report, table, output.json));
            Ok(success(report.difference.is_none() && report.keys_missing.is_empty() && report.views_missing.is_empty()))
        }
        What::Schedule { what } => schedule::run(config, what).await,
        What::Prune { dry_run, output } => {
            let report = engine.prune(config.backup.keep, *dry_run).await.map_err(sentence)?;
            let swept = if *dry_run { reeve_backup::SweepReport::default() } else { engine.sweep().await.map_err(sentence)? };
            say(print::pruned(&report, &swept, *dry_run, output.json));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn restore(config: &Config, engine: &Engine, what: &What, cancel: &CancellationToken) -> Result<ExitCode, String> {
    let What::Restore { id, target, database, table, over, typed, output } = what else { return Ok(ExitCode::SUCCESS) };
    let reached = target::reach(config, &home(engine, id, target.as_ref()).await?).await?;
    let over = over.as_ref().zip(typed.as_ref()).map(|(database, typed)| Over { database: database.clone(), typed: typed.clone() });
    // A database can't be renamed from within.
    let within = over.as_ref().is_some_and(|over| over.database == reached.endpoint.database());
    let server = if within { reached.endpoint.with_database("postgres") } else { reached.endpoint.clone() };
    let request = RestoreRequest { id: id.clone(), server, database: database.clone(), tables: tables(table), over };
    let outcome = engine.restore(&request, &progress(*output), cancel).await;
    reached.stop().await;
    let report = outcome.map_err(|e| format!("Nothing was restored: {e}."))?;
    say(print::restored(&report, output.json));
    Ok(success(report.differences.is_empty()))
}

/// The target that is named, else the one that the backup was taken from.
async fn home(engine: &Engine, id: &BackupId, named: Option<&TargetName>) -> Result<TargetName, String> {
    match named {
        Some(target) => Ok(target.clone()),
        None => Ok(engine.show(id).await.map_err(sentence)?.backup.target),
    }
}

fn tables(named: &[String]) -> Option<Vec<TableName>> {
    (!named.is_empty()).then(|| named.iter().map(|text| TableName::parse(text)).collect())
}

fn sentence(error: reeve_backup::BackupError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

fn success(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells a person on standard error: each phase when it begins, and a long one every five seconds.
fn progress(output: Output) -> Progress {
    if output.json {
        return Progress::silent();
    }
    let last: Mutex<Option<(JobPhase, Instant)>> = Mutex::new(None);
    Progress::new(move |now: JobProgress| {
        let Ok(mut last) = last.lock() else { return };
        match *last {
            Some((phase, at)) if phase == now.phase && at.elapsed() < PACE => return,
            Some((phase, _)) if phase == now.phase => complain(print::going_on(&now)),
            _ => complain(now.phase.saying()),
        }
        *last = Some((now.phase, Instant::now()));
    })
}
