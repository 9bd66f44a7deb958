//! What the tests of this crate share: a cluster with a database worth backing up, and engines on directories of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

pub mod store;

use reeve_adapter::{Endpoint, WireClient, WireOptions, wire};
use reeve_backup::{Engine, EngineConfig, Keys, Location, Progress, RunRequest};
use reeve_cluster::testing::TestCluster;
use reeve_model::{
    TargetName,
    backup::{Backup, BackupKind},
};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub const DATABASE: &str = "Shop & Söhne";

/// All that a dump can stumble over: odd names, odd types, no rows, many rows, partitions, inheritance, keys, generated columns.
const SCHEMA: &str = r#"
    CREATE ROLE shop_owner;
    CREATE SCHEMA "odd schema" AUTHORIZATION shop_owner;
    CREATE TYPE public.mood AS ENUM ('sad', 'glad');
    CREATE TABLE public.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail text UNIQUE, mood public.mood, born date,
        balance numeric(20,4), ratio double precision, small real, photo bytea, tags text[], extra jsonb, at timestamptz, pause interval,
        price money, double_balance numeric GENERATED ALWAYS AS (balance * 2) STORED);
    INSERT INTO public.customers (mail, mood, born, balance, ratio, small, photo, tags, extra, at, pause, price)
        SELECT 'c' || i || '@example.org', CASE WHEN i % 2 = 0 THEN 'sad' ELSE 'glad' END::public.mood, date '1950-01-01' + (i % 20000)::int,
               i / 7.0, i / 3.0, i / 3.0, sha256(i::text::bytea), ARRAY['a', NULL, 'ü"\'], jsonb_build_object('n', i),
               timestamptz '2020-01-01' + i * interval '1 min', i * interval '1 s', i::numeric::money
        FROM generate_series(1, 20000) AS i;
    CREATE TABLE public.orders (id bigint PRIMARY KEY, customer bigint NOT NULL REFERENCES public.customers, note text);
    INSERT INTO public.orders SELECT i, 1 + i % 20000, repeat(md5(i::text), 4) FROM generate_series(1, 60000) AS i;
    CREATE INDEX ON public.orders (customer);
    CREATE TABLE public.events (at date NOT NULL, what text) PARTITION BY RANGE (at);
    CREATE TABLE public.events_old PARTITION OF public.events FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
    CREATE TABLE public.events_new PARTITION OF public.events FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
    INSERT INTO public.events SELECT date '2024-07-01' + i % 365, 'e' || i FROM generate_series(1, 2000) AS i;
    CREATE TABLE public.parent (n int);
    CREATE TABLE public.child (m int) INHERITS (public.parent);
    INSERT INTO public.parent VALUES (1), (1), (NULL);
    INSERT INTO public.child VALUES (2, 3);
    CREATE TABLE "odd schema"."Odd ""name"", with \ and 'quotes'" ("r" int, "r r" text);
    ALTER TABLE "odd schema"."Odd ""name"", with \ and 'quotes'" OWNER TO shop_owner;
    INSERT INTO "odd schema"."Odd ""name"", with \ and 'quotes'" VALUES (1, E'tab\t, line\n, back\\slash'), (2, NULL), (3, '');
    CREATE TABLE public.empty (n int);
    CREATE TABLE public.no_columns ();
    CREATE MATERIALIZED VIEW public.moods AS SELECT mood, count(*) AS n FROM public.customers GROUP BY mood;
"#;

/// A cluster with the database [`DATABASE`].
pub async fn cluster() -> TestCluster {
    let cluster = TestCluster::start(&[]).await.unwrap();
    run_sql(&cluster, "postgres", &format!("CREATE DATABASE \"{DATABASE}\"")).await;
    run_sql(&cluster, DATABASE, SCHEMA).await;
    cluster
}

pub async fn connect(cluster: &TestCluster, database: &str) -> WireClient {
    wire::connect(&endpoint(cluster, database), WireOptions::new("test")).await.unwrap()
}

pub async fn run_sql(cluster: &TestCluster, database: &str, sql: &str) {
    connect(cluster, database).await.batch_execute(sql).await.unwrap();
}

pub fn endpoint(cluster: &TestCluster, database: &str) -> Endpoint {
    Endpoint::parse(&cluster.url(database)).unwrap()
}

/// A directory that the server's user can pass, removed at the end.
pub fn dir() -> TempDir {
    let dir = tempfile::Builder::new().prefix("reeve-b").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

pub fn config(dir: &Path, keys: Keys) -> EngineConfig {
    let location = Location::Directory(dir.join("repository"));
    EngineConfig { keys, stale_after: Duration::from_secs(60), ..EngineConfig::new(location, dir.join("scratch")) }
}

pub async fn engine(dir: &Path) -> Engine {
    Engine::open(config(dir, Keys::default())).await.unwrap()
}

/// The same place, for which all that is not being worked on this very moment is abandoned.
pub async fn impatient(dir: &Path) -> Engine {
    Engine::open(EngineConfig { stale_after: Duration::ZERO, ..config(dir, Keys::default()) }).await.unwrap()
}

/// A pair of keys: what backups are encrypted to, and what opens them.
pub fn pair() -> (Vec<String>, secrecy::SecretString) {
    let identity = age::x25519::Identity::generate();
    (vec![identity.to_public().to_string()], identity.to_string())
}

pub fn request(endpoint: Endpoint) -> RunRequest {
    RunRequest { target: TargetName::new("shop").unwrap(), endpoint, kind: BackupKind::Manual, tables: None }
}

pub async fn back_up(engine: &Engine, cluster: &TestCluster) -> Backup {
    let cancel = CancellationToken::new();
    engine.run(request(endpoint(cluster, DATABASE)), &Progress::silent(), &cancel).await.unwrap()
}

/// All files below a directory.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

/// Stored objects, of backups that count and of others.
pub fn objects(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("repository/objects"))
}

/// What jobs left in scratch space.
pub fn left_in_scratch(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir.join("scratch")).into_iter().flatten().flatten().map(|e| e.path()).collect()
}
