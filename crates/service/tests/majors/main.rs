//! Every figure and every control on real servers of PostgreSQL 13 to 18 (SPEC A7, B2, E1).
#![allow(clippy::unwrap_used)]

mod controls;
mod figures;
mod managed;
mod server;
mod truth;
