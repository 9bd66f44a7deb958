//! One storage error at every single call: never a false success, nothing half-listed, and the next run is as good as the first.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    config, dir, endpoint, files, request, run_sql,
    store::{self, Store},
};
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result, local::LocalFileSystem, path::Path,
};
use reeve_backup::{Engine, EngineConfig, Keys, Progress, repository::Repository};
use reeve_cluster::testing::TestCluster;
use reeve_model::backup::VerificationLevel;
use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// A store whose n-th call fails, and no other one.
#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn ObjectStore>,
    left: Arc<AtomicI64>,
}

impl Faulty {
    fn call(&self) -> Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(object_store::Error::Generic { store: "test", source: "the connection was reset".into() });
        }
        Ok(())
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.call()?;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.call()?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.call()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.call()?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.call() {
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.call() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.call()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.call()?;
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_one_storage_error_at_every_call_never_makes_a_false_success() {
    let dir = dir();
    let config = EngineConfig { stale_after: Duration::ZERO, ..config(dir.path(), Keys::default()) };
    let place = dir.path().join("repository");
    let good = Engine::open(config).await.unwrap();
    one_error_at_every_call(&good, Arc::new(LocalFileSystem::new_with_prefix(&place).unwrap()), &place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_one_storage_error_at_every_call_to_a_bucket_never_makes_a_false_success() {
    let (dir, store) = (dir(), Store::start().await);
    let config = EngineConfig { stale_after: Duration::ZERO, ..store::config(dir.path(), store.address, Keys::default()) };
    let good = Engine::open(config).await.unwrap();
    let bucket = store::access(store.address).bucket("backups", "reeve/test").unwrap();
    one_error_at_every_call(&good, bucket, &store.file("")).await;
}

/// `good` and `inner` are the same repository, and its files are at `place`.
async fn one_error_at_every_call(good: &Engine, inner: Arc<dyn ObjectStore>, place: &std::path::Path) {
    let cluster = TestCluster::start(&[]).await.unwrap();
    run_sql(&cluster, "postgres", "CREATE TABLE public.t AS SELECT generate_series(1, 1000) AS n").await;
    let config = good.config();
    let cancel = CancellationToken::new();
    let (mut failed, mut made) = (0, 0);
    for fault in 0.. {
        let left = Arc::new(AtomicI64::new(fault));
        let store = Faulty { inner: inner.clone(), left: left.clone() };
        let run = async {
            let repository = Repository::over(Arc::new(store), config.location.clone(), Duration::from_secs(60)).await?;
            Engine::over(config.clone(), repository)?.run(request(endpoint(&cluster, "postgres")), &Progress::silent(), &cancel).await
        };
        let outcome = run.await;
        let hit = left.load(Ordering::SeqCst) < 0;
        match &outcome {
            Ok(backup) => {
                made += 1;
                assert!(
                    good.verify(&backup.id, VerificationLevel::Full, &Progress::silent(), &cancel).await.unwrap().passed(),
                    "call {fault}"
                );
            }
            Err(error) => {
                failed += 1;
                assert!(hit && error.to_string().contains("connection was reset"), "call {fault}: {error}");
            }
        }
        // Whatever is listed is whole, also when the run could not say so.
        let catalogue = good.list().await.unwrap();
        assert!(catalogue.damaged.is_empty() && catalogue.entries.len() >= made, "call {fault}");
        if !hit {
            break;
        }
    }
    assert!(failed > 15, "only {failed} calls failed");
    good.sweep().await.unwrap();
    for entry in good.list().await.unwrap().entries {
        let id = &entry.backup.id;
        assert!(good.verify(id, VerificationLevel::Full, &Progress::silent(), &cancel).await.unwrap().passed());
    }
    let ids: Vec<String> = good.list().await.unwrap().entries.iter().map(|e| e.backup.id.to_string()).collect();
    let remains = |path: &std::path::PathBuf| !ids.iter().any(|id| path.to_str().unwrap().contains(id.as_str()));
    assert!(!files(&place.join("objects")).iter().any(remains), "what failed runs left is swept");
    assert!(files(&place.join("marks")).is_empty());
}

/// A store that knows nothing of conditions: what is to be made new is written over what is there.
#[derive(Debug)]
struct Forgetful(LocalFileSystem);

impl fmt::Display for Forgetful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forgetful")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Forgetful {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, PutOptions { mode: PutMode::Overwrite, ..opts }).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_bucket_that_writes_over_what_was_to_be_new_is_refused_and_is_as_it_was() {
    let dir = dir();
    let open = async || {
        let store = Forgetful(LocalFileSystem::new_with_prefix(dir.path()).unwrap());
        Repository::over(Arc::new(store), Store::location(), Duration::from_secs(60)).await
    };
    let error = open().await.unwrap_err().to_string();
    assert!(error.contains("If-None-Match") && error.contains("use another store"), "{error}");
    let made = std::fs::read(dir.path().join("repository.json")).unwrap();
    open().await.unwrap_err();
    assert_eq!(std::fs::read(dir.path().join("repository.json")).unwrap(), made);
}
