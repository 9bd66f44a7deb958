//! The registry for people: what is registered, tested before it is added.

use super::{
    Plan,
    change::{self, Author, ChangeError},
    trial,
};
use crate::vault::secrets::Secrets;
use async_trait::async_trait;
use reeve_access::{
    Grant,
    permission::{ChangeRegistry, ViewRegistry},
};
use reeve_adapter::Endpoint;
use reeve_model::{
    Environment, TargetInfo, TargetKind, TargetName, UnixMs,
    registration::{Candidate, RegistryRow, RegistryView},
    target::label,
};
use reeve_ports::{NewTarget, PortError, RegistryPort};
use reeve_store::{
    Store, StoreError,
    registered::{Registered, Registration},
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long what was tested waits to be added.
const KEPT: Duration = Duration::from_secs(600);
/// The most that waits at a time; the oldest goes first.
const MOST: usize = 64;
/// A test ends after this time, whatever the server does: the browser waits for it.
const LIMIT: Duration = Duration::from_secs(25);

/// Registers targets on behalf of those who are signed in.
pub struct Targets {
    plan: Plan,
    secrets: Secrets,
    store: Store,
    waiting: Mutex<BTreeMap<String, Waiting>>,
}

/// What somebody tested. Its address stays here: no page gets it back.
#[derive(Clone)]
struct Waiting {
    since: Instant,
    registration: Registration,
    /// As it was registered before; none: it is new.
    seen: Option<Registered>,
    /// None: the stored one stays.
    url: Option<SecretString>,
    candidate: Candidate,
}

impl Targets {
    /// Over what the configuration says and the store has.
    #[must_use]
    pub fn new(plan: Plan, secrets: Secrets, store: Store) -> Self {
        Self { plan, secrets, store, waiting: Mutex::default() }
    }

    /// What waits, without what has waited too long.
    fn waiting(&self) -> MutexGuard<'_, BTreeMap<String, Waiting>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, one| one.since.elapsed() < KEPT);
        waiting
    }

    /// What stands in the configuration is changed there.
    fn free(&self, name: &TargetName) -> Result<(), PortError> {
        match self.plan.standing.iter().find(|s| s.info.name == *name) {
            None => Ok(()),
            Some(standing) => Err(PortError::Invalid(format!(
                "The target {name} stands in the configuration ({}), which wins over what is registered; change it there, or use another name.",
                standing.place
            ))),
        }
    }
}

fn away(error: &StoreError) -> PortError {
    tracing::warn!(%error, "the registry can't be read or changed");
    PortError::Unavailable("Reeve's own database is away, so what is registered can't be read or changed.".to_owned())
}

fn told(error: ChangeError) -> PortError {
    match error {
        ChangeError::Store(error) => away(&error),
        ChangeError::Taken(name) => PortError::Invalid(format!("A target called {name} is registered already.")),
        ChangeError::Overtaken(name) => {
            PortError::Invalid(format!("The target {name} was changed by somebody else meanwhile; look again."))
        }
        other => PortError::Invalid(other.to_string()),
    }
}

/// What was typed, checked.
fn registration(new: &NewTarget) -> Result<Registration, String> {
    let name = TargetName::new(new.name.trim())?;
    let environment = Environment::from_word(&new.environment).ok_or("Choose an environment: dev, staging or prod.")?;
    let one = |what, text: &str| if text.trim().is_empty() { Ok(None) } else { label(what, text).map(Some) };
    let words = |text: &str, apart: &[char]| {
        let all = text.split(apart).map(str::trim).filter(|word| !word.is_empty());
        all.map(str::to_owned).collect::<Vec<_>>()
    };
    let tags = words(&new.tags, &[',', ' ']).iter().map(|tag| label("tag", tag)).collect::<Result<_, _>>()?;
    let databases = words(&new.databases, &[',']);
    if databases.iter().any(|d| d.len() > 63 || d.chars().any(char::is_control)) {
        return Err("A database's name has 1 to 63 bytes and is one line.".to_owned());
    }
    let (region, owner) = (one("region", &new.region)?, one("owner", &new.owner)?);
    Ok(Registration { name, kind: TargetKind::Postgres, environment, region, owner, tags, databases })
}

#[async_trait]
impl RegistryPort for Targets {
    async fn registry(&self, grant: Grant<ViewRegistry>) -> Result<RegistryView, PortError> {
        let stored = self.store.stored_targets().await.map_err(|error| away(&error))?;
        let place = |name: &TargetName| self.plan.standing.iter().find(|s| s.info.name == *name).map(|s| s.place.clone());
        let registered = |name: &TargetName| stored.registered.iter().find(|r| r.registration.name == *name);
        let rows = self.plan.resolve(&stored, &self.secrets).into_iter().map(|resolved| {
            let place = place(&resolved.info.name);
            let registered = registered(&resolved.info.name).filter(|_| place.is_none());
            let changed_at = registered.map(|r| r.changed_at);
            let databases = registered.map(|r| r.registration.databases.clone()).unwrap_or_default();
            let (info, fault) = match resolved.spec {
                Ok(spec) => (spec.info, None),
                Err(sentence) => (resolved.info, Some(sentence)),
            };
            RegistryRow { info, databases, place, changed_at, fault }
        });
        let candidate = self.waiting().get(&grant.principal().session).map(|one| one.candidate.clone());
        Ok(RegistryView { rows: rows.collect(), candidate })
    }

    async fn test(&self, grant: Grant<ChangeRegistry>, new: NewTarget) -> Result<(), PortError> {
        let registration = registration(&new).map_err(PortError::Invalid)?;
        let name = registration.name.clone();
        self.free(&name)?;
        let stored = self.store.stored_targets().await.map_err(|error| away(&error))?;
        let seen = stored.registered.iter().find(|r| r.registration.name == name).cloned();
        match (&seen, new.known) {
            (Some(_), false) => return Err(told(ChangeError::Taken(name))),
            (None, true) => return Err(PortError::NotFound(format!("No target called {name} is registered any more."))),
            _ => {}
        }
        let given = !(new.known && new.url.expose_secret().is_empty());
        let endpoint = if given {
            Endpoint::parse(new.url.expose_secret()).map_err(|e| PortError::Invalid(format!("The address can't be used: {e}.")))?
        } else {
            let found = self.plan.resolve(&stored, &self.secrets).into_iter().find(|r| r.info.name == name);
            let spec = found.map(|r| r.spec).ok_or_else(|| told(ChangeError::Overtaken(name.clone())))?;
            spec.map_err(|sentence| PortError::Invalid(format!("Type its address: {sentence}")))?.endpoint
        };
        let environment = registration.environment;
        let info = TargetInfo {
            name: name.clone(),
            kind: registration.kind,
            environment,
            address: endpoint.redacted(),
            tags: Vec::new(),
            region: None,
            owner: None,
        };
        let trial = tokio::time::timeout(LIMIT, trial::attempt(&info, &endpoint, &registration.databases)).await;
        let trial = trial.map_err(|_| {
            PortError::Unavailable(format!(
                "{} did not finish the test within {} s; try again when it is less busy.",
                info.address,
                LIMIT.as_secs()
            ))
        })?;
        let candidate = Candidate { name, known: seen.is_some(), environment, address: info.address, at: UnixMs::now(), trial };
        let mut waiting = self.waiting();
        if waiting.len() >= MOST
            && let Some(oldest) = waiting.iter().min_by_key(|(_, one)| one.since).map(|(session, _)| session.clone())
        {
            waiting.remove(&oldest);
        }
        let one = Waiting { since: Instant::now(), registration, seen, url: given.then_some(new.url), candidate };
        waiting.insert(grant.principal().session.clone(), one);
        Ok(())
    }

    async fn add(&self, grant: Grant<ChangeRegistry>, anyway: bool) -> Result<String, PortError> {
        let session = &grant.principal().session;
        let gone = || PortError::Invalid("What was tested is not kept any more; test it again.".to_owned());
        let one = self.waiting().get(session).cloned().ok_or_else(gone)?;
        if one.candidate.trial.fault.is_some() && !anyway {
            return Err(PortError::Invalid(format!("{} failed its test, so nothing was changed.", one.candidate.name)));
        }
        let name = one.registration.name.clone();
        let (author, url) = (Author::Account(grant.principal()), one.url.as_ref());
        let said = match (&one.seen, url) {
            (Some(seen), url) => {
                change::edit(&self.store, &self.secrets, author, seen, one.registration, url).await.map_err(told)?;
                format!("{name} is changed; that is taken up within seconds.")
            }
            (None, Some(url)) => {
                change::add(&self.store, &self.secrets, author, one.registration, url).await.map_err(told)?;
                format!("{name} is registered; it is watched within seconds.")
            }
            (None, None) => return Err(gone()),
        };
        self.waiting().remove(session);
        Ok(said)
    }

    async fn discard(&self, grant: Grant<ChangeRegistry>) -> Result<(), PortError> {
        self.waiting().remove(&grant.principal().session);
        Ok(())
    }

    async fn remove(&self, grant: Grant<ChangeRegistry>, name: &str, typed: &str) -> Result<String, PortError> {
        let name = TargetName::new(name).map_err(PortError::Invalid)?;
        if typed.trim() != name.as_str() {
            return Err(PortError::Invalid(format!("To remove this target, type its name, {name}.")));
        }
        self.free(&name)?;
        let stored = self.store.stored_targets().await.map_err(|error| away(&error))?;
        let found = stored.registered.iter().find(|r| r.registration.name == name);
        let found = found.ok_or_else(|| PortError::NotFound(format!("No target called {name} is registered.")))?;
        let left = self.store.backup_schedules().await.map_err(|error| away(&error))?;
        let left = left.iter().filter(|s| s.target == name && s.enabled).count();
        change::remove(&self.store, Author::Account(grant.principal()), found).await.map_err(told)?;
        let and = if left == 0 { "" } else { " The schedules of its backups are still there and will fail; remove them under Backups." };
        Ok(format!("{name} is removed; it is watched no more within seconds. Its history and its backups stay.{and}"))
    }
}
