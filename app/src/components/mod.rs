//! The parts pages are made of. Each takes what it shows and the `data-live` key under which it moves.

mod chart;
mod code;
mod dialog;
mod figure;
mod flash;
mod form;
mod over;
mod reason;
mod rights;
mod state;
mod when;

pub use chart::{Charts, charts_shape};
pub use code::Code;
pub use dialog::Confirm;
pub use figure::{FigureCell, FigureGroups, FigureTitle, Spark};
pub use flash::FlashBox;
pub use form::{Choice, Csrf, Field, TextArea};
pub use over::OverList;
pub use reason::{Reasons, reasons_shape};
pub use rights::{Rights, ScopeList, role_options, scope_words};
pub use state::{Empty, EmptyKind, Notice, ReadingNote, StatusBadge, StatusGlyph};
pub use when::{Age, Ahead, Moment};

use crate::route::Page;
use reeve_model::{TargetName, table::TableRef};

/// The address of a target's page.
#[must_use]
pub fn target_href(name: &TargetName) -> String {
    Page::Target(name.clone()).href()
}

/// The address of a table's page.
#[must_use]
pub fn table_href(name: &TargetName, database: &str, schema: &str, table: &str) -> String {
    let table = TableRef { database: database.into(), schema: schema.into(), table: table.into() };
    Page::Table(name.clone(), Box::new(table)).href()
}
