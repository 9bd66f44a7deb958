//! Selections that many readers ask for, made once per reading: sorting 10,000 tables for each reader of the first screen costs more than
//! all else on it.

use reeve_model::{TargetName, UnixMs, snapshot::DatabaseTables, table::TableQuery};
use reeve_rules::order::Selection;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// Selections kept at most.
const MOST: usize = 64;
/// Pages longer than this, later ones and searches are each reader's own.
const SHORT: u32 = 50;

/// Sizes at the start of the growth window, by `database/schema.table`.
pub type Sizes = Arc<HashMap<String, (UnixMs, f64)>>;

/// What a selection is made from. It holds as long as these are the same things in memory.
#[derive(Clone)]
pub struct From {
    /// The tables of each database, in the order of their names.
    pub tables: Vec<Arc<DatabaseTables>>,
    /// What growth is measured from.
    pub sizes: Sizes,
}

impl From {
    fn is(&self, other: &Self) -> bool {
        self.tables.len() == other.tables.len()
            && self.tables.iter().zip(&other.tables).all(|(a, b)| Arc::ptr_eq(a, b))
            && Arc::ptr_eq(&self.sizes, &other.sizes)
    }
}

struct Kept {
    target: TargetName,
    query: TableQuery,
    from: From,
    selection: Arc<Selection>,
}

/// The newest selections.
#[derive(Default)]
pub struct Selections {
    kept: Mutex<VecDeque<Kept>>,
}

impl Selections {
    /// The selection of a query, made by `make` unless it is known.
    pub fn of(&self, target: &TargetName, query: &TableQuery, from: From, make: impl FnOnce() -> Selection) -> Arc<Selection> {
        if query.search.is_some() || query.offset > 0 || query.limit > SHORT {
            return Arc::new(make());
        }
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().iter().find(|k| k.target == *target && k.query == *query && k.from.is(&from)).map(|k| Arc::clone(&k.selection));
        // Made without the lock: two readers may both make it, and nobody waits for another target's.
        known.unwrap_or_else(|| {
            let selection = Arc::new(make());
            let mut kept = lock();
            // What was read before is let go, with all its tables.
            kept.retain(|k| k.target != *target || (k.from.is(&from) && k.query != *query));
            if kept.len() >= MOST {
                kept.pop_front();
            }
            kept.push_back(Kept { target: target.clone(), query: query.clone(), from, selection: Arc::clone(&selection) });
            selection
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn c1_a_selection_is_made_once_per_reading_and_query() {
        let (all, made) = (Selections::default(), Cell::new(0));
        let name = |n: &str| TargetName::new(n).unwrap();
        let reading = || From { tables: vec![Arc::default()], sizes: Arc::default() };
        let ask = |target: &str, limit, offset, from: &From| {
            let query = TableQuery { limit, offset, ..TableQuery::default() };
            all.of(&name(target), &query, from.clone(), || {
                made.set(made.get() + 1);
                Selection::default()
            });
            made.get()
        };
        let (first, second) = (reading(), reading());
        assert_eq!((ask("a", 5, 0, &first), ask("a", 5, 0, &first)), (1, 1));
        assert_eq!((ask("a", 6, 0, &first), ask("b", 5, 0, &first)), (2, 3), "another query, another target");
        assert_eq!((ask("a", 6, 0, &first), ask("b", 5, 0, &first)), (3, 3));
        assert_eq!((ask("a", 5, 0, &second), ask("a", 5, 0, &second), ask("b", 5, 0, &first)), (4, 4, 4), "another reading");
        assert_eq!(all.kept.lock().unwrap().len(), 2, "what was read before is let go");
        assert_eq!(
            (ask("a", 51, 0, &second), ask("a", 51, 0, &second), ask("a", 5, 50, &second)),
            (5, 6, 7),
            "long and later pages are not kept"
        );
        for n in 0..200 {
            ask(&format!("t{n}"), 5, 0, &first);
        }
        assert_eq!(all.kept.lock().unwrap().len(), MOST);
    }
}
