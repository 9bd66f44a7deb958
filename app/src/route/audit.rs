//! The audit trail's address.

use super::{pairs, query};
use crate::format::{from_local, local};
use reeve_model::audit::{AuditQuery, Outcome};

/// What the audit page shows: filters and page. Moments stand in the address as a form field writes them, in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditView {
    /// Filters and page.
    pub query: AuditQuery,
    /// What can't be read of what was given: one sentence, to be said instead of a list that heeds only the rest.
    pub unreadable: Option<String>,
}

impl AuditView {
    /// Reads a query string. A name that is not known counts as not given; a value that can't be used is remembered.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = AuditQuery::default();
        let mut unreadable = None;
        for (key, value) in pairs(text) {
            let value = value.trim();
            let given = (!value.is_empty()).then(|| value.to_owned());
            match key.as_str() {
                "actor" => query.actor = given,
                "verb" => query.verb = given,
                "noun" => query.noun = given,
                "resource" => query.resource = given,
                "outcome" => query.outcome = Outcome::from_word(value),
                "from" => query.from = from_local(value),
                "to" => query.to = from_local(value),
                "cursor" => query.cursor = given,
                "limit" => query.limit = value.parse().unwrap_or(0).min(500),
                _ => continue,
            }
            let understood = match key.as_str() {
                "outcome" => query.outcome.is_some(),
                "from" => query.from.is_some(),
                "to" => query.to.is_some(),
                "limit" => query.limit > 0,
                _ => true,
            };
            if !value.is_empty() && !understood {
                unreadable = Some(advice(&key, value));
            }
        }
        Self { query, unreadable }
    }

    /// The shortest query string that parses to the same view.
    #[must_use]
    pub fn query_string(&self) -> String {
        let q = &self.query;
        let limit = (q.limit != 0).then(|| q.limit.to_string());
        let (from, to) = (q.from.map(local), q.to.map(local));
        let all = [
            ("actor", q.actor.as_deref()),
            ("verb", q.verb.as_deref()),
            ("noun", q.noun.as_deref()),
            ("resource", q.resource.as_deref()),
            ("outcome", q.outcome.map(Outcome::word)),
            ("from", from.as_deref()),
            ("to", to.as_deref()),
            ("cursor", q.cursor.as_deref()),
            ("limit", limit.as_deref()),
        ];
        let set: Vec<_> = all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        query(&set)
    }

    /// The same view with one thing changed, from its newest entry.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut AuditQuery)) -> Self {
        let mut view = self.clone();
        view.query.cursor = None;
        change(&mut view.query);
        view
    }

    /// The same filters, from where a former page ended.
    #[must_use]
    pub fn older(&self, cursor: String) -> Self {
        let mut view = self.clone();
        view.query.cursor = Some(cursor);
        view
    }

    /// Whether any filter is set.
    #[must_use]
    pub fn filtered(&self) -> bool {
        let q = &self.query;
        let text = [&q.actor, &q.verb, &q.noun, &q.resource];
        text.into_iter().any(Option::is_some) || q.outcome.is_some() || q.from.is_some() || q.to.is_some()
    }
}

fn advice(key: &str, value: &str) -> String {
    let value: String = value.chars().take(60).collect();
    match key {
        "outcome" => format!("“{value}” is no outcome; choose one of the list."),
        "limit" => format!("“{value}” is no number of entries; write 1 to 500."),
        _ => format!("“{value}” is no moment; write one like 2026-11-18T15:06, in UTC."),
    }
}
