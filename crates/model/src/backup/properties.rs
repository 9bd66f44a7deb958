//! What a database is beside its contents: who owns it, who may connect, its settings. A dump of the contents doesn't carry it.

use serde::{Deserialize, Serialize};

/// The properties of a database itself, as they were when it was backed up. Its settings and its comment can hold secrets: they are stored
/// like rows, in an object of the backup, and never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseProperties {
    /// The owning role.
    pub owner: String,
    /// Sessions at once; -1: no limit of its own.
    pub connection_limit: i32,
    /// Where its collations come from; none: the C library, by the database's `collate` and `ctype`.
    pub locale: Option<DatabaseLocale>,
    /// Rights on it; none: PostgreSQL's default, with which everybody may connect.
    pub grants: Option<Vec<DatabaseGrant>>,
}

/// A provider of collations other than the C library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseLocale {
    /// `icu` or `builtin`.
    pub provider: String,
    /// The provider's name of the locale.
    pub name: String,
    /// ICU's rules beside it.
    pub rules: Option<String>,
}

/// A right on a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseGrant {
    /// The role; none: everybody.
    pub role: Option<String>,
    /// `CONNECT`, `CREATE` or `TEMPORARY`.
    pub privilege: String,
    /// It may be passed on.
    pub grantable: bool,
}
