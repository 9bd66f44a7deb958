//! A private PostgreSQL cluster: create, start, supervise, stop.
//!
//! Reeve keeps its own state in PostgreSQL. When nobody names a database, it runs one of its own: this crate finds
//! the installed binaries, creates a data directory, starts the server on a local socket only, starts it anew when it
//! dies, and stops it. The sample estate and the tests use the same code.
//!
//! What lies in a cluster's directory:
//!
//! | name | what |
//! |---|---|
//! | `pgdata/` | the data directory, owned by the server's user |
//! | `superuser.password` | mode 0600 |
//! | `postgres.log`, `postgres.log.1` | the server's log, turned at a start when it is over 10 MB |
//! | `upstream.pgpass` | of a standby: the password it streams with, mode 0600 |
//! | `offline.lock` | locked while a server is started, or is kept from it by a tool that works on its files |
//! | `reeve.lock` | locked (flock) while a process uses the directory, holds its pid |
//!
//! A start goes: [`binaries`] → `account` (who runs the server) → `layout` (directories, lock, password) → `create`
//! (initdb, once) or `standby` (a base backup of another cluster) → `processes` (end what a killed run left) →
//! `supervise` (run, watch, restart). A command beside a
//! running Reeve goes through `attach` instead and owns nothing.

mod account;
mod attach;
pub mod binaries;
mod cluster;
mod create;
mod error;
mod layout;
mod offline;
mod processes;
mod settings;
mod standby;
mod supervise;
#[cfg(feature = "testing")]
pub mod testing;
mod url;

pub use attach::{Attached, Reached};
pub use cluster::{Cluster, ClusterConfig};
pub use error::ClusterError;
pub use offline::Offline;
pub use processes::working_in;
pub use standby::Upstream;
pub use supervise::ClusterState;
