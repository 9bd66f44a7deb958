//! The databases under care: probes, their SQL by server version, and the collector that runs them.
//!
//! A [`Collector`] keeps one connection to its target. Each round sends the statements of all probes that are due at
//! once (prepared, pipelined) and folds their rows into a [`reeve_model::snapshot::TargetSnapshot`]. A probe is one
//! file under `probes/` and one line in [`registry::PROBES`].

pub mod activity;
mod assemble;
mod budget;
pub mod check;
pub mod collector;
mod cost;
mod delta;
pub mod describe;
mod disks;
mod drain;
pub mod evidence;
pub mod facts;
mod fault;
pub mod probe;
pub mod probes;
mod rates;
pub mod registry;
mod schedule;
mod session;
pub mod spec;
pub mod standing;

pub use check::{CheckReport, check};
pub use collector::Collector;
pub use describe::describe_table;
pub use reeve_adapter::{AdapterError, Endpoint};
pub use spec::{Cadence, DatabaseChoice, TargetSpec};
