//! The Debian package: the release binary, its unit, its configuration and its documents, put together by `dpkg-deb`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::bench::program;
use crate::shell;
use crate::workspace::Workspace;

/// Where files of the repository go: source, destination, mode. Folders are copied whole.
const FILES: &[(&str, &str, u32)] = &[
    ("packaging/reeve.service", "usr/lib/systemd/system/reeve.service", 0o644),
    ("packaging/reeve.toml", "etc/reeve/reeve.toml", 0o640),
    ("README.md", "usr/share/doc/reeve/README.md", 0o644),
    ("LICENSE", "usr/share/doc/reeve/copyright", 0o644),
    ("docs", "usr/share/doc/reeve/docs", 0o644),
];
/// Run by dpkg.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Builds the release binary and packs it; prints where the package lies.
pub fn run(workspace: &Workspace) -> Result<()> {
    program::build(workspace)?;
    let package = pack(&workspace.root, &workspace.target.join("release/reeve"), &workspace.target.join("package"))?;
    println!("{}", package.display());
    Ok(())
}

/// Packs a binary; answers the package's path.
fn pack(root: &Path, binary: &Path, into: &Path) -> Result<PathBuf> {
    let tree = into.join("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    place(binary, &tree.join("usr/bin/reeve"), 0o755)?;
    let stripped = tree.join("usr/bin/reeve");
    // A binary that has nothing to strip is as good.
    Command::new("strip").arg("--strip-unneeded").arg(&stripped).status().ok();
    for (from, to, mode) in FILES {
        place(&root.join(from), &tree.join(to), *mode)?;
    }
    let control = tree.join("DEBIAN");
    for script in SCRIPTS {
        place(&root.join("packaging").join(script), &control.join(script), 0o755)?;
    }
    fs::write(control.join("conffiles"), "/etc/reeve/reeve.toml\n")?;
    let architecture = shell::read(Command::new("dpkg").arg("--print-architecture"))?;
    let (version, architecture) = (env!("CARGO_PKG_VERSION"), architecture.trim());
    fs::write(control.join("control"), control_file(version, architecture, size_kb(&tree)?))?;
    let package = into.join(format!("reeve_{version}_{architecture}.deb"));
    shell::run(Command::new("dpkg-deb").args(["--root-owner-group", "-Zxz", "--build"]).arg(&tree).arg(&package))?;
    Ok(package)
}

fn control_file(version: &str, architecture: &str, kb: u64) -> String {
    format!(
        "Package: reeve
Version: {version}
Architecture: {architecture}
Maintainer: The Reeve maintainers <maintainers@reeve.invalid>
Section: database
Priority: optional
Installed-Size: {kb}
Depends: adduser, libc6 (>= 2.36), libgcc-s1, ca-certificates
Recommends: postgresql (>= 13) | postgresql-15 | postgresql-16 | postgresql-17 | postgresql-18
Description: control room of a database estate
 Reeve says whether anything is wrong with a PostgreSQL estate, since when and
 what to do, proves backups by restoring them, and shows the evidence behind
 each compliance finding. It keeps its own state in a private PostgreSQL, for
 which it wants the server's programs, or in a database that it is given.
"
    )
}

/// Copies a file, or a folder with all in it.
fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let copying = || format!("{} can't be packed", from.display());
    if from.is_dir() {
        for entry in fs::read_dir(from).with_context(copying)? {
            let entry = entry?;
            place(&entry.path(), &to.join(entry.file_name()), mode)?;
        }
        return Ok(());
    }
    let folder = to.parent().context("no folder")?;
    fs::create_dir_all(folder)?;
    fs::copy(from, to).with_context(copying)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    let mut folder = Some(folder);
    // Whatever this user's mask is.
    while let Some(dir) = folder.filter(|dir| dir.file_name().is_some_and(|name| name != "package")) {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
        folder = if dir.file_name().is_some_and(|name| name == "tree") { None } else { dir.parent() };
    }
    Ok(())
}

fn size_kb(dir: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { size_kb(&entry.path())? } else { entry.metadata()?.len().div_ceil(1024) };
    }
    Ok(sum)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// K1: what the package holds and says; with another program than Reeve's, which takes minutes to build.
    #[test]
    fn k1_the_package_holds_program_unit_configuration_and_documents() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let dir = tempfile::tempdir().unwrap();
        let package = pack(&root, Path::new("/bin/true"), &dir.path().join("package")).unwrap();
        let said = |option: &str| shell::read(Command::new("dpkg-deb").arg(option).arg(&package)).unwrap();
        let contents = said("--contents");
        for line in [
            "-rwxr-xr-x root/root ./usr/bin/reeve",
            "-rw-r--r-- root/root ./usr/lib/systemd/system/reeve.service",
            "-rw-r----- root/root ./etc/reeve/reeve.toml",
            "-rw-r--r-- root/root ./usr/share/doc/reeve/docs/CONFIGURATION.md",
        ] {
            let [mode, owner, path] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let found = contents.lines().any(|l| l.starts_with(mode) && l.contains(owner) && l.ends_with(path));
            assert!(found, "{line} is not in\n{contents}");
        }
        let info = said("--info");
        assert!(info.contains(&format!("Version: {}", env!("CARGO_PKG_VERSION"))) && info.contains("Package: reeve"), "{info}");
        assert!(info.contains("conffiles") && info.contains("postinst"), "{info}");
    }

    /// K1: the unit is hardened.
    #[test]
    fn k1_the_unit_is_hardened() {
        let unit = include_str!("../../packaging/reeve.service");
        for line in [
            "User=reeve",
            "CapabilityBoundingSet=",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "SystemCallFilter=@system-service",
        ] {
            assert!(unit.lines().any(|l| l == line), "{line}");
        }
    }
}
