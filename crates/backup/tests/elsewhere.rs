//! What a database is beside its rows, and what another server may lack.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DATABASE, back_up, cluster, connect, dir, endpoint, engine, run_sql};
use reeve_backup::{DrillRequest, Over, Progress, RestoreRequest};
use reeve_cluster::testing::TestCluster;
use reeve_model::backup::DrillOutcome;
use std::os::unix::fs::PermissionsExt;
use tokio_util::sync::CancellationToken;

/// Everything about a database that is not in it, as text.
const ITSELF: &str = "
    SELECT concat_ws(' | ', pg_get_userbyid(datdba), datconnlimit, shobj_description(d.oid, 'pg_database'),
        (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a),
        to_jsonb(d) ->> 'datlocprovider', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
        (SELECT string_agg(concat_ws(':', setrole::regrole, setconfig), ' ' ORDER BY setrole) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid))
    FROM pg_database d WHERE datname = $1";

async fn itself(cluster: &TestCluster, database: &str) -> String {
    connect(cluster, "postgres").await.query_one(ITSELF, &[&database]).await.unwrap().get(0)
}

/// A replaced database must not suddenly let everybody in, nor forget its settings.
#[tokio::test(flavor = "multi_thread")]
async fn d3_owner_rights_settings_and_locale_of_the_database_itself_come_back() {
    let (cluster, dir) = (cluster().await, dir());
    let icu = connect(&cluster, "postgres").await;
    let icu =
        icu.query("SELECT FROM pg_collation WHERE collprovider = 'i' LIMIT 1", &[]).await.unwrap().len() == 1 && cluster.major() >= 15;
    if icu {
        let sql = format!("CREATE DATABASE other TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'; DROP DATABASE \"{DATABASE}\"");
        for sql in sql.split("; ") {
            run_sql(&cluster, "postgres", sql).await;
        }
        run_sql(&cluster, "postgres", &format!("ALTER DATABASE other RENAME TO \"{DATABASE}\"")).await;
        run_sql(&cluster, DATABASE, "CREATE TABLE public.orders AS SELECT 1 AS id").await;
    } else {
        println!("SKIP of this test the locale only: this PostgreSQL has no ICU");
    }
    let name = format!("\"{DATABASE}\"");
    let sql = format!(
        "CREATE ROLE \"o'dd \"\"one\"; CREATE ROLE app;
         REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO app WITH GRANT OPTION;
         GRANT CREATE, TEMPORARY ON DATABASE {name} TO \"o'dd \"\"one\";
         ALTER DATABASE {name} CONNECTION LIMIT 17; COMMENT ON DATABASE {name} IS E'it''s \\\\ ours';
         ALTER DATABASE {name} SET search_path TO \"$user\", \"odd schema\", public; ALTER DATABASE {name} SET app.tenant TO E'it''s \\\\ 7';
         ALTER DATABASE {name} SET default_transaction_read_only TO on; ALTER ROLE app IN DATABASE {name} SET work_mem TO '7MB';
         ALTER DATABASE {name} OWNER TO shop_owner"
    );
    for sql in sql.split(';') {
        run_sql(&cluster, "postgres", sql).await;
    }
    let (engine, before) = (engine(dir.path()).await, itself(&cluster, DATABASE).await);
    assert!(
        before.contains("shop_owner | 17 | it's \\ ours") && before.contains("app=c*/shop_owner") && !before.contains(" =T"),
        "{before}"
    );

    let backup = back_up(&engine, &cluster).await;
    let request = RestoreRequest {
        id: backup.id.clone(),
        server: endpoint(&cluster, "postgres"),
        database: Some("beside".to_owned()),
        tables: None,
        over: None,
    };
    let cancel = CancellationToken::new();
    let report = engine.restore(&request, &Progress::silent(), &cancel).await.unwrap();
    assert_eq!((report.notes, itself(&cluster, "beside").await), (Vec::<String>::new(), before.clone()));
    let over = Some(Over { database: DATABASE.to_owned(), typed: DATABASE.to_owned() });
    let replace = RestoreRequest { database: None, over, ..request.clone() };
    let report = engine.restore(&replace, &Progress::silent(), &cancel).await.unwrap();
    assert!(report.kept_as.is_some(), "{report:?}");
    assert_eq!(itself(&cluster, DATABASE).await, before);

    // On a server that does not know the roles the rest comes back, nobody gets more than before, and it is said.
    let stranger = TestCluster::start(&[]).await.unwrap();
    run_sql(&stranger, "postgres", "CREATE ROLE shop_owner").await;
    let elsewhere = RestoreRequest { server: endpoint(&stranger, "postgres"), ..request };
    let report = engine.restore(&elsewhere, &Progress::silent(), &cancel).await.unwrap();
    assert!(
        report.notes.len() == 1 && report.notes[0].contains("could not be put back") && report.notes[0].contains("\"app\""),
        "{report:?}"
    );
    let there = itself(&stranger, "beside").await;
    assert!(there.contains("shop_owner | 17") && !there.contains(" =") && there.contains("odd schema"), "{there}");
}

/// Number 17 of the list of reliability.
#[tokio::test(flavor = "multi_thread")]
async fn d5_a_collation_that_the_drills_server_lacks_makes_it_red_by_name() {
    let (cluster, dir) = (cluster().await, dir());
    run_sql(&cluster, DATABASE, "CREATE COLLATION pg_catalog.xx_lost FROM \"C\"").await;
    run_sql(&cluster, DATABASE, "CREATE TABLE public.words (word text COLLATE pg_catalog.xx_lost)").await;
    let engine = engine(dir.path()).await;
    let backup = back_up(&engine, &cluster).await;
    let drill = engine.drill(&DrillRequest::new(backup.id), &Progress::silent(), &CancellationToken::new()).await.unwrap();
    let failure = drill.failure.unwrap_or_default();
    assert!(drill.outcome == DrillOutcome::Failed && failure.contains("collation") && failure.contains("xx_lost"), "{failure}");
}

/// Number 17, too: a drill does without the original's disks and says so; a restore onto a server without them names what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn d3_d5_a_missing_tablespace_is_named_and_nothing_is_left_half_made() {
    let (cluster, dir, disk) = (cluster().await, dir(), dir_of_the_server());
    let location = disk.path().display();
    run_sql(&cluster, "postgres", &format!("CREATE TABLESPACE \"fast disk\" LOCATION '{location}'")).await;
    run_sql(&cluster, DATABASE, "ALTER TABLE public.orders SET TABLESPACE \"fast disk\"").await;
    let (engine, cancel) = (engine(dir.path()).await, CancellationToken::new());
    let backup = back_up(&engine, &cluster).await;
    let drill = engine.drill(&DrillRequest::new(backup.id.clone()), &Progress::silent(), &cancel).await.unwrap();
    assert_eq!(drill.outcome, DrillOutcome::Passed, "{drill:?}");
    assert!(drill.notes.iter().any(|note| note.contains("Tablespaces were left out")), "{drill:?}");

    let stranger = TestCluster::start(&[]).await.unwrap();
    run_sql(&stranger, "postgres", "CREATE ROLE shop_owner").await;
    let server = endpoint(&stranger, "postgres");
    let request = RestoreRequest { id: backup.id, server, database: Some("beside".to_owned()), tables: None, over: None };
    let error = engine.restore(&request, &Progress::silent(), &cancel).await.unwrap_err().to_string();
    assert!(error.contains("tablespace") && error.contains("fast disk"), "{error}");
    let left = connect(&stranger, "postgres").await.query("SELECT FROM pg_database WHERE datname = 'beside'", &[]).await.unwrap();
    assert!(left.is_empty());
}

/// An empty directory that belongs to whoever runs the server.
fn dir_of_the_server() -> tempfile::TempDir {
    let dir = dir();
    if nix::unistd::Uid::effective().is_root() {
        let user = nix::unistd::User::from_name("postgres").unwrap().unwrap();
        nix::unistd::chown(dir.path(), Some(user.uid), Some(user.gid)).unwrap();
    }
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    dir
}
