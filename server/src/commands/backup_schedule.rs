//! `reeve backup schedule`: what is made again and again, for whoever has the machine.

use super::{demo, table};
use crate::{
    config::Config,
    run::{self, output::say, signals::Stop},
};
use clap::{Args, Subcommand};
use reeve_model::{
    TargetName,
    backup::{BackupSchedule, NewSchedule, ScheduledWhat},
};
use reeve_service::{
    audit::Trail,
    backups::{local_remove_schedule, local_schedules, local_set_schedule},
};
use reeve_store::{Store, accounts::DEFAULT_ORG};
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// All schedules: when next, and what came of the last run.
    List {
        /// The answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Set the schedule of a database, in the place of one that it has. A running Reeve heeds it within a minute.
    Set {
        #[command(flatten)]
        of: Of,
        /// When: "daily at 02:30", "weekly on Sunday at 03:00", "monthly on 1 at 04:00", or five fields of cron.
        when: String,
        /// By the clock of this time zone.
        #[arg(long, value_name = "ZONE", default_value = "UTC")]
        time_zone: String,
        /// Keep it without running it.
        #[arg(long)]
        paused: bool,
    },
    /// Remove the schedule of a database. Backups that it made stay.
    Remove {
        #[command(flatten)]
        of: Of,
    },
}

/// Whose schedule.
#[derive(Debug, Clone, Args)]
pub struct Of {
    /// The target's name (`findawise` and `systems` are the sample estate).
    #[arg(value_parser = target_name)]
    target: TargetName,
    /// Its database.
    database: String,
    /// The one that drills its newest good backup, not the one that backs it up.
    #[arg(long)]
    drill: bool,
}

impl Of {
    fn what(&self) -> ScheduledWhat {
        if self.drill { ScheduledWhat::Drill } else { ScheduledWhat::Backup }
    }
}

fn target_name(text: &str) -> Result<TargetName, String> {
    TargetName::new(text)
}

/// Runs it, beside a running Reeve or alone.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    let mut signal = Stop::listen()?;
    let work = async {
        run::store::must_exist(config)?;
        let opened = run::store::open_beside(config).await?;
        let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
        let outcome = match act(config, &store, what).await {
            Err(sentence) => Err(opened.explain(sentence).await),
            good => good,
        };
        opened.stop().await;
        outcome
    };
    tokio::select! {
        outcome = work => outcome,
        () = signal.requested() => Err("Stopped before it was done.".to_owned()),
    }
}

async fn act(config: &Config, store: &Store, what: &What) -> Result<ExitCode, String> {
    let (trail, user) = (Trail::new(store.clone(), None), run::user());
    match what {
        What::List { json } => list(&local_schedules(store).await?, *json)?,
        What::Set { of, when, time_zone, paused } => {
            known(config, store, &of.target).await?;
            let (database, when, time_zone) = (of.database.clone(), when.clone(), time_zone.clone());
            let wanted = NewSchedule { database, what: of.what(), when, time_zone, enabled: !paused };
            let set = local_set_schedule(store, &trail, &user, &of.target, &wanted).await?;
            let next = set.next_local.as_ref().map_or_else(String::new, |at| format!(" It is due next on {at}."));
            say(format!("The schedule is set: {} of {}, {}.{next}", set.what.word(), set.database, set.words));
        }
        What::Remove { of } => {
            local_remove_schedule(store, &trail, &user, (&of.target, &of.database), of.what()).await?;
            say("The schedule was removed. Backups that it made stay.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A schedule of a target that nobody knows would fail each time.
async fn known(config: &Config, store: &Store, target: &TargetName) -> Result<(), String> {
    let sample = demo::backed_up(config).any(|sample| sample == target.as_str());
    if sample || config.targets.iter().any(|t| t.info.name == *target) {
        return Ok(());
    }
    let stored = store.stored_targets().await.map_err(|e| e.to_string())?;
    if stored.registered.iter().any(|r| r.registration.name == *target) {
        return Ok(());
    }
    Err(format!("There is no target {target}. Add [[target]] to reeve.toml, set REEVE_TARGET_<NAME>_URL, or run `reeve target add`."))
}

fn list(all: &[BackupSchedule], json: bool) -> Result<(), String> {
    if json {
        say(serde_json::to_string_pretty(all).map_err(|e| e.to_string())?);
        return Ok(());
    }
    let row = |s: &BackupSchedule| {
        let next = s.next_local.clone().unwrap_or_else(|| if s.enabled { "never" } else { "paused" }.to_owned());
        let last = s.last.as_ref().map_or("not yet", |last| last.state.word()).to_owned();
        let when = format!("{} {}", s.words, s.time_zone);
        vec![s.target.to_string(), s.database.clone(), s.what.word().to_owned(), when, next, last]
    };
    say(table(&["target", "database", "what", "when", "next run", "last run"], &all.iter().map(row).collect::<Vec<_>>()));
    Ok(())
}
