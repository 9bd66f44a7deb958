//! Putting everything together and keeping it running.

pub mod embedded;
pub mod keys;
pub mod logging;
pub mod output;
pub mod prompt;
pub mod reeve;
pub mod secrets;
pub mod signals;
pub mod store;
pub mod targets;
