//! The sample estate: Findawise with its 299 tables, its rows, its planted faults and its workload.
//!
//! ```text
//! prepare   the database and three logins
//! load      schemas/*.tables ─ dsl ─▶ estate ─ ddl, rows ─▶ PostgreSQL ─ plant ─▶ the faults listed in `faults`
//! Workload  a few connections that keep it alive
//! ```

pub mod dsl;
pub mod faults;

mod connect;
mod ddl;
mod error;
mod estate;
mod fingerprint;
mod load;
mod plant;
mod prepare;
mod rows;
mod vocabulary;
mod workload;

pub use connect::{APP, DATABASE, MONITOR, OWNER};
pub use error::DemoError;
pub use estate::Estate;
pub use load::{LoadReport, Progress, Stage, load};
pub use prepare::{FindawiseLogins, Passwords, app_url, prepare};
pub use workload::{Counters, Workload, WorkloadOptions};
