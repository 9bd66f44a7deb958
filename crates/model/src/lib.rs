//! The nouns of Reeve: what is measured, judged and shown, and what crosses the wire.
//!
//! Serde only and no I/O, so that the same types serve the collector, the store, the pages and the
//! browser (this crate builds for wasm). Units are in the field names: `_ms`, `_s`, `_bytes`, `_ratio` (0 to 1).

pub mod account;
pub mod activity;
pub mod audit;
pub mod backup;
pub mod compliance;
pub mod figure;
pub mod health;
pub mod live;
pub mod origin;
pub mod pool;
pub mod probe;
pub mod reading;
pub mod registration;
pub mod role;
pub mod series;
pub mod snapshot;
pub mod status;
pub mod table;
pub mod target;
pub mod text;
pub mod time;

pub use figure::{Figure, FigureGroup, Unit};
pub use health::{HealthOverview, StoreState, TargetDetail, TargetSummary};
pub use origin::Origin;
pub use reading::{Fault, Reading, Timed};
pub use role::{Binding, Role, Scope};
pub use status::{CategoryScore, Reason, Status, Verdict};
pub use target::{Environment, Reach, Refusal, TargetInfo, TargetKind, TargetName};
pub use text::hidden;
pub use time::UnixMs;
