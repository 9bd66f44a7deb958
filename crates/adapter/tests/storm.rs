//! Many callers at once on a server that dies or is slow to let in (SPEC A1).
#![allow(clippy::unwrap_used)]

mod common;

use common::{eventually, pools, settings};
use reeve_adapter::{Endpoint, RoleSettings};
use reeve_cluster::testing::TestCluster;
use reeve_model::pool::StoreRole as R;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncReadExt, net::TcpListener, sync::Notify};

/// A server that has just come back is not stormed: of all that wait, four knock.
#[tokio::test]
async fn a1_at_most_four_knock_at_a_server_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (now, most, go) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let door = {
        let (now, most, go) = (now.clone(), most.clone(), go.clone());
        tokio::spawn(async move {
            // Lets in, says nothing, and hangs up when it is told to.
            while let Ok((mut stream, _)) = listener.accept().await {
                let (now, most, go) = (now.clone(), most.clone(), go.clone());
                tokio::spawn(async move {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let mut greeting = [0; 8];
                    stream.read_exact(&mut greeting).await.ok();
                    go.notified().await;
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        })
    };
    let endpoint = Endpoint::parse(&format!("postgres://u:p@127.0.0.1:{port}/d?sslmode=disable")).unwrap();
    let pools = pools([(R::Main, RoleSettings { endpoint, max: 20, acquire_timeout: Duration::from_secs(10), region: None })]);
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let pools = pools.clone();
            tokio::spawn(async move { pools.acquire(R::Main).await.map(|_| ()) })
        })
        .collect();
    eventually("four knock", || async { now.load(Ordering::SeqCst) == 4 }).await;
    go.notify_waiters();
    for caller in callers {
        go.notify_waiters();
        caller.await.unwrap().expect_err("nobody was let in");
    }
    assert_eq!(most.load(Ordering::SeqCst), 4);
    door.abort();
}

/// Killed and brought back in the middle of writes: each writer goes on, and all that was acknowledged is there.
#[tokio::test]
async fn a1_writers_go_on_after_a_crash_and_nothing_acknowledged_is_lost() {
    const WRITERS: i64 = 16;
    let cluster = TestCluster::start(&[("fsync", "on"), ("synchronous_commit", "on")]).await.unwrap();
    let pools = pools([(R::Main, settings(&cluster, 10))]);
    let mut lease = pools.acquire(R::Main).await.unwrap();
    sqlx::query("create table written (writer bigint, n bigint, primary key (writer, n))").execute(&mut *lease).await.unwrap();
    drop(lease);
    let acknowledged: Arc<Mutex<BTreeSet<(i64, i64)>>> = Arc::default();
    let (done, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (pools, acknowledged, done, failed) = (pools.clone(), acknowledged.clone(), done.clone(), failed.clone());
            tokio::spawn(async move {
                let mut n = 0;
                while !done.load(Ordering::SeqCst) {
                    n += 1;
                    let Ok(mut lease) = pools.acquire(R::Main).await else {
                        failed.fetch_add(1, Ordering::SeqCst);
                        // Refused at once while the circuit is open; others shall run too.
                        tokio::task::yield_now().await;
                        continue;
                    };
                    let sent = sqlx::query("insert into written values ($1, $2)").bind(writer).bind(n).execute(&mut *lease).await;
                    if sent.is_ok() {
                        acknowledged.lock().unwrap().insert((writer, n));
                    } else {
                        failed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        })
        .collect();
    let each_beyond = |marks: Vec<i64>| {
        let acknowledged = acknowledged.clone();
        move || {
            let last = lasts(&acknowledged.lock().unwrap(), WRITERS);
            let beyond = last.iter().zip(&marks).all(|(last, mark)| last > mark);
            async move { beyond }
        }
    };
    eventually("all write", each_beyond(vec![20; WRITERS as usize])).await;
    assert_eq!(failed.load(Ordering::SeqCst), 0, "nothing fails before the crash");
    cluster.kill_server();
    // Those who were let in go on for a moment; from the first failure on the crash is felt.
    eventually("the crash is felt", || async { failed.load(Ordering::SeqCst) > 0 }).await;
    let marks = lasts(&acknowledged.lock().unwrap(), WRITERS);
    eventually("all write again", each_beyond(marks)).await;
    done.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    eventually("the server is back", || async { pools.acquire(R::Main).await.is_ok() }).await;
    let mut lease = pools.acquire(R::Main).await.unwrap();
    let kept: Vec<(i64, i64)> = sqlx::query_as("select writer, n from written").fetch_all(&mut *lease).await.unwrap();
    let kept: BTreeSet<_> = kept.into_iter().collect();
    let lost: Vec<_> = acknowledged.lock().unwrap().difference(&kept).copied().collect();
    assert!(lost.is_empty(), "acknowledged and gone: {lost:?}");
}

/// The last number of each writer that was acknowledged.
fn lasts(acknowledged: &BTreeSet<(i64, i64)>, writers: i64) -> Vec<i64> {
    (0..writers).map(|w| acknowledged.range((w, 0)..=(w, i64::MAX)).next_back().map_or(0, |(_, n)| *n)).collect()
}
