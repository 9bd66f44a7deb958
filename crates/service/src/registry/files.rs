//! Reading the files in which addresses stand, without ever waiting long for one: a directory of another machine can hang.

use secrecy::SecretString;
use std::{
    collections::HashMap,
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::oneshot::{self, Receiver};

/// How long a file is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The most that is read, bytes.
const MOST: u64 = 64 * 1024;

/// What is being read. One that hangs is not read a second time beside it.
#[derive(Debug, Default)]
pub struct Files {
    under_way: HashMap<PathBuf, Receiver<Result<SecretString, String>>>,
}

impl Files {
    /// What a file holds.
    ///
    /// # Errors
    /// One clause: it can't be read, is no file, or did not answer in time.
    pub async fn read(&mut self, path: &Path) -> Result<SecretString, String> {
        let mut reading = match self.under_way.remove(path) {
            Some(reading) => reading,
            None => begin(path).map_err(|e| e.to_string())?,
        };
        match tokio::time::timeout(PATIENCE, &mut reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => Err("reading it ended without an answer".to_owned()),
            Err(_) => {
                self.under_way.insert(path.to_owned(), reading);
                Err(format!("it did not answer within {} s", PATIENCE.as_secs()))
            }
        }
    }
}

/// On a thread of its own, which the end of the program does not wait for.
fn begin(path: &Path) -> io::Result<Receiver<Result<SecretString, String>>> {
    let (answer, reading) = oneshot::channel();
    let path = path.to_owned();
    std::thread::Builder::new().name("address file".to_owned()).spawn(move || {
        // Nobody waits any more: the follower is gone.
        let _ = answer.send(read(&path));
    })?;
    Ok(reading)
}

fn read(path: &Path) -> Result<SecretString, String> {
    // Opening a pipe waits for somebody who writes into it.
    if !fs::metadata(path).map_err(|e| e.to_string())?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut text = String::new();
    let mut file = fs::File::open(path).map_err(|e| e.to_string())?.take(MOST);
    file.read_to_string(&mut text).map_err(|e| e.to_string())?;
    Ok(SecretString::from(text))
}
