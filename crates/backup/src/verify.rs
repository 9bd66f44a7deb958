//! Verifying a stored backup.

use crate::{
    BackupError, Engine, Progress,
    cancel::unless,
    fetch::{Depth, Fetched, read_dump, stored_bytes},
    repository::records::Record,
    scratch::Scratch,
    tools::{self, Login},
};
use reeve_model::{
    UnixMs,
    backup::{BackupId, JobPhase, Verification, VerificationFault, VerificationLevel},
};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a complete file of roles and tablespaces ends with.
const GLOBALS_END: &str = "PostgreSQL database cluster dump complete";

impl Engine {
    /// Verifies a backup and keeps a record of it. Faults of the backup are in the answer; an error is one of the attempt.
    ///
    /// # Errors
    /// There is no such backup, its manifest is damaged, no key opens it, or what is needed for it is not there.
    pub async fn verify(
        &self,
        id: &BackupId,
        level: VerificationLevel,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Verification, BackupError> {
        let (lease, manifest) = unless(cancel, self.repository.lease(id)).await?;
        let started = Instant::now();
        let work = async {
            let bytes = stored_bytes(&manifest.objects);
            let meter = progress.phase(JobPhase::Read, Some(bytes));
            let faults = match level {
                VerificationLevel::Digests => {
                    let nowhere = std::path::Path::new("");
                    self.read_all(&manifest, Depth::Digests, nowhere, &meter, cancel).await?
                }
                VerificationLevel::Full => {
                    let installation = tools::pick(&self.config.installations, manifest.backup.tool_major, "pg_restore")?;
                    let scratch = Scratch::open(&self.config.scratch)?;
                    self.require_scratch(&manifest)?;
                    let mut faults = self.read_all(&manifest, Depth::Files, scratch.private(), &meter, cancel).await?;
                    if faults.is_empty() {
                        let private = scratch.private();
                        let fetched = Fetched { dump: private.join("dump"), globals: private.join("globals.sql") };
                        let login = Login::nowhere(private);
                        faults.extend(fault("dump", read_dump(&login, &installation, &fetched, cancel).await)?);
                        faults.extend(globals_fault(&fetched)?);
                    }
                    faults
                }
            };
            let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let objects = manifest.objects.len() as u64;
            Ok::<_, BackupError>(Verification { backup: id.clone(), at: UnixMs::now(), level, duration_ms, objects, bytes, faults })
        };
        let done = work.await;
        let released = lease.release().await;
        let verification = done?;
        released?;
        self.repository.record(&Record::Verification(verification.clone())).await?;
        Ok(verification)
    }
}

/// What `pg_restore` could not read is the backup's fault; that it could not be run is ours.
fn fault(object: &str, read: Result<(), BackupError>) -> Result<Option<VerificationFault>, BackupError> {
    match read {
        Ok(()) => Ok(None),
        Err(BackupError::Tool { said, .. }) => {
            Ok(Some(VerificationFault { object: object.to_owned(), sentence: format!("pg_restore can't read it to its end: {said}") }))
        }
        Err(other) => Err(other),
    }
}

fn globals_fault(fetched: &Fetched) -> Result<Option<VerificationFault>, BackupError> {
    let text = std::fs::read(&fetched.globals).map_err(|e| BackupError::io(&fetched.globals, &e))?;
    let whole = String::from_utf8_lossy(&text).contains(GLOBALS_END);
    let sentence = "It does not end as pg_dumpall ends what is complete.".to_owned();
    Ok((!whole).then(|| VerificationFault { object: "globals.sql".to_owned(), sentence }))
}
