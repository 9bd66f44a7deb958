//! Migrations of Reeve's own schemas (SPEC H1).
//!
//! Each domain keeps its record in its own schema (`main._migrations`, `analytics._migrations`, …), so the domains
//! can share one database or have one each. Every step is one transaction under one lock: two starts at once don't
//! collide, and a step is done whole or not at all.

mod grants;
mod queue;

pub use queue::install as install_queue;

use reeve_model::{UnixMs, pool::StoreRole};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, Row,
    migrate::{Migration, MigrationType, Migrator},
    postgres::PgRow,
};
use std::{collections::BTreeMap, fmt};
use time::OffsetDateTime;

static MAIN: Migrator = sqlx::migrate!("../../migrations/main");
static ANALYTICS: Migrator = sqlx::migrate!("../../migrations/analytics");
static COMPLIANCE: Migrator = sqlx::migrate!("../../migrations/compliance");

/// A schema with its own migrations; it lives in the database of its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Accounts, sessions, targets, accepted risks, what waits for the audit trail.
    Main,
    /// History.
    Analytics,
    /// The audit trail, scans, findings, evidence.
    Compliance,
}

impl Domain {
    /// All domains, main first.
    pub const ALL: [Self; 3] = [Self::Main, Self::Analytics, Self::Compliance];

    /// Name of its schema.
    #[must_use]
    pub fn schema(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Analytics => "analytics",
            Self::Compliance => "compliance",
        }
    }

    /// The role whose database holds it.
    #[must_use]
    pub fn role(self) -> StoreRole {
        match self {
            Self::Main => StoreRole::Main,
            Self::Analytics => StoreRole::Analytics,
            Self::Compliance => StoreRole::Compliance,
        }
    }

    fn steps(self) -> BTreeMap<i64, Step> {
        let migrator = match self {
            Self::Main => &MAIN,
            Self::Analytics => &ANALYTICS,
            Self::Compliance => &COMPLIANCE,
        };
        let mut steps: BTreeMap<i64, Step> = BTreeMap::new();
        for migration in migrator.iter() {
            if migration.migration_type == MigrationType::ReversibleDown {
                continue;
            }
            let down = migrator.iter().find(|m| m.version == migration.version && m.migration_type == MigrationType::ReversibleDown);
            steps.insert(migration.version, Step { up: migration, down });
        }
        steps
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.schema())
    }
}

/// Where migrations have to run: main holds all domains, because it serves a role whose own database is not set or is away; a
/// role with a database of its own holds its domain there, too.
#[must_use]
pub fn homes(is_configured: impl Fn(StoreRole) -> bool) -> Vec<(StoreRole, Domain)> {
    let own = Domain::ALL.into_iter().filter(|d| d.role() != StoreRole::Main && is_configured(d.role()));
    Domain::ALL.into_iter().map(|d| (StoreRole::Main, d)).chain(own.map(|d| (d.role(), d))).collect()
}

struct Step {
    up: &'static Migration,
    down: Option<&'static Migration>,
}

/// One migration and whether it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its domain.
    pub domain: Domain,
    /// Its number.
    pub version: i64,
    /// Its name, as in the file's name.
    pub name: String,
    /// When it was applied; none while it is pending.
    pub applied_at: Option<UnixMs>,
}

/// Why migrations can't go on. Nothing of the failing step remains.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The file of an applied migration is no longer what was applied.
    #[error(
        "Migration {version} ({name}) of {domain} was changed after it was applied. Restore its text, or put the change into a new migration."
    )]
    Changed {
        /// Domain.
        domain: Domain,
        /// Version.
        version: i64,
        /// Name.
        name: String,
    },
    /// The database is ahead of this program.
    #[error(
        "The {domain} schema is at version {version}, which this Reeve does not know (it knows up to {known}). Run the newer Reeve, or roll back with it first."
    )]
    Newer {
        /// Domain.
        domain: Domain,
        /// Version found.
        version: i64,
        /// Newest version known.
        known: i64,
    },
    /// A later migration is applied and this one is not.
    #[error(
        "Migration {version} ({name}) of {domain} is missing though later ones are applied. Roll back to before it, then migrate again."
    )]
    Gap {
        /// Domain.
        domain: Domain,
        /// Version.
        version: i64,
        /// Name.
        name: String,
    },
    /// A step can't be undone.
    #[error("Migration {version} of {domain} can't be rolled back: it has no way down.")]
    NoWayDown {
        /// Domain.
        domain: Domain,
        /// Version.
        version: i64,
    },
    /// A step failed and was undone.
    #[error("Migration {version} ({name}) of {domain} failed and was undone: {source}")]
    Failed {
        /// Domain.
        domain: Domain,
        /// Version.
        version: i64,
        /// Name.
        name: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The login may not do what a migration needs.
    #[error("The login {login:?} may not create the schema {domain}. Grant it CREATE on the database, or migrate with the owner's login.")]
    NotOwner {
        /// Domain.
        domain: Domain,
        /// The login that was used.
        login: String,
    },
    /// The runtime login is not there.
    #[error("The login {login:?} that Reeve runs with does not exist in this database server. Create it, then migrate again.")]
    NoSuchLogin {
        /// The login.
        login: String,
    },
    /// The tables of the queue can't be made or brought up to date.
    #[error("The tables of the queue of backup jobs can't be brought up to date: {0}")]
    Queue(String),
    /// The database failed.
    #[error("Reeve's own database failed while migrating: {0}")]
    Database(#[from] sqlx::Error),
}

/// What is applied and what is pending, by version. Changes nothing; the runtime login may ask too.
///
/// # Errors
/// [`MigrateError::Changed`], [`MigrateError::Newer`] or [`MigrateError::Gap`] when database and program don't fit; the database's own.
pub async fn status(connection: &mut PgConnection, domain: Domain) -> Result<Vec<MigrationState>, MigrateError> {
    let applied = applied(connection, domain).await?;
    fit(domain, &applied)?;
    Ok(domain
        .steps()
        .into_iter()
        .map(|(version, step)| MigrationState {
            domain,
            version,
            name: step.up.description.to_string(),
            applied_at: applied.get(&version).map(|a| a.at),
        })
        .collect())
}

/// Applies what is pending and grants the runtime login exactly what it needs. Safe to repeat and to run twice at once.
/// Answers the migrations that this call applied.
///
/// `connection` must be the owner's. When `runtime_login` is the same login, there is nothing to grant and nothing
/// protects append-only tables: say so to the person.
///
/// # Errors
/// See [`MigrateError`].
pub async fn up(connection: &mut PgConnection, domain: Domain, runtime_login: &str) -> Result<Vec<MigrationState>, MigrateError> {
    let mut done = Vec::new();
    loop {
        let mut step = connection.begin().await?;
        lock(&mut step, domain).await?;
        prepare(&mut step, domain).await?;
        let applied = applied(&mut step, domain).await?;
        fit(domain, &applied)?;
        let Some((version, next)) = domain.steps().into_iter().find(|(version, _)| !applied.contains_key(version)) else {
            grants::apply(&mut step, domain, runtime_login).await?;
            step.commit().await?;
            return Ok(done);
        };
        let name = next.up.description.to_string();
        let failed = |source| MigrateError::Failed { domain, version, name: name.clone(), source };
        sqlx::raw_sql(next.up.sql.clone()).execute(&mut *step).await.map_err(failed)?;
        let row = sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO {}._migrations (version, name, checksum) VALUES ($1, $2, $3) RETURNING applied_at",
            domain.schema()
        )))
        .bind(version)
        .bind(&name)
        .bind(&*next.up.checksum)
        .fetch_one(&mut *step)
        .await?;
        let at: OffsetDateTime = row.try_get(0)?;
        step.commit().await.map_err(failed)?;
        tracing::info!(%domain, version, name, "migrated");
        done.push(MigrationState { domain, version, name, applied_at: Some(crate::error::unix_ms(at)) });
    }
}

/// Rolls back, newest first, until `version` is the newest applied one (0: all). Answers the versions rolled back.
///
/// # Errors
/// See [`MigrateError`].
pub async fn down(connection: &mut PgConnection, domain: Domain, version: i64) -> Result<Vec<i64>, MigrateError> {
    let mut done = Vec::new();
    loop {
        let mut step = connection.begin().await?;
        lock(&mut step, domain).await?;
        let applied = applied(&mut step, domain).await?;
        fit(domain, &applied)?;
        let Some((&newest, _)) = applied.last_key_value().filter(|(newest, _)| **newest > version) else {
            return Ok(done);
        };
        let steps = domain.steps();
        let Some((name, down)) = steps.get(&newest).and_then(|s| s.down.map(|d| (s.up.description.to_string(), d))) else {
            return Err(MigrateError::NoWayDown { domain, version: newest });
        };
        let failed = |source| MigrateError::Failed { domain, version: newest, name: name.clone(), source };
        sqlx::raw_sql(down.sql.clone()).execute(&mut *step).await.map_err(failed)?;
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {}._migrations WHERE version = $1", domain.schema())))
            .bind(newest)
            .execute(&mut *step)
            .await?;
        step.commit().await.map_err(failed)?;
        tracing::info!(%domain, version = newest, "rolled back");
        done.push(newest);
    }
}

struct Applied {
    checksum: Vec<u8>,
    at: UnixMs,
}

async fn applied(connection: &mut PgConnection, domain: Domain) -> Result<BTreeMap<i64, Applied>, sqlx::Error> {
    // pg_class and not to_regclass: the latter fails for a login that may not use the schema.
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = '_migrations')",
    )
    .bind(domain.schema())
    .fetch_one(&mut *connection)
    .await?;
    if !there {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<PgRow> = sqlx::query(AssertSqlSafe(format!("SELECT version, checksum, applied_at FROM {}._migrations", domain.schema())))
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            let at: OffsetDateTime = row.try_get(2)?;
            Ok((row.try_get(0)?, Applied { checksum: row.try_get(1)?, at: crate::error::unix_ms(at) }))
        })
        .collect()
}

/// Whether what is applied is a beginning of what this program knows.
fn fit(domain: Domain, applied: &BTreeMap<i64, Applied>) -> Result<(), MigrateError> {
    let steps = domain.steps();
    let known = steps.last_key_value().map_or(0, |(version, _)| *version);
    if let Some(version) = applied.keys().rev().find(|version| !steps.contains_key(version)) {
        return Err(MigrateError::Newer { domain, version: *version, known });
    }
    let newest = applied.last_key_value().map_or(0, |(version, _)| *version);
    for (version, step) in steps {
        let name = step.up.description.to_string();
        match applied.get(&version) {
            Some(found) if found.checksum != *step.up.checksum => return Err(MigrateError::Changed { domain, version, name }),
            None if version < newest => return Err(MigrateError::Gap { domain, version, name }),
            _ => {}
        }
    }
    Ok(())
}

/// One at a time per domain and database, until the transaction ends. A table that somebody holds for long makes the step
/// fail instead of making every reader queue behind it.
async fn lock(step: &mut PgConnection, domain: Domain) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_catalog.pg_advisory_xact_lock(7233680, $1)").bind(domain as i32).execute(&mut *step).await?;
    sqlx::query("SET LOCAL lock_timeout = '10s'").execute(step).await?;
    Ok(())
}

async fn prepare(step: &mut PgConnection, domain: Domain) -> Result<(), MigrateError> {
    let schema = domain.schema();
    let (there, may, login): (bool, bool, String) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1), \
         has_database_privilege(current_database(), 'CREATE'), current_user::text",
    )
    .bind(schema)
    .fetch_one(&mut *step)
    .await?;
    if !there {
        if !may {
            return Err(MigrateError::NotOwner { domain, login });
        }
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&mut *step).await?;
    }
    sqlx::query(AssertSqlSafe(format!(
        "CREATE TABLE IF NOT EXISTS {schema}._migrations (version bigint PRIMARY KEY, name text NOT NULL, \
         checksum bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )))
    .execute(step)
    .await?;
    Ok(())
}
