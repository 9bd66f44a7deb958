//! Files to objects and back: read → compress → encrypt → digest → store, in bounded memory.
//!
//! The transformations block a thread; a channel of a few parts joins them to the asynchronous store on the other side.

use super::{CLEANUP, Repository, object_key, uploads::Upload};
use crate::{
    BackupError,
    cancel::{unless, unless_soon},
    keys::{Keys, OpenError},
    manifest::ObjectRecord,
    progress::Meter,
};
use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, path::Path as Key};
use reeve_model::backup::BackupId;
use sha2::{Digest, Sha256};
use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Bytes of one part, of all but giant files; what fits is stored in one piece.
const PART: usize = 8 * 1024 * 1024;
/// Parts that may wait in the channel.
const WAITING: usize = 2;
/// What a write that is under way may take to end when the job is cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// How an object was found.
#[derive(Debug)]
pub(crate) enum Found {
    Good,
    /// Not as it was written; what is wrong, in one sentence.
    Wrong(String),
}

impl Repository {
    /// Stores a file below a backup's prefix and reads it back.
    pub(crate) async fn store_file(
        &self,
        id: &BackupId,
        name: &str,
        file: &Path,
        chain: &Chain,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<ObjectRecord, BackupError> {
        let stored_as = format!("{name}.zst{}", if chain.keys.encrypts() { ".age" } else { "" });
        let (sender, receiver) = mpsc::channel(WAITING);
        let (chain, path, meter) = (chain.clone(), file.to_owned(), meter.clone());
        let size = part_size(file.metadata().map_err(|e| BackupError::io(file, &e))?.len());
        let sealing = tokio::task::spawn_blocking(move || {
            let mut source = Metered { inner: std::fs::File::open(&path)?, meter };
            chain.keys.seal(&mut source, PartWriter { sender, size, part: Vec::with_capacity(size) }, chain.level)
        });
        let sealed = async {
            let read = sealing.await.map_err(|e| BackupError::system("compressing", e))?;
            read.map_err(|e| BackupError::io(file, &e))
        };
        let (plain_bytes, stored_bytes, sha256) = self.upload(id, &stored_as, receiver, sealed, cancel).await?;
        let record = ObjectRecord { name: name.to_owned(), stored_as, plain_bytes, stored_bytes, sha256 };
        match self.check_object(id, &record, &crate::Progress::silent().phase(reeve_model::backup::JobPhase::Read, None), cancel).await? {
            Found::Good => Ok(record),
            Found::Wrong(why) => Err(self.damaged(&object_key(id, &record.stored_as), format!("read back at once: {why}"))),
        }
    }

    async fn upload(
        &self,
        id: &BackupId,
        stored_as: &str,
        mut parts: mpsc::Receiver<Bytes>,
        sealed: impl Future<Output = Result<u64, BackupError>>,
        cancel: &CancellationToken,
    ) -> Result<(u64, u64, String), BackupError> {
        let key = object_key(id, stored_as);
        let mut hasher = Sha256::new();
        let mut stored = 0_u64;
        let mut held: Option<Bytes> = None;
        let mut upload: Option<Upload> = None;
        let sent = async {
            while let Some(part) = unless(cancel, async { Ok(parts.recv().await) }).await? {
                hasher.update(&part);
                stored += part.len() as u64;
                // One part is held back: only with a second one is it worth an upload in parts.
                if let Some(before) = held.replace(part) {
                    let to = match &mut upload {
                        Some(upload) => upload,
                        // An upload whose beginning was done and not heard of could not be ended.
                        None => upload.insert(unless_soon(cancel, CLEANUP, self.begin_upload(id, &key)).await?),
                    };
                    unless_soon(cancel, GRACE, self.send_part(to, before)).await?;
                }
            }
            // The channel also ends when the other side fails: nothing may be finished before it says that all is well.
            let plain = sealed.await?;
            let last = held.take().unwrap_or_default();
            let finish = async {
                match &mut upload {
                    Some(upload) => {
                        self.send_part(upload, last).await?;
                        self.complete_upload(upload, &key, stored).await
                    }
                    None => self.send_whole(&key, last).await,
                }
            };
            unless_soon(cancel, GRACE, finish).await?;
            Ok::<_, BackupError>(plain)
        };
        let sent = sent.await;
        if let (Err(_), Some(upload)) = (&sent, &mut upload) {
            self.give_up_upload(upload, &key).await;
        }
        Ok((sent?, stored, hex::encode(hasher.finalize())))
    }

    async fn send_part(&self, upload: &mut Upload, part: Bytes) -> Result<(), BackupError> {
        upload.put_part(PutPayload::from(part)).await.map_err(|e| self.failed("uploading", &e))
    }

    async fn send_whole(&self, key: &Key, bytes: Bytes) -> Result<(), BackupError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(key, PutPayload::from(bytes), options).await {
            // Nobody else writes here: it is ours, and the answer was lost. Reading it back tells.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(self.failed("writing", &error)),
        }
    }

    /// Reads an object and compares length and digest.
    pub(crate) async fn check_object(
        &self,
        id: &BackupId,
        object: &ObjectRecord,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<Found, BackupError> {
        self.read_object(id, object, None, meter, cancel).await
    }

    /// Reads an object, compares length and digest, and writes the file it was.
    pub(crate) async fn fetch_object(
        &self,
        id: &BackupId,
        object: &ObjectRecord,
        chain: &Chain,
        file: &Path,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<Found, BackupError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (keys, path, encrypted) = (chain.keys.clone(), file.to_owned(), object.stored_as.ends_with(".age"));
        let opening = tokio::task::spawn_blocking(move || {
            let mut sink = io::BufWriter::new(create(&path)?);
            keys.open(PartReader { receiver, part: Bytes::new() }, encrypted, &mut sink)
        });
        // The digest first: it says which it is, spoilt in the repository or never right.
        let found = self.read_object(id, object, Some(sender), meter, cancel).await;
        let opened = opening.await.map_err(|e| BackupError::system("decompressing", e))?;
        if let Found::Wrong(why) = found? {
            return Ok(Found::Wrong(why));
        }
        match opened {
            Ok(bytes) if bytes == object.plain_bytes => Ok(Found::Good),
            Ok(bytes) => Ok(Found::Wrong(format!("It opens to {bytes} bytes and should to {}.", object.plain_bytes))),
            Err(OpenError::Broken(why)) => Ok(Found::Wrong(format!("Its digest is right, but it can't be opened ({why})."))),
            Err(OpenError::Sink(error)) => Err(BackupError::io(file, &error)),
            Err(OpenError::NoKey) => Err(BackupError::Key(format!(
                "{id} is encrypted to keys that none of the configured identities belongs to: configure the identity file of one of its recipients"
            ))),
        }
    }

    async fn read_object(
        &self,
        id: &BackupId,
        object: &ObjectRecord,
        sink: Option<mpsc::Sender<Bytes>>,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<Found, BackupError> {
        let key = object_key(id, &object.stored_as);
        // Cancelled while the store is silent, it must not wait for it.
        let head = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(BackupError::Cancelled),
            head = self.store.head(&key) => head,
        };
        let length = match head {
            Ok(meta) => meta.size,
            Err(object_store::Error::NotFound { .. }) => return Ok(Found::Wrong("It is gone.".to_owned())),
            Err(error) => return Err(self.failed("reading", &error)),
        };
        if length != object.stored_bytes {
            return Ok(Found::Wrong(format!("It has {length} bytes and should have {}.", object.stored_bytes)));
        }
        let mut hasher = Sha256::new();
        let mut at = 0;
        while at < length {
            let until = length.min(at + PART as u64 / 2);
            let part = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(BackupError::Cancelled),
                part = self.store.get_range(&key, at..until) => part,
            };
            let part = match part {
                Ok(part) => part,
                Err(object_store::Error::NotFound { .. }) => return Ok(Found::Wrong("It is gone.".to_owned())),
                Err(error) => return Err(self.failed("reading", &error)),
            };
            hasher.update(&part);
            meter.add(part.len() as u64);
            at = until;
            // A receiver that went away has its own reason, which is asked for afterwards.
            if let Some(sink) = &sink {
                sink.send(part).await.ok();
            }
        }
        let digest = hex::encode(hasher.finalize());
        if digest != object.sha256 {
            return Ok(Found::Wrong(format!("Its SHA-256 is {digest} and should be {}.", object.sha256)));
        }
        Ok(Found::Good)
    }
}

/// What happens to a file on its way.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) keys: Keys,
    /// zstd's level.
    pub(crate) level: i32,
}

/// A store takes 10 000 parts of an object. What is stored is hardly larger than the file, so a tenth is left free.
fn part_size(file: u64) -> usize {
    let least = file.div_ceil(9_000);
    usize::try_from(least).unwrap_or(usize::MAX).max(PART)
}

fn create(path: &PathBuf) -> Result<std::fs::File, OpenError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(OpenError::Sink)?;
    }
    std::fs::File::create_new(path).map_err(OpenError::Sink)
}

struct Metered<R> {
    inner: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.meter.add(read as u64);
        Ok(read)
    }
}

/// Cuts what is written into parts.
struct PartWriter {
    sender: mpsc::Sender<Bytes>,
    /// Bytes of a part.
    size: usize,
    part: Vec<u8>,
}

impl PartWriter {
    fn send(&mut self) -> io::Result<()> {
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(self.size));
        self.sender.blocking_send(Bytes::from(part)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.size - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        if self.part.len() == self.size {
            self.send()?;
        }
        Ok(taken)
    }

    /// Called once, at the end: an encoder that flushed more often would make small parts, which S3 refuses.
    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() { Ok(()) } else { self.send() }
    }
}

/// Joins parts together again.
struct PartReader {
    receiver: mpsc::Receiver<Bytes>,
    part: Bytes,
}

impl Read for PartReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.receiver.blocking_recv() {
                Some(part) => self.part = part,
                None => return Ok(0),
            }
        }
        let taken = buffer.len().min(self.part.len());
        buffer[..taken].copy_from_slice(&self.part.split_to(taken));
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_parts_are_small_and_never_more_than_a_store_takes() {
        assert_eq!(part_size(0), PART);
        assert_eq!(part_size(60_000_000_000), PART);
        for file in [100_000_000_000, 4_000_000_000_000_u64] {
            assert!(file.div_ceil(part_size(file) as u64) <= 9_000, "{file}");
        }
    }
}
