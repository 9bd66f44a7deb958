//! What the collector knows of a server before it chooses SQL.

use reeve_model::{UnixMs, snapshot::ServerIdentity};

/// `pg_stat_statements` as installed in the database of the kept connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementsExtension {
    /// Its schema.
    pub schema: String,
    /// Installed version times 100: 1.8 is 108, 1.10 is 110.
    pub version: u32,
    /// As the catalogue says it.
    pub shown: String,
}

/// Version, role and rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `server_version_num`.
    pub version_num: u32,
    /// As shown, for example `PostgreSQL 15.18`.
    pub version: String,
    /// In recovery.
    pub standby: bool,
    /// Postmaster start.
    pub started_at: UnixMs,
    /// The role Reeve signs in with.
    pub user: String,
    /// Its oid.
    pub user_oid: u32,
    /// Reeve's connection is encrypted, all the way.
    pub tls: bool,
    /// It leads through a connection pooler.
    pub pooled: bool,
    /// `system_identifier`, once read.
    pub system: Option<String>,
    /// The timeline that it writes or follows, once read.
    pub timeline: Option<i32>,
    /// May ask the server for these two.
    pub read_control: bool,
    /// There is a `pg_stat_wal` to read: PostgreSQL 13 has none, nor have some that are built on it.
    pub read_wal: bool,
    /// Bytes of a block.
    pub block_size: i64,
    /// Database of the kept connection.
    pub database: String,
    /// May see all sessions and statements.
    pub read_all_stats: bool,
    /// May see all settings.
    pub read_all_settings: bool,
    /// May read `pg_statistic` itself.
    pub read_statistic: bool,
    /// May read what stands in the configuration files.
    pub read_files: bool,
    /// The extension, if installed here.
    pub statements: Option<StatementsExtension>,
    /// `pg_stat_statements` is among the preloaded libraries; none when that may not be read.
    pub statements_loaded: Option<bool>,
}

impl Facts {
    /// Facts of a server that was only read about: for listings of SQL by version.
    #[must_use]
    pub fn assumed(major: u32, statements: u32) -> Self {
        Self {
            version_num: major * 10_000,
            version: format!("PostgreSQL {major}"),
            standby: false,
            started_at: UnixMs(0),
            user: "reeve".to_owned(),
            user_oid: 16_384,
            tls: false,
            pooled: false,
            system: None,
            timeline: None,
            read_control: true,
            read_wal: major >= 14,
            block_size: 8192,
            database: "postgres".to_owned(),
            read_all_stats: true,
            read_all_settings: true,
            read_statistic: true,
            read_files: true,
            statements: Some(StatementsExtension {
                schema: "public".to_owned(),
                version: statements,
                shown: format!("{}.{}", statements / 100, statements % 100),
            }),
            statements_loaded: Some(true),
        }
    }

    /// What of it is shown.
    #[must_use]
    pub fn identity(&self) -> ServerIdentity {
        ServerIdentity {
            version_num: self.version_num,
            version: self.version.clone(),
            standby: self.standby,
            started_at: self.started_at,
            user: self.user.clone(),
            tls: self.tls,
            pooled: self.pooled,
            system: self.system.clone(),
            timeline: self.timeline,
        }
    }
}
