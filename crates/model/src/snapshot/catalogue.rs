//! Settings, tables, indexes and keys.

use crate::table::{IndexStats, TableStats};
use serde::{Deserialize, Serialize};

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Name.
    pub name: String,
    /// Value in its unit.
    pub value: String,
    /// Unit, if it has one.
    pub unit: Option<String>,
    /// Where it comes from (`default`, `configuration file`, …).
    pub source: String,
    /// Changed but waits for a restart.
    pub pending_restart: bool,
}

/// A foreign key and whether its referencing columns lead an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyIndex {
    /// Oid of the referencing table.
    pub table_oid: u32,
    /// Constraint name.
    pub name: String,
    /// Referencing columns.
    pub columns: Vec<String>,
    /// They lead a valid index.
    pub indexed: bool,
}

/// Tables and indexes of one database.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DatabaseTables {
    /// Tables, partitioned tables, materialised views; system schemas left out.
    pub tables: Vec<TableStats>,
    /// Their indexes.
    pub indexes: Vec<IndexStats>,
    /// Their foreign keys; refreshed rarely.
    pub foreign_keys: Vec<ForeignKeyIndex>,
}
