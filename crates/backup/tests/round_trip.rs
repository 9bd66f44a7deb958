//! From a database to a backup and back, each time on real servers.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DATABASE, back_up, cluster, config, connect, dir, endpoint, engine, pair, request, run_sql};
use reeve_backup::{DrillRequest, Engine, Keys, Over, Progress, PutBackReport, PutBackRequest, RestoreRequest, RunRequest, TableName};
use reeve_model::backup::{AmcheckOutcome, BackupTrust, DrillOutcome, JobPhase, JobProgress, VerificationLevel};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn d1_d4_d5_a_backup_is_listed_verified_and_drilled() {
    let (cluster, dir) = (cluster().await, dir());
    let (recipients, identity) = pair();
    let engine = Engine::open(config(dir.path(), Keys::read(&recipients, Some(&identity)).unwrap())).await.unwrap();
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let heard = Arc::new(Mutex::new(Vec::<JobProgress>::new()));
    let ear = heard.clone();
    let progress = Progress::new(move |now| ear.lock().unwrap().push(now));
    let backup = engine.run(request(endpoint(&cluster, DATABASE)), &progress, &cancel).await.unwrap();

    let mut phases: Vec<_> = heard.lock().unwrap().iter().map(|now| now.phase).collect();
    phases.dedup();
    assert_eq!(phases, [JobPhase::Preflight, JobPhase::Dump, JobPhase::Store, JobPhase::Commit]);
    assert_eq!(backup.database.name, DATABASE);
    assert_eq!((backup.encrypted_to.clone(), backup.whole, backup.server_major), (recipients, true, cluster.major()));
    let rows = |name: &str| backup.tables.iter().find(|t| t.name == name).unwrap().rows;
    assert_eq!((rows("customers"), rows("orders"), rows("empty"), rows("no_columns")), (Some(20_000), Some(60_000), Some(0), Some(0)));
    assert_eq!((rows("parent"), rows("child")), (Some(3), Some(1)), "a parent is counted without its children");
    assert!(!backup.tables.iter().any(|t| t.name == "events"), "a partitioned table has no rows of its own");
    assert!(backup.plain_bytes > 2 * backup.size_bytes && backup.size_bytes > 100_000, "{} of {}", backup.size_bytes, backup.plain_bytes);
    assert!(common::left_in_scratch(dir.path()).is_empty());

    // From storage alone, by somebody who has no key.
    let stranger = engine_without_key(dir.path()).await;
    let listed = stranger.list().await.unwrap();
    assert_eq!(listed.entries.len(), 1);
    assert_eq!((&listed.entries[0].backup, listed.entries[0].trust()), (&backup, BackupTrust::Written));
    let digests = stranger.verify(&backup.id, VerificationLevel::Digests, &silent, &cancel).await.unwrap();
    assert!(digests.passed() && digests.bytes == backup.size_bytes, "{digests:?}");
    assert_eq!(engine.show(&backup.id).await.unwrap().trust(), BackupTrust::Intact);

    let full = engine.verify(&backup.id, VerificationLevel::Full, &silent, &cancel).await.unwrap();
    assert!(full.passed(), "{full:?}");
    assert_eq!(engine.show(&backup.id).await.unwrap().trust(), BackupTrust::Verified);

    let drill = engine.drill(&DrillRequest::new(backup.id.clone()), &silent, &cancel).await.unwrap();
    assert_eq!((drill.outcome, &drill.failure, &drill.amcheck), (DrillOutcome::Passed, &None, &AmcheckOutcome::Passed), "{drill:?}");
    assert_eq!((drill.tables_compared, Some(drill.rows_compared)), (backup.tables.len() as u64, backup.rows()));
    assert!(drill.rto.unwrap().measured_ms > 0 && drill.notes.is_empty(), "{drill:?}");
    assert_eq!(engine.show(&backup.id).await.unwrap().trust(), BackupTrust::Drilled);
    assert!(common::left_in_scratch(dir.path()).is_empty(), "the private server and its files are gone");

    let hurried = DrillRequest { rto_target: Duration::from_millis(1), ..DrillRequest::new(backup.id.clone()) };
    assert_eq!(engine.drill(&hurried, &silent, &cancel).await.unwrap().outcome, DrillOutcome::Late);
}

async fn engine_without_key(dir: &std::path::Path) -> Engine {
    engine(dir).await
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_rows_are_those_of_the_snapshot_while_the_database_goes_on() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let writer = connect(&cluster, DATABASE).await;
    let done = CancellationToken::new();
    let until = done.clone();
    let writing = tokio::spawn(async move {
        let mut rounds = 0;
        while !until.is_cancelled() {
            let sql = "INSERT INTO public.orders SELECT max(id) + 1, 1, 'late' FROM public.orders; DELETE FROM public.customers WHERE id = \
                       (SELECT max(c.id) FROM public.customers c WHERE NOT EXISTS (SELECT FROM public.orders o WHERE o.customer = c.id)); \
                       UPDATE public.parent SET n = n + 1";
            writer.batch_execute(sql).await.unwrap();
            rounds += 1;
        }
        rounds
    });
    let backup = back_up(&engine, &cluster).await;
    done.cancel();
    assert!(writing.await.unwrap() > 3, "something was written meanwhile");
    let drill = engine.drill(&DrillRequest::new(backup.id), &Progress::silent(), &CancellationToken::new()).await.unwrap();
    assert_eq!(drill.outcome, DrillOutcome::Passed, "{drill:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_restore_is_beside_the_original_and_replaces_it_only_by_its_typed_name() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let backup = back_up(&engine, &cluster).await;
    run_sql(&cluster, DATABASE, "DROP TABLE public.orders").await;

    let beside = RestoreRequest { id: backup.id.clone(), server: endpoint(&cluster, "postgres"), database: None, tables: None, over: None };
    let report = engine.restore(&beside, &silent, &cancel).await.unwrap();
    assert!(report.database.starts_with(&format!("{DATABASE}_restored_")) && report.differences.is_empty(), "{report:?}");
    assert_eq!(Some(report.rows_compared), backup.rows());
    let count = |client: reeve_adapter::WireClient| async move {
        client.query_one("SELECT count(*) FROM public.orders", &[]).await.ok().map(|row| row.get::<_, i64>(0))
    };
    assert_eq!(count(connect(&cluster, &report.database).await).await, Some(60_000));
    assert_eq!(count(connect(&cluster, DATABASE).await).await, None, "the original is left alone");

    // Somebody is connected: that must not keep it from being replaced. Nor must pools that come back at once.
    let bystander = connect(&cluster, DATABASE).await;
    let (stop, original) = (CancellationToken::new(), endpoint(&cluster, DATABASE));
    // A failure below must end them too: the runtime waits for them.
    let _ends = stop.clone().drop_guard();
    let pools: Vec<_> = (0..8).map(|_| tokio::spawn(come_back(original.clone(), stop.clone()))).collect();
    let over = |typed: &str| RestoreRequest { over: Some(Over { database: DATABASE.into(), typed: typed.into() }), ..beside.clone() };
    let refused = engine.restore(&over("shop"), &silent, &cancel).await.unwrap_err().to_string();
    assert!(refused.contains("typed"), "{refused}");
    let report = engine.restore(&over(DATABASE), &silent, &cancel).await.unwrap();
    let kept = report.kept_as.unwrap();
    stop.cancel();
    for pool in pools {
        assert!(pool.await.unwrap() > 0, "it was connected");
    }
    assert_eq!(report.database, DATABASE);
    assert_eq!(count(connect(&cluster, DATABASE).await).await, Some(60_000));
    assert_eq!(count(connect(&cluster, &kept).await).await, None, "the one before is kept as it was, and lets people in");
    assert!(bystander.query_one("SELECT 1", &[]).await.is_err());

    let taken = RestoreRequest { database: Some(DATABASE.into()), ..beside.clone() };
    assert!(engine.restore(&taken, &silent, &cancel).await.unwrap_err().to_string().contains("already"));

    // Whatever is done within one second gets a name of its own: that the two before this one did not was a matter of luck.
    let pair = tokio::join!(engine.restore(&beside, &silent, &cancel), engine.restore(&beside, &silent, &cancel));
    let names = [pair.0.unwrap().database, pair.1.unwrap().database];
    assert!(names[0] != names[1] && names.iter().all(|name| name.starts_with(&format!("{DATABASE}_restored_"))), "{names:?}");
}

/// A client that connects anew as soon as it is cut off. Answers how often it was in.
async fn come_back(original: reeve_adapter::Endpoint, stop: CancellationToken) -> usize {
    let mut times = 0;
    while !stop.is_cancelled() {
        if let Ok(client) = reeve_adapter::wire::connect(&original, reeve_adapter::WireOptions::new("a pool")).await {
            times += 1;
            tokio::select! {
                _ = client.batch_execute("SELECT pg_sleep(60)") => {}
                () = stop.cancelled() => {}
            }
        }
        // Where the server is gone, connecting fails at once and never waits.
        tokio::task::yield_now().await;
    }
    times
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_chosen_tables_are_backed_up_and_restored_with_the_whole_structure() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let odd = TableName { schema: "odd schema".into(), name: "Odd \"name\", with \\ and 'quotes'".into() };
    let some = vec![TableName::parse("public.orders"), odd.clone()];
    let backup = engine.run(RunRequest { tables: Some(some), ..request(endpoint(&cluster, DATABASE)) }, &silent, &cancel).await.unwrap();
    assert_eq!((backup.whole, backup.tables.len(), backup.rows()), (false, 2, Some(60_003)));
    let drill = engine.drill(&DrillRequest::new(backup.id.clone()), &silent, &cancel).await.unwrap();
    assert_eq!((drill.outcome, drill.rows_compared), (DrillOutcome::Passed, 60_003), "{drill:?}");

    let whole = back_up(&engine, &cluster).await;
    let one = RestoreRequest {
        id: whole.id,
        server: endpoint(&cluster, "postgres"),
        database: Some("one table".into()),
        tables: Some(vec![odd]),
        over: None,
    };
    let report = engine.restore(&one, &silent, &cancel).await.unwrap();
    assert_eq!((report.tables_compared, report.rows_compared, report.differences.len()), (1, 3, 0), "{report:?}");
    let others = connect(&cluster, "one table").await.query_one("SELECT count(*) FROM public.orders", &[]).await.unwrap();
    assert_eq!(others.get::<_, i64>(0), 0, "the structure is there, the rows of others are not");

    let missing = RunRequest { tables: Some(vec![TableName::parse("nope")]), ..request(endpoint(&cluster, DATABASE)) };
    assert!(engine.run(missing, &silent, &cancel).await.unwrap_err().to_string().contains("no table public.nope"));
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_dropped_table_is_put_back_from_a_restore_and_nothing_that_is_there_is_touched() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = engine(dir.path()).await;
    let (silent, cancel) = (Progress::silent(), CancellationToken::new());
    let backup = back_up(&engine, &cluster).await;
    let server = endpoint(&cluster, DATABASE);
    let restore =
        RestoreRequest { id: backup.id.clone(), server: server.clone(), database: Some("b'side".into()), tables: None, over: None };
    engine.restore(&restore, &silent, &cancel).await.unwrap();
    let odd = TableName { schema: "odd schema".into(), name: r#"Odd "name", with \ and 'quotes'"#.into() };
    let put = |table: TableName| PutBackRequest { id: backup.id.clone(), server: server.clone(), from: "b'side".into(), table };
    for table in [odd.clone(), TableName::parse("customers")] {
        let there = engine.put_back(&put(table), &silent, &cancel).await.unwrap_err().to_string();
        assert!(there.contains("already, and nothing that is there is touched"), "{there}");
    }
    run_sql(&cluster, DATABASE, r#"DROP TABLE public.customers CASCADE; DROP SCHEMA "odd schema" CASCADE"#).await;
    let gone = engine.put_back(&put(odd.clone()), &silent, &cancel).await.unwrap_err().to_string();
    assert!(gone.contains(r#"CREATE SCHEMA "odd schema""#), "{gone}");
    run_sql(&cluster, DATABASE, r#"CREATE SCHEMA "odd schema""#).await;
    // One that points to what is not there yet says what goes first.
    run_sql(&cluster, DATABASE, "DROP TABLE public.orders").await;
    let early = engine.put_back(&put(TableName::parse("orders")), &silent, &cancel).await.unwrap_err().to_string();
    assert!(early.contains("put public.customers back first"), "{early}");
    for (table, rows, keys) in [(odd, 3, 0), (TableName::parse("customers"), 20_000, 0), (TableName::parse("orders"), 60_000, 0)] {
        // What was dropped with the customers and is not made again is named.
        let views_missing = if table.name == "customers" { vec!["public.moods".to_owned()] } else { Vec::new() };
        let report = engine.put_back(&put(table), &silent, &cancel).await.unwrap();
        let database = DATABASE.to_owned();
        assert_eq!(report, PutBackReport { database, rows, difference: None, keys, keys_missing: Vec::new(), views_missing });
    }
    // The key of another table, which went with the dropped one, points to it again, and is proven.
    run_sql(&cluster, DATABASE, "DROP TABLE public.customers CASCADE").await;
    let report = engine.put_back(&put(TableName::parse("customers")), &silent, &cancel).await.unwrap();
    assert_eq!((report.keys, report.keys_missing), (1, Vec::new()));
    // Moved away, a table takes the keys along: they are not back, and it is said.
    run_sql(&cluster, DATABASE, "ALTER TABLE public.customers SET SCHEMA \"odd schema\"").await;
    let report = engine.put_back(&put(TableName::parse("customers")), &silent, &cancel).await.unwrap();
    assert!(report.keys == 0 && report.keys_missing.len() == 1, "{report:?}");
    assert!(report.keys_missing[0].contains("but it points to \"odd schema\".customers"), "{report:?}");
    run_sql(&cluster, DATABASE, "DROP TABLE \"odd schema\".customers CASCADE").await;
    run_sql(&cluster, DATABASE, "DROP TABLE public.customers CASCADE; INSERT INTO public.orders VALUES (0, -1, 'an orphan')").await;
    let report = engine.put_back(&put(TableName::parse("customers")), &silent, &cancel).await.unwrap();
    assert!(report.keys == 0 && report.keys_missing.len() == 1, "{report:?}");
    assert!(report.keys_missing[0].contains("rows of it break it"), "{report:?}");
    let key = "SELECT convalidated FROM pg_constraint WHERE conname = 'orders_customer_fkey'";
    assert!(!connect(&cluster, DATABASE).await.query_one(key, &[]).await.unwrap().get::<_, bool>(0), "new rows are checked all the same");
    let facts = "SELECT (SELECT count(*) FROM pg_indexes WHERE tablename = 'customers'),
                        (SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname LIKE 'Odd %'),
                        (SELECT attidentity::text FROM pg_attribute WHERE attrelid = 'public.customers'::regclass AND attname = 'id')";
    let row = connect(&cluster, DATABASE).await.query_one(facts, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, &str>(1), row.get::<_, &str>(2)), (2, "shop_owner", "a"));
    let nothing = engine.put_back(&put(TableName::parse("nowhere")), &silent, &cancel).await.unwrap_err().to_string();
    assert!(nothing.contains("holds no rows of a table public.nowhere"), "{nothing}");
    assert!(common::left_in_scratch(dir.path()).is_empty());
}

/// While a transaction in the table that it points to goes on and on, a table is put back without holding that table's writers up: each
/// waits for a second at most, and the key is there, proven, once that transaction has ended.
#[tokio::test(flavor = "multi_thread")]
async fn d3_a_key_to_a_busy_table_is_added_without_stopping_those_who_write_there() {
    let (cluster, dir) = (cluster().await, dir());
    let engine = std::sync::Arc::new(engine(dir.path()).await);
    let backup = back_up(&engine, &cluster).await;
    let server = endpoint(&cluster, DATABASE);
    let restore =
        RestoreRequest { id: backup.id.clone(), server: server.clone(), database: Some("beside".into()), tables: None, over: None };
    engine.restore(&restore, &Progress::silent(), &CancellationToken::new()).await.unwrap();
    run_sql(&cluster, DATABASE, "DROP TABLE public.orders").await;
    let long = connect(&cluster, DATABASE).await;
    long.batch_execute("BEGIN; UPDATE public.customers SET mood = 'glad' WHERE id = 1").await.unwrap();
    let request = PutBackRequest { id: backup.id, server, from: "beside".into(), table: TableName::parse("orders") };
    let put = {
        let engine = std::sync::Arc::clone(&engine);
        tokio::spawn(async move { engine.put_back(&request, &Progress::silent(), &CancellationToken::new()).await })
    };
    let writer = connect(&cluster, DATABASE).await;
    writer.batch_execute("SET lock_timeout = '5s'").await.unwrap();
    // Until it has waited for its lock and let go of it twice.
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reeve/backup' AND wait_event_type = 'Lock'";
    let (mut waited, mut before) = (0, 0);
    while waited < 2 {
        writer.batch_execute("UPDATE public.customers SET mood = 'sad' WHERE id = 2").await.expect("nobody queues behind it for long");
        let now: i64 = writer.query_one(waits, &[]).await.unwrap().get(0);
        waited += i32::from(before > 0 && now == 0);
        before = now;
        assert!(!put.is_finished(), "the long transaction is still there");
    }
    long.batch_execute("COMMIT").await.unwrap();
    let report = put.await.unwrap().unwrap();
    assert_eq!((report.rows, report.keys_missing), (60_000, Vec::new()));
    let key = "SELECT convalidated FROM pg_constraint WHERE conname = 'orders_customer_fkey'";
    assert!(writer.query_one(key, &[]).await.unwrap().get::<_, bool>(0), "and proven");
}

/// A directory that others may enter holds nothing that they can read.
#[tokio::test]
async fn d1_a_repository_in_an_open_directory_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let dir = dir();
    let open = dir.path().join("repository");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    engine(dir.path()).await;
    let mut seen = 0;
    for entry in std::fs::read_dir(&open).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{:?}", entry.path());
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}
