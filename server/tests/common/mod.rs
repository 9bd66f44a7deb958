//! A running `reeve` of the test's own: its own data directory, its own port, its own PostgreSQL.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod people;

use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

pub const EMAIL: &str = "admin@test.example";
pub const PASSWORD: &str = "a long test password";
/// Nothing here takes that long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory that the server's user can enter, removed at the end.
pub fn dir() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::Builder::new().prefix("reeve-t").tempdir_in("/tmp").expect("a directory");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("open it to the server's user");
    dir
}

/// The program with nothing of the test's own environment that could configure it.
pub fn reeve(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reeve"));
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("REEVE_DATA_DIR", data).env("REEVE_LISTEN", "127.0.0.1:0").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What a command that ends by itself said.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

pub async fn say(mut command: Command) -> Said {
    let output = timeout(PATIENCE, command.output()).await.expect("it ends by itself").expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Asks every 200 ms until there is something.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let begun = tokio::time::Instant::now();
    let mut every = tokio::time::interval(Duration::from_millis(200));
    loop {
        every.tick().await;
        if let Some(found) = ask().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never seen: {what}");
    }
}

/// A serving Reeve.
pub struct Running {
    pub child: Child,
    pub base: String,
    pub client: Client,
    pub token: String,
    pub data: PathBuf,
    /// What it said before it was ready.
    pub before: String,
    lines: tokio::sync::mpsc::UnboundedReceiver<String>,
}

impl Running {
    /// Starts `reeve serve` with the given further environment and signs in for a token.
    pub async fn start(data: &Path, env: &[(&str, &str)]) -> Self {
        let mut running = Self::begin(data, env).await;
        running.token = running.login().await;
        running
    }

    /// Starts `reeve serve` and asks it nothing.
    pub async fn begin(data: &Path, env: &[(&str, &str)]) -> Self {
        Self::begin_with(data, "serve", env).await
    }

    /// Starts `reeve demo` with these servers of the sample estate and signs in for a token.
    pub async fn demo(data: &Path, servers: &str) -> Self {
        let mut running = Self::begin_with(data, "demo", &[("REEVE_DEMO_SYSTEMS", servers)]).await;
        running.token = running.login().await;
        running
    }

    /// Starts `reeve serve` where a process may have only so many files open, and signs in for a token.
    pub async fn cramped(data: &Path, files: u32) -> Self {
        let mut command = Command::new("sh");
        let plain = reeve(data, &["serve"]);
        command.arg("-c").arg(format!("ulimit -n {files} && exec \"$0\" serve")).arg(plain.as_std().get_program()).env_clear();
        command.envs(plain.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut running = Self::begun(command, data, &[]).await;
        running.token = running.login().await;
        running
    }

    async fn begin_with(data: &Path, serving: &str, env: &[(&str, &str)]) -> Self {
        Self::begun(reeve(data, &[serving]), data, env).await
    }

    async fn begun(mut command: Command, data: &Path, env: &[(&str, &str)]) -> Self {
        command.env("REEVE_ADMIN_EMAIL", EMAIL).env("REEVE_ADMIN_PASSWORD", PASSWORD).envs(env.iter().copied());
        let mut child = command.spawn().expect("reeve starts");
        let (send, mut lines) = tokio::sync::mpsc::unbounded_channel();
        for reader in [
            Box::new(child.stdout.take().expect("piped")) as Box<dyn tokio::io::AsyncRead + Send + Unpin>,
            Box::new(child.stderr.take().expect("piped")),
        ] {
            let send = send.clone();
            tokio::spawn(async move {
                let mut reader = BufReader::new(reader).lines();
                while let Ok(Some(line)) = reader.next_line().await {
                    let _ = send.send(line);
                }
            });
        }
        drop(send);
        let mut heard = Vec::new();
        let base = loop {
            match timeout(PATIENCE, lines.recv()).await {
                Ok(Some(line)) => {
                    if let Some(base) = line.strip_prefix("Reeve is ready at ") {
                        break base.to_owned();
                    }
                    heard.push(line);
                }
                _ => panic!("reeve did not become ready:\n{}", heard.join("\n")),
            }
        };
        let client = Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().expect("a client");
        Self { child, base, client, token: String::new(), data: data.to_owned(), before: heard.join("\n"), lines }
    }

    /// Signs in; none while the store is away.
    pub async fn try_login(&self) -> Option<String> {
        let answer = self.post_json("/api/auth/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            return None;
        }
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.expect("JSON");
        Some(body["access_token"].as_str().expect("a token").to_owned())
    }

    pub async fn login(&self) -> String {
        self.try_login().await.expect("the store is there")
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub async fn anonymous(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.expect("an answer")
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).bearer_auth(&self.token).send().await.expect("an answer")
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.expect("JSON")
    }

    pub async fn text(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("text")
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Response {
        self.client.post(self.url(path)).json(body).send().await.expect("an answer")
    }

    /// Asks until the answer satisfies, and returns it; what it was last when it never does.
    pub async fn until(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = tokio::time::Instant::now();
        let mut every = tokio::time::interval(Duration::from_millis(200));
        loop {
            every.tick().await;
            let value = self.json(path).await;
            if wanted(&value) {
                return value;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} never showed {what}; last:\n{value:#}");
        }
    }

    /// Reads a text until one of its lines is the wanted one.
    pub async fn until_line(&self, path: &str, line: &str) {
        let begun = tokio::time::Instant::now();
        let mut every = tokio::time::interval(Duration::from_millis(200));
        loop {
            every.tick().await;
            let text = self.text(path).await;
            if text.lines().any(|l| l == line) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} never showed {line:?}; last:\n{text}");
        }
    }

    /// The value of a line of `/metrics`, which is named as a whole, with its labels.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.text("/metrics").await;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// SIGTERM, then waits for the end.
    pub async fn stop(mut self) -> Option<i32> {
        let pid = i32::try_from(self.child.id().expect("it runs")).expect("a pid");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM).expect("a signal");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("a status");
        status.code()
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    /// What it said so far.
    pub fn heard(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.lines.try_recv().ok()).collect()
    }
}

/// A monitored server with one database `shop` and a login that has `pg_monitor` and nothing else.
pub struct Shop {
    pub cluster: reeve_cluster::testing::TestCluster,
    pub admin: tokio_postgres::Client,
    pub url: String,
}

pub const MONITOR_PASSWORD: &str = "monitor-secret-5309";

impl Shop {
    pub async fn start() -> Self {
        // fsync on: a server without it is rightly critical.
        let settings = [("shared_preload_libraries", "pg_stat_statements"), ("fsync", "on")];
        let cluster = reeve_cluster::testing::TestCluster::start(&settings).await.expect("a cluster");
        let root = connect(&cluster.url("postgres")).await;
        root.batch_execute(&format!("CREATE ROLE watcher LOGIN PASSWORD '{MONITOR_PASSWORD}' IN ROLE pg_monitor")).await.unwrap();
        root.batch_execute("CREATE DATABASE shop").await.unwrap();
        let admin = connect(&cluster.url("shop")).await;
        admin
            .batch_execute(
                "CREATE EXTENSION pg_stat_statements;
                 CREATE TABLE public.orders (id bigint PRIMARY KEY, customer text NOT NULL, total numeric NOT NULL);
                 INSERT INTO public.orders SELECT i, 'c' || i % 100, i FROM generate_series(1, 5000) i;
                 ANALYZE public.orders;",
            )
            .await
            .unwrap();
        let url = cluster.url_for("watcher", MONITOR_PASSWORD, "shop");
        Self { cluster, admin, url }
    }

    /// One more connection of the superuser.
    pub async fn session(&self) -> tokio_postgres::Client {
        connect(&self.cluster.url("shop")).await
    }
}

pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Writes a configuration that looks often at one target.
pub fn watch_config(dir: &Path, url: &str) -> PathBuf {
    watch_all(dir, &[("shop", url)])
}

/// Writes a configuration that looks often at some targets, each with its name and URL. On a busy machine the usual budget would
/// rightly stretch the intervals, so it is a generous one.
pub fn watch_all(dir: &Path, targets: &[(&str, &str)]) -> PathBuf {
    let path = dir.join("reeve.toml");
    let mut text = String::from("[intervals]\ncritical = \"2s\"\nmetrics = \"5s\"\nhealth = \"10s\"\nbudget = \"100%\"\n");
    for (name, url) in targets {
        text.push_str(&format!("[[target]]\nname = \"{name}\"\nenvironment = \"dev\"\nurl = '{url}'\n"));
    }
    std::fs::write(&path, text).expect("written");
    path
}

/// One of the targets that `/api/targets` lists.
pub fn target<'v>(targets: &'v Value, name: &str) -> &'v Value {
    targets["items"].as_array().and_then(|items| items.iter().find(|t| t["name"] == name)).unwrap_or(&Value::Null)
}

/// The sentence of a target's reason; none while that reason doesn't hold.
pub fn reason<'v>(targets: &'v Value, name: &str, id: &str) -> Option<&'v str> {
    target(targets, name)["reasons"].as_array()?.iter().find(|r| r["id"] == id)?["sentence"].as_str()
}

/// The postmaster of a cluster and its children.
pub fn processes(cluster: &reeve_cluster::Cluster) -> Vec<i32> {
    let postmaster = cluster.pid().expect("it runs");
    let children = std::fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).expect("its children");
    std::iter::once(postmaster).chain(children.split_whitespace().filter_map(|p| p.parse().ok())).collect()
}
