//! The registry of figures (SPEC B2).
#![allow(clippy::unwrap_used)]

mod common;

use common::{NOW, edit, healthy, probe};
use reeve_model::{Reach, Reading, Status, Unit, snapshot::Statements, snapshot::TargetSnapshot};
use reeve_rules::{FIGURES, HEADLINE, figures, figures::by_id};
use std::collections::HashSet;

/// Each registered figure: its id, unit and the name it is exported by. A change here changes history and dashboards.
#[test]
fn b2_the_registry_is_as_agreed() {
    let lines: Vec<String> = FIGURES.iter().map(|f| format!("{:<38} {:<16} {}", f.id, format!("{:?}", f.unit), f.metric)).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Walks the registry: unique names, texts, a snapshot that gives each figure a value and one that gives none.
#[test]
fn b2_every_figure_is_whole() {
    let full = healthy();
    let empty = TargetSnapshot::untried(common::name("nothing"), NOW);
    let mut seen = HashSet::new();
    for figure in FIGURES {
        assert!(seen.insert(figure.id) && seen.insert(figure.metric), "{} or its metric is there twice", figure.id);
        for s in [&full, &empty] {
            assert!((figure.absent)(s).ends_with('.') && figure.note.is_none_or(|note| !note(s).is_empty()), "{} lacks a text", figure.id);
        }
        assert!(!figure.title.is_empty() && figure.help.ends_with('.'), "{} lacks a text", figure.id);
        assert!(figure.metric.starts_with("reeve_target_"), "{}", figure.metric);
        assert!(figure.metric.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{}", figure.metric);
        // What Prometheus' own lint asks of a gauge.
        let bad = ["_total", "_count", "_sum", "_bucket", "milliseconds"];
        assert!(!bad.iter().any(|end| figure.metric.ends_with(end)), "{}", figure.metric);
        assert!((figure.exported(1_000.0) - 1.0).abs() < 1e-9 || figure.unit != Unit::Milliseconds);
        assert!((figure.read)(&full).is_some(), "{} has no value where it should", figure.id);
        assert!((figure.read)(&empty).is_none(), "{} has a value where nothing was read", figure.id);
        let shown = figure.figure(&full, NOW, 10_000);
        assert!(!shown.stale && shown.why.is_none() && shown.at == Some(NOW), "{}", figure.id);
        assert!(matches!(shown.status, None | Some(Status::Healthy)), "{}", figure.id);
        let unread = figure.figure(&empty, NOW, 10_000);
        assert!(unread.value.is_none() && unread.why.is_some() && unread.status != Some(Status::Healthy), "{}", figure.id);
    }
    assert!((6..=8).contains(&HEADLINE.len()));
    assert!(HEADLINE.iter().all(|id| by_id(id).is_some()));
    assert_eq!(figures(&full, NOW, 10_000).len(), FIGURES.len());
}

#[test]
fn b2_percentiles_say_what_they_are_of() {
    for id in ["performance.p95_of_means_ms", "performance.p99_of_means_ms"] {
        assert_eq!(
            by_id(id).unwrap().figure(&healthy(), NOW, 10_000).note.as_deref(),
            Some("weighted by calls over the statements' means, not single executions")
        );
        assert_eq!(by_id(id).unwrap().unit, Unit::Milliseconds);
    }
}

#[test]
fn b2_a_cache_ratio_of_few_accesses_is_neither_shown_nor_judged() {
    let figure = by_id("performance.cache_hit_ratio").unwrap();
    let mut s = healthy();
    for (accesses, value, status) in
        [(999.0, None, None), (1_000.0, Some(0.5), None), (49_999.0, Some(0.5), None), (50_000.0, Some(0.5), Some(Status::Degraded))]
    {
        edit(&mut s.rates, |r| (r.cache_hit_ratio, r.block_accesses) = (Some(0.5), Some(accesses)));
        let shown = figure.figure(&s, NOW, 10_000);
        assert_eq!((shown.value, shown.status), (value, status), "{accesses}");
    }
}

/// Old, failing and unreachable are told apart from good, and the last value stays.
#[test]
fn b2_a_figure_grows_stale_with_its_probe() {
    let figure = by_id("connections.active").unwrap();
    let mut s = healthy();
    let at = |s: &TargetSnapshot, ms: i64| figure.figure(s, NOW.plus_ms(ms), 10_000);
    assert!(!at(&s, 30_000).stale);
    let old = at(&s, 30_001);
    assert!(old.stale && old.value == Some(3.0) && old.why.unwrap().contains("due every 10 s"));
    s.probes.push(probe("activity", 2_000));
    assert!(!at(&s, 6_000).stale && at(&s, 6_001).stale, "the probe's own interval counts");
    s.activity.absorb(Err("permission denied for function.".into()), NOW);
    let failing = at(&s, 1);
    assert_eq!((failing.stale, failing.value, failing.why.as_deref()), (true, Some(3.0), Some("permission denied for function.")));
    let mut down = healthy();
    down.reach = Reach::Down { since: NOW, sentence: "connection refused".into(), last_up: Some(NOW), refusal: None };
    let gone = at(&down, 1);
    assert!(gone.stale && gone.value == Some(3.0) && gone.why.unwrap().contains("connection refused"));
    let used = by_id("connections.used_ratio").unwrap().figure(&down, NOW, 10_000);
    assert_eq!(used.status, Some(Status::Unknown), "a limit says nothing of a value that may no longer be true");
}

#[test]
fn b2_a_good_reading_without_a_value_says_why() {
    let mut s = healthy();
    s.statements = Reading::known(Statements::default(), NOW);
    let shown = by_id("performance.mean_query_ms").unwrap().figure(&s, NOW, 10_000);
    assert_eq!(
        shown.why.as_deref(),
        Some("No statement was counted between the two newest readings, or the counts were reset in between.")
    );
    assert!(!shown.stale);
}
