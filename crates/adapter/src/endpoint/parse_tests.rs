use super::*;
use proptest::prelude::*;
use secrecy::ExposeSecret;

fn good(url: &str) -> Endpoint {
    parse(url).unwrap_or_else(|e| panic!("{url}: {e}"))
}

fn bad(url: &str) -> String {
    parse(url).expect_err(url).to_string()
}

#[test]
fn a1_a_url_is_read_whole() {
    let e = good(
        "postgresql://us%40er:p%2Fa%25@db.example:6543/estate?sslmode=verify-ca&sslrootcert=%2Fca.pem&connect_timeout=7&options=-c%20geqo%3Doff",
    );
    assert_eq!((e.user.as_str(), e.database.as_str(), e.port, e.tls), ("us@er", "estate", 6543, TlsMode::VerifyCa));
    assert_eq!(e.password.as_ref().map(|p| p.expose_secret().to_owned()).as_deref(), Some("p/a%"));
    assert_eq!(e.host, Host::Tcp("db.example".into()));
    assert_eq!((e.connect_timeout_s, e.settings.as_slice()), (Some(7), [("geqo".to_owned(), "off".to_owned())].as_slice()));
    assert_eq!((e.redacted().as_str(), e.server().as_str()), ("db.example:6543/estate", "db.example:6543"));
    assert!(!format!("{e:?} {e}").contains("p/a"), "{e:?}");
}

#[test]
fn a1_sockets_and_addresses() {
    let e = good("postgresql:///d?host=%2Ftmp%2Fa&port=5433&user=u&password=p");
    assert_eq!((&e.host, e.port, e.tls), (&Host::Socket("/tmp/a".into()), 5433, TlsMode::Disable));
    assert_eq!(good("postgres://u@%2Frun%2Fpg/d").host, Host::Socket("/run/pg".into()));
    assert_eq!(good("postgres://u@[::1]:5433/d").redacted(), "[::1]:5433/d");
    assert_eq!(good("postgres://u@h").database, "u");
}

#[test]
fn a6_encryption_follows_the_written_rule() {
    let tls = |url: &str| good(url).tls;
    assert_eq!(tls("postgres://u@h/d"), TlsMode::Require);
    assert_eq!(tls("postgres://u@localhost/d"), TlsMode::Prefer);
    assert_eq!(tls("postgres://u@127.1.2.3/d"), TlsMode::Prefer);
    assert_eq!(tls("postgres://u@h/d?sslrootcert=/c"), TlsMode::VerifyFull);
    assert_eq!(tls("postgres://u@h/d?sslrootcert=/c&sslmode=require"), TlsMode::VerifyCa);
    assert_eq!(tls("postgres://u@h/d?sslmode=disable"), TlsMode::Disable);
    assert!(bad("postgres:///d?host=/tmp&user=u&sslmode=require").contains("local socket"));
}

#[test]
fn a6_a_client_certificate_comes_with_its_key_and_in_tls_only() {
    let e = good("postgres://u@h/d?sslcert=%2Fc.pem&sslkey=/k.pem&sslmode=verify-full");
    let cert = e.client_cert().expect("named");
    assert_eq!((cert.certificate.to_str(), cert.key.to_str()), (Some("/c.pem"), Some("/k.pem")));
    assert!(bad("postgres://u@h/d?sslcert=/c.pem").contains("both sslcert and sslkey"));
    assert!(bad("postgres://u@h/d?sslkey=/k.pem").contains("both sslcert and sslkey"));
    assert!(bad("postgres://u@h/d?sslcert=/c.pem&sslkey=/k.pem&sslmode=disable").contains("in TLS only"));
    assert!(bad("postgres:///d?host=/tmp&user=u&sslcert=/c.pem&sslkey=/k.pem").contains("in TLS only"));
}

#[test]
fn a6_two_addresses_are_the_same_only_in_everything() {
    let one = "postgres://u:p@h:5432/d?sslmode=verify-full&sslrootcert=/c&options=-c%20geqo%3Doff";
    assert!(good(one).is_same(&good(one)));
    for other in [
        one.replace(":p@", ":q@"),
        one.replace(":p@", "@"),
        one.replace("u:", "v:"),
        one.replace("5432", "5433"),
        one.replace("/d?", "/e?"),
        one.replace("@h", "@i"),
        one.replace("verify-full", "verify-ca"),
        one.replace("=/c", "=/x"),
        one.replace("off", "on"),
        format!("{one}&connect_timeout=3"),
        format!("{one}&sslcert=/c&sslkey=/k"),
    ] {
        assert!(!good(one).is_same(&good(&other)), "{other}");
    }
}

#[test]
fn a1_what_is_wrong_is_named() {
    for (url, word) in [
        ("", "begin with postgresql://"),
        ("mysql://u@h/d", "begin with postgresql://"),
        ("postgresql://", "no host"),
        ("postgresql://h/d", "no user"),
        ("postgresql://@h/d", "no user"),
        ("postgresql:///d?user=u", "no host"),
        ("postgresql://u@h:0/d", "port"),
        ("postgresql://u@h:65536/d", "port"),
        ("postgresql://u@h:+5/d", "port"),
        ("postgresql://u@a,b/d", "several hosts"),
        ("postgresql://u@[::1/d", "]"),
        ("postgresql://u@[zz]/d", "IPv6"),
        ("postgresql://u@h/a/b", "database name"),
        ("postgresql://u@h/d?sslmode=maybe", "sslmode must be"),
        ("postgresql://u@h/d?ssl=1", "doesn't know"),
        ("postgresql://u@h/d?port", "lacks its ="),
        ("postgresql://u@h/d?user=v", "twice"),
        ("postgresql://u@h/d?connect_timeout=1&connect_timeout=2", "twice"),
        ("postgresql://u@h/d?connect_timeout=soon", "whole seconds"),
        ("postgresql://u@h/d?options=-x", "-c name=value"),
        ("postgresql://u:%zz@h/d", "hexadecimal"),
        ("postgresql://u:%00@h/d", "plain text"),
        ("postgresql://u@h o/d", "space"),
        ("postgresql://u@h|o/d", "the host"),
    ] {
        let error = bad(url);
        assert!(error.contains(word), "{url}: {error}");
    }
}

#[test]
fn a6_a_password_without_its_percent_signs_is_refused_and_not_repeated() {
    for url in [
        "postgresql://u:sec/ret@h/d",
        "postgresql://u:sec?ret=1@h/d",
        "postgresql://u:sec#ret@h/d",
        "postgresql://u:sec@ret@h/d",
        "postgresql://u:sec ret@h/d",
        "postgresql://u:sec%ret@h/d",
    ] {
        let error = bad(url);
        assert!(!error.contains("sec") && !error.contains("ret@") && !error.contains("ret="), "{url}: {error}");
    }
}

proptest! {
    #[test]
    fn a1_nothing_makes_it_panic(text in "\\PC{0,80}", tail in "[:/?#@%\\[\\]&=,a-z0-9]{0,40}") {
        let _ = parse(&text);
        let _ = parse(&format!("postgresql://{tail}"));
        let _ = parse(&format!("postgresql://{text}"));
    }

    /// Distinct upper-case letters around it: none of our own sentences holds such a piece.
    #[test]
    fn a6_no_error_holds_the_password(middle in "[!-~]{0,12}", host in "[!-~]{0,10}", tail in "[!-~]{0,10}") {
        let password = format!("QZX{middle}XZQ");
        for url in [
            format!("postgresql://u:{password}@{host}/{tail}"),
            format!("postgresql://{host}/{tail}?user=u&password={password}"),
            format!("postgresql://u:{password}{tail}"),
        ] {
            match parse(&url) {
                Ok(endpoint) => {
                    // A bare `:` or a missing @ may move the text into the host or database of a URL that reads well.
                    if endpoint.password.is_some() && url.matches('@').count() == 1 {
                        let shown = format!("{endpoint:?} {endpoint}");
                        prop_assert!(!shown.contains("QZX"), "{}", shown);
                    }
                }
                Err(error) => {
                    let text = format!("{error} {error:?}");
                    prop_assert!(!text.contains("QZX") && !text.contains("XZQ"), "{}", text);
                }
            }
        }
    }

    #[test]
    fn a1_an_encoded_password_arrives_as_it_was(password in "\\PC{1,24}") {
        let encoded: String = password.bytes().map(|b| format!("%{b:02X}")).collect();
        let endpoint = parse(&format!("postgresql://u:{encoded}@h/d"));
        let endpoint = endpoint.map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(endpoint.password.map(|p| p.expose_secret().to_owned()), Some(password));
    }
}
