//! Reeve's own database: all its SQL, checked at compile time.
//!
//! Each noun has a module of functions that take a connection of the runtime login to the database that holds its
//! schema. [`Store`] is the same behind the pools: it knows which role serves what, and repeats what may be done twice.
//! [`migrate`] works with the owner's login.

// sqlx 0.9 calls each checked query deprecated when both time and chrono are there, also where its configuration chooses one. The queue's
// library brings chrono; time wins, and the types of the records would not compile if it did not.
#![allow(deprecated)]

pub mod accounts;
pub mod api_tokens;
pub mod audit;
pub mod auth_sessions;
pub mod backup_jobs;
pub mod backup_schedules;
pub mod compliance;
pub mod error;
pub mod history;
pub mod invites;
pub mod migrate;
pub mod queue;
pub mod refresh_tokens;
pub mod registered;
pub mod secrets;
pub mod signing_keys;
mod store;
pub mod targets;
pub mod web_sessions;

pub use error::{Result, StoreError};
pub use history::History;
pub use migrate::Domain;
pub use store::Store;
