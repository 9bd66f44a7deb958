//! The end of the log, noted outside of any database: whoever rewrites or cuts the log must also reach Reeve's own disk.

use reeve_model::UnixMs;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The file's name in the data directory.
pub const FILE: &str = "audit-anchors.jsonl";
/// A new line at most this often, milliseconds: about 70 KB a month.
const EVERY_MS: i64 = 10 * 60_000;
/// Lines kept when the file is written anew; older ones are thinned.
const MOST_LINES: usize = 20_000;

/// One noted end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Which log (its id).
    pub log: String,
    /// Its newest place then.
    pub seq: i64,
    /// The hash there, hexadecimal.
    pub hash: String,
    /// When it was noted.
    pub at: UnixMs,
}

/// Writes ends of the log into a file of its own.
pub struct Anchor {
    path: PathBuf,
    last: Mutex<Option<Noted>>,
}

impl Anchor {
    /// In this directory.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { path: dir.join(FILE), last: Mutex::new(None) }
    }

    /// Notes an end, if the last note is old enough or `now_or_never` is set. The line is on disk when this returns.
    ///
    /// # Errors
    /// The system's own.
    pub fn note(&self, end: Noted, now_or_never: bool) -> std::io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.as_ref().is_none_or(|l| l.log != end.log || now_or_never || end.at.ms_since(l.at) >= EVERY_MS);
        if !due || last.as_ref().is_some_and(|l| l.log == end.log && l.seq == end.seq) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&end)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().append(true).read(true).create(true).mode(0o600).open(&self.path)?;
        // A crash may have cut the last line short: it must not swallow this one.
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut end_of_file = [0_u8];
            file.read_exact(&mut end_of_file)?;
            if end_of_file != *b"\n" {
                line.insert(0, b'\n');
            }
        }
        file.write_all(&line)?;
        file.sync_data()?;
        *last = Some(end);
        drop(last);
        self.thin()
    }

    /// Halves the file when it has grown long: every second line goes, the newest stays.
    fn thin(&self) -> std::io::Result<()> {
        if fs::metadata(&self.path)?.len() < (MOST_LINES as u64) * 150 {
            return Ok(());
        }
        let lines = read(&self.path)?;
        let keep = lines.iter().rev().step_by(2).rev();
        let fresh = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        for line in keep {
            serde_json::to_writer(&mut file, line)?;
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        fs::rename(fresh, &self.path)
    }
}

fn read(path: &Path) -> std::io::Result<Vec<Noted>> {
    let lines = BufReader::new(File::open(path)?).lines();
    // A line that a crash cut short is none.
    Ok(lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok()).collect())
}

/// The ends that were noted in this directory, oldest first; none when nothing was.
///
/// # Errors
/// The system's own, but not that there is no file.
pub fn read_anchors(dir: &Path) -> std::io::Result<Vec<Noted>> {
    match read(&dir.join(FILE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g3_ends_are_noted_now_and_then_and_survive_a_torn_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let anchor = Anchor::new(dir.path().to_owned());
        let end = |seq, at| Noted { log: "l".into(), seq, hash: "ab".into(), at: UnixMs(at) };
        assert_eq!(read_anchors(dir.path()).expect("no file is fine"), []);
        anchor.note(end(1, 0), false).expect("written");
        anchor.note(end(2, 1000), false).expect("not due");
        anchor.note(end(3, 2000), true).expect("written");
        anchor.note(end(3, 9000), true).expect("nothing new");
        anchor.note(end(9, 2000 + EVERY_MS), false).expect("written");
        let mut file = OpenOptions::new().append(true).open(dir.path().join(FILE)).expect("there");
        file.write_all(b"{\"log\":\"l\",\"seq").expect("torn");
        let seqs = || read_anchors(dir.path()).expect("read").iter().map(|n| n.seq).collect::<Vec<i64>>();
        assert_eq!(seqs(), [1, 3, 9]);
        anchor.note(end(11, 0), true).expect("written");
        assert_eq!(seqs(), [1, 3, 9, 11]);
    }
}
