//! The edit loop: `reeve demo`, built and started again when a source changes. Open pages notice the new program by themselves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::assets::{self, Quality};
use crate::shell;
use crate::workspace::Workspace;

/// How often the sources are looked at: polling works on every file system, and a few hundred files cost a millisecond.
const LOOK: Duration = Duration::from_millis(300);
/// How long a program may take to stop before it is ended.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is watched, and what a change there makes stale.
const SOURCES: &[(&str, Stale)] = &[
    ("app", Stale { islands: true, program: true }),
    ("crates/access", Stale { islands: true, program: true }),
    ("crates/model", Stale { islands: true, program: true }),
    ("crates/ports", Stale { islands: true, program: true }),
    ("crates", Stale { islands: false, program: true }),
    ("demo", Stale { islands: false, program: true }),
    ("migrations", Stale { islands: false, program: true }),
    ("server", Stale { islands: false, program: true }),
    ("style", Stale { islands: true, program: false }),
    ("public", Stale { islands: true, program: false }),
    ("Cargo.lock", Stale { islands: true, program: true }),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stale {
    islands: bool,
    program: bool,
}

/// Runs until it is interrupted. A build that fails leaves the old program running.
pub fn run(workspace: &Workspace) -> Result<()> {
    let mut seen = look(&workspace.root)?;
    let mut running = match build(workspace, Stale { islands: true, program: true }) {
        true => Some(start(workspace)?),
        false => None,
    };
    loop {
        thread::sleep(LOOK);
        if let Some(status) = running.as_mut().map(Child::try_wait).transpose()?.flatten() {
            println!("watch: reeve ended ({status}); it is started again after the next change");
            running = None;
        }
        let now = look(&workspace.root)?;
        let Some(stale) = compare(&seen, &now) else { continue };
        seen = now;
        let began = Instant::now();
        if !build(workspace, stale) {
            println!("watch: not built; reeve goes on as it was");
            continue;
        }
        if let Some(old) = running.take() {
            stop(old)?;
        }
        running = Some(start(workspace)?);
        println!("watch: built and started again in {:.1} s", began.elapsed().as_secs_f64());
    }
}

/// Islands and program are compiled side by side: they share no folder, and linking keeps only one core busy.
fn build(workspace: &Workspace, stale: Stale) -> bool {
    let program = || {
        let mut cargo = shell::cargo();
        cargo.current_dir(&workspace.root).args(["build", "--locked", "--bin", "reeve"]);
        shell::run(&mut cargo)
    };
    let islands = || assets::run(workspace, Quality::Quick);
    let outcomes = thread::scope(|scope| {
        let other = stale.program.then(|| scope.spawn(program));
        let first = if stale.islands { islands() } else { Ok(()) };
        [first, other.map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the build thread died"))))]
    });
    outcomes.into_iter().filter_map(Result::err).map(|error| eprintln!("watch: {error:#}")).count() == 0
}

fn start(workspace: &Workspace) -> Result<Child> {
    let program = workspace.target.join("debug/reeve");
    std::process::Command::new(&program)
        .current_dir(&workspace.root)
        .arg("demo")
        .spawn()
        .with_context(|| format!("could not start {}", program.display()))
}

/// Asks it to stop, so that its clusters are stopped properly, and waits.
fn stop(mut child: Child) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id()).context("an odd process id")?);
    if kill(pid, Signal::SIGTERM).is_ok() {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        println!("watch: reeve did not stop within {} s and is ended", PATIENCE.as_secs());
    }
    child.kill().context("could not end reeve")?;
    child.wait().context("reeve got lost")?;
    Ok(())
}

type Seen = BTreeMap<PathBuf, SystemTime>;

/// When each source was last changed. A file that goes away meanwhile is simply not there.
fn look(root: &Path) -> Result<Seen> {
    let mut seen = Seen::new();
    for (place, _) in SOURCES {
        walk(root, Path::new(place), &mut seen);
    }
    Ok(seen)
}

fn walk(root: &Path, place: &Path, seen: &mut Seen) {
    let hidden = place.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let full = root.join(place);
    let Ok(meta) = full.symlink_metadata() else { return };
    if hidden {
        return;
    }
    if meta.is_file() {
        seen.insert(place.to_owned(), meta.modified().unwrap_or(SystemTime::UNIX_EPOCH));
    } else if meta.is_dir() {
        let Ok(entries) = std::fs::read_dir(&full) else { return };
        for entry in entries.flatten() {
            walk(root, &place.join(entry.file_name()), seen);
        }
    }
}

/// What the differences make stale; `None` when there are none.
fn compare(before: &Seen, now: &Seen) -> Option<Stale> {
    let changed = now.iter().filter(|(path, time)| before.get(*path) != Some(time)).map(|(path, _)| path);
    let gone = before.keys().filter(|path| !now.contains_key(*path));
    let kinds = changed.chain(gone).filter_map(|path| SOURCES.iter().find(|(place, _)| path.starts_with(place)));
    kinds.map(|(_, stale)| *stale).reduce(|a, b| Stale { islands: a.islands || b.islands, program: a.program || b.program })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(files: &[(&str, u64)]) -> Seen {
        files.iter().map(|(path, time)| (PathBuf::from(path), SystemTime::UNIX_EPOCH + Duration::from_secs(*time))).collect()
    }

    #[test]
    fn a_change_makes_stale_what_is_built_from_it() {
        let before = seen(&[("app/src/lib.rs", 1), ("crates/service/src/lib.rs", 1), ("style/main.css", 1)]);
        let change = |path: &str| {
            let mut now = before.clone();
            now.insert(path.into(), SystemTime::UNIX_EPOCH + Duration::from_secs(2));
            compare(&before, &now)
        };
        assert_eq!(compare(&before, &before), None);
        assert_eq!(change("crates/service/src/lib.rs"), Some(Stale { islands: false, program: true }));
        assert_eq!(change("crates/model/src/new.rs"), Some(Stale { islands: true, program: true }));
        assert_eq!(change("style/main.css"), Some(Stale { islands: true, program: false }));
        assert_eq!(compare(&before, &seen(&[("app/src/lib.rs", 1), ("style/main.css", 1)])), Some(Stale { islands: false, program: true }));
    }

    #[test]
    fn sources_are_found_and_hidden_files_are_not() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("app/src")).expect("makes a folder");
        std::fs::write(dir.path().join("app/src/lib.rs"), "").expect("writes");
        std::fs::write(dir.path().join("app/src/.lib.rs.swp"), "").expect("writes");
        let found: Vec<_> = look(dir.path()).expect("looks").into_keys().collect();
        assert_eq!(found, [PathBuf::from("app/src/lib.rs")]);
    }
}
