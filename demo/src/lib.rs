//! The sample estate: Findawise with its 299 tables, rows and planted faults, the other four systems on a server of their own with a
//! replica, and what keeps them all alive.
//!
//! ```text
//! prepare   the database findawise and three logins
//! load      schemas/*.tables ─ dsl ─▶ estate ─ ddl, rows ─▶ PostgreSQL ─ plant ─▶ the faults listed in `faults`
//! Workload  a few connections that keep it alive
//! systems   systems/*/{schema,rows,workload}.sql: the databases of the other systems, loaded and kept alive
//! Replica   a streaming standby of the systems' server that is made anew when it can't go on
//! ```

pub mod dsl;
pub mod faults;
pub mod systems;

mod connect;
mod ddl;
mod error;
mod estate;
mod fingerprint;
mod load;
mod plant;
mod prepare;
mod replica;
mod rows;
mod vocabulary;
mod workload;

pub use connect::{APP, DATABASE, MONITOR, OWNER, REPLICATOR};
pub use error::DemoError;
pub use estate::Estate;
pub use load::{LoadReport, Progress, Stage, bloat_again, load};
pub use prepare::{FindawiseLogins, Passwords, app_url, prepare};
pub use replica::{REPLICA, Replica, SLOT};
pub use workload::{Counters, Workload, WorkloadOptions};
