//! Use cases, one module per noun. Each method takes a grant and takes the resource from it, never beside it.
//!
//! Pages and routes reach this crate only through the traits in `reeve-ports`.

pub mod accounts;
pub mod audit;
pub mod backups;
pub mod compliance;
pub mod health;
pub mod hub;
pub mod identity;
pub mod metrics;
mod pace;
pub mod passwords;
pub mod pools;
pub mod recorder;
pub mod registry;
pub mod sessions;
pub mod store_watch;
pub mod tables;
pub mod throttle;
pub mod tokens;
pub mod trends;
pub mod vault;
pub mod watch;

pub use hub::Hub;
