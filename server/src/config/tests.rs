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

#[test]
fn g4_guards_are_read_from_the_file_and_the_environment_wins() {
    let text = "[http]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\npublic_url = \"HTTPS://Reeve.Example.com:443/\"\n[tls]\n\
                certificate = \"/a/cert.pem\"\nkey = \"/a/key.pem\"\n[limits]\nconnections_per_address = 9\n[limits.pages]\nburst = 7\n";
    let http = load(Some(("reeve.toml", text)), &env(&[])).expect("good").http;
    assert_eq!(http.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1/128"]);
    assert_eq!(http.public_origin.as_deref(), Some("https://reeve.example.com"));
    assert!(http.is_over_tls());
    let pages = Rate { burst: 7, ..Limits::default().pages };
    assert_eq!(http.limits, Limits { pages, connections_per_address: 9, ..Limits::default() });
    let env = env(&[
        ("REEVE_TRUSTED_PROXIES", "192.0.2.1, 192.0.2.2/31"),
        ("REEVE_PUBLIC_URL", "https://[2001:db8::1]:8443"),
        ("REEVE_TLS_CERTIFICATE", "/b/cert.pem"),
        ("REEVE_TLS_KEY", "/b/key.pem"),
    ]);
    let http = load(Some(("reeve.toml", text)), &env).expect("good").http;
    assert_eq!(http.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.1/32", "192.0.2.2/31"]);
    assert_eq!(http.public_origin.as_deref(), Some("https://[2001:db8::1]:8443"));
    assert_eq!(http.tls, Some(TlsFiles { certificate: "/b/cert.pem".into(), key: "/b/key.pem".into() }));
    let plain = load(None, &BTreeMap::new()).expect("nothing is needed").http;
    assert!(!plain.is_over_tls() && plain.tls.is_none() && plain.trusted_proxies.is_empty());
}

#[test]
fn g4_guards_that_guard_nothing_are_refused_with_their_places() {
    let refused = |text: &str, pairs: &[(&str, &str)]| load(Some(("reeve.toml", text)), &env(pairs)).expect_err(text).to_string();
    for (text, place) in [
        ("[http]\ntrusted_proxies = [\"everybody\"]", "reeve.toml:2: http.trusted_proxies"),
        ("[http]\ntrusted_proxies = [\"10.0.0.1\", \"0.0.0.0/0\"]", "reeve.toml:2: http.trusted_proxies"),
        ("[http]\ntrusted_proxies = \"10.0.0.1\"", "reeve.toml:2: http.trusted_proxies"),
        ("[http]\nport = 1", "reeve.toml:2: http.port"),
        ("[tls]\ncertificate = \"/a\"", "reeve.toml:2: tls.certificate"),
        ("[tls]\nkey = \"/a\"", "reeve.toml:2: tls.key"),
        ("[limits.pages]\nburst = 0", "reeve.toml:2: limits.pages.burst"),
        ("[limits.files]\nper_minute = -1", "reeve.toml:2: limits.files.per_minute"),
        ("[limits.credentials]\nper_minute = \"1\"", "reeve.toml:2: limits.credentials.per_minute"),
        ("[limits]\npages = 3", "reeve.toml:2: limits.pages"),
        ("[limits]\nconnections_per_address = 99999999999", "reeve.toml:2: limits.connections_per_address"),
    ] {
        let shown = refused(text, &[]);
        assert!(shown.contains(place), "{place} is missing in:\n{shown}");
    }
    for url in
        ["reeve.example.com", "ftp://x", "https://", "https://u:p@host", "https://host/path", "https://host?q", "https://host:port", "x:y"]
    {
        let shown = refused("", &[("REEVE_PUBLIC_URL", url)]);
        assert!(shown.contains("REEVE_PUBLIC_URL") && !shown.contains("u:p@"), "{url}: {shown}");
    }
    let pair = [("REEVE_TLS_CERTIFICATE", "/a"), ("REEVE_TLS_KEY", "/b"), ("REEVE_PUBLIC_URL", "http://host")];
    assert!(refused("", &pair).contains("REEVE_PUBLIC_URL"));
    assert!(refused("", &[("REEVE_TRUSTED_PROXIES", "10.0.0.1,::/0")]).contains("REEVE_TRUSTED_PROXIES"));
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

#[test]
fn e1_the_interval_of_scans_keeps_evidence_fresh() {
    let with = |text: &str| load(Some(("reeve.toml", &format!("[compliance]\ninterval = \"{text}\"\n"))), &env(&[]));
    assert_eq!(load(None, &env(&[])).expect("good").compliance_interval.as_secs(), 3_600);
    assert_eq!(with("15m").expect("good").compliance_interval.as_secs(), 900);
    for (text, why) in [("10s", "at least 1m"), ("2d", "no interval"), ("13h", "at most 12h")] {
        let shown = with(text).expect_err("refused").to_string();
        assert!(shown.contains("reeve.toml:2: compliance.interval") && shown.contains(why), "{shown}");
    }
}

/// K1: what the package installs is good as it is, and with everything taken in that it shows.
#[test]
fn k1_the_packaged_configuration_is_good_commented_out_or_not() {
    let text = include_str!("../../../packaging/reeve.toml");
    let as_it_is = load(Some(("reeve.toml", text)), &env(&[])).expect("as it is");
    assert!(as_it_is.targets.is_empty());
    let uncommented: String = text
        .lines()
        .filter_map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.contains(" = ") => Some(format!("{rest}\n")),
            Some(_) => None,
            None => Some(format!("{line}\n")),
        })
        .collect();
    let all = load(Some(("reeve.toml", &uncommented)), &env(&[])).expect("with all taken in");
    assert_eq!(all.targets.len(), 1);
}
