//! The README's commands in a new Debian: whether a stranger's machine gets as far as ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::shell;
use crate::workspace::Workspace;

/// The release that the README speaks of.
const RELEASE: &str = "bookworm";
/// How this machine reaches packages: copied, so that the new root reaches them the same way.
const ROADS: &[&str] = &[
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/debian.sources",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/usr/local/share/ca-certificates",
];
/// The same below the home directory, and the toolchain, which the README asks for.
const HOME: &[&str] = &[".npmrc", ".cargo/config.toml", ".cargo/env", ".cargo/bin", ".rustup"];
/// Mounts that the commands need; they end with the namespace.
const INSIDE: &str = r#"
set -eu
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mkdir -p "$1/src" && mount --bind -o ro "$2" "$1/src"
exec chroot "$1" /bin/bash /src/scripts/fresh.sh "$3"
"#;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// `make run`, until it is ready.
    Run,
    /// That, and `make test`.
    Test,
}

impl Extent {
    /// From the command line.
    pub fn parse(args: &[String]) -> Result<Self> {
        match args {
            [] => Ok(Self::Test),
            [flag] if flag == "--run" => Ok(Self::Run),
            _ => bail!("`cargo xtask fresh` takes nothing but --run, which leaves `make test` out"),
        }
    }
}

/// Makes the root anew, runs the commands of the last commit in it, and removes it when they passed.
pub fn run(workspace: &Workspace, extent: Extent) -> Result<()> {
    for program in ["debootstrap", "unshare", "chroot"] {
        ensure!(shell::find(program).is_some(), "`{program}` is needed: install debootstrap and util-linux");
    }
    ensure!(nix::unistd::Uid::effective().is_root(), "a new root is made by root alone: run this as root");
    let root = workspace.target.join("fresh");
    if root.exists() {
        // A mount that is left would be emptied with it.
        let mounts = fs::read_to_string("/proc/self/mounts").context("could not read which mounts there are")?;
        ensure!(!holds_mounts(&mounts, &root), "{} holds mounts of an earlier run: unmount them first", root.display());
        fs::remove_dir_all(&root).with_context(|| format!("could not remove {}", root.display()))?;
    }
    fs::create_dir_all(&root)?;
    let mut bootstrap = Command::new("debootstrap");
    bootstrap.args(["--variant=minbase", "--include=ca-certificates", RELEASE]).arg(&root).args(mirror());
    shell::run(bootstrap.stdout(std::process::Stdio::null()))?;
    // The one that debootstrap wrote would stand beside ours.
    fs::remove_file(root.join("etc/apt/sources.list")).ok();
    let home = PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?);
    let roads = ROADS.iter().map(|path| (PathBuf::from(path), root.join(path.trim_start_matches('/'))));
    let own = HOME.iter().map(|path| (home.join(path), root.join("root").join(path)));
    for (from, to) in roads.chain(own).filter(|(from, _)| from.exists()) {
        fs::create_dir_all(to.parent().context("it has a parent")?)?;
        // Followed where it is a link: what it leads to is not in the new root.
        shell::run(Command::new("cp").args(["-rL", "--preserve=mode"]).arg("-T").arg(&from).arg(&to))?;
    }
    let word = if extent == Extent::Test { "test" } else { "run" };
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", INSIDE, "fresh"]);
    shell::run(inside.arg(&root).arg(&workspace.root).arg(word))?;
    fs::remove_dir_all(&root).with_context(|| format!("could not remove {}", root.display()))
}

/// The mirror that this machine uses; none: debootstrap's own.
fn mirror() -> Option<String> {
    let sources = ROADS[..2].iter().filter_map(|path| fs::read_to_string(path).ok()).collect::<Vec<_>>().join("\n");
    first_mirror(&sources)
}

fn first_mirror(sources: &str) -> Option<String> {
    let of = |line: &str| line.split_whitespace().find(|word| word.starts_with("http")).map(str::to_owned);
    sources.lines().filter(|l| l.starts_with("URIs:") || l.starts_with("deb ")).find_map(of)
}

fn holds_mounts(mounts: &str, root: &Path) -> bool {
    mounts.lines().filter_map(|line| line.split(' ').nth(1)).any(|at| Path::new(at).starts_with(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mirror_is_found_in_both_forms() {
        let new = "Types: deb\nURIs: http://deb.example/debian http://other.example\nSuites: bookworm\n";
        assert_eq!(first_mirror(new).as_deref(), Some("http://deb.example/debian"));
        assert_eq!(
            first_mirror("# deb http://no\ndeb [arch=amd64] http://old.example/debian bookworm main").as_deref(),
            Some("http://old.example/debian")
        );
        assert_eq!(first_mirror("nothing"), None);
    }

    #[test]
    fn a_root_that_holds_mounts_is_not_emptied() {
        let mounts = "proc /a/fresh/proc proc rw 0 0\n";
        assert!(holds_mounts(mounts, Path::new("/a/fresh")));
        assert!(!holds_mounts(mounts, Path::new("/a/fre")) && !holds_mounts("", Path::new("/a/fresh")));
    }

    #[test]
    fn the_extent_is_read() {
        let words = |all: &[&str]| all.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(Extent::parse(&[]).expect("taken"), Extent::Test);
        assert_eq!(Extent::parse(&words(&["--run"])).expect("taken"), Extent::Run);
        assert!(Extent::parse(&words(&["--all"])).is_err() && Extent::parse(&words(&["--run", "x"])).is_err());
    }
}
