//! The other four systems of the sample estate, on one server: what databases they have and where their SQL stands.
//!
//! A database is one entry of [`DATABASES`] and one directory below `demo/systems`: `schema.sql` and `rows.sql` are run once as its owner,
//! `workload.sql` keeps it alive (see [`statements`] for its form).

mod load;
pub mod statements;
mod workload;

pub use load::{Loaded, SystemPasswords, Systems, load};
pub use workload::{SystemsOptions, SystemsWorkload};

/// One database of a system.
#[derive(Debug, Clone, Copy)]
pub struct Database {
    /// Its name.
    pub name: &'static str,
    /// Owns the database and all that is in it; nobody can log in with it.
    pub owner: &'static str,
    /// The application's login, with the rights its work needs.
    pub app: &'static str,
    /// Tables, indexes, functions, policies and grants.
    pub schema: &'static str,
    /// What comes on top where the server has an extension, by the extension's name.
    pub with_extensions: &'static [(&'static str, &'static str)],
    /// Rows.
    pub rows: &'static str,
    /// What the application does all day.
    pub workload: &'static str,
}

/// A database whose three files lie in the directory of its name.
macro_rules! database {
    ($name:literal, $system:literal, $($extension:literal),*) => {
        Database {
            name: $name,
            owner: concat!($system, "_owner"),
            app: concat!($system, "_app"),
            schema: include_str!(concat!("../../systems/", $name, "/schema.sql")),
            with_extensions: &[$(($extension, include_str!(concat!("../../systems/", $name, "/", $extension, ".sql")))),*],
            rows: include_str!(concat!("../../systems/", $name, "/rows.sql")),
            workload: include_str!(concat!("../../systems/", $name, "/workload.sql")),
        }
    };
}

/// All of them, the longest to load first.
pub const DATABASES: &[Database] = &[
    database!("futuresync", "futuresync",),
    database!("financial_kingdom", "financial_kingdom",),
    database!("higherup", "higherup", "pg_trgm"),
    database!("parafort_documents", "parafort",),
    database!("parafort_analytics", "parafort",),
    database!("parafort_main", "parafort",),
    database!("parafort_compliance", "parafort",),
];

/// The database that the replica is for, and the one a monitor opens first.
pub const MAIN: &str = "parafort_main";
