//! `docs/HEALTH.md` says what the code does: its tables and its worked example are made from the code and compared.
//! `REEVE_WRITE_DOCS=1 cargo test -p reeve-rules --test health_doc` writes them anew.
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use reeve_model::{Reading, Verdict};
use reeve_rules::{FORMULA, health::CATEGORIES, judge, verdict, words};
use std::{fmt::Write, fs, path::PathBuf};

fn weights() -> String {
    let mut text = String::from("| part | weight | id |\n|---|---:|---|\n");
    for c in CATEGORIES {
        writeln!(text, "| {} | {} % | `{}` |", c.title, c.weight, c.id).unwrap();
    }
    text
}

fn breakpoints() -> String {
    let mut text = String::from("| part | value | penalty at |\n|---|---|---|\n");
    for c in CATEGORIES {
        for i in c.inputs {
            let say = |v: f64| match v {
                v if i.title.contains("ytes") => words::bytes(v),
                v if v >= 1e6 => words::count(v),
                v => v.to_string(),
            };
            let points: Vec<String> = i.curve.0.iter().map(|(v, p)| format!("{} → {p}", say(*v))).collect();
            writeln!(text, "| {} | {} | {} |", c.title, i.title, points.join(", ")).unwrap();
        }
    }
    text
}

fn rules() -> String {
    let mut text = String::from(
        "| reason | when |\n|---|---|\n| `availability.down` | the server does not answer, or refuses Reeve's sign-in: critical, score 0 |\n",
    );
    for r in CATEGORIES.iter().flat_map(|c| c.rules) {
        writeln!(text, "| `{}` | {} |", r.id, r.when).unwrap();
    }
    text
}

/// Busy connections, slow statements, no replication, and locks that may not be read.
fn example() -> Verdict {
    let mut s = healthy();
    edit(&mut s.activity, |a| a.total = 86);
    edit(&mut s.statements, |q| q.mean_ms = Some(300.0));
    edit(&mut s.replication, |r| (r.standbys, r.slots) = (Vec::new(), Vec::new()));
    s.locks = Reading::unknown(NOW, "permission denied for view pg_locks.");
    judge(&s, NOW, None)
}

fn worked() -> String {
    let v = example();
    let mut text = String::from("| part | share | score | share × score | what was read |\n|---|---:|---:|---:|---|\n");
    let (mut sum, mut measured) = (0.0, 0.0);
    for c in &v.categories {
        let (score, product) = c.score.map_or(("—".into(), "—".into()), |score| {
            sum += score * c.weight;
            measured += c.weight;
            (format!("{score:.1}"), format!("{:.2}", score * c.weight))
        });
        writeln!(text, "| {} | {:.4} | {score} | {product} | {} |", c.title, c.weight, c.detail).unwrap();
    }
    let score = v.score.unwrap();
    assert!((sum / measured - score).abs() < 1e-6, "the table's arithmetic is the code's");
    writeln!(
        text,
        "\nMeasured: {:.4}. Sum: {sum:.2}. Score: {sum:.2} ÷ {measured:.4} = {score:.1}. Status: {}, because:\n",
        v.measured_ratio,
        v.status.word()
    )
    .unwrap();
    for r in &v.reasons {
        writeln!(text, "- `{}` ({}): {}", r.id, r.severity.word(), r.sentence).unwrap();
    }
    text
}

#[test]
fn b1_the_document_agrees_with_the_code() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/HEALTH.md");
    let before = fs::read_to_string(&path).unwrap();
    let mut after = before.clone();
    for (block, made) in [("weights", weights()), ("breakpoints", breakpoints()), ("rules", rules()), ("example", worked())] {
        let (open, close) = (format!("<!-- {block} -->\n"), format!("<!-- end of {block} -->"));
        let from = after.find(&open).unwrap_or_else(|| panic!("no {open} in HEALTH.md")) + open.len();
        let to = after.find(&close).unwrap_or_else(|| panic!("no {close} in HEALTH.md"));
        after.replace_range(from..to, &format!("\n{made}\n"));
    }
    if std::env::var_os("REEVE_WRITE_DOCS").is_some() {
        fs::write(&path, &after).unwrap();
    }
    assert!(after == fs::read_to_string(&path).unwrap(), "docs/HEALTH.md differs from the code; REEVE_WRITE_DOCS=1 writes it anew");
    for said in [
        format!("Formula version {FORMULA}."),
        format!("From {} it is healthy, under {} critical", verdict::HEALTHY_FROM, verdict::CRITICAL_BELOW),
        format!("caps the score at {}", verdict::CAP),
        format!("less than {}", words::percent(verdict::MEASURED_FROM)),
    ] {
        assert!(after.contains(&said), "docs/HEALTH.md should say: {said}");
    }
}
