//! The vault of this process: its keys are found, asked for, or made.

use super::secrets::create_whole;
use crate::config::{Config, KeySource};
use reeve_adapter::RolePools;
use reeve_service::vault::{Vault, VaultKey, secrets::Secrets};
use reeve_store::{Store, accounts::DEFAULT_ORG};
use secrecy::SecretString;
use std::{io::ErrorKind, path::Path, process::Stdio, time::Duration};
use tokio::{io::AsyncReadExt, process::Command};

/// The key that Reeve makes for itself, in the data directory.
const FILE: &str = "secret.key";
/// How long the program that writes the key may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A key is far shorter; what a program writes beyond is no key.
const LONGEST: u64 = 4096;

/// The vault with the configured keys. A key command is run, a missing key of the data directory's own is made; nothing is ever replaced.
///
/// # Errors
/// One sentence that says what to do, without any of the key.
pub async fn vault(config: &Config) -> Result<Vault, String> {
    let first = match &config.keys.source {
        KeySource::Given(key) => key.clone(),
        KeySource::Command(words) => ask(words).await?,
        KeySource::DataDir => own(&config.data_dir)?,
    };
    let mut keys = vec![first];
    keys.extend(config.keys.old.iter().cloned());
    Vault::new(keys).map_err(|e| e.to_string())
}

/// The stored secrets behind these pools.
#[must_use]
pub fn secrets(vault: Vault, pools: &RolePools) -> Secrets {
    Secrets::new(Store::new(pools.clone(), DEFAULT_ORG), vault)
}

fn own(dir: &Path) -> Result<VaultKey, String> {
    let path = dir.join(FILE);
    let read = || std::fs::read_to_string(&path).map(SecretString::from);
    let text = match read() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = VaultKey::generate().map_err(|e| e.to_string())?;
            create_whole(&path, &made).map_err(|sentence| {
                format!("{sentence} It would hold the key of stored secrets; make it writable, or name a key, for example in REEVE_SECRET_KEY_FILE.")
            })?;
            read()
        }
        other => other,
    };
    let text = text.map_err(|error| format!("The key of stored secrets, {}, can't be read ({error}).", path.display()))?;
    VaultKey::parse(&text).map_err(|_| {
        let path = path.display();
        format!("{path} holds no key, so stored secrets can't be opened; restore it from a backup. It was left as it is.")
    })
}

/// Runs a program for the key. Its standard error is thrown away: it could repeat the key.
async fn ask(words: &[String]) -> Result<VaultKey, String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("The command that writes the key of stored secrets has no program.".to_owned());
    };
    let failed =
        |why: String| format!("The command that writes the key of stored secrets ({program:?}) {why}; run it by hand to see what it says.");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    // It may need tokens and a home of its own, but none of Reeve's secrets.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("REEVE_") || text.ends_with("DATABASE_URL") {
            command.env_remove(&name);
        }
    }
    let work = async {
        let mut child = command.spawn().map_err(|error| failed(format!("could not be started ({error})")))?;
        let mut text = String::new();
        if let Some(out) = child.stdout.take() {
            let read = out.take(LONGEST).read_to_string(&mut text).await;
            read.map_err(|error| failed(format!("could not be read ({error})")))?;
        }
        let text = SecretString::from(text);
        let status = child.wait().await.map_err(|error| failed(format!("could not be waited for ({error})")))?;
        if status.success() { Ok(text) } else { Err(failed(format!("failed ({status})"))) }
    };
    let text = tokio::time::timeout(PATIENCE, work).await;
    let text = text.map_err(|_| failed(format!("took longer than {} s", PATIENCE.as_secs())))??;
    VaultKey::parse(&text).map_err(|_| failed("wrote no key: 32 bytes as 64 hexadecimal digits or in base64 are expected".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    async fn shell(script: &str) -> Result<VaultKey, String> {
        ask(&["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()]).await
    }

    #[test]
    fn g4_the_data_directorys_own_key_is_made_once_and_never_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = own(dir.path()).expect("made");
        assert_eq!(own(dir.path()).expect("read").id(), first.id());
        std::fs::write(dir.path().join(FILE), "half").expect("written");
        let sentence = own(dir.path()).expect_err("no key");
        assert!(sentence.contains("backup"), "{sentence}");
        assert_eq!(std::fs::read_to_string(dir.path().join(FILE)).expect("there"), "half");
    }

    #[tokio::test]
    async fn at_39_a_key_command_that_fails_shows_nothing_of_what_it_says() {
        let key = VaultKey::generate().expect("randomness");
        let good = shell(&format!("echo {}", key.expose_secret())).await.expect("a key");
        assert_eq!(good.id(), VaultKey::parse(&key).expect("a key").id());
        let key = key.expose_secret();
        for (script, word) in [
            (format!("echo {key} >&2; exit 3"), "failed"),
            (format!("echo {key}; exit 3"), "failed"),
            (format!("echo {key} {key}"), "wrote no key"),
            ("yes".to_owned(), "wrote no key"),
            ("printf '\\377'".to_owned(), "could not be read"),
        ] {
            // `yes` never ends by itself: it does when its pipe is closed.
            let sentence = shell(&script).await.map(|_| ()).expect_err(&script);
            assert!(!sentence.contains(key), "{sentence}");
            assert!(sentence.contains(word) || (script == "yes" && sentence.contains("failed")), "{script}: {sentence}");
        }
        let missing = ask(&["/nowhere/vault".to_owned()]).await.map(|_| ()).expect_err("not there");
        assert!(missing.contains("could not be started"), "{missing}");
    }
}
