//! Controls, scores, framework views and findings (SPEC E1 to E3).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod fixture;
mod registry;
mod repairs;
mod scores;
