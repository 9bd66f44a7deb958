//! The universal database adapter: every access to a PostgreSQL database goes through it.
//!
//! - [`Endpoint`]: where a database is and how to get in, read strictly from a URL and from nothing else.
//! - [`wire`]: one connection for probes, pipelined, with limits that the server itself enforces.
//! - [`guarded`]: the same with limits that hold through a transaction pooler too.
//! - [`roles`]: Reeve's own databases, a lazy pool each, with circuit, fallback to main, retries and true figures.
//! - [`AdapterError`]: what went wrong, in one sentence that says what to do and holds no secret.

pub mod endpoint;
pub mod error;
pub mod guarded;
pub mod roles;
mod tls;
mod way;
pub mod wire;

pub use endpoint::{ClientCert, Endpoint, EndpointError, Host, TlsMode};
pub use error::AdapterError;
pub use guarded::{Guarded, Param};
pub use roles::{Freshness, Lease, RoleConfig, RolePools, RoleSettings};
pub use wire::{WireClient, WireOptions};
