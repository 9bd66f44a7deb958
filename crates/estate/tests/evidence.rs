//! The questions of a compliance scan, as a listing that a person can read.

use reeve_estate::{
    evidence::{QUESTIONS, sql_for},
    facts::Facts,
};
use std::collections::HashSet;

#[test]
fn a7_the_questions_for_each_version_are_as_listed() {
    for major in [13, 15, 16, 17, 18] {
        insta::assert_snapshot!(format!("evidence-{major}"), sql_for(&Facts::assumed(major, 110)));
    }
}

#[test]
fn e1_questions_have_unique_ids_and_change_nothing() {
    let mut ids = HashSet::new();
    for question in QUESTIONS {
        assert!(ids.insert(question.id), "{} twice", question.id);
        assert!(!question.title.is_empty() && question.query.variants.iter().map(|v| v.since).is_sorted(), "{}", question.id);
        for variant in question.query.variants {
            let first = variant.sql.split_whitespace().next();
            assert!(matches!(first, Some("SELECT" | "WITH")), "{} begins with {first:?}", question.id);
            for word in
                ["INSERT INTO", "UPDATE ", "DELETE FROM", "FOR UPDATE", "pg_read_file", "set_config", "pg_stat_statements_reset", "nextval"]
            {
                assert!(!variant.sql.contains(word), "{} says {word}", question.id);
            }
        }
    }
}

/// Passwords, verifiers and the text of functions, comments and statements stay on the server.
#[test]
fn e1_no_question_asks_for_a_text_that_may_hold_a_secret() {
    for question in QUESTIONS {
        for variant in question.query.variants {
            let selected = variant.sql.split("FROM").next().unwrap_or_default();
            for column in ["rolpassword", "prosrc", "description", "subconninfo", "umoptions", "srvoptions", "s.query", "w.conninfo,"] {
                let shown = selected.split(',').any(|part| part.trim().starts_with(column));
                assert!(!shown, "{} shows {column}", question.id);
            }
        }
    }
}
