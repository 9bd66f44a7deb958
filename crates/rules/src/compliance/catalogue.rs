//! The catalogue: all controls and all clauses, whether judged or not, from the two tables beside this file.

use reeve_model::compliance::{ClauseLink, Framework, Human, Severity, Strength};
use std::sync::LazyLock;

/// Edition of the catalogue; raised with every change to it. Results of different editions are not compared.
pub const EDITION: u32 = 4;
/// Date of the mapping to clauses.
pub const EDITION_DATE: &str = "2026-11-27";

/// One control of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Id, for example `AUTH-01`.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Topic.
    pub category: &'static str,
    /// Where its evidence is: `E0` to `E3` (the server, by privilege), `N` (a TLS handshake), `T` (rows of users), `G` (the server's log), `R` (Reeve's own records), `A` (a person).
    pub tiers: &'static str,
    /// What it demands.
    pub title: &'static str,
    /// The clauses it bears on.
    pub clauses: Vec<ClauseLink>,
}

/// One clause of a framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseEntry {
    /// Of which framework.
    pub framework: Framework,
    /// Key, for example `32(1)(b)`.
    pub key: &'static str,
    /// Whether it needs a person.
    pub human: Human,
    /// What it is about.
    pub title: &'static str,
}

/// All controls, in order.
pub static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| lines(include_str!("controls.tsv")).filter_map(entry).collect());
/// All clauses, in order.
pub static CLAUSES: LazyLock<Vec<ClauseEntry>> = LazyLock::new(|| lines(include_str!("clauses.tsv")).filter_map(clause).collect());

/// A control by its id.
#[must_use]
pub fn entry_of(id: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|e| e.id == id)
}

impl Entry {
    /// Only a person can show it: no record and no query can.
    #[must_use]
    pub fn only_person(&self) -> bool {
        self.tiers == "A" || self.tiers.starts_with("A ")
    }

    /// Why it is not judged, for a control without a judge.
    #[must_use]
    pub fn unjudged(&self) -> &'static str {
        let parts: Vec<&str> = self.tiers.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        if self.only_person() {
            "Only a person can show it; no database can."
        } else if parts.contains(&"T") {
            "It needs samples of the users' own rows, which Reeve does not read yet."
        } else if parts.contains(&"R") {
            "It needs Reeve's own records (of backups, personal data, requests, reviews), which this scan does not read yet."
        } else if parts.contains(&"G") {
            "It needs the server's log, which Reeve does not read yet."
        } else if parts.contains(&"N") {
            "It needs a TLS handshake of its own, which Reeve does not make yet."
        } else {
            "Reeve does not judge it yet."
        }
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

fn entry(fields: Vec<&'static str>) -> Option<Entry> {
    let [id, severity, category, tiers, title, links @ ..] = fields.as_slice() else { return None };
    let clauses = Framework::ALL.iter().zip(links).flat_map(|(framework, keys)| self::links(*framework, keys)).collect();
    Some(Entry { id, severity: Severity::from_word(severity)?, category, tiers, title, clauses })
}

fn links(framework: Framework, keys: &str) -> Vec<ClauseLink> {
    let keys = keys.split(',').map(str::trim).filter(|k| !k.is_empty());
    keys.map(|key| match key.strip_prefix('~') {
        Some(key) => ClauseLink { framework, clause: key.to_owned(), strength: Strength::Supporting },
        None => ClauseLink { framework, clause: key.to_owned(), strength: Strength::Direct },
    })
    .collect()
}

fn clause(fields: Vec<&'static str>) -> Option<ClauseEntry> {
    let [framework, key, human, title] = fields.as_slice() else { return None };
    let framework = Framework::ALL.into_iter().find(|f| f.word() == *framework)?;
    let human = match *human {
        "no" => Human::No,
        "also" => Human::Also,
        "only" => Human::Only,
        _ => return None,
    };
    Some(ClauseEntry { framework, key, human, title })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// A line that can't be read would silently be one control less.
    #[test]
    fn e1_every_line_of_the_tables_is_read() {
        assert_eq!((ENTRIES.len(), CLAUSES.len()), (150, 182));
        assert_eq!(ENTRIES.iter().map(|e| e.id).collect::<HashSet<_>>().len(), 150);
        let of = |severity| ENTRIES.iter().filter(|e| e.severity == severity).count();
        assert_eq!(Severity::ALL.map(of), [22, 74, 38, 13, 3]);
        for entry in ENTRIES.iter() {
            assert!(!entry.title.is_empty() && !entry.category.is_empty() && !entry.tiers.is_empty(), "{}", entry.id);
        }
    }

    #[test]
    fn e2_every_link_leads_to_a_clause_that_evidence_can_bear_on() {
        for entry in ENTRIES.iter() {
            for link in &entry.clauses {
                let clause = CLAUSES.iter().find(|c| c.framework == link.framework && c.key == link.clause);
                assert!(clause.is_some_and(|c| c.human != Human::Only), "{} links {:?} {}", entry.id, link.framework, link.clause);
            }
        }
        let total = |f| CLAUSES.iter().filter(|c| c.framework == f).count();
        assert_eq!(Framework::ALL.map(total), [52, 24, 38, 23, 45]);
        let only = |f| CLAUSES.iter().filter(|c| c.framework == f && c.human == Human::Only).count();
        assert_eq!(Framework::ALL.map(only), [17, 8, 11, 4, 15]);
    }
}
