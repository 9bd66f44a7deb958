//! Which targets are watched: those of the configuration, and those that are registered in the store.
//!
//! [`Registry`] holds how each is reached at this moment. Collectors, tables, scans and backups ask it each time, so that a target that is
//! added, edited or removed while Reeve runs needs no restart. [`follow`] keeps it in line with the store; [`change`] changes what is
//! registered. The configuration wins over a registration of the same name.

pub mod change;
pub mod files;
pub mod follow;
pub mod port;
pub mod trial;

use self::files::Files;
use crate::vault::secrets::{SecretName, Secrets};
use reeve_adapter::Endpoint;
use reeve_estate::{Cadence, DatabaseChoice, TargetSpec};
use reeve_model::{TargetInfo, TargetName};
use reeve_store::registered::{Registration, StoredTargets};
use secrecy::ExposeSecret;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// All targets and how each is reached.
pub type Specs = BTreeMap<TargetName, Arc<TargetSpec>>;
/// Tells of each change of [`Specs`].
pub type Changes = watch::Receiver<Arc<Specs>>;

/// How each target is reached at this moment. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Registry {
    specs: Arc<watch::Sender<Arc<Specs>>>,
}

impl Registry {
    /// With these targets.
    #[must_use]
    pub fn new(specs: Vec<TargetSpec>) -> Self {
        let registry = Self { specs: Arc::new(watch::Sender::new(Arc::default())) };
        registry.set(specs);
        registry
    }

    /// All of them.
    #[must_use]
    pub fn specs(&self) -> Arc<Specs> {
        Arc::clone(&self.specs.borrow())
    }

    /// One of them; none when there is no such target.
    #[must_use]
    pub fn get(&self, name: &TargetName) -> Option<Arc<TargetSpec>> {
        self.specs.borrow().get(name).cloned()
    }

    /// Tells of changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> Changes {
        self.specs.subscribe()
    }

    /// These are the targets from now on. One that is as before keeps its place in memory, so that two looks can be told apart.
    pub fn set(&self, specs: Vec<TargetSpec>) {
        self.specs.send_if_modified(|known| {
            let next: Specs = specs
                .into_iter()
                .map(|spec| match known.get(&spec.info.name) {
                    Some(same) if same.is_same(&spec) => (spec.info.name, Arc::clone(same)),
                    _ => (spec.info.name.clone(), Arc::new(spec)),
                })
                .collect();
            let same = next.len() == known.len() && next.iter().all(|(name, spec)| known.get(name).is_some_and(|k| Arc::ptr_eq(k, spec)));
            *known = Arc::new(next);
            !same
        });
    }
}

/// Where the address of a configured target comes from.
#[derive(Debug, Clone)]
pub enum Address {
    /// It stands in the configuration.
    Known(Endpoint),
    /// It stands in a file, as it was read there last: when the file changes, so does the address.
    File {
        /// The file.
        path: PathBuf,
        /// What it held.
        endpoint: Endpoint,
    },
    /// It is a stored secret, `target/NAME`.
    Stored,
}

impl Address {
    /// The address, unless it is a stored one.
    #[must_use]
    pub fn known(&self) -> Option<&Endpoint> {
        match self {
            Self::Known(endpoint) | Self::File { endpoint, .. } => Some(endpoint),
            Self::Stored => None,
        }
    }
}

/// A target of the configuration.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What is configured of it.
    pub info: TargetInfo,
    /// Where it stands, for people.
    pub place: String,
    /// How it is reached.
    pub address: Address,
    /// How often it is read.
    pub cadence: Cadence,
    /// Only these databases; empty: all.
    pub databases: Vec<String>,
}

/// Everything about targets that the configuration says.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The targets of the configuration, in its order.
    pub standing: Vec<Standing>,
    /// How often registered targets are read.
    pub cadence: Cadence,
}

/// A target as far as it could be made out.
#[derive(Debug)]
pub struct Resolved {
    /// What is configured or registered of it.
    pub info: TargetInfo,
    /// Whether it is registered in the store; else it stands in the configuration.
    pub registered: bool,
    /// Ready to be watched, or one sentence that says why it can't be.
    pub spec: Result<TargetSpec, String>,
}

impl Standing {
    /// Ready to be watched at this address.
    #[must_use]
    pub fn at(&self, endpoint: &Endpoint) -> TargetSpec {
        spec(&self.info, endpoint, self.cadence, &self.databases)
    }

    /// Why its address is missing, when it is to be a stored one.
    #[must_use]
    pub fn missing(&self) -> String {
        let name = SecretName::target(self.info.name.as_str());
        format!("The address of the target {} is to be a stored secret, but none is stored; run `reeve secret set {name}`.", self.info.name)
    }
}

impl Plan {
    /// Whether the configuration has a target of this name. It wins over a registration.
    #[must_use]
    pub fn has(&self, name: &TargetName) -> bool {
        self.standing.iter().any(|s| s.info.name == *name)
    }

    /// Reads the addresses that stand in files anew. Answers whether one has changed, and a sentence for each that can't be used: that one
    /// stays as it was read last.
    pub async fn reread(&mut self, files: &mut Files) -> (bool, Vec<String>) {
        let (mut changed, mut unusable) = (false, Vec::new());
        for standing in &mut self.standing {
            let Address::File { path, endpoint } = &mut standing.address else { continue };
            let read = files.read(path).await;
            let read =
                read.and_then(|text| Endpoint::parse(text.expose_secret().trim_end_matches(['\n', '\r'])).map_err(|e| e.to_string()));
            match read {
                Ok(now) if now.is_same(endpoint) => {}
                Ok(now) => {
                    *endpoint = now;
                    changed = true;
                }
                Err(why) => unusable.push(format!("The address of {} in {}: {why}.", standing.info.name, path.display())),
            }
        }
        (changed, unusable)
    }

    /// All targets: the configured ones in their order, then the registered ones by name. Asks nobody.
    #[must_use]
    pub fn resolve(&self, stored: &StoredTargets, secrets: &Secrets) -> Vec<Resolved> {
        let configured = self.standing.iter().map(|standing| {
            let stored = || match address(&standing.info.name, stored, secrets) {
                Some(found) => found.map(|endpoint| standing.at(&endpoint)),
                None => Err(standing.missing()),
            };
            let spec = standing.address.known().map_or_else(stored, |endpoint| Ok(standing.at(endpoint)));
            Resolved { info: standing.info.clone(), registered: false, spec }
        });
        let free = stored.registered.iter().filter(|r| !self.has(&r.registration.name));
        let registered = free.map(|r| {
            let info = info(&r.registration);
            let spec = match address(&info.name, stored, secrets) {
                Some(found) => found.map(|endpoint| spec(&info, &endpoint, self.cadence, &r.registration.databases)),
                None => Err(format!(
                    "The address of the registered target {} is gone; store it anew with `reeve secret set {}`.",
                    info.name,
                    SecretName::target(info.name.as_str())
                )),
            };
            Resolved { info, registered: true, spec }
        });
        configured.chain(registered).collect()
    }
}

/// The stored address of a target, opened; none when there is none.
fn address(name: &TargetName, stored: &StoredTargets, secrets: &Secrets) -> Option<Result<Endpoint, String>> {
    let sealed = stored.addresses.get(name.as_str())?;
    let secret = SecretName::target(name.as_str());
    let url = match secrets.open(&secret, sealed) {
        Ok(url) => url,
        Err(error) => return Some(Err(error.to_string())),
    };
    let endpoint = Endpoint::parse(url.expose_secret());
    Some(endpoint.map_err(|e| format!("The stored address of {name}: {e}. Set it anew with `reeve secret set {secret}`.")))
}

/// A registration in the shape of a target whose address is not known yet.
fn info(registration: &Registration) -> TargetInfo {
    TargetInfo {
        name: registration.name.clone(),
        kind: registration.kind,
        environment: registration.environment,
        address: "stored".to_owned(),
        tags: registration.tags.clone(),
        region: registration.region.clone(),
        owner: registration.owner.clone(),
    }
}

fn spec(info: &TargetInfo, endpoint: &Endpoint, cadence: Cadence, databases: &[String]) -> TargetSpec {
    let databases = if databases.is_empty() { DatabaseChoice::AllUser } else { DatabaseChoice::Only(databases.to_vec()) };
    let info = TargetInfo { address: endpoint.redacted(), ..info.clone() };
    TargetSpec { cadence, databases, ..TargetSpec::new(info, endpoint.clone()) }
}

#[cfg(test)]
mod tests;
