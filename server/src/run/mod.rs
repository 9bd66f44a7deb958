//! Putting everything together and keeping it running.

pub mod backups;
pub mod embedded;
pub mod files;
pub mod keys;
pub mod logging;
pub mod output;
pub mod prompt;
pub mod reeve;
pub mod secrets;
pub mod signals;
pub mod store;
pub mod targets;

/// Login name of whoever runs this process, for the audit trail; its number where the system knows no name.
#[must_use]
pub fn user() -> String {
    let id = nix::unistd::Uid::current();
    nix::unistd::User::from_uid(id).ok().flatten().map_or_else(|| id.to_string(), |user| user.name)
}
