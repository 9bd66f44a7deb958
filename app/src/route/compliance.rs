//! The addresses of the compliance pages.

use super::{pairs, query};
use reeve_model::{
    TargetName,
    compliance::{ChangesQuery, ControlQuery, FindingQuery, FindingState, Framework, Severity},
};

/// What the compliance page shows of the findings: filters and page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindingsView {
    /// Filters and page.
    pub query: FindingQuery,
}

impl FindingsView {
    /// Reads a query string. What can't be used counts as not given.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = FindingQuery::default();
        for (key, value) in pairs(text) {
            let value = value.trim();
            let given = (!value.is_empty()).then(|| value.to_owned());
            match key.as_str() {
                "severity" => query.severity = Severity::from_word(value),
                "state" => query.state = FindingState::from_word(value),
                "target" => query.target = given.and_then(|name| TargetName::new(name).ok()),
                "framework" => query.framework = Framework::from_word(value),
                "control" => query.control = given,
                "text" => query.text = given,
                "offset" => query.offset = value.parse().unwrap_or(0),
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
        let (offset, limit) = (q.offset.to_string(), q.limit.to_string());
        let all = [
            ("severity", q.severity.map(Severity::word)),
            ("state", q.state.map(FindingState::word)),
            ("target", q.target.as_ref().map(TargetName::as_str)),
            ("framework", q.framework.map(Framework::word)),
            ("control", q.control.as_deref()),
            ("text", q.text.as_deref()),
            ("offset", (q.offset != 0).then_some(offset.as_str())),
            ("limit", (q.limit != 0).then_some(limit.as_str())),
        ];
        let set: Vec<_> = all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        query(&set)
    }

    /// The same view with one thing changed, from its first row.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut FindingQuery)) -> Self {
        let mut view = self.clone();
        view.query.offset = 0;
        change(&mut view.query);
        view
    }

    /// The same filters from another row on.
    #[must_use]
    pub fn from_row(&self, offset: u32) -> Self {
        let mut view = self.clone();
        view.query.offset = offset;
        view
    }

    /// Whether any filter is set.
    #[must_use]
    pub fn filtered(&self) -> bool {
        FindingQuery { offset: 0, limit: 0, ..self.query.clone() } != FindingQuery::default()
    }
}

/// Which scans are compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangesView {
    /// Target and scans.
    pub query: ChangesQuery,
}

impl ChangesView {
    /// Reads a query string. What can't be used counts as not given.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = ChangesQuery::default();
        for (key, value) in pairs(text) {
            let given = (!value.trim().is_empty()).then(|| value.trim().to_owned());
            match key.as_str() {
                "target" => query.target = given.and_then(|name| TargetName::new(name).ok()),
                "from" => query.from = given,
                "to" => query.to = given,
                _ => {}
            }
        }
        Self { query }
    }

    /// The shortest query string that parses to the same view.
    #[must_use]
    pub fn query_string(&self) -> String {
        let q = &self.query;
        let all = [("target", q.target.as_ref().map(TargetName::as_str)), ("from", q.from.as_deref()), ("to", q.to.as_deref())];
        let set: Vec<_> = all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        query(&set)
    }
}

/// Which controls the list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlsView {
    /// The filters.
    pub query: ControlQuery,
}

impl ControlsView {
    /// Reads a query string. What can't be used counts as not given.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = ControlQuery::default();
        for (key, value) in pairs(text) {
            let value = value.trim();
            match key.as_str() {
                "target" => query.target = TargetName::new(value).ok(),
                "state" => query.state = (!value.is_empty()).then(|| value.to_owned()),
                "framework" => query.framework = Framework::from_word(value),
                _ => {}
            }
        }
        Self { query }
    }

    /// The shortest query string that parses to the same view.
    #[must_use]
    pub fn query_string(&self) -> String {
        let q = &self.query;
        let all = [
            ("target", q.target.as_ref().map(TargetName::as_str)),
            ("state", q.state.as_deref()),
            ("framework", q.framework.map(Framework::word)),
        ];
        let set: Vec<_> = all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        query(&set)
    }

    /// The same view with one thing changed.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut ControlQuery)) -> Self {
        let mut view = self.clone();
        change(&mut view.query);
        view
    }
}
