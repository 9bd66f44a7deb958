//! Secrets at rest and on their way: what is stored, what is shown, what is not (A6, G4; AT-39, AT-40, AT-41).
#![allow(clippy::unwrap_used)]

mod common;

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{EMAIL, MONITOR_PASSWORD, PASSWORD, PATIENCE, Running, Said, Shop, connect, dir, reeve, say};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{io::AsyncWriteExt, time::timeout};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER_KEY: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const STORED: &str = "canary-stored-token-77193";

/// Runs a command with something on its standard input.
async fn tell(data: &Path, arguments: &[&str], env: &[(&str, &str)], input: &str) -> Said {
    let mut command = reeve(data, arguments);
    let mut child = command.envs(env.iter().copied()).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses without reading closes the pipe.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

async fn run(data: &Path, arguments: &[&str], env: &[(&str, &str)]) -> Said {
    let mut command = reeve(data, arguments);
    command.envs(env.iter().copied());
    say(command).await
}

#[track_caller]
fn good(said: &Said) -> &Said {
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    said
}

#[track_caller]
fn bad(said: &Said, words: &[&str]) {
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    for word in words {
        assert!(said.err.contains(word) || said.out.contains(word), "{word:?} is missing in:\n{}{}", said.out, said.err);
    }
}

/// A configuration with one target whose address is stored.
fn stored_target(data: &Path) -> PathBuf {
    let path = data.join("reeve.toml");
    std::fs::write(&path, "[intervals]\ncritical = \"2s\"\n[[target]]\nname = \"shop\"\nenvironment = \"dev\"\nurl_stored = true\n")
        .unwrap();
    path
}

/// The superuser's URL of the embedded store.
fn superuser(data: &Path, database: &str) -> String {
    let pid = std::fs::read_to_string(data.join("store/pgdata/postmaster.pid")).unwrap();
    let socket = pid.lines().nth(4).unwrap().to_owned();
    let password = std::fs::read_to_string(data.join("store/superuser.password")).unwrap();
    format!("postgresql:///{database}?host={socket}&user=postgres&password={}", password.trim())
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_the_address_of_a_target_is_stored_and_used_and_never_shown() {
    let (data, shop) = (dir(), Shop::start().await);
    let config = stored_target(data.path());
    let env = [("REEVE_CONFIG", config.to_str().unwrap())];

    bad(&run(data.path(), &["serve"], &env).await, &["shop", "reeve secret set target/shop"]);
    bad(&run(data.path(), &["check"], &env).await, &["shop", "reeve secret set target/shop"]);
    for wrong in ["", "postgres://:hunter2secret@", "not a url hunter2secret"] {
        let said = tell(data.path(), &["secret", "set", "target/shop"], &env, wrong).await;
        assert_eq!(said.code, Some(1));
        assert!(!said.err.contains("hunter2secret"), "{}", said.err);
    }
    for name in ["target", "Target/shop", "target/", "target/a b", "signing-key/x"] {
        assert_ne!(tell(data.path(), &["secret", "set", name], &env, "x").await.code, Some(0), "{name}");
    }
    good(&tell(data.path(), &["secret", "set", "target/shop"], &env, &format!("{}\n", shop.url)).await);
    let check = run(data.path(), &["check"], &env).await;
    assert!(good(&check).out.contains("watcher"), "{}", check.out);

    // Beside a running Reeve, too.
    let running = Running::start(data.path(), &env).await;
    running.until("/api/targets", "a first round", |v| v["items"][0]["reach"]["state"] == "up").await;
    good(&tell(data.path(), &["secret", "set", "smtp/password"], &env, STORED).await);
    let list = run(data.path(), &["secret", "list", "--json"], &env).await;
    let listed: serde_json::Value = serde_json::from_str(&good(&list).out).unwrap();
    let names: Vec<_> = listed["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{}/{}", s["kind"].as_str().unwrap(), s["name"].as_str().unwrap()))
        .collect();
    assert!(names.contains(&"target/shop".to_owned()) && names.contains(&"smtp/password".to_owned()), "{names:?}");
    assert!(!list.out.contains(MONITOR_PASSWORD) && !list.out.contains(STORED), "{}", list.out);
    // AT-41: no answer that a browser or a script can get has it.
    for path in ["/api/targets", "/admin/targets/shop", "/admin/db-health", "/api/db/health", "/api/targets/shop/tables"] {
        let body = running.get(path).await.text().await.unwrap();
        assert!(!body.contains(MONITOR_PASSWORD), "{path}");
    }
    assert_eq!(running.stop().await, Some(0));

    good(&run(data.path(), &["secret", "remove", "target/shop"], &env).await);
    bad(&run(data.path(), &["secret", "remove", "target/shop"], &env).await, &["There is no secret target/shop"]);
    bad(&run(data.path(), &["health"], &env).await, &["reeve secret set target/shop"]);
    // Given in the environment it need not be stored.
    good(&run(data.path(), &["check"], &[env[0], ("REEVE_TARGET_SHOP_URL", &shop.url)]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn g4_a_key_is_rotated_and_a_wrong_one_changes_nothing() {
    let data = dir();
    let keys = dir();
    let (old, new) = (keys.path().join("old"), keys.path().join("new"));
    std::fs::write(&old, KEY).unwrap();
    let made = good(&run(data.path(), &["secret", "generate-key"], &[]).await).out.clone();
    assert_eq!(STANDARD.decode(made.trim()).unwrap().len(), 32);
    std::fs::write(&new, &made).unwrap();
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());

    let first = [("REEVE_SECRET_KEY_FILE", old)];
    for (name, value) in [("api/a", "one"), ("api/b", "two")] {
        good(&tell(data.path(), &["secret", "set", name], &first, value).await);
    }
    assert!(!data.path().join("secret.key").exists(), "no key is made where one is given");
    // The other key alone: neither serving nor storing nor rotating, one sentence each.
    let second = [("REEVE_SECRET_KEY_FILE", new)];
    for arguments in [&["serve"][..], &["secret", "rotate"]] {
        bad(&run(data.path(), arguments, &second).await, &["api/a", "can't be opened", "Nothing was changed"]);
    }
    bad(&tell(data.path(), &["secret", "set", "api/c"], &second, "three").await, &["can't be opened"]);
    let list = run(data.path(), &["secret", "list"], &second).await;
    assert!(good(&list).out.contains("not configured") && !list.out.contains("api/c"), "{}", list.out);

    let both = [("REEVE_SECRET_KEY_FILE", new), ("REEVE_SECRET_OLD_KEY_FILES", old)];
    assert!(good(&run(data.path(), &["secret", "rotate"], &both).await).out.starts_with("2 sealed anew"));
    assert!(good(&run(data.path(), &["secret", "rotate"], &both).await).out.starts_with("0 sealed anew"));
    // The old one is not needed any more.
    let running = Running::start(data.path(), &second).await;
    assert_eq!(running.stop().await, Some(0));
    bad(&run(data.path(), &["serve"], &first).await, &["can't be opened"]);

    // A program that writes the key.
    let command = [("REEVE_SECRET_KEY_COMMAND", format!("/bin/cat {new}"))];
    let env: Vec<(&str, &str)> = command.iter().map(|(n, v)| (*n, v.as_str())).collect();
    good(&run(data.path(), &["secret", "rotate"], &env).await);
    bad(&run(data.path(), &["serve"], &[("REEVE_SECRET_KEY_COMMAND", "/bin/false")]).await, &["failed", "by hand"]);
}

/// AT-40: rows that change places in a stolen or tampered database.
#[tokio::test(flavor = "multi_thread")]
async fn at_40_a_swapped_row_is_found_at_the_start() {
    let data = dir();
    let env = [("REEVE_SECRET_KEY", KEY)];
    let running = Running::start(data.path(), &env).await;
    for (name, value) in [("api/a", "one"), ("api/b", "two")] {
        good(&tell(data.path(), &["secret", "set", name], &env, value).await);
    }
    let root = connect(&superuser(data.path(), "reeve")).await;
    root.batch_execute(
        "UPDATE main.secret s SET sealed = o.sealed, key_id = o.key_id FROM main.secret o WHERE o.name <> s.name AND s.kind = 'api'",
    )
    .await
    .unwrap();
    let rows: i64 = root.query_one("SELECT count(DISTINCT sealed) FROM main.secret", &[]).await.unwrap().get(0);
    assert_eq!(rows, 2);
    assert_eq!(running.stop().await, Some(0));
    bad(&run(data.path(), &["serve"], &env).await, &["api/a", "changed, or belongs to another place"]);
    // Taking them away needs no key.
    for name in ["api/a", "api/b"] {
        good(&run(data.path(), &["secret", "remove", name], &[("REEVE_SECRET_KEY", OTHER_KEY)]).await);
    }
}

/// Typed at a terminal it is not shown, and the terminal is as before.
#[tokio::test(flavor = "multi_thread")]
async fn at_39_a_typed_value_is_not_echoed() {
    use nix::{
        pty::openpty,
        sys::termios::{LocalFlags, tcgetattr},
    };
    let data = dir();
    let pty = openpty(None, None).unwrap();
    let (screen, keyboard) = (pty.master.try_clone().unwrap(), std::fs::File::from(pty.master));
    let mut command = reeve(data.path(), &["secret", "set", "api/typed"]);
    command.stdin(Stdio::from(pty.slave.try_clone().unwrap())).stderr(Stdio::from(pty.slave.try_clone().unwrap()));
    let child = command.spawn().unwrap();
    drop(command);
    let typing = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let (mut screen, mut keyboard) = (std::fs::File::from(screen), keyboard);
        let (mut seen, mut bytes) = (String::new(), [0_u8; 256]);
        while !seen.contains("api/typed: ") {
            let count = screen.read(&mut bytes).unwrap();
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        writeln!(keyboard, "{STORED}").unwrap();
        (seen, screen)
    });
    let (mut seen, mut screen) = timeout(PATIENCE, typing).await.unwrap().unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success());
    assert!(tcgetattr(&pty.slave).unwrap().local_flags.contains(LocalFlags::ECHO), "the terminal shows again what is typed");
    drop(pty.slave);
    let rest = tokio::task::spawn_blocking(move || {
        let mut rest = Vec::new();
        // Linux ends a terminal without a other end with an error; what came before is read.
        let _ = std::io::Read::read_to_end(&mut screen, &mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    });
    seen.push_str(&timeout(PATIENCE, rest).await.unwrap().unwrap());
    assert!(!seen.contains(STORED), "{seen}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("api/typed is stored"));
}

/// Every way a canary could be written down.
fn forms(canary: &str) -> Vec<Vec<u8>> {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let bytes = canary.as_bytes();
    let mut forms = vec![bytes.to_vec(), hex(bytes).into_bytes(), hex(bytes).to_uppercase().into_bytes()];
    // The three ways it can stand inside longer base64; the characters at its ends depend on their neighbours.
    for skip in 0..3 {
        let padded = STANDARD.encode([&b"\0\0\0"[..skip], bytes].concat());
        forms.push(padded.as_bytes()[4..padded.len() - 4].to_vec());
    }
    // A key is also its 32 bytes.
    if canary.len() == 64 {
        forms.push((0..32).map(|i| u8::from_str_radix(&canary[2 * i..2 * i + 2], 16).unwrap()).collect());
    }
    forms
}

/// Names each canary that is found.
fn hits(what: &str, haystack: &[u8], canaries: &[&str]) -> Vec<String> {
    let forms: Vec<(&str, Vec<u8>)> = canaries.iter().flat_map(|c| forms(c).into_iter().map(move |form| (*c, form))).collect();
    // One walk for all: where none of the forms can begin, nothing is compared. Files of a server are large.
    let pair = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    let mut begins = vec![false; 1 << 16];
    forms.iter().for_each(|(_, form)| begins[pair(form)] = true);
    let mut found = std::collections::BTreeSet::new();
    for at in 0..haystack.len().saturating_sub(1) {
        let rest = &haystack[at..];
        if begins[pair(rest)] {
            found.extend(forms.iter().filter(|(_, form)| rest.starts_with(form)).map(|(canary, _)| *canary));
        }
    }
    found.into_iter().map(|canary| format!("{canary} in {what}")).collect()
}

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), into);
        } else {
            into.push(entry.path());
        }
    }
}

/// AT-39: known secrets everywhere, Reeve succeeding and failing in every way, and then a look for them in all it has left behind.
#[tokio::test(flavor = "multi_thread")]
async fn at_39_no_secret_is_in_output_pages_logs_or_the_store() {
    let (data, shop) = (dir(), Shop::start().await);
    let config = stored_target(data.path());
    let unreachable = format!("postgres://watcher:{MONITOR_PASSWORD}@127.0.0.1:1/shop?sslmode=disable");
    let env = [
        ("REEVE_CONFIG", config.to_str().unwrap()),
        ("REEVE_SECRET_KEY", KEY),
        ("REEVE_TARGET_AWAY_URL", unreachable.as_str()),
        ("REEVE_LOG", "debug"),
    ];
    let canaries = [PASSWORD, MONITOR_PASSWORD, STORED, KEY];
    // The search must be able to find something.
    assert_eq!(hits("itself", STANDARD.encode(format!("x{STORED}")).as_bytes(), &canaries).len(), 1);
    let mut found = Vec::new();
    let mut note = |what: &str, said: &Said| found.extend(hits(what, format!("{}{}", said.out, said.err).as_bytes(), &canaries));

    note("set", good(&tell(data.path(), &["secret", "set", "target/shop"], &env, &shop.url).await));
    note("set", good(&tell(data.path(), &["secret", "set", "api/token"], &env, STORED).await));
    note("set of nonsense", &tell(data.path(), &["secret", "set", "target/shop"], &env, &format!("x://{MONITOR_PASSWORD}")).await);
    note("list", good(&run(data.path(), &["secret", "list"], &env).await));
    note("check", &run(data.path(), &["check"], &env).await);
    note("health", &run(data.path(), &["health"], &env).await);
    let wrong_key = [env[0], ("REEVE_SECRET_KEY", OTHER_KEY), env[2]];
    note("a wrong key", &run(data.path(), &["serve"], &wrong_key).await);
    for (name, value) in
        [("REEVE_SECRET_KEY", format!("{KEY}00")), ("REEVE_TARGET_AWAY_URL", format!("postgres://u:{MONITOR_PASSWORD}@:x/"))]
    {
        let said = run(data.path(), &["serve"], &[env[0], (name, &value)]).await;
        assert_eq!(said.code, Some(2), "{}", said.err);
        note("a bad configuration", &said);
    }
    let dead = format!("postgres://reeve:{MONITOR_PASSWORD}@127.0.0.1:1/reeve?sslmode=disable");
    note("no store", &run(data.path(), &["serve"], &[("DATABASE_URL", &dead), env[1], ("REEVE_ADMIN_PASSWORD", PASSWORD), env[3]]).await);

    let mut running = Running::start(data.path(), &env).await;
    running
        .until("/api/targets", "a first round", |v| v["items"].as_array().is_some_and(|i| i.iter().any(|t| t["reach"]["state"] == "up")))
        .await;
    // Wrong ways in, absurd requests, and the right ones.
    for body in [serde_json::json!({"email": EMAIL, "password": format!("{PASSWORD}x")}), serde_json::json!({"email": PASSWORD})] {
        let answer = running.post_json("/api/auth/login", &body).await.text().await.unwrap();
        found.extend(hits("a refused login", answer.as_bytes(), &canaries));
    }
    let mut pages =
        vec!["/admin/targets/away".to_owned(), "/admin/targets/shop".to_owned(), "/nowhere".to_owned(), "/admin/targets/%00".to_owned()];
    let described: serde_json::Value = running.get("/api/openapi.json").await.json().await.unwrap_or_default();
    pages.extend(described["paths"].as_object().into_iter().flatten().map(|(path, _)| path.replace("{name}", "shop")));
    pages.extend(
        [
            "/",
            "/metrics",
            "/live",
            "/ready",
            "/admin/db-health",
            "/admin/targets",
            "/api/targets",
            "/api/db/health",
            "/api/health/connections",
            "/sign-in",
        ]
        .map(str::to_owned),
    );
    for page in pages.iter().filter(|page| !page.contains("live?") && *page != "/admin/live") {
        for answer in [running.get(page).await, running.anonymous(page).await] {
            let headers = format!("{:?}", answer.headers());
            found.extend(hits(page, headers.as_bytes(), &canaries));
            found.extend(hits(page, &answer.bytes().await.unwrap(), &canaries));
        }
    }
    // The whole store, as whoever steals a dump would have it.
    let installation = reeve_cluster::binaries::choose(&reeve_cluster::binaries::installed(), None).unwrap();
    let dump = tokio::process::Command::new(installation.program("pg_dump"))
        .arg("--dbname")
        .arg(superuser(data.path(), "reeve"))
        .output()
        .await
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8_lossy(&dump.stdout);
    assert!(text.contains("main.secret") && text.contains("target\tshop") && text.contains("api\ttoken"), "the sealed ones are in it");
    found.extend(hits("the dump", &dump.stdout, &canaries));
    let heard = running.heard().join("\n");
    found.extend(hits("the log", heard.as_bytes(), &canaries));
    let pid = running.child.id().unwrap();
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    found.extend(hits("the process list", &line, &canaries));
    assert_eq!(running.stop().await, Some(0));

    // Files of the server: tables, write-ahead log, its own log.
    let mut all = Vec::new();
    files(data.path(), &mut all);
    assert!(all.len() > 500);
    for file in all {
        found.extend(hits(&file.display().to_string(), &std::fs::read(&file).unwrap(), &canaries));
    }
    assert!(found.is_empty(), "{found:#?}");
}
