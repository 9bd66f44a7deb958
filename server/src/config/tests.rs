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

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn a6_a_stored_address_is_one_of_four_and_the_variable_wins() {
    let text = "[[target]]\nname = \"orders\"\nurl_stored = true\n";
    let stored = load(Some(("reeve.toml", text)), &env(&[])).expect("a good configuration");
    assert!(matches!(stored.targets[0].address, Address::Stored));
    let given = load(Some(("reeve.toml", text)), &env(&[("REEVE_TARGET_ORDERS_URL", "postgres://m:p@127.0.0.1/d")])).expect("good");
    assert!(matches!(given.targets[0].address, Address::Known(_)));
    for second in ["url = \"postgres://m:hunter2secret@127.0.0.1/d\"", "url_env = \"HOME\"", "url_file = \"/etc/hostname\""] {
        let shown = load(Some(("reeve.toml", &format!("{text}{second}\n"))), &env(&[("HOME", "postgres://m:p@127.0.0.1/d")]))
            .expect_err("two addresses")
            .to_string();
        assert!(shown.contains("more than one address") && !shown.contains("hunter2secret"), "{shown}");
    }
    let none = load(Some(("reeve.toml", "[[target]]\nname = \"a\"\nurl_stored = false\n")), &env(&[])).expect_err("none").to_string();
    assert!(none.contains("has no address"), "{none}");
}

#[test]
fn g4_the_key_has_one_source_and_is_never_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("key");
    std::fs::write(&file, KEY).expect("written");
    let path = file.to_str().expect("text");
    let source = |text: &str, pairs: &[(&str, &str)]| load(Some(("reeve.toml", text)), &env(pairs)).map(|c| c.keys);
    assert!(matches!(source("", &[]).expect("good").source, KeySource::DataDir));
    let in_file = format!("[secrets]\nkey_file = \"{path}\"\nold_key_files = [\"{path}\"]\n");
    let from_file = source(&in_file, &[]).expect("good");
    assert!(matches!(from_file.source, KeySource::Given(_)) && from_file.old.len() == 1);
    assert!(matches!(source("", &[("REEVE_SECRET_KEY", KEY)]).expect("good").source, KeySource::Given(_)));
    let two = ["[\"a b\", \"c\"]", "a c"].map(|words| source("", &[("REEVE_SECRET_KEY_COMMAND", words)]).expect("good").source);
    assert!(matches!(&two, [KeySource::Command(a), KeySource::Command(b)] if a[0] == "a b" && b[..] == ["a", "c"]), "{two:?}");
    for (text, pairs) in [
        (in_file.as_str(), vec![("REEVE_SECRET_KEY", KEY)]),
        (in_file.as_str(), vec![("REEVE_SECRET_KEY_COMMAND", "a")]),
        ("", vec![("REEVE_SECRET_KEY", KEY), ("REEVE_SECRET_KEY_FILE", path)]),
    ] {
        let shown = source(text, &pairs).expect_err("two sources").to_string();
        assert!(shown.contains("more than once") && !shown.contains(KEY), "{shown}");
    }
    for (name, value) in [
        ("REEVE_SECRET_KEY", &KEY[1..]),
        ("REEVE_SECRET_KEY_FILE", "/nowhere"),
        ("REEVE_SECRET_KEY_COMMAND", "[1]"),
        ("REEVE_SECRET_OLD_KEY_FILES", "/etc/hostname"),
    ] {
        let shown = source("", &[(name, value)]).expect_err("no key").to_string();
        assert!(shown.contains(name) && !shown.contains(&KEY[1..]), "{shown}");
    }
    let config = load(None, &env(&[("REEVE_SECRET_KEY", KEY)])).expect("good");
    assert!(!format!("{config:?}").contains(&KEY[..16]), "the key must not be printable");
}

proptest! {
    #[test]
    fn no_text_panics_or_shows_the_password(text in "\\PC{0,200}") {
        let toml = format!("[[target]]\nname = \"a\"\nurl = '''postgres://u:hunter2secret@{}'''\n", text.replace('\'', ""));
        let shown = load(Some(("reeve.toml", &toml)), &env(&[])).map_or_else(|p| p.to_string(), |c| format!("{c:?}"));
        prop_assert!(!shown.contains("hunter2secret"));
    }
}
