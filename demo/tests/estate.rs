//! What can be said of the estate without a server (SPEC I1).
#![allow(clippy::unwrap_used)]

use reeve_demo::Estate;
use reeve_demo::dsl::Word;
use reeve_demo::faults::{Kind, PLANTED, of_kind};

#[test]
fn i1_exactly_299_tables_by_schema() {
    let estate = Estate::findawise().unwrap();
    let counts: Vec<(&str, usize)> = estate.schemas.iter().map(|schema| (schema.name.as_str(), schema.tables.len())).collect();
    let expected =
        [("core", 50), ("finance", 35), ("health", 30), ("saas", 25), ("travel", 40), ("security", 30), ("education", 25), ("ai_ml", 64)];
    assert_eq!(counts, expected);
    assert_eq!(estate.tables().count(), 299);
}

#[test]
fn i1_at_least_250_foreign_keys_and_median_6_columns() {
    let estate = Estate::findawise().unwrap();
    let keys = estate.tables().flat_map(|table| table.references()).count();
    assert!(keys >= 250, "{keys} foreign keys");
    let mut columns: Vec<usize> = estate.tables().map(|table| table.columns.len() + usize::from(table.has_id())).collect();
    columns.sort_unstable();
    assert!(columns[columns.len() / 2] >= 6, "the median table has {} columns", columns[columns.len() / 2]);
    assert!(columns[0] >= 5, "the smallest table has {} columns", columns[0]);
}

#[test]
fn i1_no_numbered_names() {
    let estate = Estate::findawise().unwrap();
    for table in estate.tables() {
        let names = [table.schema.as_str(), &table.name].into_iter().chain(table.columns.iter().map(|column| column.name.as_str()));
        for name in names {
            assert!(!name.contains(|c: char| c.is_ascii_digit()), "{name} in {}", table.full_name());
        }
    }
}

#[test]
fn i1_sizes_follow_a_power_law() {
    let estate = Estate::findawise().unwrap();
    let mut rows: Vec<u64> = estate.tables().map(|table| table.rows).collect();
    rows.sort_unstable_by(|a, b| b.cmp(a));
    let (total, biggest): (u64, u64) = (rows.iter().sum(), rows.iter().take(30).sum());
    assert!(biggest * 10 > total * 4, "the 30 biggest tables hold {biggest} of {total} rows");
    assert!(rows[rows.len() / 2] < 2500 && *rows.last().unwrap() >= 1);
}

#[test]
fn i1_the_list_of_faults_has_every_kind_and_every_personal_column() {
    for (kind, at_least) in [
        (Kind::MissingFkIndex, 3),
        (Kind::DuplicateIndex, 2),
        (Kind::UnusedIndex, 3),
        (Kind::InvalidIndex, 1),
        (Kind::BloatedTable, 1),
        (Kind::SequenceNearEnd, 1),
        (Kind::PiiColumn, 20),
        (Kind::NoPrimaryKey, 1),
        (Kind::MissingForScans, 1),
    ] {
        assert!(of_kind(kind).count() >= at_least, "{kind:?}");
    }
    let estate = Estate::findawise().unwrap();
    let personal = estate.tables().flat_map(|table| &table.columns).filter(|column| column.word().is_some_and(Word::is_personal));
    assert_eq!(personal.count(), of_kind(Kind::PiiColumn).count());
    assert!(PLANTED.iter().all(|fault| estate.table(fault.table()).is_some()));
}

#[test]
fn i1_a_reference_to_nowhere_is_named_with_its_line() {
    let files = [("core", "# head\nusers: name text, org_id -> orgs")];
    let error = Estate::read(&files).expect_err("core.orgs doesn't exist");
    assert_eq!((error.line, error.file.as_str()), (2, "core.tables"));
    assert!(error.message.contains("core.orgs"), "{error}");
}
