//! Backups of PostgreSQL databases: run, verify, drill, restore, prune. No HTTP and none of Reeve's own store in here: the command
//! line, schedules and pages call an [`Engine`].
//!
//! ```text
//! run      snapshot ─┬─ pg_dump -Fd -j ─ files ─ zstd ─ age ─ SHA-256 ─ repository ─ read back ─ manifest
//!                    └─ rows counted and hashed ───────────────────────────────────────────────────┘
//! verify   objects ─ SHA-256 (─ age ─ zstd ─ pg_restore to nowhere)
//! drill    objects ─ files ─ pg_restore ─ a private server ─ rows counted and hashed, pg_amcheck
//! restore  objects ─ files ─ pg_restore ─ a new database beside the original
//! prune    which to keep ([`retention`]) ─ manifest away ─ objects away
//! ```
//!
//! Nothing half-done is ever listed: a backup counts from the moment its manifest is there, and that is written last ([`repository`]).

mod cancel;
mod drill;
mod engine;
mod error;
mod fetch;
mod keys;
mod load;
pub mod manifest;
mod progress;
mod properties;
mod prune;
mod put_back;
pub mod repository;
mod restore;
pub mod retention;
mod run;
mod scratch;
mod source;
mod tools;
mod verify;

pub use drill::DrillRequest;
pub use engine::{Catalogue, Engine, EngineConfig};
pub use error::BackupError;
pub use keys::Keys;
pub use progress::Progress;
pub use prune::PruneReport;
pub use put_back::{PutBackReport, PutBackRequest};
pub use repository::{
    Location, SweepReport,
    s3::{Patience, S3Access},
};
pub use restore::{Over, RestoreRequest};
pub use run::{RunRequest, TableName};
pub use source::count_sql;
