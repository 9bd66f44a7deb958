//! One file per probe.

pub mod activity;
pub mod bloat;
pub mod checkpoints;
pub mod database_sizes;
pub mod databases;
pub mod disk;
pub mod foreign_keys;
pub mod identity;
pub mod indexes;
pub mod io;
pub mod locks;
pub mod replication;
pub mod sequences;
pub mod settings;
pub mod statements;
pub mod subscriptions;
pub mod tables;
pub mod wal;
pub mod wraparound;

use crate::{drain::Watch, facts::Facts};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// What probes remember between rounds.
#[derive(Default)]
pub struct Memory {
    /// Newest facts of the server.
    pub(crate) facts: Option<Facts>,
    /// Databases that Reeve may sign in to, templates and providers' own left out; none before the first reading.
    pub(crate) connectable: Option<Vec<String>>,
    /// Sizes by database oid.
    pub(crate) database_sizes: HashMap<u32, i64>,
    /// `pg_stat_statements`.
    pub(crate) statements: statements::Memory,
    /// Tables by database.
    pub(crate) tables: BTreeMap<String, tables::Memory>,
    /// Sequences by database.
    pub(crate) sequences: BTreeMap<String, Vec<reeve_model::snapshot::SequenceUse>>,
    /// By database: which of them may not be read.
    pub(crate) sequences_hidden: BTreeMap<String, String>,
    /// How fast each sequence is used up, by database, oid and whether it ascends.
    pub(crate) drains: BTreeMap<String, HashMap<(u32, bool), Watch>>,
    /// How fast transaction ids are used up.
    pub(crate) xids: Watch,
    /// How fast multixact ids are used up, and how far they are when they don't come round.
    pub(crate) mxids: (Watch, Option<i64>),
    /// A look at the server's filesystems that is not over.
    pub(crate) disks: crate::disks::Looking,
    /// What is used up must be watched this long before a rate is told of it.
    pub(crate) settled: Duration,
    /// Probes that should run again at the next round because something new appeared: probe id and database.
    pub(crate) wake: Vec<(&'static str, String)>,
    /// The interval of health probes as a duration, for probes that refresh parts of theirs so rarely.
    pub(crate) health_every: Duration,
}
