//! How full the disks of a server are, beside what the machine itself says (SPEC B7).
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use reeve_model::snapshot::{Disk, DiskUse};
use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

/// Bytes that are taken and free, as `df` says it.
fn df(path: &Path) -> (i64, i64) {
    let out = Command::new("df").args(["-B1", "--output=used,avail"]).arg(path).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let numbers: Vec<i64> = text.lines().nth(1).unwrap().split_whitespace().map(|n| n.parse().unwrap()).collect();
    (numbers[0], numbers[1])
}

fn holding<'a>(disks: &'a [Disk], holds: &DiskUse) -> &'a Disk {
    disks.iter().find(|d| d.holds.contains(holds)).unwrap_or_else(|| panic!("{holds} is on none of {disks:?}"))
}

/// A small filesystem of its own, gone with this.
struct Small(PathBuf);

impl Drop for Small {
    fn drop(&mut self) {
        umount2(&self.0, MntFlags::MNT_DETACH).ok();
    }
}

/// None: only root mounts.
fn small(dir: &Path, owner: &Path) -> Option<Small> {
    fs::create_dir(dir).unwrap();
    mount(Some("tmpfs"), dir, Some("tmpfs"), MsFlags::MS_NOSUID, Some("size=8m,mode=0700")).ok()?;
    let owner = fs::metadata(owner).unwrap();
    chown(dir, Some(owner.uid()), Some(owner.gid())).unwrap();
    Some(Small(dir.to_owned()))
}

#[tokio::test]
async fn b7_the_disks_are_as_full_as_the_machine_says() {
    let cluster = cluster().await;
    let url = cluster.url("postgres");
    let data = cluster.dir().join("pgdata");
    let mut collector = collector(&url);
    let s = round(&mut collector).await;
    let disks = s.disks.value().unwrap_or_else(|| panic!("{:?}", s.disks));
    let [disk] = disks.as_slice() else { panic!("one filesystem: {disks:?}") };
    assert_eq!(disk.holds, [DiskUse::Data, DiskUse::Wal]);
    let (used, free) = df(&data);
    // Others write meanwhile.
    assert!((disk.total_bytes - used - free).abs() < 2 << 30 && (disk.free_bytes - free).abs() < 2 << 30, "{disk:?}, df: {used} {free}");

    let Some(small) = small(&cluster.dir().join("small"), &data) else {
        return println!("SKIP a filesystem of its own: only root mounts one");
    };
    let db = connect(&url).await;
    db.batch_execute(&format!("CREATE TABLESPACE \"sm'all\" LOCATION '{}'", small.0.display())).await.unwrap();
    let holds = DiskUse::Tablespace("sm'all".to_owned());
    let s = until(&mut collector, "a second filesystem", |s| s.disks.value().is_some_and(|d| d.len() == 2)).await;
    let disk = holding(s.disks.value().unwrap(), &holds);
    assert!(disk.total_bytes == 8 << 20 && disk.free_bytes > 7 << 20 && disk.path == small.0.display().to_string(), "{disk:?}");

    db.batch_execute("CREATE TABLE filled (body text) TABLESPACE \"sm'all\"").await.unwrap();
    let refused = db.batch_execute("INSERT INTO filled SELECT repeat('x', 1000) FROM generate_series(1, 20000)").await.unwrap_err();
    assert_eq!(refused.code().map(|c| c.code().to_owned()).as_deref(), Some("53100"), "{refused}");
    let s = round(&mut collector).await;
    assert!(holding(s.disks.value().unwrap(), &holds).used_ratio().unwrap() > 0.9, "{:?}", s.disks);

    db.batch_execute("DROP TABLE filled; ").await.unwrap();
    db.batch_execute("DROP TABLESPACE \"sm'all\"").await.unwrap();
    let s = round(&mut collector).await;
    assert_eq!(s.disks.value().unwrap().len(), 1, "{:?}", s.disks);
}

/// What can't be seen is said with what would change it, and is no fault of the server's.
#[tokio::test]
async fn a9_disks_that_are_not_seen_say_why() {
    let cluster = cluster().await;
    connect(&cluster.url("postgres")).await.batch_execute("CREATE ROLE nobody LOGIN PASSWORD 'secret'").await.unwrap();
    let mut collector = collector(&cluster.url_for("nobody", "secret", "postgres"));
    let s = round(&mut collector).await;
    let why = s.disks.why().unwrap();
    assert!(s.disks.value().is_none() && why.contains("GRANT pg_monitor TO \"nobody\""), "{why}");
}
