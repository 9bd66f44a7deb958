//! One module for each page: `load` gets its data through the server functions, `view` turns it into markup.

pub mod accept;
pub mod access;
pub mod account;
pub mod accounts;
pub mod audit;
pub mod backups;
pub mod compliance;
pub mod health;
pub mod problem;
pub mod registry;
pub mod sessions;
pub mod sign_in;
pub mod table;
pub mod tables;
pub mod target;

#[cfg(debug_assertions)]
pub mod gallery;
