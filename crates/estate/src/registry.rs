//! All probes, in the order in which they are sent.

use crate::{facts::Facts, probe::Probe, probes::*};

/// Every probe. A new one is a file under `probes/` and a line here.
pub const PROBES: &[&dyn Probe] = &[
    &identity::Identity,
    &activity::Sessions,
    &locks::LockWaits,
    &databases::Databases,
    &wal::WriteAheadLog,
    &replication::Replicas,
    &subscriptions::Subscriptions,
    &checkpoints::CheckpointCounters,
    &wraparound::TransactionIds,
    &disk::Disks,
    &io::InputOutput,
    &settings::ChosenSettings,
    &statements::TopStatements,
    &database_sizes::DatabaseSizes,
    &tables::Tables,
    &indexes::IndexDefinitions,
    &foreign_keys::ForeignKeys,
    &sequences::Sequences,
    &bloat::Bloat,
];

/// The SQL that each probe sends to a server, for goldens and for people who want to read it before they grant anything.
#[must_use]
pub fn sql_for(facts: &Facts) -> String {
    let mut out = String::new();
    for probe in PROBES {
        let about = probe.about();
        out.push_str(&format!("-- {}: {}\n", about.id, about.doc));
        for query in about.queries {
            match query.sql(facts) {
                Ok(sql) => out.push_str(&format!("{sql};\n")),
                Err(why) => out.push_str(&format!("-- unavailable: {why}\n")),
            }
        }
        out.push('\n');
    }
    out
}
