//! One storage error at every single call: never a false success, nothing half-listed, and the next run is as good as the first.
#![allow(clippy::unwrap_used)]

mod common;

use common::{config, dir, endpoint, files, request, run_sql};
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, local::LocalFileSystem, path::Path,
};
use reeve_backup::{Engine, EngineConfig, Keys, Location, Progress, repository::Repository};
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
    inner: LocalFileSystem,
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
    let (cluster, dir) = (TestCluster::start(&[]).await.unwrap(), dir());
    run_sql(&cluster, "postgres", "CREATE TABLE public.t AS SELECT generate_series(1, 1000) AS n").await;
    let config = EngineConfig { stale_after: Duration::ZERO, ..config(dir.path(), Keys::default()) };
    let Location::Directory(place) = config.location.clone();
    let good = Engine::open(config.clone()).await.unwrap();
    let cancel = CancellationToken::new();
    let (mut failed, mut made) = (0, 0);
    for fault in 0.. {
        let left = Arc::new(AtomicI64::new(fault));
        let store = Faulty { inner: LocalFileSystem::new_with_prefix(&place).unwrap(), left: left.clone() };
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
