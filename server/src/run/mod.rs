//! Putting everything together and keeping it running.

pub mod logging;
pub mod output;
pub mod reeve;
pub mod secrets;
pub mod signals;
pub mod store;
