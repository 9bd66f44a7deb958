//! Waiting that ends when the job is cancelled.

use crate::BackupError;
use tokio_util::sync::CancellationToken;

/// The work, or [`BackupError::Cancelled`] as soon as that is asked for; the work is dropped where it stands.
pub(crate) async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T, BackupError>>) -> Result<T, BackupError> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(BackupError::Cancelled),
        done = work => done,
    }
}
