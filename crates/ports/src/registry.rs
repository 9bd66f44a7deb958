//! Targets that are registered by people.

use crate::PortError;
use async_trait::async_trait;
use reeve_access::{
    Grant,
    permission::{ChangeRegistry, ViewRegistry},
};
use reeve_model::registration::RegistryView;
use secrecy::SecretString;

/// A target as somebody typed it.
#[derive(Debug, Clone, Default)]
pub struct NewTarget {
    /// Its name.
    pub name: String,
    /// It is registered already, and is to be changed.
    pub known: bool,
    /// Its address with login and password: `postgres://user:password@host/database`; empty for a known one: the stored one stays.
    pub url: SecretString,
    /// `dev`, `staging` or `prod`.
    pub environment: String,
    /// Where it runs; empty: nothing is said.
    pub region: String,
    /// Who answers for it; empty: nothing is said.
    pub owner: String,
    /// Words to group by, between commas or blanks.
    pub tags: String,
    /// Only these databases, between commas; empty: all.
    pub databases: String,
}

/// The registry of targets.
#[async_trait]
pub trait RegistryPort: Send + Sync {
    /// All targets, and what the caller tested last.
    async fn registry(&self, grant: Grant<ViewRegistry>) -> Result<RegistryView, PortError>;
    /// Tests a new target or a changed one and keeps it for the caller, for ten minutes; nothing is registered yet. A target that does not answer is no error:
    /// the view says so.
    async fn test(&self, grant: Grant<ChangeRegistry>, new: NewTarget) -> Result<(), PortError>;
    /// Registers or changes what the caller tested; answers a sentence. What failed its test only when `anyway`.
    async fn add(&self, grant: Grant<ChangeRegistry>, anyway: bool) -> Result<String, PortError>;
    /// Forgets what the caller tested.
    async fn discard(&self, grant: Grant<ChangeRegistry>) -> Result<(), PortError>;
    /// Removes a registered target whose name was typed; answers a sentence. Its history and backups stay.
    async fn remove(&self, grant: Grant<ChangeRegistry>, name: &str, typed: &str) -> Result<String, PortError>;
}
