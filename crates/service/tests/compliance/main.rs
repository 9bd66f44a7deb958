//! Evidence and judgement on real PostgreSQL clusters (SPEC E1 to E3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod flips;
mod hostile;
mod tiers;
