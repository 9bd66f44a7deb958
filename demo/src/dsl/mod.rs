//! The language of the `schemas/*.tables` files: one line describes one table.
//!
//! ```text
//! sessions 22k: user_id -> users, device text, is_revoked bool, started_at time+ -- One row for each browser session
//! ```
//!
//! A line is `name [rows]: columns [-- comment]`. Without a number the table is small, and how small follows from its
//! name. A column is `name word`, `name (one of these)` or `name -> table` (`-> schema.table` for another schema).
//! Marks behind it: `?` may be null, `!` unique, `+` indexed. A column name with `#` is part of the primary key;
//! a table without such columns gets an identity column `id`. References are indexed without being told.

mod parse;
mod word;

pub use parse::parse_schema;
pub use word::Word;

/// A line of a `.tables` file that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}: {message}")]
pub struct DslError {
    /// File name, for example `core.tables`.
    pub file: String,
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// One schema of the estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Name in PostgreSQL.
    pub name: String,
    /// Its tables, in the order of the file.
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The schema it is in.
    pub schema: String,
    /// Name in PostgreSQL, without the schema.
    pub name: String,
    /// How many rows are loaded.
    pub rows: u64,
    /// Columns as written; the implied `id` isn't among them.
    pub columns: Vec<Column>,
    /// `COMMENT ON TABLE`, where the file has one.
    pub comment: Option<String>,
    /// Where it was described, for error texts.
    pub line: usize,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in PostgreSQL.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// `?`: may be null.
    pub nullable: bool,
    /// `!`: has a unique constraint.
    pub unique: bool,
    /// `+`: has a plain index.
    pub indexed: bool,
    /// `#`: is part of the primary key.
    pub key: bool,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    /// A value described by a type word.
    Plain(Word),
    /// Text with a `CHECK` that allows these values only.
    OneOf(Vec<String>),
    /// A foreign key to the `id` of a table.
    Reference {
        /// Schema of the table referred to.
        schema: String,
        /// Its name.
        table: String,
    },
}

impl Table {
    /// `schema.table`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Whether the table has the implied identity column `id` (no column is marked `#`).
    pub fn has_id(&self) -> bool {
        !self.columns.iter().any(|column| column.key)
    }

    /// The column of this name, if the line has one.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns that refer to another table, with `schema.table` of that other.
    pub fn references(&self) -> impl Iterator<Item = (&Column, String)> {
        self.columns.iter().filter_map(|column| column.target().map(|target| (column, target)))
    }
}

impl Column {
    /// `schema.table` this column refers to.
    pub fn target(&self) -> Option<String> {
        match &self.kind {
            ColumnKind::Reference { schema, table } => Some(format!("{schema}.{table}")),
            ColumnKind::Plain(_) | ColumnKind::OneOf(_) => None,
        }
    }

    /// The type word, for columns that have one.
    pub fn word(&self) -> Option<Word> {
        match &self.kind {
            ColumnKind::Plain(word) => Some(*word),
            ColumnKind::OneOf(_) | ColumnKind::Reference { .. } => None,
        }
    }
}
