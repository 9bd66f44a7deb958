//! The SQL for each version, as a listing that a person can read.

use reeve_estate::{facts::Facts, probe::Scope, registry};
use std::collections::HashSet;

#[test]
fn a7_the_sql_for_each_version_is_as_listed() {
    for (major, extension) in [(13, 108), (14, 109), (15, 110), (16, 110), (17, 111), (18, 112)] {
        insta::assert_snapshot!(format!("postgresql-{major}"), registry::sql_for(&Facts::assumed(major, extension)));
    }
}

#[test]
fn a7_probes_have_unique_ids_titles_and_docs() {
    let mut ids = HashSet::new();
    let mut markers = HashSet::new();
    for probe in registry::PROBES {
        let about = probe.about();
        assert!(ids.insert(about.id), "{} twice", about.id);
        assert!(!about.title.is_empty() && about.doc.ends_with('.'), "{}", about.id);
        assert!(!about.queries.is_empty());
        for query in about.queries {
            assert!(markers.insert(query.marker), "{} twice", query.marker);
            assert!(query.marker.split('/').next() == Some(about.id), "{} belongs to {}", query.marker, about.id);
            let versions: Vec<u32> = query.variants.iter().map(|v| v.since).collect();
            assert!(versions.is_sorted(), "{} oldest first", query.marker);
        }
    }
    assert!(registry::PROBES.iter().any(|p| p.about().scope == Scope::Database));
}

/// Functions that wait for a lock on what they look at must not be in a probe.
#[test]
fn b2_no_probe_calls_what_waits_for_a_lock() {
    for major in 13..=18 {
        let sql = registry::sql_for(&Facts::assumed(major, 110));
        for word in ["pg_get_indexdef", "pg_get_expr", "pg_get_constraintdef", "format_type", "pg_table_size", "pg_indexes_size", "reset("]
        {
            assert!(!sql.contains(word), "{word}");
        }
    }
}
