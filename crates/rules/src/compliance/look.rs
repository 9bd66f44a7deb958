//! Evidence as a judge reads it: what is missing, or too old, is unknown before anything is judged.

use super::context::Context;
use reeve_model::compliance::{Evidence, EvidenceSet};
use std::cell::RefCell;

/// Why a control can't be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// It would need evidence that is not there; the sentence says what would change that.
    Unknown(String),
    /// There is nothing here to judge.
    NotApplicable(String),
}

const HOUR_MS: i64 = 3_600_000;
/// The one answer that no server gives: Reeve's own list of backups.
const BACKUPS: &str = "backups";

/// How old an answer may be, milliseconds: what changes by the minute is soon worth nothing.
fn max_age_ms(id: &str) -> i64 {
    match id {
        "sessions" | "replication" | "receiver" | "archiver" | "slots" | BACKUPS => HOUR_MS,
        _ => 24 * HOUR_MS,
    }
}

/// The evidence of one target, with a note of all that was used.
pub struct Look<'a> {
    pub(super) set: &'a EvidenceSet,
    pub(super) context: &'a Context,
    used: RefCell<Vec<usize>>,
    broken: RefCell<Option<String>>,
}

impl<'a> Look<'a> {
    pub(super) fn new(set: &'a EvidenceSet, context: &'a Context) -> Self {
        Self { set, context, used: RefCell::default(), broken: RefCell::default() }
    }

    /// Places of the answers that were used, each once.
    pub(super) fn used(&self) -> Vec<usize> {
        let mut used = self.used.borrow().clone();
        used.sort_unstable();
        used.dedup();
        used
    }

    /// The column that a judge asked for and the evidence does not have, if there was one.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// The server's major version.
    pub(super) fn major(&self) -> u32 {
        self.set.major()
    }

    /// An answer about the whole server, and what is missing from it.
    pub(super) fn server(&self, id: &str) -> Result<Table<'_>, Gap> {
        self.find(id, None).unwrap_or_else(|| {
            Err(Gap::Unknown(match id {
                BACKUPS => "Reeve's own list of backups was not part of this scan; a scan by a running Reeve reads it.".to_owned(),
                id => format!("The evidence {id} was not collected."),
            }))
        })
    }

    /// An answer in one database; none where the question has no object (an extension that is not installed).
    pub(super) fn find(&self, id: &str, database: Option<&str>) -> Option<Result<Table<'_>, Gap>> {
        let place = self.set.items.iter().position(|e| e.id == id && e.database.as_deref() == database)?;
        let evidence = &self.set.items[place];
        self.used.borrow_mut().push(place);
        if self.context.now.ms_since(evidence.at) > max_age_ms(id) {
            return Some(Err(Gap::Unknown(format!("The evidence {id} is too old; scan again."))));
        }
        Some(match &evidence.missing {
            Some(why) if evidence.rows.is_empty() => Err(Gap::Unknown(why.clone())),
            partial => Ok(Table { look: self, evidence, partial: partial.clone() }),
        })
    }

    /// A setting as everybody gets it. One that is not shown, or that Reeve's own session overrides, is unknown.
    pub(super) fn setting(&self, name: &str) -> Result<&str, Gap> {
        let table = self.server("settings")?;
        let Some(row) = table.rows().find(|r| r.text("name") == name) else {
            return Err(Gap::Unknown(format!(
                "The setting {name} is not shown to this role, or this server does not have it; GRANT pg_monitor shows all settings."
            )));
        };
        if matches!(row.text("source"), "user" | "database" | "database user" | "client" | "session" | "interactive") {
            return Err(Gap::Unknown(format!(
                "The setting {name} is set for Reeve's own role or database, so what others get is not seen; run ALTER ROLE … RESET {name}."
            )));
        }
        Ok(row.text("setting"))
    }

    /// A setting that only a loaded library defines: none when the libraries are known and it is not among them.
    pub(super) fn library_setting(&self, library: &str, name: &str) -> Result<Option<&str>, Gap> {
        let loaded = self.list("shared_preload_libraries")?.iter().any(|l| l == library)
            || self.list("session_preload_libraries")?.iter().any(|l| l == library);
        if loaded { self.setting(name).map(Some) } else { Ok(None) }
    }

    /// A setting that is a list of words.
    pub(super) fn list(&self, name: &str) -> Result<Vec<String>, Gap> {
        let words = self.setting(name)?.split(',').map(|w| w.trim().trim_matches('"').to_owned());
        Ok(words.filter(|w| !w.is_empty()).collect())
    }

    /// The server listens on no network at all.
    pub(super) fn socket_only(&self) -> Result<bool, Gap> {
        self.setting("listen_addresses").map(|a| a.trim().is_empty())
    }
}

/// One answer.
#[derive(Clone)]
pub struct Table<'a> {
    look: &'a Look<'a>,
    evidence: &'a Evidence,
    /// What is missing although there are rows.
    pub(super) partial: Option<String>,
}

impl<'a> Table<'a> {
    /// The rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let (look, evidence) = (self.look, self.evidence);
        evidence.rows.iter().map(move |values| Row { look, columns: &evidence.columns, values })
    }
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    look: &'a Look<'a>,
    columns: &'a [String],
    values: &'a [Option<String>],
}

impl<'a> Row<'a> {
    /// A value; none when it is missing.
    pub(super) fn opt(&self, column: &str) -> Option<&'a str> {
        match self.columns.iter().position(|c| c == column) {
            Some(place) => self.values.get(place).and_then(|v| v.as_deref()),
            None => {
                // Evidence of another edition: the control becomes unknown, whatever its judge makes of this.
                *self.look.broken.borrow_mut() = Some(column.to_owned());
                None
            }
        }
    }

    /// A value; empty when it is missing.
    pub(super) fn text(&self, column: &str) -> &'a str {
        self.opt(column).unwrap_or_default()
    }

    /// A truth.
    pub(super) fn yes(&self, column: &str) -> bool {
        self.text(column) == "true"
    }

    /// A whole number; none when it is missing or none.
    pub(super) fn number(&self, column: &str) -> Option<i64> {
        self.opt(column).and_then(|v| v.parse().ok())
    }

    /// The parts of a value that is several lines.
    pub(super) fn parts(&self, column: &str) -> Vec<&'a str> {
        self.text(column).split('\n').filter(|p| !p.is_empty()).collect()
    }
}
