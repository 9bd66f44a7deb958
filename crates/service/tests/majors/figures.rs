//! Every figure beside what plain SQL says, on a primary and on its standby, of each major.

use crate::{
    server::{MAJORS, Pair, connect, login, pair, round, spec, until},
    truth::{Statements, Truth, ask, disk, of},
};
use reeve_adapter::WireClient;
use reeve_estate::Collector;
use reeve_model::{Figure, UnixMs, snapshot::TargetSnapshot};
use reeve_rules::{FIGURES, figures};
use std::{collections::HashMap, fmt::Write as _};

/// A line for each figure, a column for each major: `right`, `none` (plain SQL has none either), or why Reeve has none.
#[tokio::test(flavor = "multi_thread")]
async fn a7_b2_every_figure_is_right_or_says_why_on_13_to_18() {
    let (mut primaries, mut standbys, mut whys) = (Vec::new(), Vec::new(), Vec::new());
    for major in MAJORS {
        let Some(pair) = pair(major).await else { return println!("SKIP no PostgreSQL {major} here: scripts/setup.sh test fetches it") };
        let (primary, standby) = look(major, &pair, &mut whys).await;
        primaries.push(primary);
        standbys.push(standby);
    }
    let mut text = String::new();
    for (place, all) in [("primary", &primaries), ("standby", &standbys)] {
        let majors = MAJORS.map(|m| format!("{m:<8}")).concat();
        writeln!(text, "{:<38}{majors}", format!("# {place}")).unwrap();
        for def in FIGURES {
            let words: String = all.iter().map(|of| format!("{:<8}", of[def.id])).collect();
            writeln!(text, "{:<38}{}", def.id, words.trim_end()).unwrap();
        }
    }
    whys.sort();
    whys.dedup();
    insta::assert_snapshot!(format!("{text}\n# why\n{}", whys.join("\n")));
}

type Words = HashMap<&'static str, String>;

/// One round before and one after things happened, each beside what plain SQL says then.
async fn look(major: u32, pair: &Pair, whys: &mut Vec<String>) -> (Words, Words) {
    let admin = connect(&pair.primary.url("postgres"), "reeve/truth").await;
    let other = connect(&pair.standby.url("postgres"), "reeve/truth").await;
    until(&admin, "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'").await;
    admin.batch_execute("CREATE TABLE mark ()").await.unwrap();
    until(&other, "SELECT pg_last_xact_replay_timestamp() IS NOT NULL").await;
    admin.execute("SELECT pg_create_physical_replication_slot('held', true)", &[]).await.unwrap();
    let (mut here, mut there) = (Collector::new(spec(&pair.primary)), Collector::new(spec(&pair.standby)));
    let began = (Before::read(&admin, major, false).await, Before::read(&other, major, true).await);
    for collector in [&mut here, &mut there] {
        round(collector).await;
    }
    // Sessions hand in what they did at most once a second, and only when they do something again. So all warm up, rest and look again
    // before it counts, and the truth looks right after Reeve does, at statements first: its own are statements, too.
    Before::read(&admin, major, false).await;
    Before::read(&other, major, true).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    for collector in [&mut here, &mut there] {
        round(collector).await;
    }
    round(&mut here).await;
    let here_before = Before::read(&admin, major, false).await;
    round(&mut there).await;
    let before = (here_before, Before::read(&other, major, true).await);
    other.execute("SELECT pg_wal_replay_pause()", &[]).await.unwrap();
    let held = happen(pair, &admin).await;
    let primary = round(&mut here).await;
    let on_primary = judge(major, &admin, &primary, [&began.0, &before.0], false, whys).await;
    let standby = round(&mut there).await;
    let words = (on_primary, judge(major, &other, &standby, [&began.1, &before.1], true, whys).await);
    for (client, snapshot) in [(&admin, &primary), (&other, &standby)] {
        same_sizes(client, snapshot).await;
    }
    drop(held);
    old_extension(&admin, pair).await;
    words
}

/// Sizes and partitions of each table, on the standby too.
async fn same_sizes(client: &WireClient, snapshot: &TargetSnapshot) {
    let sql = "SELECT relname::text, pg_total_relation_size(oid), (SELECT p.relname::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid)
        FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') ORDER BY 1";
    let tables = &snapshot.tables["postgres"].value().unwrap().tables;
    let rows = client.query(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 7, "big, counted, mark, mv, wide and two partitions");
    for row in rows {
        let (name, bytes, parent): (&str, i64, Option<&str>) = (row.get(0), row.get(1), row.get(2));
        let table = tables.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("{name} is not among {tables:?}"));
        assert_eq!((table.total_bytes(), table.parent.is_some()), (Some(bytes), parent.is_some()), "{name}: {table:?}");
    }
}

/// After an upgrade of the server the extension stays at its former version until somebody updates it.
async fn old_extension(admin: &WireClient, pair: &Pair) {
    admin.batch_execute("DROP EXTENSION pg_stat_statements; CREATE EXTENSION pg_stat_statements VERSION '1.8'").await.unwrap();
    let mut collector = Collector::new(spec(&pair.primary));
    round(&mut collector).await;
    for _ in 0..9 {
        admin.batch_execute("SELECT 1 AS seen").await.unwrap();
    }
    let snapshot = round(&mut collector).await;
    let statements = snapshot.statements.value().unwrap_or_else(|| panic!("{:?}", snapshot.statements));
    let seen = statements.top.iter().find(|s| s.calls == 9);
    assert!(statements.extension_version == "1.8" && seen.is_some(), "{statements:?}");
}

/// The counters of a moment.
struct Before {
    counters: HashMap<&'static str, f64>,
    statements: HashMap<(u32, u32, i64), (f64, f64)>,
}

impl Before {
    async fn read(client: &WireClient, major: u32, standby: bool) -> Self {
        let (mut counters, statements) = (HashMap::new(), Statements::look(client).await);
        for def in FIGURES {
            let queries = match of(def.id, major >= 17) {
                Truth::Growth(sql, _) => vec![sql],
                Truth::Share(part, rest, _) => vec![part, rest],
                Truth::Drained(sql, ..) => vec![sql],
                _ => Vec::new(),
            };
            for sql in queries {
                counters.insert(sql, ask(client, sql, standby).await.unwrap().unwrap_or(0.0));
            }
        }
        Self { counters, statements }
    }
}

/// Transactions, a deadlock, a spill, a wait, open transactions. Answers the sessions that stay.
async fn happen(pair: &Pair, admin: &WireClient) -> Vec<WireClient> {
    let app = || async { connect(&login(&pair.primary, "app"), "a test").await };
    let busy = app().await;
    for n in 0..900 {
        busy.batch_execute(&format!("UPDATE big SET body = 'y{n}' WHERE id = {}", 2_000 + n)).await.unwrap();
    }
    for _ in 0..20 {
        busy.batch_execute("SELECT 1/0").await.expect_err("a division by zero");
    }
    busy.batch_execute("SET work_mem = '64kB'; SELECT count(*) FROM (SELECT body, id FROM big ORDER BY body, id DESC OFFSET 1) x")
        .await
        .unwrap();
    // Larger than the cache, so read from disk each time.
    for cluster in [&pair.primary, &pair.standby] {
        let reader = connect(&login(cluster, "app"), "a test").await;
        for _ in 0..8 {
            reader.batch_execute("SELECT count(*) FROM wide").await.unwrap();
        }
        for _ in 0..150 {
            reader.batch_execute("SELECT count(*) FROM big WHERE id < 0 OR body = ''").await.unwrap();
        }
    }
    busy.batch_execute("SELECT pg_sleep(0.02)").await.unwrap();
    // Multixact ids, and numbers of the sequence. Few: each takes more statements than transactions.
    for _ in 0..10 {
        for locker in [&busy, admin] {
            locker.batch_execute("BEGIN; SELECT id FROM big WHERE id = 3 FOR SHARE").await.unwrap();
        }
        for locker in [&busy, admin] {
            locker.batch_execute("COMMIT").await.unwrap();
        }
    }
    admin.batch_execute("SELECT count(nextval('counted_id_seq')) FROM generate_series(1, 300)").await.unwrap();
    let (one, two) = (app().await, app().await);
    one.batch_execute("BEGIN; UPDATE big SET body = 'a' WHERE id = 1001").await.unwrap();
    two.batch_execute("BEGIN; UPDATE big SET body = 'b' WHERE id = 1002").await.unwrap();
    let (a, b) = tokio::join!(
        one.batch_execute("UPDATE big SET body = 'a' WHERE id = 1002"),
        two.batch_execute("UPDATE big SET body = 'b' WHERE id = 1001")
    );
    assert!(a.is_err() != b.is_err(), "one of the two is the victim of the deadlock");
    drop((busy, one, two));
    // Sessions hand in what they counted at their end.
    until(admin, "SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'app'").await;
    until(admin, "SELECT sum(deadlocks) > 0 AND sum(temp_bytes) > 0 FROM pg_stat_database").await;
    admin.batch_execute("CHECKPOINT").await.unwrap();
    let (idle, open, slow, waits) = (app().await, app().await, app().await, app().await);
    idle.batch_execute("SELECT 1").await.unwrap();
    open.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE big SET body = 'held' WHERE id = 5").await.unwrap();
    for (client, sql) in [(slow, "SELECT pg_sleep(600)"), (waits, "UPDATE big SET body = 'late' WHERE id = 5")] {
        tokio::spawn(async move { client.batch_execute(sql).await });
    }
    until(admin, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").await;
    until(admin, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND usename = 'app'").await;
    until(admin, "SELECT coalesce(max(pg_current_wal_lsn() - replay_lsn), 0) > 50000 FROM pg_stat_replication").await;
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    vec![idle, open]
}

async fn judge(
    major: u32,
    client: &WireClient,
    snapshot: &TargetSnapshot,
    [began, before]: [&Before; 2],
    standby: bool,
    whys: &mut Vec<String>,
) -> Words {
    let after = Before::read(client, major, standby).await;
    let statements = Statements::between(&before.statements, &after.statements);
    let window = snapshot.rates.value().map_or(0.0, |r| r.window_s);
    let statements_window = snapshot.statements.value().map_or(0.0, |s| s.window_s);
    let mut words = Words::new();
    let place = if standby { "standby" } else { "primary" };
    for Figure { id, value, why, .. } in figures(snapshot, UnixMs::now(), 600_000) {
        let def = reeve_rules::figures::by_id(&id).unwrap();
        let truth = of(def.id, major >= 17);
        let grown = |sql: &'static str| after.counters[sql] - before.counters[sql];
        let (wanted, off, scale) = match truth {
            Truth::Own => {
                words.insert(def.id, if value.is_some() { "own".into() } else { "NONE".into() });
                continue;
            }
            Truth::Machine(of, off) => {
                let (taken, free) = disk(client).await;
                (Ok(Some(of(taken, free))), off, 1.0)
            }
            Truth::Now(sql, off) => (ask(client, sql, standby).await, off, 1.0),
            Truth::Growth(sql, off) => (Ok(Some(grown(sql))), off, window),
            Truth::Share(part, rest, off) => {
                let (part, rest) = (grown(part), grown(rest));
                (Ok((part + rest > 0.0).then(|| part / (part + rest))), off, 1.0)
            }
            Truth::Drained(sql, left, drain, off) => {
                let used = after.counters[sql] - began.counters[sql];
                let watched = drain(snapshot).map_or(0.0, |d| d.watched_s);
                match left {
                    None => (Ok(Some(used)), off, watched),
                    Some(left) => {
                        let left = ask(client, left, standby).await.unwrap().unwrap_or(0.0);
                        let lasts = (used > 0.0).then(|| left * watched / used);
                        (Ok(lasts), lasts.unwrap_or(0.0) * off / used.max(1.0), 1.0)
                    }
                }
            }
            Truth::Statements(read, off) => {
                let wanted = read(&statements, statements_window);
                (Ok(wanted), off * wanted.unwrap_or(0.0) + 0.02, 1.0)
            }
        };
        let word = match (value, wanted) {
            (Some(value), Ok(Some(wanted))) if (value * scale - wanted).abs() <= off + 1e-9 => "right".to_owned(),
            (Some(value), Ok(wanted)) => format!("WRONG({} not {wanted:?})", value * scale),
            (Some(value), Err(sql)) => format!("WRONG({value}, where SQL says {sql})"),
            (None, wanted) => {
                let why = why.unwrap_or_else(|| "NO REASON".to_owned());
                // For how long is another number each time.
                whys.push(format!("{id}: {}", why.split(" in the last").next().unwrap_or_default()));
                match wanted {
                    Ok(None) => "none".to_owned(),
                    // Plain SQL can't tell either on this version.
                    Err(_) => "unknown".to_owned(),
                    Ok(Some(0.0)) => "none".to_owned(),
                    Ok(Some(wanted)) => format!("LOST({wanted} on {place} {major})"),
                }
            }
        };
        words.insert(def.id, word);
    }
    words
}
