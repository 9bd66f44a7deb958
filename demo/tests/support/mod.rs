//! A private server for tests, prepared for the estate.
#![allow(dead_code)] // Each test binary uses its part.

use std::time::{Duration, Instant};

use reeve_cluster::testing::TestCluster;
use reeve_demo::systems::{DATABASES, Database, SystemPasswords, Systems, load};
use reeve_demo::{FindawiseLogins, Passwords, prepare};
use tokio_postgres::{Client, NoTls};

/// A server with the database and the logins, no tables yet.
pub async fn prepared() -> (TestCluster, FindawiseLogins) {
    let cluster = TestCluster::start(&[("shared_preload_libraries", "pg_stat_statements")]).await.expect("a private cluster starts");
    let logins = prepare(|database| cluster.url(database), &passwords()).await.expect("the superuser can prepare");
    (cluster, logins)
}

pub fn passwords() -> Passwords {
    let password = |text: &str| text.to_owned().into();
    Passwords { owner: password("own/er?&%"), app: password("app:word@x"), monitor: password("moni tor#ü") }
}

/// The databases of these names.
pub fn databases(names: &[&str]) -> Vec<Database> {
    let found: Vec<Database> = DATABASES.iter().filter(|database| names.contains(&database.name)).copied().collect();
    assert_eq!(found.len(), names.len());
    found
}

/// A server with these databases of the other systems in it.
pub async fn systems(names: &[&str]) -> (TestCluster, Systems) {
    let cluster = TestCluster::start(&[("shared_preload_libraries", "pg_stat_statements")]).await.expect("a private cluster starts");
    let url = |database: &str| cluster.url(database);
    let systems = load(&databases(names), url, &system_passwords(), |_| {}).await.expect("the systems are loaded");
    (cluster, systems)
}

pub fn system_passwords() -> SystemPasswords {
    SystemPasswords::kept(|login| Ok::<_, ()>(format!("{login}/?&% \\:'").into())).expect("passwords of all logins")
}

/// The application's connection to a database.
pub async fn application(systems: &Systems, database: &str) -> Client {
    let url = systems.app_urls.iter().find(|(name, _)| *name == database).map(|(_, url)| url).expect("a database of the systems");
    connect(secrecy::ExposeSecret::expose_secret(url)).await.expect("the application may come in")
}

/// A connection to `url`.
pub async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The first column of each row, as text, sorted.
pub async fn list(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).await.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    let mut names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    names.sort();
    names
}

/// Asks until the answer is yes; what happens at the other side announces itself to nobody.
pub async fn until(what: &str, limit: Duration, mut yes: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !yes().await {
        assert!(begun.elapsed() < limit, "after {limit:?} still not: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
