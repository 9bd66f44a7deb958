//! Secrets that Reeve makes for itself, each in a file that only its user can read.

use secrecy::{ExposeSecret, SecretString};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// Reads a secret; none while it has not been made.
///
/// # Errors
/// One sentence when the file can't be read.
pub fn read(dir: &Path, name: &str) -> Result<Option<SecretString>, String> {
    let path = dir.join(name);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= LEAST => Ok(Some(SecretString::from(text.trim().to_owned()))),
        // Too short: it is being written.
        Ok(_) => Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble(&path)(error)),
    }
}

/// Reads a secret, or makes it at random and keeps it.
///
/// # Errors
/// One sentence when the directory can't be read or written.
pub fn kept(dir: &Path, name: &str) -> Result<SecretString, String> {
    let path = dir.join(name);
    let trouble = trouble(&path);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= LEAST => return Ok(SecretString::from(text.trim().to_owned())),
        // Too short: a start that was killed while it wrote. Nothing can depend on it yet.
        Ok(_) => fs::remove_file(&path).map_err(&trouble)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(trouble(error)),
    }
    fs::DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(&trouble)?;
    let secret = random()?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(&trouble)?;
    file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(trouble)?;
    Ok(SecretString::from(secret))
}

/// A secret that no start can have meant to leave shorter, in characters.
const LEAST: usize = 32;

fn trouble(path: &Path) -> impl Fn(std::io::Error) -> String {
    move |error| format!("The file {} can't be read or written ({error}).", path.display())
}

/// Makes a file with its whole text at once, for this user only. One that is there already stays as it is.
///
/// # Errors
/// One sentence when it can't be written.
pub fn create_whole(path: &Path, text: &SecretString) -> Result<(), String> {
    let trouble = trouble(path);
    let Some(dir) = path.parent() else { return Err(format!("{} is no file.", path.display())) };
    fs::DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(&trouble)?;
    // Beside its place until it is whole: a start that is killed here leaves no half of a secret under its name.
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).and_then(|mut file| {
        file.write_all(text.expose_secret().as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&fresh, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            // Another start was first: its secret counts.
            _ => fs::File::open(dir)?.sync_all(),
        }
    });
    let removed = fs::remove_file(&fresh);
    made.and(removed).map_err(trouble)
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
        assert_eq!(read(dir.path(), "a.password").expect("read").expect("there").expose_secret(), first.expose_secret());
        assert!(read(dir.path(), "c.password").expect("read").is_none());
    }

    #[test]
    fn g4_a_file_made_whole_is_private_and_never_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("deep").join("secret.key");
        for text in ["first", "second"] {
            create_whole(&path, &SecretString::from(text.to_owned())).expect("made");
            assert_eq!(fs::read_to_string(&path).expect("there"), "first");
        }
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().expect("deep")).expect("readable").count(), 1, "nothing is left beside it");
    }
}
