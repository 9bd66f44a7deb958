//! The tables page's address.

use super::{pairs, query};
use reeve_model::table::{IndexFault, TableQuery, TableSort};

/// What the tables page shows: the query for the port and whether rows stand under their schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TablesView {
    /// Filters, order and page.
    pub query: TableQuery,
    /// Rows grouped by schema, ordered by name.
    pub by_schema: bool,
}

impl TablesView {
    /// All tables in this order.
    #[must_use]
    pub fn by(sort: TableSort) -> Self {
        Self { query: TableQuery { sort, ..TableQuery::default() }, by_schema: false }
    }

    /// Reads a query string. What can't be used counts as not given.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut view = Self::default();
        for (key, value) in pairs(text) {
            let given = (!value.is_empty()).then(|| value.clone());
            let query = &mut view.query;
            match key.as_str() {
                "database" => query.database = given,
                "schema" => query.schema = given,
                "search" => query.search = given.map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()),
                "fault" => query.fault = IndexFault::from_word(&value),
                "sort" => query.sort = TableSort::from_word(&value).unwrap_or_default(),
                "reverse" => query.reverse = value == "1" || value == "true",
                "offset" => query.offset = value.parse().unwrap_or(0),
                "limit" => query.limit = value.parse().unwrap_or(0).min(500),
                "group" => view.by_schema = value == "schema",
                _ => {}
            }
        }
        view
    }

    /// The query for the port: grouping needs the rows of a schema side by side.
    #[must_use]
    pub fn port_query(&self) -> TableQuery {
        let mut query = self.query.clone();
        if self.by_schema {
            query.sort = TableSort::Name;
        }
        query
    }

    /// The shortest query string that parses to the same view.
    #[must_use]
    pub fn query_string(&self) -> String {
        let q = &self.query;
        let (offset, limit) = (q.offset.to_string(), q.limit.to_string());
        let mut pairs = Vec::new();
        if let Some(v) = &q.database {
            pairs.push(("database", v.as_str()));
        }
        if let Some(v) = &q.schema {
            pairs.push(("schema", v));
        }
        if let Some(v) = &q.search {
            pairs.push(("search", v));
        }
        if let Some(v) = q.fault {
            pairs.push(("fault", v.word()));
        }
        if q.sort != TableSort::default() {
            pairs.push(("sort", q.sort.word()));
        }
        if q.reverse {
            pairs.push(("reverse", "1"));
        }
        if q.offset != 0 {
            pairs.push(("offset", &offset));
        }
        if q.limit != 0 {
            pairs.push(("limit", &limit));
        }
        if self.by_schema {
            pairs.push(("group", "schema"));
        }
        query(&pairs)
    }

    /// The same view with one thing changed, from its first row.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut view = self.clone();
        view.query.offset = 0;
        change(&mut view);
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
        let q = &self.query;
        q.database.is_some() || q.schema.is_some() || q.search.is_some() || q.fault.is_some()
    }
}
