//! What a judgement depends on beside the evidence: the moment, what was agreed, what was accepted.

use reeve_model::{
    UnixMs,
    compliance::{Acceptance, Attestation},
};
use std::collections::BTreeSet;

/// Everything a judge may know that the server does not say.
#[derive(Debug, Clone)]
pub struct Context {
    /// The present moment.
    pub now: UnixMs,
    /// What was agreed for this target.
    pub policy: Policy,
    /// Accepted risks, run out or not.
    pub accepted: Vec<Acceptance>,
    /// What persons vouch for on this target, run out or not.
    pub attested: Vec<Attestation>,
    /// Objects that hold personal data: database, and the object as offenders name it.
    pub personal: BTreeSet<(String, String)>,
}

impl Context {
    /// The house policy, nothing accepted, nothing tagged.
    #[must_use]
    pub fn new(now: UnixMs) -> Self {
        Self { now, policy: Policy::default(), accepted: Vec::new(), attested: Vec::new(), personal: BTreeSet::new() }
    }
}

/// What was agreed. The default approves nobody beside the superuser that initdb made.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Superusers beside the one of initdb.
    pub superusers: BTreeSet<String>,
    /// Roles that may become a superuser, read and write all data, use the server's files or programs.
    pub powerful: BTreeSet<String>,
    /// Roles that may hold CREATEROLE, CREATEDB, REPLICATION or BYPASSRLS.
    pub attributes: BTreeSet<String>,
    /// Public networks that clients may come from, as `address/bits`.
    pub networks: BTreeSet<String>,
    /// Libraries that may be preloaded.
    pub libraries: BTreeSet<String>,
    /// Risky extensions that were approved.
    pub extensions: BTreeSet<String>,
    /// Classes that pgaudit must record.
    pub audit_classes: BTreeSet<String>,
    /// Most bytes a standby may lag behind.
    pub lag_bytes: u64,
    /// Oldest last archived WAL segment, seconds.
    pub archive_age_s: u64,
    /// Oldest last good backup of a database, hours.
    pub backup_age_h: i64,
    /// Longest time since a restore proved a backup of a database, hours.
    pub drill_age_h: i64,
}

impl Default for Policy {
    fn default() -> Self {
        let set = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<BTreeSet<_>>();
        Self {
            superusers: BTreeSet::new(),
            powerful: BTreeSet::new(),
            attributes: BTreeSet::new(),
            networks: BTreeSet::new(),
            libraries: set(&[
                "anon",
                "auth_delay",
                "auto_explain",
                "credcheck",
                "passwordcheck",
                "pg_cron",
                "pg_partman_bgw",
                "pg_prewarm",
                "pg_qualstats",
                "pg_repack",
                "pg_squeeze",
                "pg_stat_kcache",
                "pg_stat_monitor",
                "pg_stat_statements",
                "pg_wait_sampling",
                "pgaudit",
                "pglogical",
                "pgsodium",
                "plpgsql",
                "set_user",
                "timescaledb",
                "citus",
                "sepgsql",
            ]),
            extensions: BTreeSet::new(),
            audit_classes: set(&["ddl", "role"]),
            lag_bytes: 1 << 30,
            archive_age_s: 24 * 3600,
            // A daily one, and two hours for it to run late.
            backup_age_h: 26,
            drill_age_h: 90 * 24,
        }
    }
}
