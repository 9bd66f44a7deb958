//! Reads that follow from the schema: the rows behind a reference, the latest rows, one row by its key. They visit each
//! index of each sizeable table in turn, so that an index nobody uses is one of the planted ones.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::rng::Rng;
use super::session::Cursor;
use crate::ddl::{has_identity, indexed_columns};
use crate::dsl::Table;
use crate::estate::Estate;

/// Tables from this many rows on: in smaller ones PostgreSQL rightly reads everything and leaves the index alone.
const SIZEABLE: u64 = 1000;

/// The reads of an estate.
#[derive(Debug)]
pub(super) struct Reads {
    list: Vec<Read>,
    cursor: Cursor,
}

#[derive(Debug)]
struct Read {
    sql: String,
    /// The statement takes one id up to this; none when it takes nothing.
    up_to: Option<u64>,
}

impl Reads {
    pub(super) fn of(estate: &Estate) -> Self {
        let sizes = estate.row_counts();
        let mut list = Vec::new();
        for table in estate.tables() {
            let name = table.full_name();
            if has_identity(table) {
                list.push(Read { sql: format!("SELECT * FROM {name} WHERE id = $1"), up_to: Some(table.rows) });
            }
            if table.rows >= SIZEABLE {
                list.extend(indexed_columns(table).map(|column| Self::through_index(table, column, &sizes)));
            }
        }
        // Neighbours in the list are neighbours in a file; a stride that visits all of them mixes the schemas.
        let count = list.len();
        let stride = [383, 389, 397].into_iter().find(|prime| !count.is_multiple_of(*prime)).unwrap_or(1);
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|index| index * stride % count.max(1));
        let mut slots: Vec<Option<Read>> = list.into_iter().map(Some).collect();
        let list = order.into_iter().filter_map(|index| slots.get_mut(index).and_then(Option::take)).collect();
        Self { list, cursor: Cursor::default() }
    }

    fn through_index(table: &Table, column: &str, sizes: &std::collections::HashMap<String, u64>) -> Read {
        let name = table.full_name();
        match table.column(column).and_then(|column| column.target()) {
            Some(target) => Read { sql: format!("SELECT count(*) FROM {name} WHERE {column} = $1"), up_to: sizes.get(&target).copied() },
            None => Read { sql: format!("SELECT * FROM {name} ORDER BY {column} DESC LIMIT 20"), up_to: None },
        }
    }

    /// Does the next read of the list.
    pub(super) async fn next(&self, client: &Client, rng: &mut Rng) -> Result<(), Error> {
        let Some(read) = self.cursor.next(&self.list) else { return Ok(()) };
        match read.up_to {
            Some(limit) => {
                // Squared: the first ids are the busy ones, as when the rows were made.
                let id = 1 + (rng.unit().powi(2) * limit as f64) as i64;
                client.query_typed(&read.sql, &[(&id, Type::INT8)]).await
            }
            None => client.query_typed(&read.sql, &[]).await,
        }
        .map(drop)
    }

    #[cfg(test)]
    fn statements(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|read| read.sql.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::faults::{Kind, of_kind};

    #[test]
    fn i1_reads_visit_every_sizeable_index_once_and_no_planted_one() {
        let estate = Estate::findawise().unwrap();
        let reads = Reads::of(&estate);
        let all: std::collections::HashSet<&str> = reads.statements().collect();
        assert_eq!(all.len(), reads.list.len(), "a read is listed twice");
        for table in estate.tables().filter(|table| table.rows >= SIZEABLE) {
            for column in indexed_columns(table) {
                let name = table.full_name();
                assert!(
                    all.iter().any(|sql| sql.contains(&format!(" {name} ")) && sql.contains(&format!(" {column} "))),
                    "{name}.{column}"
                );
            }
        }
        for fault in of_kind(Kind::UnusedIndex) {
            for column in fault.columns.split(", ") {
                let planted = |sql: &&&str| sql.contains(&format!(" {} ", fault.table())) && sql.contains(&format!(" {column} "));
                assert_eq!(all.iter().find(planted), None);
            }
        }
    }
}
