//! The addresses of backups.

use super::{pairs, query};
use reeve_model::{
    TargetName,
    backup::{BackupId, BackupQuery, BackupTrust},
};

/// What the list of backups shows: filters and page. A database stands in the address with its target, as `target/database`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupsView {
    /// Filters and page.
    pub query: BackupQuery,
}

impl BackupsView {
    /// Reads a query string. What can't be used counts as not given.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = BackupQuery::default();
        for (key, value) in pairs(text) {
            match key.as_str() {
                "of" => {
                    if let Some((target, database)) = database_of(&value) {
                        (query.target, query.database) = (Some(target), Some(database));
                    }
                }
                "trust" => query.trust = BackupTrust::from_word(&value),
                "cursor" => query.cursor = BackupId::new(value).ok(),
                "limit" => query.limit = value.parse().unwrap_or(0).min(500),
                _ => {}
            }
        }
        Self { query }
    }

    /// The shortest query string that parses to the same view.
    #[must_use]
    pub fn query_string(&self) -> String {
        let q = &self.query;
        let of = q.target.as_ref().zip(q.database.as_ref()).map(|(t, d)| format!("{t}/{d}"));
        let limit = (q.limit != 0).then(|| q.limit.to_string());
        let all = [
            ("of", of.as_deref()),
            ("trust", q.trust.map(BackupTrust::word)),
            ("cursor", q.cursor.as_ref().map(BackupId::as_str)),
            ("limit", limit.as_deref()),
        ];
        query(&all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect::<Vec<_>>())
    }

    /// Only the backups of one database.
    #[must_use]
    pub fn of(target: &TargetName, database: &str) -> Self {
        Self { query: BackupQuery { target: Some(target.clone()), database: Some(database.to_owned()), ..BackupQuery::default() } }
    }

    /// The same filters, from where a former page ended; none: from the newest.
    #[must_use]
    pub fn from(&self, cursor: Option<BackupId>) -> Self {
        Self { query: BackupQuery { cursor, ..self.query.clone() } }
    }

    /// Whether any filter is set.
    #[must_use]
    pub fn filtered(&self) -> bool {
        self.query.target.is_some() || self.query.database.is_some() || self.query.trust.is_some()
    }
}

/// A database as forms and addresses write it. A target's name holds no slash, so the first one divides.
#[must_use]
pub fn database_of(text: &str) -> Option<(TargetName, String)> {
    let (target, database) = text.split_once('/')?;
    Some((TargetName::new(target).ok()?, Some(database).filter(|d| !d.is_empty())?.to_owned()))
}

/// One backup's page, and the table whose way back it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupView {
    /// Which backup.
    pub id: BackupId,
    /// A table by schema and name.
    pub table: Option<(String, String)>,
}

impl BackupView {
    /// Reads an id and a query string.
    #[must_use]
    pub fn parse(id: &str, text: &str) -> Option<Self> {
        let all = pairs(text);
        let get = |name: &str| all.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).filter(|v| !v.is_empty());
        Some(Self { id: BackupId::new(id).ok()?, table: get("schema").zip(get("table")) })
    }

    /// The query string that parses to the same view.
    #[must_use]
    pub fn query_string(&self) -> String {
        self.table.as_ref().map_or_else(String::new, |(schema, table)| query(&[("schema", schema), ("table", table)]))
    }
}
