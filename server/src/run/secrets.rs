//! Secrets that Reeve makes for itself, each in a file that only its user can read.

use secrecy::SecretString;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// Reads a secret, or makes it at random and keeps it.
///
/// # Errors
/// One sentence when the directory can't be read or written.
pub fn kept(dir: &Path, name: &str) -> Result<SecretString, String> {
    let path = dir.join(name);
    let trouble = |error: std::io::Error| format!("The file {} can't be read or written ({error}).", path.display());
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= 32 => return Ok(SecretString::from(text.trim().to_owned())),
        // Too short: a start that was killed while it wrote. Nothing can depend on it yet.
        Ok(_) => fs::remove_file(&path).map_err(trouble)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(trouble(error)),
    }
    fs::DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(trouble)?;
    let secret = random()?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(trouble)?;
    file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(trouble)?;
    Ok(SecretString::from(secret))
}

/// 192 bits at random, as 48 hexadecimal digits.
fn random() -> Result<String, String> {
    let mut bytes = [0_u8; 24];
    getrandom::fill(&mut bytes).map_err(|error| format!("The system has no randomness ({error})."))?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn g4_a_secret_is_kept_and_private() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = kept(dir.path(), "a.password").expect("made");
        let again = kept(dir.path(), "a.password").expect("read");
        assert_eq!(first.expose_secret(), again.expose_secret());
        assert_ne!(first.expose_secret(), kept(dir.path(), "b.password").expect("made").expose_secret());
        let mode = fs::metadata(dir.path().join("a.password")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
