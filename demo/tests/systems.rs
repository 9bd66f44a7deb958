//! What each of the other systems is there for, on a real server (SPEC I2 to I5).
#![allow(clippy::unwrap_used)]

mod support;

use secrecy::ExposeSecret;
use support::{application, connect, list, systems};
use tokio_postgres::Client;

async fn plan(client: &Client, sql: &str) -> String {
    let rows = client.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

async fn refused(client: &Client, sql: &str) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{sql}: {error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_portfolio_is_a_time_series() {
    let (_cluster, systems) = systems(&["financial_kingdom"]).await;
    let app = application(&systems, "financial_kingdom").await;
    let tables = "SELECT relname::text FROM pg_stat_user_tables";
    let expected = [
        "achievements",
        "educational_progress",
        "kingdom_state",
        "portfolio_snapshots",
        "social_connections",
        "trading_accounts",
        "user_achievements",
        "user_preferences",
        "user_sessions",
        "users",
    ];
    assert_eq!(list(&app, tables).await, expected);

    let month = "SELECT date_trunc('day', taken_at) AS day, avg(total_value) FROM portfolio_snapshots
        WHERE account_id = 42 AND taken_at > now() - interval '30 days' GROUP BY 1 ORDER BY 1";
    let days = format!("SELECT count(*)::text FROM ({month}) days");
    let days: u32 = list(&app, &days).await[0].parse().unwrap();
    assert!((30..=31).contains(&days), "{days} days");
    let plan = plan(&app, month).await;
    assert!(plan.contains("portfolio_snapshots_pkey"), "one portfolio is read, not all:\n{plan}");
    refused(&app, "UPDATE portfolio_snapshots SET total_value = 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_four_databases_one_application_and_no_way_around_its_rights() {
    let names = ["parafort_main", "parafort_analytics", "parafort_documents", "parafort_compliance"];
    let (cluster, systems) = systems(&names).await;
    let compliance = application(&systems, "parafort_compliance").await;
    compliance.batch_execute("INSERT INTO audit_trail (filing_id, what) VALUES (1, 'opened')").await.expect("the trail can be lengthened");
    refused(&compliance, "DELETE FROM audit_trail").await;
    refused(&compliance, "UPDATE audit_trail SET what = 'nothing'").await;
    refused(&compliance, "DROP TABLE audit_trail").await;
    refused(&compliance, "CREATE TABLE public.mine (id int)").await;
    for name in names {
        let app = application(&systems, name).await;
        let rows: i64 = list(&app, "SELECT sum(n_live_tup)::text FROM pg_stat_user_tables").await[0].parse().unwrap();
        assert!(rows > 5_000, "{name} has {rows} rows");
    }
    let documents = application(&systems, "parafort_documents").await;
    let found = list(&documents, "SELECT title FROM documents WHERE words @@ to_tsquery('simple', 'annual & 2')").await;
    assert_eq!(found, ["Annual report of the founding no 2"]);

    // What watches reads statistics of each and rows of none, and others' databases are closed.
    let monitor = systems.monitor_url.expose_secret();
    let client = connect(monitor).await.unwrap();
    refused(&client, "SELECT * FROM users").await;
    client.query("SELECT query FROM pg_stat_statements LIMIT 1", &[]).await.expect("the monitor reads statistics");
    let admin = connect(&cluster.url("postgres")).await.unwrap();
    admin.batch_execute("CREATE ROLE stranger LOGIN PASSWORD 'x'").await.unwrap();
    for name in names {
        let Err(error) = connect(&cluster.url_for("stranger", "x", name)).await else { panic!("a stranger is in {name}") };
        assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{error:?}");
    }
}

/// The number that is the only answer.
async fn number(client: &Client, sql: &str) -> i64 {
    list(client, sql).await[0].parse().unwrap()
}

async fn become_user(client: &Client, user: u32) {
    let sql = format!("SELECT set_config('futuresync.user_id', md5('user:{user}'), false)");
    client.query_one(&sql, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn i4_rows_of_others_are_not_seen_and_not_written() {
    let (cluster, systems) = systems(&["futuresync"]).await;
    let app = application(&systems, "futuresync").await;
    let all = [
        "users",
        "visions",
        "daily_actions",
        "organizations",
        "organization_members",
        "user_progress",
        "achievements",
        "analytics_events",
        "audit_log",
    ];
    for table in all {
        assert_eq!(number(&app, &format!("SELECT count(*)::text FROM {table}")).await, 0, "{table} without saying who asks");
    }
    become_user(&app, 6).await;
    assert_eq!(list(&app, "SELECT email FROM users").await, ["dreamer6@futuresync.example"]);
    let owners = "SELECT DISTINCT (user_id = md5('user:6')::uuid)::text FROM";
    for table in ["visions", "daily_actions", "user_progress", "achievements", "analytics_events", "audit_log"] {
        assert_eq!(list(&app, &format!("{owners} {table}")).await, ["true"], "{table}");
    }
    // Of the organisation one belongs to all members are seen, and of no other one anything.
    assert_eq!(number(&app, "SELECT count(*)::text FROM organizations").await, 1);
    assert_eq!(number(&app, "SELECT count(*)::text FROM organization_members").await, 20);

    let touched = app.execute("UPDATE visions SET title = 'mine' WHERE user_id = md5('user:7')::uuid", &[]).await.unwrap();
    assert_eq!(touched, 0);
    let foreign = "INSERT INTO visions (user_id, category, title) VALUES (md5('user:7')::uuid, 'health', 'planted')";
    refused(&app, foreign).await;
    refused(&app, "UPDATE visions SET user_id = md5('user:7')::uuid").await;

    // The partitions beneath have no policies: nobody but their owner may name them.
    let admin = connect(&cluster.url("futuresync")).await.unwrap();
    let partitions = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'analytics_events'::regclass";
    for partition in list(&admin, partitions).await {
        refused(&app, &format!("SELECT * FROM {partition}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i4_partitions_route_by_month_and_softly_removed_rows_go_later() {
    let (cluster, systems) = systems(&["futuresync"]).await;
    let app = application(&systems, "futuresync").await;
    let admin = connect(&cluster.url("futuresync")).await.unwrap();
    for table in ["analytics_events", "audit_log"] {
        let count = format!("SELECT count(*)::text FROM pg_inherits WHERE inhparent = '{table}'::regclass");
        assert_eq!(number(&admin, &count).await, 5, "{table}: this month and two to each side");
    }
    become_user(&app, 6).await;
    app.batch_execute("INSERT INTO analytics_events (user_id, name) VALUES (current_user_id(), 'routed')").await.unwrap();
    let month = "SELECT (tableoid::regclass::text = 'analytics_events' || to_char(occurred_at AT TIME ZONE 'UTC', '_YYYY_MM'))::text
        FROM analytics_events WHERE name = 'routed' OR random() < 0.01";
    assert!(list(&admin, month).await.iter().all(|right| right == "true"));

    // A month is over: its partition is missing, and one from long ago is still there.
    let turn = "DO $$ DECLARE month timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'; BEGIN
        EXECUTE (SELECT format('DROP TABLE %s', max(inhrelid::regclass::text)) FROM pg_inherits WHERE inhparent = 'audit_log'::regclass);
        SET LOCAL ROLE futuresync_owner;
        CREATE TABLE audit_log_2001_01 PARTITION OF audit_log FOR VALUES FROM ('2001-01-01') TO ('2001-02-01'); END $$";
    admin.batch_execute(turn).await.unwrap();
    assert_eq!(list(&app, "SELECT keep_partitions()::text").await, ["1"]);
    assert_eq!(list(&app, "SELECT keep_partitions()::text").await, ["0"]);
    assert_eq!(list(&admin, "SELECT coalesce(to_regclass('audit_log_2001_01')::text, 'gone')").await, ["gone"]);

    let live = "SELECT count(*)::text FROM daily_actions WHERE deleted_at IS NULL";
    let before = number(&app, live).await;
    let planned = "INSERT INTO daily_actions (user_id, vision_id, description)
        SELECT user_id, id, 'removed at once' FROM visions WHERE deleted_at IS NULL LIMIT 1";
    app.batch_execute(planned).await.unwrap();
    app.batch_execute("UPDATE daily_actions SET deleted_at = now() WHERE description = 'removed at once'").await.unwrap();
    assert_eq!(number(&app, live).await, before, "what is removed is not live");
    let there = "SELECT count(*)::text FROM daily_actions WHERE description = 'removed at once'";
    app.batch_execute("SELECT retire()").await.unwrap();
    assert_eq!(number(&app, there).await, 1, "and still there for who wants it back");
    admin
        .batch_execute("UPDATE daily_actions SET deleted_at = now() - interval '1 hour' WHERE description = 'removed at once'")
        .await
        .unwrap();
    app.batch_execute("SELECT retire()").await.unwrap();
    assert_eq!(number(&app, there).await, 0);
    // An address is taken by the living only.
    let again = "UPDATE users SET deleted_at = now() WHERE id = md5('user:6')::uuid;
        INSERT INTO users (email, display_name) VALUES ('dreamer6@futuresync.example', 'Came back')";
    admin.batch_execute(again).await.expect("a removed account's address is free");
    assert!(admin.batch_execute("INSERT INTO users (email, display_name) VALUES ('dreamer7@futuresync.example', 'Twin')").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn i5_contacts_are_found_by_trigrams_counted_and_audited() {
    let (cluster, systems) = systems(&["higherup"]).await;
    let app = application(&systems, "higherup").await;
    let admin = connect(&cluster.url("higherup")).await.unwrap();
    let scans = "SELECT sum(idx_scan)::text FROM pg_stat_user_indexes WHERE indexrelname LIKE '%_trgm_idx'";
    assert_eq!(number(&admin, "SELECT count(*)::text FROM pg_indexes WHERE indexdef LIKE '%gin_trgm_ops%'").await, 2);
    let before = number(&admin, scans).await;
    let search = "SELECT email FROM search_contacts(md5('user:3')::uuid, 'hoffmann1042')";
    assert_eq!(list(&app, search).await, ["fatou.hoffmann1042@brightwater.example".to_owned()]);
    let by_name = list(&app, "SELECT full_name FROM search_contacts(md5('user:3')::uuid, 'tou Hof')").await;
    assert!(!by_name.is_empty() && by_name.iter().all(|name| name == "Fatou Hoffmann"), "{by_name:?}");
    support::until("the search has used an index of trigrams", std::time::Duration::from_secs(10), async || {
        number(&admin, scans).await > before
    })
    .await;

    let metrics = "SELECT total_contacts::text FROM user_dashboard_metrics WHERE user_id = md5('user:3')::uuid";
    assert_eq!(list(&app, metrics).await, ["750"]);
    let new = "INSERT INTO contacts (user_id, email, first_name, last_name) VALUES (md5('user:3')::uuid, 'new@x.example', 'New', 'One')";
    app.batch_execute(new).await.unwrap();
    assert_eq!(list(&app, metrics).await, ["750"], "counted when it is refreshed");
    app.batch_execute("SELECT refresh_dashboard()").await.unwrap();
    assert_eq!(list(&app, metrics).await, ["751"]);

    app.batch_execute("UPDATE contacts SET status = 'customer' WHERE email = 'new@x.example'").await.unwrap();
    let trail = "SELECT concat_ws(' ', action, before ->> 'status', after ->> 'status', changed_by) FROM audit_log
        WHERE row_id = (SELECT id FROM contacts WHERE email = 'new@x.example')";
    assert_eq!(list(&app, trail).await, ["INSERT lead higherup_app", "UPDATE lead customer higherup_app"]);
    refused(&app, "DELETE FROM audit_log").await;
    refused(&app, "INSERT INTO audit_log (table_name, row_id, action) VALUES ('contacts', gen_random_uuid(), 'DELETE')").await;
}
