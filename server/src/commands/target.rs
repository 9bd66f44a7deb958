//! `reeve target`: targets that are registered beside the configuration (SPEC A6).

use super::{
    target_list::list,
    target_test::{as_json, tell},
};
use crate::{
    config::Config,
    run::{self, output::say, prompt, signals},
};
use clap::{Args, Subcommand};
use reeve_adapter::Endpoint;
use reeve_model::{Environment, TargetInfo, TargetKind, TargetName, target::label};
use reeve_service::{
    registry::{
        change::{self, Author},
        trial::attempt,
    },
    vault::secrets::{MAX_BYTES, Secrets},
};
use reeve_store::{
    Store,
    accounts::DEFAULT_ORG,
    registered::{Registered, Registration, StoredTargets},
};
use secrecy::{ExposeSecret, SecretString};
use std::process::ExitCode;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// Test a target and register it. Its address is asked for without showing it, or read; it is never an argument.
    Add(Change),
    /// Show all targets, configured and registered. Never their passwords.
    List {
        /// The same as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        stray: Stray,
    },
    /// Change a registered target: only what is given. With a new address or other databases it is tested first.
    Edit(Change),
    /// Remove a registered target. It is watched no more; its history and its backups stay.
    Remove {
        /// Its name.
        name: String,
        /// Don't ask for the name to be typed again.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        stray: Stray,
    },
    /// Test a target, or an address: what is missing, what that costs, the SQL that helps. Exit code 1 when it can't be watched.
    Test {
        /// The name of a target; none: an address is asked for, or read.
        #[arg(conflicts_with_all = ["url_stdin", "url_env"])]
        name: Option<String>,
        #[command(flatten)]
        url: UrlFrom,
        /// The same as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        stray: Stray,
    },
}

/// A target and what is said of it.
#[derive(Debug, Clone, Args)]
pub struct Change {
    /// Its name: a-z, 0-9, - and _.
    name: String,
    #[command(flatten)]
    url: UrlFrom,
    #[command(flatten)]
    about: About,
    /// Do it even when the test fails.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    stray: Stray,
}

/// Where an address is taken from.
#[derive(Debug, Clone, Args)]
pub struct UrlFrom {
    /// Read the address from standard input; on a terminal it is asked for without showing it.
    #[arg(long)]
    url_stdin: bool,
    /// Take the address from this environment variable.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "url_stdin")]
    url_env: Option<String>,
}

/// What is said of a target. On `edit`, an empty text takes away what was said.
#[derive(Debug, Clone, Args)]
pub struct About {
    /// dev, staging or prod; prod when nothing is said.
    #[arg(long)]
    environment: Option<String>,
    /// Where it runs, like eu-central-1.
    #[arg(long)]
    region: Option<String>,
    /// A free word to group by; may be repeated.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Who answers for it.
    #[arg(long)]
    owner: Option<String>,
    /// Watch only this database; may be repeated.
    #[arg(long = "database", value_name = "DATABASE")]
    databases: Vec<String>,
}

/// An address that was given as an argument all the same: taken here, so that nothing repeats it.
#[derive(Debug, Clone, Args)]
pub struct Stray {
    #[arg(hide = true, value_name = "NOTHING")]
    stray: Vec<String>,
}

const AN_ARGUMENT: &str = "An address is never an argument: everybody on this machine can read it there. Give it on standard input, when it is asked for, or with --url-env; and change a password that was shown.";

impl UrlFrom {
    fn is_given(&self) -> bool {
        self.url_stdin || self.url_env.is_some()
    }

    async fn read(&self, of: &str) -> Result<SecretString, String> {
        let url = match &self.url_env {
            Some(variable) if variable.contains("://") => return Err(AN_ARGUMENT.to_owned()),
            Some(variable) => {
                let said = std::env::var(variable).ok().filter(|v| !v.is_empty());
                SecretString::from(said.ok_or_else(|| format!("The environment variable {variable} is not set."))?)
            }
            None => prompt::secret(&format!("Address of {of} (postgres://user:password@host/database)"), MAX_BYTES).await?,
        };
        Endpoint::parse(url.expose_secret()).map_err(|e| format!("Nothing was changed: {e}."))?;
        Ok(url)
    }
}

impl Stray {
    fn refuse(&self) -> Result<(), String> {
        if self.stray.is_empty() { Ok(()) } else { Err(AN_ARGUMENT.to_owned()) }
    }
}

/// The name of a target. An address in its place is not repeated.
fn named(text: &str) -> Result<TargetName, String> {
    if text.contains("://") { Err(AN_ARGUMENT.to_owned()) } else { TargetName::new(text) }
}

impl About {
    /// What is registered when this is said of what was so before.
    fn over(&self, before: Registration) -> Result<Registration, String> {
        let environment = match &self.environment {
            None => before.environment,
            Some(word) => Environment::from_word(word).ok_or_else(|| format!("{word:?} is no environment; use dev, staging or prod."))?,
        };
        let one = |what, said: &Option<String>, before| match said {
            None => Ok(before),
            Some(text) if text.is_empty() => Ok(None),
            Some(text) => label(what, text).map(Some),
        };
        let many = |said: &[String], before, check: &dyn Fn(&str) -> Result<String, String>| match said {
            [] => Ok(before),
            [only] if only.is_empty() => Ok(Vec::new()),
            all => all.iter().map(|text| check(text)).collect(),
        };
        let tag = |text: &str| match label("tag", text) {
            Ok(tag) if tag.contains([',', ' ']) => Err(format!("A tag is one word; {tag:?} is not.")),
            other => other,
        };
        let database = |text: &str| match text.len() {
            1..=63 if !text.chars().any(char::is_control) => Ok(text.to_owned()),
            _ => Err("A database's name has 1 to 63 bytes and is one line.".to_owned()),
        };
        Ok(Registration {
            environment,
            region: one("region", &self.region, before.region)?,
            owner: one("owner", &self.owner, before.owner)?,
            tags: many(&self.tags, before.tags, &tag)?,
            databases: many(&self.databases, before.databases, &database)?,
            ..before
        })
    }
}

/// Runs it, also beside a running Reeve.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    signals::unless_stopped("Stopped before it was done; nothing was changed.", async {
        match what {
            What::Add(Change { name, url, about, force, stray }) => {
                stray.refuse()?;
                let name = named(name)?;
                free(config, &name)?;
                let kind = TargetKind::Postgres;
                let (environment, region, owner) = (Environment::Prod, None, None);
                let blank = Registration { name, kind, environment, region, owner, tags: Vec::new(), databases: Vec::new() };
                let new = about.over(blank)?;
                // Read first: nobody's database should wait for somebody who types.
                let url = url.read(new.name.as_str()).await?;
                with_store(config, async |store, secrets| add(store, secrets?, new, &url, *force).await).await
            }
            What::List { json, stray } => {
                stray.refuse()?;
                list(config, *json).await
            }
            What::Edit(Change { name, url, about, force, stray }) => {
                stray.refuse()?;
                let name = named(name)?;
                free(config, &name)?;
                run::store::must_exist(config)?;
                let url = if url.is_given() { Some(url.read(name.as_str()).await?) } else { None };
                with_store(config, async |store, secrets| edit(store, secrets?, &name, about, url.as_ref(), *force).await).await
            }
            What::Remove { name, yes, stray } => {
                stray.refuse()?;
                let name = named(name)?;
                free(config, &name)?;
                run::store::must_exist(config)?;
                if !yes {
                    let typed = prompt::plain(&format!("Type the name {name} to remove it"), MAX_BYTES).await?;
                    if typed.trim() != name.as_str() {
                        return Err(format!("Nothing was removed: what was typed is not {name}."));
                    }
                }
                with_store(config, async |store, _| remove(store, &name).await).await
            }
            What::Test { name, url, json, stray } => {
                stray.refuse()?;
                test(config, name.as_deref(), url, *json).await
            }
        }
    })
    .await
}

/// What stands in the configuration is changed there.
fn free(config: &Config, name: &TargetName) -> Result<(), String> {
    match config.targets.iter().find(|t| t.info.name == *name) {
        None => Ok(()),
        Some(standing) => Err(format!(
            "The target {name} stands in the configuration ({}), which wins over what is registered; change it there, or use another name.",
            standing.place
        )),
    }
}

async fn with_store<F>(config: &Config, work: F) -> Result<ExitCode, String>
where
    F: AsyncFnOnce(&Store, Result<&Secrets, String>) -> Result<ExitCode, String>,
{
    let opened = run::store::open_beside(config).await?;
    let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
    // The key is not needed to take something away.
    let secrets = run::keys::vault(config).await.map(|vault| run::keys::secrets(vault, &opened.pools));
    let outcome = match work(&store, secrets.as_ref().map_err(Clone::clone)).await {
        Err(sentence) => Err(opened.explain(sentence).await),
        done => done,
    };
    opened.stop().await;
    outcome
}

async fn stored(store: &Store) -> Result<StoredTargets, String> {
    store.stored_targets().await.map_err(|e| e.to_string())
}

async fn find(store: &Store, name: &TargetName) -> Result<(Registered, StoredTargets), String> {
    let stored = stored(store).await?;
    let found = stored.registered.iter().find(|r| r.registration.name == *name).cloned();
    let found = found.ok_or_else(|| format!("No target called {name} is registered; `reeve target list` shows those there are."))?;
    Ok((found, stored))
}

async fn add(store: &Store, secrets: &Secrets, new: Registration, url: &SecretString, force: bool) -> Result<ExitCode, String> {
    if stored(store).await?.registered.iter().any(|r| r.registration.name == new.name) {
        return Err(change::ChangeError::Taken(new.name).to_string());
    }
    let endpoint = Endpoint::parse(url.expose_secret()).map_err(|e| format!("Nothing was changed: {e}."))?;
    tried(&new, &endpoint, force, "registered").await?;
    let name = new.name.clone();
    change::add(store, secrets, Author::Local(&run::user()), new, url).await.map_err(|e| e.to_string())?;
    say(format!("{name} is registered. A running Reeve watches it within seconds."));
    Ok(ExitCode::SUCCESS)
}

async fn edit(
    store: &Store,
    secrets: &Secrets,
    name: &TargetName,
    about: &About,
    url: Option<&SecretString>,
    force: bool,
) -> Result<ExitCode, String> {
    let (seen, stored) = find(store, name).await?;
    let new = about.over(seen.registration.clone())?;
    if new == seen.registration && url.is_none() {
        return Err("Nothing was given to change; see `reeve target edit --help`.".to_owned());
    }
    if url.is_some() || new.databases != seen.registration.databases {
        let plan = reeve_service::registry::Plan { standing: Vec::new(), cadence: reeve_estate::Cadence::default() };
        let known = || plan.resolve(&stored, secrets).into_iter().find(|r| r.info.name == *name);
        let endpoint = match url {
            Some(url) => Endpoint::parse(url.expose_secret()).map_err(|e| format!("Nothing was changed: {e}."))?,
            None => known().ok_or_else(|| format!("There is no target {name}."))?.spec?.endpoint,
        };
        tried(&new, &endpoint, force, "changed").await?;
    }
    change::edit(store, secrets, Author::Local(&run::user()), &seen, new, url).await.map_err(|e| e.to_string())?;
    say(format!("{name} is changed. A running Reeve takes it up within seconds."));
    Ok(ExitCode::SUCCESS)
}

async fn remove(store: &Store, name: &TargetName) -> Result<ExitCode, String> {
    let (seen, _) = find(store, name).await?;
    change::remove(store, Author::Local(&run::user()), &seen).await.map_err(|e| e.to_string())?;
    say(format!("{name} is removed. A running Reeve stops watching it within seconds; its history and its backups stay."));
    let schedules = store.backup_schedules().await.map_err(|e| e.to_string())?;
    for left in schedules.iter().filter(|s| s.target == *name && s.enabled) {
        let (what, database) = (left.what.word(), &left.database);
        say(format!("The schedule of its {what} of {database} is still there and will fail; see `reeve backup schedule remove`."));
    }
    Ok(ExitCode::SUCCESS)
}

/// Tests what is to be registered; a failure refuses unless it is forced.
async fn tried(new: &Registration, endpoint: &Endpoint, force: bool, what: &str) -> Result<(), String> {
    let info = TargetInfo {
        name: new.name.clone(),
        kind: new.kind,
        environment: new.environment,
        address: endpoint.redacted(),
        tags: Vec::new(),
        region: None,
        owner: None,
    };
    let outcome = attempt(&info, endpoint, &new.databases).await;
    tell(new.name.as_str(), &outcome);
    match outcome.fault {
        Some(_) if !force => Err(format!("{} was not {what}: its test failed. Say --force to do it all the same.", new.name)),
        _ => Ok(()),
    }
}

async fn test(config: &Config, name: Option<&str>, url: &UrlFrom, as_json_text: bool) -> Result<ExitCode, String> {
    let (info, endpoint, databases) = match name {
        Some(text) => {
            let name = named(text)?;
            let targets = run::targets::all(config).await;
            let note = targets.note.map_or_else(String::new, |note| format!(" {note}"));
            let found = targets.all.into_iter().find(|(known, _)| *known == name);
            let (_, spec) = found.ok_or_else(|| format!("No target is called {name}; `reeve target list` shows those there are.{note}"))?;
            let spec = spec?;
            let databases = match spec.databases {
                reeve_estate::DatabaseChoice::Only(names) => names,
                reeve_estate::DatabaseChoice::AllUser => Vec::new(),
            };
            (spec.info, spec.endpoint, databases)
        }
        None => {
            let url = url.read("the target").await?;
            let endpoint = Endpoint::parse(url.expose_secret()).map_err(|e| e.to_string())?;
            let (kind, environment, address) = (TargetKind::Postgres, Environment::Prod, endpoint.redacted());
            let name = TargetName::new("target")?;
            (TargetInfo { name, kind, environment, address, tags: Vec::new(), region: None, owner: None }, endpoint, Vec::new())
        }
    };
    let outcome = attempt(&info, &endpoint, &databases).await;
    if as_json_text {
        say(format!("{:#}", as_json(info.name.as_str(), &outcome)));
    } else {
        tell(info.name.as_str(), &outcome);
    }
    Ok(if outcome.fault.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
