//! Bad input of every kind, reported together, without secrets.

use super::*;
use proptest::prelude::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn a6_a_target_from_file_and_one_from_environment() {
    let text = "listen = \"127.0.0.1:0\"\n[[target]]\nname = \"orders\"\nenvironment = \"staging\"\ntags = [\"eu\"]\n\
                url = \"postgres://mon:secret@db.example:5432/orders\"\n[target.intervals]\ncritical = \"5s\"\nbudget = \"0.5%\"\n";
    let config = load(Some(("reeve.toml", text)), &env(&[("REEVE_TARGET_BILLING_URL", "postgres://m:p@127.0.0.1/billing")]))
        .expect("a good configuration");
    let names: Vec<_> = config.targets.iter().map(|t| t.info.name.as_str()).collect();
    assert_eq!(names, ["orders", "billing"]);
    assert_eq!((config.targets[0].cadence.critical_ms, config.targets[0].cadence.budget_permille), (5_000, 5));
    assert!(!format!("{config:?}").contains("secret"), "a password must not be printable");
}

#[test]
fn all_mistakes_are_reported_together_with_their_places() {
    let text = "listen = \"nowhere\"\ncolour = \"red\"\n[intervals]\nmetrics = \"soon\"\n[[target]]\nname = \"Bad Name\"\n\
                kind = \"oracle\"\nurl = \"postgres://u:hunter2secret@/:x\"\n[[target]]\nenvironment = \"moon\"\n";
    let problems = load(Some(("reeve.toml", text)), &env(&[("REEVE_ADMIN_PASSWORD", "short")])).expect_err("full of mistakes");
    let shown = problems.to_string();
    for expected in [
        "reeve.toml:1: listen",
        "reeve.toml:2: colour",
        "reeve.toml:4: intervals.metrics",
        "target[0].name",
        "target[0].kind",
        "target[0].url",
        "target[1].environment",
        "has no name",
        "has no address",
        "REEVE_ADMIN_PASSWORD",
    ] {
        assert!(shown.contains(expected), "{expected} is missing in:\n{shown}");
    }
    assert!(!shown.contains("hunter2secret"), "{shown}");
    assert!(problems.len() >= 10);
}

#[test]
fn broken_toml_names_its_line_and_hides_its_text() {
    let shown = load(Some(("reeve.toml", "listen = \"127.0.0.1:1\"\nurl = \"postgres://u:hunter2secret\n")), &env(&[]))
        .expect_err("not TOML")
        .to_string();
    assert!(shown.contains("reeve.toml:2"), "{shown}");
    assert!(!shown.contains("hunter2secret"), "{shown}");
}

proptest! {
    #[test]
    fn no_text_panics_or_shows_the_password(text in "\\PC{0,200}") {
        let toml = format!("[[target]]\nname = \"a\"\nurl = '''postgres://u:hunter2secret@{}'''\n", text.replace('\'', ""));
        let shown = load(Some(("reeve.toml", &toml)), &env(&[])).map_or_else(|p| p.to_string(), |c| format!("{c:?}"));
        prop_assert!(!shown.contains("hunter2secret"));
    }
}
