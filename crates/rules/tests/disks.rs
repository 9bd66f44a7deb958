//! When a disk counts as full (SPEC B7), and what is said where nobody sees it (SPEC B1).
#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use reeve_model::{
    Reading, Status, Verdict,
    snapshot::{Disk, DiskUse, TargetSnapshot},
};
use reeve_rules::{disk::status, figures::by_id, judge};

const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;

#[test]
fn b7_a_disk_is_full_by_its_share_and_by_what_is_left() {
    use Status::{Critical, Degraded, Healthy};
    for (total, free, wanted) in [
        (20 * 1024 * GIB, 1_000 * GIB, Healthy),
        (20 * 1024 * GIB, 9 * GIB, Degraded),
        (20 * 1024 * GIB, GIB - MIB, Critical),
        (100 * GIB, 11 * GIB, Healthy),
        (100 * GIB, 9 * GIB, Degraded),
        (100 * GIB, 2 * GIB, Degraded),
        (20 * GIB, 3 * GIB, Healthy),
        (20 * GIB, 700 * MIB, Degraded),
        (20 * GIB, 500 * MIB, Critical),
        (GIB, 100 * MIB, Degraded),
        (GIB, 60 * MIB, Critical),
        // A small one is meant to be small.
        (64 * MIB, 40 * MIB, Healthy),
        (64 * MIB, 5 * MIB, Degraded),
        (64 * MIB, MIB, Critical),
        (0, 0, Healthy),
    ] {
        assert_eq!(status(&disk(total, free)), wanted, "{free} of {total}");
    }
}

fn durability(v: &Verdict) -> (Option<f64>, f64, String) {
    let c = v.categories.iter().find(|c| c.id == "durability").unwrap();
    (c.score, c.weight, c.detail.clone())
}

/// Nearly every server runs elsewhere: that costs nothing, and is no gap.
#[test]
fn b1_disks_that_were_never_seen_change_no_verdict() {
    let seen = judge(&healthy(), NOW, None);
    for reading in [Reading::default(), Reading::unknown(NOW, "The server runs elsewhere.")] {
        let mut s = healthy();
        s.disks = reading;
        let v = judge(&s, NOW, None);
        assert_eq!((v.status, v.score, v.measured_ratio), (seen.status, seen.score, seen.measured_ratio));
        assert_eq!(durability(&v).1, durability(&seen).1);
        assert!(!durability(&v).2.contains("disk") && durability(&seen).2.contains("room on the disks"));
    }
    let mut s = healthy();
    s.disks = Reading::unknown(NOW, "The server runs elsewhere.");
    let figure = by_id("storage.disk_free_bytes").unwrap().figure(&s, NOW, 10_000);
    assert_eq!((figure.value, figure.status, figure.why.as_deref()), (None, None, Some("The server runs elsewhere.")));
}

/// A disk that was full and can't be looked at any more is not mended.
#[test]
fn b1_a_full_disk_that_drops_out_of_sight_is_unknown() {
    let mut s = healthy();
    edit(&mut s.disks, |d| d[0].free_bytes = 0);
    let full = judge(&s, NOW, None);
    assert_eq!((full.status, full.cap.as_deref()), (Status::Critical, Some("durability.disk_full")));
    assert!(full.reasons[0].sentence.ends_with("what writes there fails, and the server stops."), "{}", full.reasons[0].sentence);
    let later = NOW.plus_ms(31_000);
    s.probes = vec![probe("disk", 10_000)];
    s.disks.absorb(Err("The filesystem of /data does not answer.".into()), NOW);
    let blind = judge(&s, later, Some(&full));
    assert!(durability(&blind).0.is_none() && durability(&blind).2.contains("does not answer"), "{blind:#?}");
    assert!(blind.reasons.iter().any(|r| r.id == "durability.disk_full" && r.severity == Status::Unknown), "{blind:#?}");
}

#[test]
fn b2_the_figures_are_of_the_disk_nearest_to_its_limits() {
    let small = Disk { holds: vec![DiskUse::Tablespace("small".into())], path: "/small".into(), ..disk(64 * MIB, 5 * MIB) };
    let mut s = healthy();
    // Fuller by its share, and far from its limits all the same.
    s.disks = Reading::known(vec![disk(20 * 1024 * GIB, 1_000 * GIB), small], NOW);
    let shown = |s: &TargetSnapshot, id: &str| by_id(id).unwrap().figure(s, NOW, 10_000);
    let (free, used) = (shown(&s, "storage.disk_free_bytes"), shown(&s, "storage.disk_used_ratio"));
    assert_eq!((free.value, free.max, free.status), (Some(5_242_880.0), Some(67_108_864.0), Some(Status::Degraded)));
    assert_eq!((used.value, used.status), (Some(1.0 - 5.0 / 64.0), Some(Status::Degraded)));
    assert_eq!(used.note.as_deref(), Some("of tablespace small: /small"));
    edit(&mut s.disks, |d| d[1].free_bytes = 0);
    assert_eq!(
        (shown(&s, "storage.disk_free_bytes").status, shown(&s, "storage.disk_used_ratio").status),
        (Some(Status::Critical), Some(Status::Critical))
    );
}
