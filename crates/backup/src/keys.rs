//! To whom backups are encrypted, and what opens them again.

use crate::BackupError;
use age::x25519;
use secrecy::{ExposeSecret, SecretString};
use std::{
    io::{self, Read, Write},
    str::FromStr,
};

/// The public keys that backups are encrypted to and the secret keys, if any are here, that open them.
#[derive(Clone, Default)]
pub struct Keys {
    recipients: Vec<x25519::Recipient>,
    identities: Vec<x25519::Identity>,
}

impl Keys {
    /// Reads public keys (`age1…`) and the text of an identity file: a secret key (`AGE-SECRET-KEY-1…`) a line, comments after `#`.
    ///
    /// # Errors
    /// One sentence that names the key that can't be read, never a secret one.
    pub fn read(recipients: &[String], identity_file: Option<&SecretString>) -> Result<Self, BackupError> {
        let recipients = recipients.iter().map(|text| {
            x25519::Recipient::from_str(text.trim()).map_err(|_| {
                BackupError::Key(format!("{text:?} is no public key of age: write one that begins with age1, as `age-keygen -y` prints it"))
            })
        });
        let lines = identity_file.map_or("", |text| text.expose_secret()).lines().map(str::trim);
        let lines = lines.enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let identities = lines.map(|(number, line)| {
            x25519::Identity::from_str(line).map_err(|_| {
                let line = number + 1;
                BackupError::Key(format!("line {line} of the identity file is no secret key of age (AGE-SECRET-KEY-1…): correct the file"))
            })
        });
        let keys = Self { recipients: recipients.collect::<Result<_, _>>()?, identities: identities.collect::<Result<_, _>>()? };
        if identity_file.is_some() && keys.identities.is_empty() {
            return Err(BackupError::Key("the identity file holds no key: write the secret key, AGE-SECRET-KEY-1…, into it".to_owned()));
        }
        Ok(keys)
    }

    /// The public keys, as text.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        self.recipients.iter().map(ToString::to_string).collect()
    }

    /// Whether there is a secret key here.
    #[must_use]
    pub fn can_open(&self) -> bool {
        !self.identities.is_empty()
    }

    /// Whether backups are encrypted.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        !self.recipients.is_empty()
    }

    /// Encrypts a probe and opens it again, when there is a secret key: a backup that nobody can open is none.
    ///
    /// # Errors
    /// The secret key does not belong to any of the public ones.
    pub fn prove(&self) -> Result<(), BackupError> {
        if !self.encrypts() || !self.can_open() {
            return Ok(());
        }
        let probe = b"reeve";
        let mut sealed = Vec::new();
        self.seal(&mut probe.as_slice(), &mut sealed, 1).map_err(|e| BackupError::system("encrypting a probe", e))?;
        let mut opened = Vec::new();
        let mismatch = || {
            BackupError::Key(format!(
                "the configured identity opens nothing that is encrypted to {}: give the identity that belongs to one of the recipients",
                self.recipients().join(", ")
            ))
        };
        match self.open(sealed.as_slice(), true, &mut opened) {
            Ok(_) if opened == probe => Ok(()),
            _ => Err(mismatch()),
        }
    }

    /// Compresses and, with recipients, encrypts all of `source`. Answers the bytes read.
    ///
    /// # Errors
    /// What reading and writing meet.
    pub(crate) fn seal<W: Write>(&self, source: &mut impl Read, sink: W, level: i32) -> io::Result<u64> {
        if !self.encrypts() {
            let (read, mut sink) = compress(source, sink, level)?;
            sink.flush()?;
            return Ok(read);
        }
        let recipients = self.recipients.iter().map(|r| r as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let (read, writer) = compress(source, encryptor.wrap_output(sink)?, level)?;
        writer.finish()?.flush()?;
        Ok(read)
    }

    /// Decrypts, where it is encrypted, and decompresses all of `source`. Answers the bytes written.
    pub(crate) fn open(&self, source: impl Read, encrypted: bool, sink: &mut impl Write) -> Result<u64, OpenError> {
        if !encrypted {
            return decompress(source, sink);
        }
        let decryptor = age::Decryptor::new(source).map_err(|e| OpenError::Broken(e.to_string()))?;
        let identities = self.identities.iter().map(|i| i as &dyn age::Identity);
        let reader = decryptor.decrypt(identities).map_err(|error| match error {
            age::DecryptError::NoMatchingKeys => OpenError::NoKey,
            other => OpenError::Broken(other.to_string()),
        })?;
        decompress(reader, sink)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys(to {:?}, {} identities)", self.recipients(), self.identities.len())
    }
}

/// Why something sealed can't be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// It is encrypted to somebody else.
    NoKey,
    /// It is not what was written.
    Broken(String),
    /// Where it is written to failed.
    Sink(io::Error),
}

fn compress<W: Write>(source: &mut impl Read, sink: W, level: i32) -> io::Result<(u64, W)> {
    let mut encoder = zstd::Encoder::new(sink, level)?;
    encoder.include_checksum(true)?;
    let read = io::copy(source, &mut encoder)?;
    Ok((read, encoder.finish()?))
}

fn decompress(source: impl Read, sink: &mut impl Write) -> Result<u64, OpenError> {
    let broken = |e: io::Error| OpenError::Broken(e.to_string());
    let mut decoder = zstd::Decoder::new(source).map_err(broken)?;
    let mut buffer = vec![0_u8; 128 * 1024];
    let mut written = 0_u64;
    loop {
        let read = decoder.read(&mut buffer).map_err(broken)?;
        if read == 0 {
            break;
        }
        sink.write_all(&buffer[..read]).map_err(OpenError::Sink)?;
        written += read as u64;
    }
    sink.flush().map_err(OpenError::Sink)?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, SecretString) {
        let identity = x25519::Identity::generate();
        (identity.to_public().to_string(), identity.to_string())
    }

    #[test]
    fn d1_what_is_sealed_comes_back_and_a_cut_or_a_flip_is_seen() {
        let (public, secret) = pair();
        let text = "row\n".repeat(50_000).into_bytes();
        for keys in [Keys::default(), Keys::read(&[public], Some(&secret)).expect("keys")] {
            let mut sealed = Vec::new();
            keys.seal(&mut text.as_slice(), &mut sealed, 3).expect("seals");
            let open = |bytes: &[u8]| {
                let mut out = Vec::new();
                keys.open(bytes, keys.encrypts(), &mut out).map(|_| out)
            };
            assert_eq!(open(&sealed).expect("opens"), text);
            assert!(open(&sealed[..sealed.len() - 1]).is_err(), "a cut end");
            let middle = sealed.len() / 2;
            sealed[middle] ^= 1;
            assert!(open(&sealed).is_err(), "a flipped bit");
        }
    }

    #[test]
    fn d1_a_key_that_does_not_fit_is_refused_before_anything_is_encrypted_to_it() {
        let (public, secret) = pair();
        let (_, other) = pair();
        Keys::read(std::slice::from_ref(&public), Some(&secret)).expect("keys").prove().expect("a pair");
        Keys::read(std::slice::from_ref(&public), None).expect("keys").prove().expect("nothing to prove with");
        let error = Keys::read(std::slice::from_ref(&public), Some(&other)).expect("keys").prove().expect_err("another one");
        let sentence = error.to_string();
        assert!(sentence.contains(&public) && !sentence.contains(other.expose_secret()), "{sentence}");
    }

    #[test]
    fn d1_an_unreadable_secret_key_is_not_repeated() {
        let file = SecretString::from("# made today\nAGE-SECRET-KEY-1SPOILT\n".to_owned());
        let error = Keys::read(&[], Some(&file)).expect_err("spoilt").to_string();
        assert!(error.contains("line 2") && !error.contains("SPOILT"), "{error}");
        assert!(Keys::read(&["age1nonsense".to_owned()], None).is_err());
    }
}
