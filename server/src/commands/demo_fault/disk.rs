//! A disk that runs full: a small filesystem in memory, a tablespace on it, and a table that takes all of it.
//!
//! Only root mounts. What is left when the command is killed at any step is known by its place: the filesystem by the mount table, the
//! tablespace by its name.

use super::{
    Fault,
    sessions::{Sessions, execute},
};
use crate::{commands::demo, config::Config, run::output::say};
use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::Uid,
};
use reeve_adapter::WireClient;
use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, chown},
    },
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The tablespace; the sample estate has none of its own.
pub(super) const TABLESPACE: &str = "demo_small";
/// The table that takes it.
const TABLE: &str = "public.demo_fault_disk";
/// `ERROR: could not extend file …: No space left on device`.
const FULL: &str = "53100";
const SIZE: &str = "64m";

/// Where the filesystem is mounted: beside the data directory, for its user.
fn place(config: &Config) -> Result<PathBuf, String> {
    let dir = demo::dir(config);
    let real = fs::canonicalize(&dir).map_err(|e| format!("{} can't be entered ({e}).", dir.display()))?;
    Ok(real.join("small"))
}

/// Whether this process may mount; said before anything is looked at that may be closed to it.
pub(super) fn may() -> Result<(), String> {
    if Uid::effective().is_root() {
        return Ok(());
    }
    Err("Only root may mount the small filesystem that is filled: run `reeve demo` and this command as root. Nothing was changed."
        .to_owned())
}

/// Causes it; it stays over restarts of the server until `reeve demo heal`, and until the machine restarts.
pub(super) async fn cause(config: &Config) -> Result<ExitCode, String> {
    let client = Sessions::of(config).await?.open(&Fault::DiskFull.word()).await?;
    let place = place(config)?;
    let there = has_tablespace(&client).await?;
    if there && !mounted(&place)? {
        return Err(format!("Tablespace {TABLESPACE} is there, and its filesystem is gone: say `reeve demo heal` first."));
    }
    let begun = !there;
    if begun {
        prepare(&place, &demo::dir(config).join("pgdata"))?;
    }
    if let Err(sentence) = fill(&client, &place, there).await {
        // What was there before stays.
        if begun && !has_tablespace(&client).await.unwrap_or(true) {
            release(&place)?;
        }
        return Err(sentence);
    }
    say(format!(
        "The filesystem of tablespace {TABLESPACE} ({}) is full: PostgreSQL says \"No space left on device\" (SQLSTATE {FULL}). `reeve demo heal` drops what is on it and takes it away.",
        place.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Mounts it, empty, for the server's user. What an earlier command left without a tablespace is taken away before.
fn prepare(place: &Path, data: &Path) -> Result<(), String> {
    release(place)?;
    let owner = fs::metadata(data).map_err(|e| format!("{} can't be looked at ({e}).", data.display()))?;
    let own = |dir: &Path| chown(dir, Some(owner.uid()), Some(owner.gid()));
    // The directory below belongs to it, too: after the machine restarts the server finds that one instead.
    let made = fs::DirBuilder::new().mode(0o700).create(place).and_then(|()| own(place));
    made.map_err(|e| format!("{} can't be made ({e}).", place.display()))?;
    let options = format!("size={SIZE},mode=0700,uid={},gid={}", owner.uid(), owner.gid());
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("tmpfs"), place, Some("tmpfs"), flags, Some(options.as_str())).map_err(|e| {
        fs::remove_dir(place).ok();
        format!("A filesystem in memory can't be mounted at {} ({}): run this where root may mount, not in a container without CAP_SYS_ADMIN. Nothing was changed.", place.display(), e.desc())
    })
}

/// Writes until the server says that there is no room, then by single pages, so that nothing is left.
async fn fill(client: &WireClient, place: &Path, there: bool) -> Result<(), String> {
    if !there {
        let location = place.display().to_string().replace('\'', "''");
        execute(client, &format!("CREATE TABLESPACE {TABLESPACE} LOCATION '{location}'")).await?;
    }
    // Autovacuum would give back what a failed statement took.
    let table = format!("CREATE TABLE IF NOT EXISTS {TABLE} (body text) WITH (autovacuum_enabled = off) TABLESPACE {TABLESPACE}");
    match client.batch_execute(&table).await {
        Ok(()) => {}
        Err(error) if full(&error) => return Ok(()),
        Err(error) => return Err(format!("{}.", client.sort(&error))),
    }
    for rows in [2_000, 1] {
        // More than there is room for.
        let mut refused = false;
        for _ in 0..64 * 1_024 {
            let sql = format!("INSERT INTO {TABLE} SELECT repeat('x', 1500) FROM generate_series(1, {rows})");
            match client.batch_execute(&sql).await {
                Ok(()) => {}
                Err(error) if full(&error) => {
                    refused = true;
                    break;
                }
                Err(error) => return Err(format!("{}.", client.sort(&error))),
            }
        }
        if !refused {
            return Err(format!("{} takes all that is written to it and does not run full.", place.display()));
        }
    }
    Ok(())
}

fn full(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code() == FULL)
}

async fn has_tablespace(client: &WireClient) -> Result<bool, String> {
    let sql = "SELECT EXISTS (SELECT FROM pg_tablespace WHERE spcname = $1)";
    client.query_one(sql, &[&TABLESPACE]).await.map(|row| row.get(0)).map_err(|e| format!("{}.", client.sort(&e)))
}

/// Drops what lies on it and takes it away. Answers what was done.
pub(super) async fn heal(config: &Config) -> Result<Vec<String>, String> {
    let client = Sessions::of(config).await?.open("heal").await?;
    let mut done = Vec::new();
    if has_tablespace(&client).await? {
        execute(&client, &format!("DROP TABLE IF EXISTS {TABLE}")).await?;
        execute(&client, &format!("DROP TABLESPACE {TABLESPACE}")).await?;
        done.push(format!("tablespace {TABLESPACE} is dropped"));
    }
    if release(&place(config)?)? {
        done.push("its filesystem is taken away".to_owned());
    }
    Ok(done)
}

/// What can be done while the server does not run: the filesystem goes, its tablespace stays known to the server.
pub(super) fn heal_stopped(config: &Config) -> Result<Vec<String>, String> {
    let Ok(place) = place(config) else { return Ok(Vec::new()) };
    if !mounted(&place)? {
        return Ok(Vec::new());
    }
    if !linked(&demo::dir(config).join("pgdata"), &place) {
        release(&place)?;
        return Ok(vec!["the small filesystem is taken away".to_owned()]);
    }
    unmount(&place)?;
    Ok(vec![format!(
        "the small filesystem is taken away; the server, which does not run, still knows tablespace {TABLESPACE}: start `reeve demo` and say `reeve demo heal` again to drop it"
    )])
}

/// Whether a tablespace of the server lies there.
fn linked(data: &Path, place: &Path) -> bool {
    let links = fs::read_dir(data.join("pg_tblspc")).into_iter().flatten().flatten();
    links.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|to| to == place)
}

/// Unmounts and removes the directory; answers whether there was anything.
fn release(place: &Path) -> Result<bool, String> {
    let was = unmount(place)?;
    match fs::remove_dir_all(place) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(was),
        Err(e) => Err(format!("{} can't be removed ({e}).", place.display())),
    }
}

fn unmount(place: &Path) -> Result<bool, String> {
    let mut was = false;
    // One mounted over another is no more than what two commands at once leave.
    while mounted(place)? {
        // A process of the server may still hold a file that was dropped; it goes when that is closed.
        umount2(place, MntFlags::MNT_DETACH).map_err(|e| match e {
            Errno::EPERM => format!("Only root may unmount {}: say `reeve demo heal` as root.", place.display()),
            e => format!("{} can't be unmounted ({}).", place.display(), e.desc()),
        })?;
        was = true;
    }
    Ok(was)
}

/// Whether something is mounted right there.
fn mounted(place: &Path) -> Result<bool, String> {
    let table = fs::read("/proc/self/mountinfo").map_err(|e| format!("The mounts of this machine can't be read ({e})."))?;
    Ok(table.split(|b| *b == b'\n').filter_map(mount_point).any(|point| Path::new(OsStr::from_bytes(&point)) == place))
}

/// The fifth field of a line, with blanks and the like written as octal numbers.
fn mount_point(line: &[u8]) -> Option<Vec<u8>> {
    let field = line.split(|b| *b == b' ').nth(4)?;
    let mut point = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            point.push(byte);
            rest = &after[3..];
        } else {
            point.push(*first);
            rest = after;
        }
    }
    Some(point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i6_a_mount_is_found_by_its_place_whatever_it_is_called() {
        let line = br"36 35 98:0 / /var/lib/a\040b\134c/small rw,nosuid - tmpfs tmpfs rw,size=65536k";
        assert_eq!(mount_point(line).as_deref(), Some(br"/var/lib/a b\c/small".as_slice()));
        assert_eq!((mount_point(b""), mount_point(b"36 35 98:0 /")), (None, None));
        assert_eq!(mounted(Path::new("/proc")), Ok(true));
        assert_eq!(mounted(Path::new("/proc/self")), Ok(false));
    }
}
