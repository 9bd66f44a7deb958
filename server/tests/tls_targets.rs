//! TLS to a real PostgreSQL with `ssl = on`, as `reeve check` sees it (A6, A9).
#![allow(clippy::unwrap_used)]

mod common;

use common::{MONITOR_PASSWORD, Said, Shop, connect, dir, reeve, say};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU8, Ordering},
};

/// An authority with a certificate for one address.
struct Papers {
    authority: String,
    certificate: String,
    key: String,
}

/// A certificate for a login: `cert` in pg_hba.conf reads the role from its common name.
fn login_papers(authority: &str, role: &str) -> Papers {
    let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.distinguished_name.push(DnType::CommonName, authority);
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut own = CertificateParams::new(Vec::new()).unwrap();
    own.distinguished_name = rcgen::DistinguishedName::new();
    own.distinguished_name.push(DnType::CommonName, role);
    let certificate = own.signed_by(&key, &Issuer::from_params(&root, &root_key)).unwrap();
    Papers { authority: root.self_signed(&root_key).unwrap().pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

fn papers(authority: &str, address: &str) -> Papers {
    let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.distinguished_name.push(DnType::CommonName, authority);
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = CertificateParams::new([address.to_owned()]).unwrap();
    let certificate = own.signed_by(&key, &Issuer::from_params(&root, &root_key)).unwrap();
    Papers { authority: root.self_signed(&root_key).unwrap().pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

/// The next address of this process that no door has taken.
static DOORS: AtomicU8 = AtomicU8::new(1);

/// A server that listens on two addresses of this machine with a certificate for the first of them.
struct Door {
    shop: Shop,
    /// What the certificate is made out to.
    named: String,
    /// Where the same server is reached too.
    other: String,
    right: PathBuf,
    wrong: PathBuf,
    _files: tempfile::TempDir,
}

impl Door {
    async fn open() -> Self {
        let mut shop = Shop::start().await;
        // Loopback has 16 million addresses: two of this door's own need no free port.
        let (id, first) = (std::process::id(), DOORS.fetch_add(2, Ordering::Relaxed));
        let [named, other] = [first, first + 1].map(|last| format!("127.{}.{}.{last}", 64 + (id >> 8 & 63), id & 255));
        let (mine, foreign) = (papers("an authority", &named), papers("another authority", &named));
        let files = dir();
        let put = |name: &str, text: &str| {
            let path = files.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (right, wrong) = (put("right.pem", &mine.authority), put("wrong.pem", &foreign.authority));
        let (certificate, key) = (put("server.pem", &mine.certificate), put("server.key", &mine.key));
        // The server refuses a key that others can read, and must be able to read it itself.
        let server = std::fs::metadata(shop.cluster.dir().join("pgdata")).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&key, Some(server.uid()), Some(server.gid())).unwrap();
        for setting in [
            format!("listen_addresses = '{named},{other}'"),
            format!("ssl_cert_file = '{}'", certificate.display()),
            format!("ssl_key_file = '{}'", key.display()),
            "ssl = on".to_owned(),
        ] {
            shop.admin.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
        }
        shop.cluster.start_again().await.unwrap();
        shop.admin = connect(&shop.cluster.url("shop")).await;
        Self { shop, named, other, right, wrong, _files: files }
    }

    /// What `reeve check` says of a target at this address.
    async fn check(&self, address: &str, rest: &str) -> Said {
        let data = dir();
        let mut command = reeve(data.path(), &["check"]);
        command.env("REEVE_TARGET_SHOP_URL", format!("postgres://watcher:{MONITOR_PASSWORD}@{address}:5432/shop?{rest}"));
        say(command).await
    }
}

fn root(path: &Path) -> String {
    format!("sslmode=verify-full&sslrootcert={}", path.display())
}

/// The target's row in the table, cell by cell.
fn row(said: &Said) -> Vec<&str> {
    said.out.lines().find(|line| line.starts_with("shop ")).unwrap_or_default().split_whitespace().collect()
}

fn works(said: &Said, encrypted: &str) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(0), "{all}");
    assert_eq!(row(said).last(), Some(&encrypted), "{all}");
}

/// One sentence about the target, which says this, and an exit code that scripts understand.
fn refused(said: &Said, words: &[&str]) {
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(1), "{all}");
    let sentences: Vec<&str> = said.out.lines().filter(|line| line.starts_with("shop: ")).collect();
    assert_eq!(sentences.len(), 1, "one sentence: {all}");
    for word in words {
        assert!(sentences[0].contains(word), "{word:?} is missing in:\n{all}");
    }
    assert!(!all.contains(MONITOR_PASSWORD) && !all.contains("PRIVATE KEY") && !all.contains("panicked"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_each_fault_of_a_certificate_is_told_apart_by_check() {
    let door = Door::open().await;
    let (named, other) = (door.named.as_str(), door.other.as_str());
    works(&door.check(named, &root(&door.right)).await, "yes");
    works(&door.check(named, "sslmode=require").await, "yes");
    works(&door.check(other, "sslmode=require").await, "yes");
    works(&door.check(named, "sslmode=disable").await, "no");
    works(&door.check(other, &format!("sslmode=verify-ca&sslrootcert={}", door.right.display())).await, "yes");

    let unknown = ["not signed by an authority that is trusted here", "correct sslrootcert"];
    refused(&door.check(named, &root(&door.wrong)).await, &unknown);
    refused(&door.check(named, "sslmode=verify-full").await, &unknown);
    refused(&door.check(other, &root(&door.right)).await, &["made out to another host name", "host name, or choose another sslmode"]);
    let nowhere = door.right.with_file_name("nowhere.pem");
    refused(&door.check(named, &root(&nowhere)).await, &["nowhere.pem", "can't be used"]);

    door.shop.admin.batch_execute("ALTER SYSTEM SET ssl = off").await.unwrap();
    door.shop.admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let off = common::until("ssl is off", || async {
        let said = door.check(named, "sslmode=require").await;
        (said.code != Some(0)).then_some(said)
    });
    let off = off.await;
    refused(&off, &["does not offer TLS", "switch it on there, or use sslmode=disable"]);
    works(&door.check(named, "sslmode=prefer").await, "no");
    door.shop.admin.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    door.shop.admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    common::until("ssl is on", || async { (door.check(named, "sslmode=require").await.code == Some(0)).then_some(()) }).await;
}

/// A login without a password, by a certificate, through both drivers and PostgreSQL's own programs.
#[tokio::test(flavor = "multi_thread")]
async fn a6_a_login_by_certificate_gets_in_everywhere_and_a_foreign_one_nowhere() {
    let door = Door::open().await;
    let (mine, foreign) = (login_papers("a login authority", "papers"), login_papers("another login authority", "papers"));
    let put = |name: &str, text: &str| {
        let path = door.right.with_file_name(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let (certificate, key) = (put("login.pem", &mine.certificate), put("login.key", &mine.key));
    let (other, other_key) = (put("other.pem", &foreign.certificate), put("other.key", &foreign.key));
    let authority = put("login-root.pem", &mine.authority);
    std::fs::set_permissions(&authority, std::fs::Permissions::from_mode(0o644)).unwrap();
    let rules = door.shop.cluster.dir().join("pgdata/pg_hba.conf");
    let before = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, format!("hostssl all papers 127.0.0.0/8 cert\n{before}")).unwrap();
    for sql in [
        "CREATE ROLE papers LOGIN SUPERUSER".to_owned(),
        format!("ALTER SYSTEM SET ssl_ca_file = '{authority}'"),
        "SELECT pg_reload_conf()".to_owned(),
    ] {
        door.shop.admin.batch_execute(&sql).await.unwrap();
    }
    let url = |certificate: &str, key: &str| {
        let (named, root) = (&door.named, root(&door.right));
        format!("postgres://papers@{named}:5432/shop?{root}&sslcert={certificate}&sslkey={key}")
    };
    let data = dir();
    let run = async |arguments: &[&str], variable: &str, url: &str| {
        let mut command = reeve(data.path(), arguments);
        command.env(variable, url);
        say(command).await
    };
    let (target, good) = ("REEVE_TARGET_SHOP_URL", url(&certificate, &key));
    let let_in = common::until("the login", || async {
        let said = run(&["check"], target, &good).await;
        (said.code == Some(0)).then_some(said)
    });
    works(&let_in.await, "yes");
    // The other driver, which Reeve's own store goes through.
    let status = run(&["migrate", "status"], "DATABASE_URL", &good).await;
    assert!(status.out.contains("pending") && status.err.is_empty(), "{}{}", status.out, status.err);
    let backup = run(&["backup", "run", "shop", "--json"], target, &good).await;
    assert_eq!(backup.code, Some(0), "{}{}", backup.out, backup.err);

    let bare = format!("postgres://papers@{}:5432/shop?{}", door.named, root(&door.right));
    for (wrong, words) in [
        (url(&other, &other_key), ["shop: "].as_slice()),
        (bare, ["client certificate"].as_slice()),
        (url("/nowhere.pem", &key), ["sslcert /nowhere.pem", "can't be used"].as_slice()),
        (url(&certificate, "/nowhere.key"), ["sslkey /nowhere.key", "can't be used"].as_slice()),
        (url(&certificate, &other_key), ["sslcert", "can't be used"].as_slice()),
    ] {
        refused(&run(&["check"], target, &wrong).await, words);
    }
    let lost = run(&["migrate", "status"], "DATABASE_URL", &url(&certificate, "/nowhere.key")).await;
    assert!(lost.code == Some(1) && lost.err.contains("can't be reached") && !lost.err.contains("panicked"), "{}", lost.err);
}
