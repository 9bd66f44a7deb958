//! TLS to a real PostgreSQL with `ssl = on`, as `reeve check` sees it (A6, A9).
#![allow(clippy::unwrap_used)]

mod common;

use common::{MONITOR_PASSWORD, Said, Shop, connect, dir, reeve, say};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

/// An authority with a certificate for one address.
struct Papers {
    authority: String,
    certificate: String,
    key: String,
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
        // Loopback has 16 million addresses: two of this process's own need no free port.
        let id = std::process::id();
        let [named, other] = [1, 2].map(|last| format!("127.{}.{}.{last}", 64 + (id >> 8 & 63), id & 255));
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
