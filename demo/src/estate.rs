//! The eight schemas together: reads the files, resolves references, and checks them against the planted faults.

use std::collections::{HashMap, HashSet};

use crate::dsl::{DslError, Schema, Table, parse_schema};
use crate::error::DemoError;
use crate::faults::{Kind, PLANTED, PlantedFault, is_planted};
use crate::fingerprint::fnv;

/// The files, in the order in which they are loaded.
const FILES: [(&str, &str); 8] = [
    ("core", include_str!("../schemas/core.tables")),
    ("finance", include_str!("../schemas/finance.tables")),
    ("health", include_str!("../schemas/health.tables")),
    ("saas", include_str!("../schemas/saas.tables")),
    ("travel", include_str!("../schemas/travel.tables")),
    ("security", include_str!("../schemas/security.tables")),
    ("education", include_str!("../schemas/education.tables")),
    ("ai_ml", include_str!("../schemas/ai_ml.tables")),
];

/// Raised when rows or faults are made differently from the same files, so that a loaded estate is made anew.
const GENERATION: &str = "1";

/// Tables of all schemas, with every reference known to point at something.
#[derive(Debug, Clone)]
pub struct Estate {
    /// The schemas, in loading order.
    pub schemas: Vec<Schema>,
    fingerprint: u64,
}

impl Estate {
    /// The Findawise estate.
    ///
    /// # Errors
    /// A line of a `.tables` file that can't be read, a reference that points nowhere, or a planted fault whose object
    /// isn't there. None of them happens with the files that were built in and tested.
    pub fn findawise() -> Result<Self, DemoError> {
        let estate = Self::read(&FILES)?;
        for fault in PLANTED {
            estate.check_planted(fault)?;
        }
        estate.check_personal()?;
        Ok(estate)
    }

    /// Reads the files given as (schema, text) and resolves their references.
    ///
    /// # Errors
    /// The first line that can't be read or refers to a table that doesn't exist.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, DslError> {
        let schemas = files.iter().map(|(name, text)| parse_schema(name, text)).collect::<Result<Vec<_>, _>>()?;
        let faults = PLANTED.iter().flat_map(|fault| [fault.id, fault.object, fault.columns]);
        let parts: Vec<&str> = files.iter().flat_map(|(name, text)| [*name, *text]).chain(faults).chain([GENERATION]).collect();
        let mut estate = Self { schemas, fingerprint: fnv(&parts) };
        estate.resolve()?;
        Ok(estate)
    }

    /// All tables, schema by schema.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.schemas.iter().flat_map(|schema| &schema.tables)
    }

    /// The table with this `schema.table`.
    pub fn table(&self, full_name: &str) -> Option<&Table> {
        self.tables().find(|table| table.full_name() == full_name)
    }

    /// Rows of each table by `schema.table`.
    pub fn row_counts(&self) -> HashMap<String, u64> {
        self.tables().map(|table| (table.full_name(), table.rows)).collect()
    }

    /// What stands in the comment of a database that holds this very estate, completely loaded.
    pub fn marker(&self) -> String {
        format!("Findawise sample estate, complete ({:016x})", self.fingerprint)
    }

    /// Checks that references point at tables with an `id`, and lowers row counts that uniqueness can't hold: a unique
    /// reference allows as many rows as its target has, a pair of key references as many as there are pairs.
    fn resolve(&mut self) -> Result<(), DslError> {
        let ids: HashSet<String> = self.tables().filter(|table| table.has_id()).map(Table::full_name).collect();
        for table in self.tables() {
            for (column, target) in table.references() {
                if !ids.contains(&target) || is_planted(Kind::NoPrimaryKey, &target) {
                    return Err(DslError {
                        file: format!("{}.tables", table.schema),
                        line: table.line,
                        message: format!("{} refers to {target}, which is no table with an id of its own", column.name),
                    });
                }
            }
        }
        let mut rows = self.row_counts();
        // Lowering one table can force the next: at most as many passes as there are tables, in practice two.
        loop {
            let mut changed = false;
            for table in self.schemas.iter_mut().flat_map(|schema| &mut schema.tables) {
                let target_rows = |target: String| rows.get(&target).copied().unwrap_or(1);
                let unique = table.references().filter(|(column, _)| column.unique).map(|(_, target)| target_rows(target)).min();
                let pairs: u64 = table.references().filter(|(column, _)| column.key).map(|(_, target)| target_rows(target)).product();
                let limit = if table.has_id() { unique.unwrap_or(u64::MAX) } else { pairs };
                if table.rows > limit {
                    table.rows = limit;
                    rows.insert(table.full_name(), limit);
                    changed = true;
                }
            }
            if !changed {
                return Ok(());
            }
        }
    }

    fn check_planted(&self, fault: &PlantedFault) -> Result<(), DemoError> {
        let wrong = |reason: String| DemoError::Planted { id: fault.id.to_owned(), reason };
        let table = self.table(fault.table()).ok_or_else(|| wrong(format!("there is no table {}", fault.table())))?;
        let named: Vec<&str> = match fault.kind {
            Kind::DuplicateIndex | Kind::UnusedIndex | Kind::InvalidIndex => fault.columns.split(", ").collect(),
            Kind::SequenceNearEnd | Kind::NoPrimaryKey | Kind::BloatedTable => Vec::new(),
            Kind::MissingFkIndex | Kind::PiiColumn | Kind::MissingForScans => vec![fault.part()],
        };
        for name in named {
            let column = table.column(name).ok_or_else(|| wrong(format!("{} has no column {name}", fault.table())))?;
            if fault.kind == Kind::MissingFkIndex && (column.target().is_none() || column.unique || column.key) {
                return Err(wrong(format!("{name} is no plain reference")));
            }
        }
        let referenced = self.tables().flat_map(Table::references).any(|(_, target)| target == fault.table());
        match fault.kind {
            Kind::SequenceNearEnd if referenced || !table.has_id() => Err(wrong("its id must be its own and not referred to".to_owned())),
            Kind::NoPrimaryKey if !table.has_id() => Err(wrong("the table has a key made of two references".to_owned())),
            _ => Ok(()),
        }
    }

    /// Personal columns must be declared as such: a new one in a file has to come with its line in the list.
    fn check_personal(&self) -> Result<(), DemoError> {
        for table in self.tables() {
            for column in &table.columns {
                let object = format!("{}.{}", table.full_name(), column.name);
                let personal = column.word().is_some_and(crate::dsl::Word::is_personal);
                if personal != is_planted(Kind::PiiColumn, &object) {
                    let reason = if personal { "holds personal data but isn't in the list" } else { "is in the list but isn't personal" };
                    return Err(DemoError::Planted { id: object, reason: reason.to_owned() });
                }
            }
        }
        Ok(())
    }
}
