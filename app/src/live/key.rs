//! The keys of moving nodes, in one place for the render and the frames.
//!
//! `estate`, `target:<name>` carry a status; with `.word`, `.score`, `.measured` text, `.since` and `.round` ages.
//! `figure:<target>:<id>` carries the figure's status and staleness; with `.value`, `.unit` text, `.spark` a path,
//! `.age` an age. `column:<id>.unit`, `pool:<role>.<column>` are text. `shape:<part>` is the shape of the part
//! with that id: it holds no text of the page, but says that the part must be fetched anew.

use reeve_model::{TargetName, pool::StoreRole};

/// The estate's verdict.
pub const ESTATE: &str = "estate";
/// The age of the newest data.
pub const NEWEST: &str = "newest";

/// Ids of the parts that are fetched anew when their shape changes.
pub mod part {
    /// The estate's sentence and reasons.
    pub const STORE: &str = "store-state";
    /// The list of targets.
    pub const TARGETS: &str = "targets-part";
    /// Compliance on the first screen.
    pub const SECURITY: &str = "security-part";
    /// Compliance on its own page, down to the frameworks.
    pub const COMPLIANCE: &str = "compliance-part";
    /// The rows of the findings.
    pub const FINDINGS: &str = "findings-part";
    /// The pools.
    pub const POOLS: &str = "pools-part";
    /// A target's verdict.
    pub const VERDICT: &str = "verdict-part";
    /// A page's charts.
    pub const CHARTS: &str = "charts-part";
    /// A target's tables.
    pub const DETAIL: &str = "detail-part";
    /// The sessions of a target.
    pub const SESSIONS: &str = "sessions-part";
    /// The rows of the tables page.
    pub const ROWS: &str = "rows-part";
    /// One table.
    pub const TABLE: &str = "table-part";
    /// How safe each database is.
    pub const COVER: &str = "cover-part";
    /// Jobs about backups.
    pub const JOBS: &str = "jobs-part";
    /// Schedules of backups.
    pub const SCHEDULES: &str = "schedules-part";
    /// The list of backups.
    pub const BACKUPS: &str = "backups-part";
    /// One backup.
    pub const BACKUP: &str = "backup-part";
}

/// A target's status.
#[must_use]
pub fn target(name: &TargetName) -> String {
    format!("target:{name}")
}

/// The score under a verdict's key.
#[must_use]
pub fn score(of: &str) -> String {
    format!("{of}.score")
}

/// The measured share under a verdict's key.
#[must_use]
pub fn measured(of: &str) -> String {
    format!("{of}.measured")
}

/// The moment of the last change under a verdict's key.
#[must_use]
pub fn since(of: &str) -> String {
    format!("{of}.since")
}

/// The newest round of a target.
#[must_use]
pub fn round(name: &TargetName) -> String {
    format!("target:{name}.round")
}

/// The keys of one figure.
pub struct FigureKeys {
    /// Status and staleness.
    pub cell: String,
    /// The number.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// The sparkline's path.
    pub spark: String,
    /// Its age.
    pub age: String,
    /// Why there is no value, or none that is fresh.
    pub why: String,
}

/// The keys of a figure.
#[must_use]
pub fn figure(target: &TargetName, id: &str) -> FigureKeys {
    let cell = format!("figure:{target}:{id}");
    let part = |p: &str| format!("{cell}.{p}");
    FigureKeys { value: part("value"), unit: part("unit"), spark: part("spark"), age: part("age"), why: part("why"), cell }
}

/// The unit in a column's header.
#[must_use]
pub fn column_unit(id: &str) -> String {
    format!("column:{id}.unit")
}

/// One cell of the pools.
#[must_use]
pub fn pool(role: StoreRole, column: &str) -> String {
    format!("pool:{}.{column}", role.word())
}
