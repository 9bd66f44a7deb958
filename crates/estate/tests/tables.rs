//! Tables, indexes, keys, sequences.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use reeve_model::table::TableKind;
use std::time::Duration;

#[tokio::test]
async fn c1_tables_have_rows_sizes_indexes_keys_and_bloat() {
    let cluster = cluster().await;
    let db = connect(&cluster.url("postgres")).await;
    db.batch_execute(
        "CREATE TABLE parent(id int PRIMARY KEY, note text);
         CREATE TABLE child(id serial PRIMARY KEY, parent_id int REFERENCES parent, other_id int REFERENCES parent, body text);
         INSERT INTO parent SELECT g, 'n' FROM generate_series(1, 1000) g;
         INSERT INTO child(parent_id, other_id, body) SELECT 1 + g % 1000, 1, repeat('x', 200) FROM generate_series(1, 10000) g;
         CREATE INDEX child_parent ON child(parent_id);
         CREATE INDEX child_parent_again ON child(parent_id);
         CREATE INDEX child_lower ON child(lower(body)) WHERE id > 5;
         CREATE INDEX child_lower_again  ON  child ( lower( body ) )  WHERE  id>5;
         CREATE INDEX child_upper ON child(upper(body)) WHERE id > 5;
         DELETE FROM child WHERE id % 4 <> 0;
         ANALYZE parent; CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM child;",
    )
    .await
    .unwrap();
    // A session hands in its counters at its end; vacuum then corrects them.
    drop(db);
    let db = connect(&cluster.url("postgres")).await;
    db.batch_execute("VACUUM ANALYZE child").await.unwrap();
    let mut collector = collector(&cluster.url("postgres"));
    let s = until(&mut collector, "statistics of child", |s| {
        s.tables.get("postgres").and_then(|t| t.value()).is_some_and(|t| t.tables.iter().any(|t| t.name == "child" && t.deleted > 0))
    })
    .await;
    let child = table(&s, "child");
    assert_eq!((child.schema.as_str(), child.kind, child.rows_estimate), ("public", TableKind::Table, Some(2500.0)));
    assert_eq!((child.inserted, child.deleted, child.live_rows), (10_000, 7_500, 2_500));
    assert!(child.last_vacuum.is_some() && child.last_analyze.is_some() && child.has_primary_key);
    assert!(child.heap_bytes.unwrap() > 2_000_000 && child.index_bytes.unwrap() > 100_000, "{child:?}");
    assert!(child.bloat_estimate_ratio.is_some_and(|b| b > 0.6 && b < 0.85), "{child:?}");
    assert_eq!(table(&s, "mv").kind, TableKind::MaterialisedView);
    let exact: i64 = db.query_one("SELECT pg_total_relation_size('child')", &[]).await.unwrap().get(0);
    assert_eq!(child.total_bytes(), Some(exact));

    let all = tables(&s, "postgres");
    let index = |name: &str| all.indexes.iter().find(|i| i.name == name).unwrap();
    assert_eq!(index("child_parent").signature, index("child_parent_again").signature);
    assert_eq!(index("child_lower").signature, index("child_lower_again").signature);
    assert_ne!(index("child_lower").signature, index("child_upper").signature);
    assert_eq!(index("child_parent").columns, ["parent_id"]);
    assert_eq!(index("child_lower").columns, ["(lower)"]);
    assert!(index("child_pkey").constraint && index("child_pkey").primary && index("child_pkey").unique);
    assert!(!index("child_parent").constraint && index("child_parent").valid);
    let key = |column: &str| all.foreign_keys.iter().find(|k| k.columns == [column]).unwrap();
    assert!(key("parent_id").indexed && !key("other_id").indexed);

    // The cause goes, the figures follow.
    db.batch_execute("DROP INDEX child_parent, child_parent_again; CREATE INDEX other ON child(other_id, id)").await.unwrap();
    let s = round(&mut collector).await;
    let all = tables(&s, "postgres");
    let key = |column: &str| all.foreign_keys.iter().find(|k| k.columns == [column]).unwrap();
    assert!(!key("parent_id").indexed && key("other_id").indexed);
    assert!(all.indexes.iter().all(|i| i.name != "child_parent" && !i.signature.is_empty() && i.bytes.is_some()));
    db.batch_execute("TRUNCATE child").await.unwrap();
    assert_eq!(table(&*round(&mut collector).await, "child").heap_bytes, Some(0));
}

#[tokio::test]
async fn c2_an_index_is_invalid_when_its_build_failed_not_while_it_runs() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let db = connect(&url).await;
    db.batch_execute("CREATE TABLE t(id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 7), (2, 7)").await.unwrap();
    let writer = connect(&url).await;
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (3, 3)").await.unwrap();
    let builder = connect(&url).await;
    let build = tokio::spawn(async move { builder.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY once ON t(n)").await });
    let mut collector = collector(&url);
    let invalid = |s: &reeve_model::snapshot::TargetSnapshot| {
        s.tables.get("postgres").and_then(|t| t.value()).map_or(0, |t| t.indexes.iter().filter(|i| !i.valid).count())
    };
    // The build waits for the writer; its index is in the catalogue by then.
    let s = until(&mut collector, "the build waits", |s| s.locks.value().is_some_and(|l| l.waiting == 1)).await;
    assert_eq!(invalid(&s), 0);
    let there: i64 = db.query_one("SELECT count(*) FROM pg_index WHERE NOT indisvalid", &[]).await.unwrap().get(0);
    let s = round(&mut collector).await;
    assert_eq!((there, invalid(&s)), (1, 0));
    writer.batch_execute("COMMIT").await.unwrap();
    build.await.unwrap().expect_err("7 is there twice");
    until(&mut collector, "what is left of it", |s| invalid(s) == 1).await;
}

#[tokio::test]
async fn b2_a_locked_table_is_marked_and_delays_nothing() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let db = connect(&url).await;
    db.batch_execute(
        "CREATE TABLE a(id int PRIMARY KEY); CREATE TABLE b(id int PRIMARY KEY); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)",
    )
    .await
    .unwrap();
    let mut collector = collector(&url);
    let before = round(&mut collector).await;
    assert!(!table(&before, "a").locked);

    let holder = connect(&url).await;
    holder.batch_execute("BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE").await.unwrap();
    for _ in 0..2 {
        let s = round(&mut collector).await;
        assert!(s.round_ms < 2_000.0, "{} ms", s.round_ms);
        assert!(table(&s, "a").locked && !table(&s, "b").locked, "{:?}", troubled(&s));
        assert_eq!(table(&s, "a").total_bytes(), table(&before, "a").total_bytes(), "the size last known");
        assert_eq!(s.locks.value().unwrap().exclusive_relations, 1);
    }
    // First seen while locked: no size, and not zero.
    let mut late = common::collector(&url);
    let s = late.round(true).await;
    assert_eq!((table(&s, "a").heap_bytes, table(&s, "a").total_bytes()), (None, None));
    assert!(table(&s, "b").heap_bytes.is_some());
    holder.batch_execute("COMMIT").await.unwrap();

    // Queued behind a reader it blocks newcomers as well.
    let reader = connect(&url).await;
    reader.batch_execute("BEGIN; SELECT count(*) FROM a").await.unwrap();
    let queued = connect(&url).await;
    let wait = tokio::spawn(async move { queued.batch_execute("BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE; COMMIT").await });
    let s = until(&mut collector, "the queued lock", |s| table(s, "a").locked).await;
    assert!(s.round_ms < 2_000.0 && table(&s, "b").heap_bytes.is_some());
    assert!(troubled(&s).iter().any(|t| t.contains("locked (ACCESS EXCLUSIVE)")), "{:?}", troubled(&s));
    reader.batch_execute("COMMIT").await.unwrap();
    wait.await.unwrap().unwrap();
    let s = until(&mut collector, "the lock is gone", |s| !table(s, "a").locked).await;
    assert_eq!(troubled(&s).iter().filter(|t| t.starts_with("tables")).count(), 0);
}

#[tokio::test]
async fn a7_partitions_are_rolled_up_to_their_parent() {
    let cluster = cluster().await;
    let db = connect(&cluster.url("postgres")).await;
    db.batch_execute(
        "CREATE TABLE events(at date, n int, body text) PARTITION BY RANGE (at);
         CREATE INDEX events_n ON events(n);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
         CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (n);
         CREATE TABLE events_2_a PARTITION OF events_2 FOR VALUES IN (1);
         INSERT INTO events SELECT '2026-01-05', 1, repeat('y', 100) FROM generate_series(1, 500);
         INSERT INTO events SELECT '2026-02-05', 1, repeat('y', 100) FROM generate_series(1, 300);
         ANALYZE events",
    )
    .await
    .unwrap();
    // A session hands in its counters at its end.
    drop(db);
    let mut collector = collector(&cluster.url("postgres"));
    let s = until(&mut collector, "800 rows", |s| {
        s.tables.get("postgres").and_then(|t| t.value()).is_some_and(|t| t.tables.iter().any(|t| t.name == "events" && t.inserted == 800))
    })
    .await;
    let (whole, one, two) = (table(&s, "events"), table(&s, "events_1"), table(&s, "events_2_a"));
    assert_eq!((whole.kind, whole.live_rows, whole.rows_estimate), (TableKind::Partitioned, 800, Some(800.0)));
    assert_eq!(whole.heap_bytes, Some(one.heap_bytes.unwrap() + two.heap_bytes.unwrap()));
    assert_eq!(whole.index_bytes, Some(one.index_bytes.unwrap() + two.index_bytes.unwrap()));
    assert_eq!((one.parent, two.parent), (Some(whole.oid), Some(table(&s, "events_2").oid)));
    let index = tables(&s, "postgres").indexes.iter().find(|i| i.name == "events_n").unwrap();
    assert_eq!(index.bytes, whole.index_bytes);
}

#[tokio::test]
async fn b2_sequences_near_their_end_are_seen() {
    let cluster = cluster().await;
    let db = connect(&cluster.url("postgres")).await;
    db.batch_execute(
        "CREATE TABLE t(id int PRIMARY KEY); CREATE SEQUENCE wide AS bigint OWNED BY t.id; SELECT setval('wide', 2147483000);
         CREATE SEQUENCE fresh; CREATE SEQUENCE round_and_round MAXVALUE 3 CYCLE;
         CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 MAXVALUE -1; SELECT setval('down', -50);",
    )
    .await
    .unwrap();
    let mut collector = collector(&cluster.url("postgres"));
    let s = round(&mut collector).await;
    let sequences = s.sequences.value().unwrap();
    let names: Vec<&str> = sequences.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["wide", "down", "fresh"]);
    assert_eq!(sequences[0].max_value, 2_147_483_647, "the column is an int, whatever the sequence may count to");
    assert!(sequences[0].used_ratio > 0.999 && (sequences[1].used_ratio - 0.5).abs() < 1e-9);
    assert_eq!((sequences[2].last_value, sequences[2].used_ratio), (None, 0.0));
    assert_eq!(sequences.iter().map(|q| q.by_column).collect::<Vec<_>>(), [true, false, false], "what ends: the column, or the sequence");
    db.batch_execute("SELECT setval('wide', 10)").await.unwrap();
    assert!(round(&mut collector).await.sequences.value().unwrap().iter().all(|q| q.used_ratio < 0.6));
}

#[tokio::test]
async fn c1_hostile_names_pass_untouched() {
    let cluster = cluster().await;
    let db = connect(&cluster.url("postgres")).await;
    let names = ["\"><script>alert(1)</script>", "it's \"quoted\"", "two\nlines", "\\x41 %s $1 {statements}", &"é".repeat(31)];
    for name in names {
        let quoted = reeve_estate::probe::quote_identifier(name);
        db.batch_execute(&format!("CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted}({quoted} serial PRIMARY KEY)")).await.unwrap();
    }
    let mut collector = collector(&cluster.url("postgres"));
    let s = round(&mut collector).await;
    assert_eq!(troubled(&s).iter().filter(|t| !t.starts_with("io") && !t.starts_with("statements")).count(), 0, "{:?}", troubled(&s));
    let all = tables(&s, "postgres");
    for name in names {
        let found = all.tables.iter().find(|t| t.name == name && t.schema == name).expect("the table is there");
        let index = all.indexes.iter().find(|i| i.table_oid == found.oid).unwrap();
        assert_eq!(index.columns, [name]);
        let table = reeve_model::table::TableRef { database: "postgres".into(), schema: name.into(), table: name.into() };
        let definition = reeve_estate::describe_table(collector.spec(), &table).await.unwrap();
        assert_eq!((definition.columns[0].name.as_str(), definition.columns[0].primary), (name, true));
    }
}

#[tokio::test]
async fn c1_a_locked_table_is_not_described_and_not_waited_for() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let db = connect(&url).await;
    db.batch_execute(
        "CREATE TABLE p(id int PRIMARY KEY); CREATE TABLE t(id int PRIMARY KEY DEFAULT 7, p int NOT NULL REFERENCES p); CREATE INDEX tp ON t(p)",
    )
    .await
    .unwrap();
    let spec = spec(&url);
    let table = reeve_model::table::TableRef { database: "postgres".into(), schema: "public".into(), table: "t".into() };
    let found = reeve_estate::describe_table(&spec, &table).await.unwrap();
    assert_eq!(found.columns[0].default.as_deref(), Some("7"));
    assert_eq!((found.columns[1].data_type.as_str(), found.columns[1].nullable), ("integer", false));
    assert_eq!(found.foreign_keys[0].other_table, "public.p");
    assert!(found.foreign_keys[0].outgoing && found.foreign_keys[0].indexed);
    assert!(found.index_definitions.iter().any(|(name, sql)| name == "tp" && sql.contains("btree (p)")));

    db.batch_execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let start = std::time::Instant::now();
    let error = reeve_estate::describe_table(&spec, &table).await.expect_err("it is locked");
    assert!(matches!(error, reeve_adapter::AdapterError::LockTimeout { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

/// However somebody writes it.
#[tokio::test]
async fn c1_a_table_that_autovacuum_passes_by_is_known() {
    let cluster = cluster().await;
    connect(&cluster.url("postgres"))
        .await
        .batch_execute(
            "CREATE TABLE off_1(id int) WITH (autovacuum_enabled = off); CREATE TABLE off_2(id int) WITH (fillfactor = 70, autovacuum_enabled = 'False');
             CREATE TABLE on_1(id int) WITH (autovacuum_enabled = on); CREATE TABLE on_2(id int) WITH (fillfactor = 70); CREATE TABLE on_3(id int);
             CREATE TABLE on_4(id text) WITH (toast.autovacuum_enabled = off)",
        )
        .await
        .unwrap();
    let mut collector = collector(&cluster.url("postgres"));
    let s =
        until(&mut collector, "tables", |s| s.tables.get("postgres").and_then(|t| t.value()).is_some_and(|t| t.tables.len() == 6)).await;
    for name in ["off_1", "off_2", "on_1", "on_2", "on_3", "on_4"] {
        assert_eq!(table(&s, name).autovacuum_off, name.starts_with("off"), "{name}");
    }
}
