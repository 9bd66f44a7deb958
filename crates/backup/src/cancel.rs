//! Waiting that ends when the job is cancelled.

use crate::BackupError;
use futures::StreamExt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The work, or [`BackupError::Cancelled`] as soon as that is asked for; the work is dropped where it stands.
pub(crate) async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T, BackupError>>) -> Result<T, BackupError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(BackupError::Cancelled),
        done = work => done,
    }
}

/// As [`unless`], but what is under way gets `grace` to end: a write that is dropped may still arrive, after all was cleared away.
pub(crate) async fn unless_soon<T>(
    cancel: &CancellationToken,
    grace: Duration,
    work: impl Future<Output = Result<T, BackupError>>,
) -> Result<T, BackupError> {
    if cancel.is_cancelled() {
        return Err(BackupError::Cancelled);
    }
    tokio::pin!(work);
    tokio::select! {
        biased;
        () = cancel.cancelled() => tokio::time::timeout(grace, work).await.unwrap_or(Err(BackupError::Cancelled)),
        done = &mut work => done,
    }
}

/// Does all, so many at once. When one fails, or `cancel` says so, the others are cancelled and waited for, so that each can clear away what
/// it began; then the first failure is told.
pub(crate) async fn all_or_none<I, T, W>(
    cancel: &CancellationToken,
    items: I,
    at_once: usize,
    work: impl Fn(I::Item, CancellationToken) -> W,
) -> Result<Vec<T>, BackupError>
where
    I: IntoIterator,
    W: Future<Output = Result<T, BackupError>>,
{
    let together = cancel.child_token();
    let works = items.into_iter().map(|item| {
        let (together, work) = (&together, &work);
        async move {
            if together.is_cancelled() {
                return Err(BackupError::Cancelled);
            }
            let done = work(item, together.clone()).await;
            if done.is_err() {
                together.cancel();
            }
            done
        }
    });
    let mut works = futures::stream::iter(works).buffer_unordered(at_once);
    let (mut all, mut failure) = (Vec::new(), None);
    while let Some(done) = works.next().await {
        match done {
            Ok(one) => all.push(one),
            // The first one is the cause; the others only heard of it.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(all), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn d1_when_one_fails_the_others_clear_up_before_the_failure_is_told() {
        let cleared = Mutex::new(Vec::new());
        let cancel = CancellationToken::new();
        let outcome = all_or_none(&cancel, 0..5, 3, async |n: u32, told: CancellationToken| {
            if n == 2 {
                return Err(BackupError::Refused("no".to_owned()));
            }
            told.cancelled().await;
            tokio::task::yield_now().await;
            cleared.lock().expect("whole").push(n);
            Err::<(), _>(BackupError::Cancelled)
        });
        assert!(matches!(outcome.await, Err(BackupError::Refused(_))));
        let mut cleared = cleared.into_inner().expect("whole");
        cleared.sort_unstable();
        // The two that had begun; the last two never did, and nobody else is cancelled.
        assert_eq!((cleared, cancel.is_cancelled()), (vec![0, 1], false));
        let done = all_or_none(&cancel, 0..5, 3, async |n: u32, _| Ok::<_, BackupError>(n)).await.expect("done");
        assert_eq!(done.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn d1_what_is_under_way_has_a_moment_to_end_and_no_more() {
        let cancel = CancellationToken::new();
        let stop = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cancel.cancel();
        };
        let work = |seconds| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(seconds)
        };
        let grace = Duration::from_secs(2);
        let (soon, late, ()) = tokio::join!(unless_soon(&cancel, grace, work(2)), unless_soon(&cancel, grace, work(4)), stop);
        assert!(matches!((soon, late), (Ok(2), Err(BackupError::Cancelled))));
        assert!(matches!(unless_soon(&cancel, grace, work(0)).await, Err(BackupError::Cancelled)));
    }
}
