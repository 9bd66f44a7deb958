//! Room on the disk, asked before the first compilation: a compiler that finds none says so in the middle of a page of arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::sys::statvfs::statvfs;

/// What a whole `make test` from a clean clone writes below the target folder, with a fifth to spare, in bytes.
const WHOLE: u64 = 13 << 30;
/// What a run needs that finds most of it compiled, in bytes.
const AGAIN: u64 = 3 << 30;

/// Refuses with one sentence when the target folder's file system has too little room left.
pub fn check(target: &Path) -> Result<()> {
    let at = existing(target).context("the target folder has no parent that exists")?;
    let found = statvfs(&at).with_context(|| format!("could not ask how full the disk below {} is", at.display()))?;
    let free = found.blocks_available().saturating_mul(found.fragment_size());
    judge(free, target.join("debug/deps").is_dir(), target)
}

fn judge(free: u64, compiled: bool, target: &Path) -> Result<()> {
    let needed = if compiled { AGAIN } else { WHOLE };
    if free < needed {
        let (needed, free) = (gib(needed), gib(free));
        bail!(
            "{needed} GiB of disk are needed below {} and {free} are free: make room, or set CARGO_TARGET_DIR to a larger disk",
            target.display()
        );
    }
    Ok(())
}

fn gib(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for a person, with one decimal")]
    let gib = bytes as f64 / f64::from(1 << 30);
    format!("{gib:.1}")
}

/// The nearest folder above, itself included, that is there.
fn existing(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|candidate| candidate.is_dir()).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_one_sentence_before_anything_is_compiled() {
        let target = Path::new("/x/target");
        assert!(judge(WHOLE, false, target).is_ok() && judge(AGAIN, true, target).is_ok());
        let refused = judge(AGAIN, false, target).expect_err("too little for a clean clone").to_string();
        assert_eq!(
            refused,
            "13.0 GiB of disk are needed below /x/target and 3.0 are free: make room, or set CARGO_TARGET_DIR to a larger disk"
        );
        assert!(judge(AGAIN - 1, true, target).is_err());
    }

    #[test]
    fn a_target_folder_that_is_not_there_yet_is_asked_of_its_parent() {
        let home = tempfile::tempdir().expect("a folder");
        let target = home.path().join("clone/target");
        assert_eq!(existing(&target).as_deref(), Some(home.path()));
    }
}
