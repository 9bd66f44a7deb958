//! Uploads in parts: not seen by anybody before they are complete, and paid for until they are complete or ended.
//!
//! The parts of a directory are files below it and go with the rest. A bucket keeps them apart and does not tell of them with what this
//! program can ask; so each upload to a bucket leaves a note, `uploads/ID/RANDOM.json`, until it is complete or ended, and a sweep ends
//! those whose job died. Between the beginning and its note lies one call: what dies just there is left to a rule of the bucket
//! (docs/BACKUP.md).

use super::{CLEANUP, Repository, s3::Bucket};
use crate::BackupError;
use object_store::{
    MultipartUpload, ObjectMeta, ObjectStoreExt, PutPayload,
    multipart::{MultipartStore, PartId},
    path::Path as Key,
};
use reeve_model::backup::BackupId;
use serde::{Deserialize, Serialize};

/// An upload that was begun.
pub(super) enum Upload {
    /// The store keeps its books.
    Plain(Box<dyn MultipartUpload>),
    /// To a bucket, with a note.
    Noted { bucket: Bucket, upload: Begun, parts: Vec<PartId>, note: Key },
}

/// What a note says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    object: String,
    upload: String,
}

impl Upload {
    pub(super) async fn put_part(&mut self, part: PutPayload) -> object_store::Result<()> {
        match self {
            Self::Plain(upload) => upload.put_part(part).await,
            Self::Noted { bucket, upload, parts, .. } => {
                let done = bucket.put_part(&Key::from(upload.object.as_str()), &upload.upload, parts.len(), part).await?;
                parts.push(done);
                Ok(())
            }
        }
    }

    /// Makes the object of the parts.
    pub(super) async fn complete(&mut self) -> object_store::Result<()> {
        match self {
            Self::Plain(upload) => upload.complete().await.map(drop),
            Self::Noted { bucket, upload, parts, .. } => {
                let key = Key::from(upload.object.as_str());
                bucket.complete_multipart(&key, &upload.upload, std::mem::take(parts)).await.map(drop)
            }
        }
    }

    /// Ends it; nothing of it is left.
    async fn abort(&mut self) -> object_store::Result<()> {
        match self {
            Self::Plain(upload) => upload.abort().await,
            Self::Noted { bucket, upload, .. } => end(bucket, upload).await,
        }
    }
}

/// Ends an upload; one that ended already is fine.
async fn end(bucket: &Bucket, begun: &Begun) -> object_store::Result<()> {
    match bucket.abort_multipart(&Key::from(begun.object.as_str()), &begun.upload).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

impl Repository {
    /// Begins an upload of an object of a backup.
    pub(super) async fn begin_upload(&self, id: &BackupId, key: &Key) -> Result<Upload, BackupError> {
        let failed = |e: object_store::Error| self.failed("beginning an upload", &e);
        let Some(bucket) = &self.bucket else {
            return Ok(Upload::Plain(self.store.put_multipart(key).await.map_err(failed)?));
        };
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|e| BackupError::system("reading random bytes", e))?;
        let note = Key::from(format!("{}/{}.json", uploads_prefix(id), hex::encode(random)));
        let begun = Begun { object: key.to_string(), upload: bucket.create_multipart(key).await.map_err(failed)? };
        let text = serde_json::to_vec(&begun).map_err(|e| BackupError::system("writing JSON", e))?;
        if let Err(error) = self.store.put(&note, PutPayload::from(text)).await {
            if let Err(second) = end(bucket, &begun).await {
                tracing::warn!(object = %key, error = %second, "an upload could not be ended; a rule of the bucket must do it");
            }
            return Err(failed(error));
        }
        Ok(Upload::Noted { bucket: bucket.clone(), upload: begun, parts: Vec::new(), note })
    }

    /// Completes an upload. An error after which the whole object is there was only a lost answer.
    pub(super) async fn complete_upload(&self, upload: &mut Upload, key: &Key, length: u64) -> Result<(), BackupError> {
        if let Err(error) = upload.complete().await {
            let there = self.store.head(key).await.is_ok_and(|meta| meta.size == length);
            if !there {
                return Err(self.failed("ending an upload", &error));
            }
        }
        if let Upload::Noted { note, .. } = upload
            && let Err(error) = self.remove(note).await
        {
            tracing::warn!(object = %key, %error, "the note of a complete upload was not taken away; a later sweep does it");
        }
        Ok(())
    }

    /// Ends an upload that came to nothing, within [`CLEANUP`].
    pub(super) async fn give_up_upload(&self, upload: &mut Upload, key: &Key) {
        let work = async {
            upload.abort().await.map_err(|e| self.failed("ending an upload", &e))?;
            match upload {
                Upload::Noted { note, .. } => self.remove(note).await,
                Upload::Plain(_) => Ok(()),
            }
        };
        match tokio::time::timeout(CLEANUP, work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(object = %key, %error, "an upload could not be ended; a later sweep does it"),
            Err(_) => tracing::warn!(object = %key, "the store did not answer when an upload was to be ended; a later sweep does it"),
        }
    }

    /// Ends the uploads to which these notes belong. One that can't be ended keeps its note, for the next time.
    pub(super) async fn end_noted(&self, notes: &[ObjectMeta]) -> Result<(), BackupError> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        for meta in notes {
            let Some(bytes) = self.read_small(&meta.location).await? else { continue };
            if let Ok(begun) = serde_json::from_slice::<Begun>(&bytes)
                && let Err(error) = end(bucket, &begun).await
            {
                let error = self.failed("ending an upload", &error);
                tracing::warn!(object = %begun.object, %error, "an abandoned upload could not be ended; a later sweep tries again");
                continue;
            }
            self.remove(&meta.location).await?;
        }
        Ok(())
    }
}

/// Where the notes of a backup's uploads lie.
pub(super) fn uploads_prefix(id: &BackupId) -> String {
    format!("uploads/{id}")
}
