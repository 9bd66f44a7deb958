use super::*;
use proptest::prelude::*;

fn candidate(number: u32, hours: i64, trust: BackupTrust, database: &str) -> Candidate {
    let id = BackupId::new(format!("20260101T000000Z-{number:08x}")).expect("an id");
    let target = TargetName::new("t").expect("a name");
    Candidate { id, group: (target, database.to_owned(), true), at: UnixMs(1_767_225_600_000 + hours * 3_600_000), trust }
}

fn without(all: &[Candidate], gone: &BTreeSet<BackupId>) -> Vec<Candidate> {
    all.iter().filter(|c| !gone.contains(&c.id)).cloned().collect()
}

#[test]
fn d6_a_year_of_nightly_backups_shrinks_to_days_weeks_and_months() {
    let all: Vec<_> = (0..365).map(|n| candidate(n, i64::from(n) * 24, BackupTrust::Verified, "d")).collect();
    let kept = without(&all, &removable(&all, Keep::default()));
    // Of 7 + 4 + 12 places some are filled by the same backup.
    assert!((18..=23).contains(&kept.len()), "{}", kept.len());
    let newest: Vec<_> = all[358..].iter().map(|c| &c.id).collect();
    assert!(newest.iter().all(|id| kept.iter().any(|c| c.id == **id)), "each of the last seven days");
}

#[test]
fn d6_while_nothing_is_verified_nothing_goes() {
    let all: Vec<_> = (0..50).map(|n| candidate(n, i64::from(n), BackupTrust::Intact, "d")).collect();
    assert!(removable(&all, Keep { daily: 1, weekly: 0, monthly: 0 }).is_empty());
}

#[test]
fn d6_a_failed_backup_fills_no_place() {
    let all = [
        candidate(1, 0, BackupTrust::Verified, "d"),
        candidate(2, 24, BackupTrust::Drilled, "d"),
        candidate(3, 48, BackupTrust::Failed, "d"),
        candidate(4, 49, BackupTrust::Failed, "d"),
    ];
    let gone = removable(&all, Keep { daily: 1, weekly: 0, monthly: 0 });
    // The good one of the day before stays, and the newest of all, so that somebody looks at it.
    assert_eq!(without(&all, &gone).iter().map(|c| c.at).collect::<Vec<_>>(), [all[1].at, all[3].at]);
}

fn trust() -> impl Strategy<Value = BackupTrust> {
    use BackupTrust::{Drilled, Failed, Intact, Verified, Written};
    proptest::sample::select(vec![Failed, Written, Intact, Verified, Drilled])
}

proptest! {
    #[test]
    fn d6_the_last_verified_backup_never_goes_and_twice_is_once(
        given in proptest::collection::vec((0_i64..20_000, trust(), 0_usize..3), 0..80),
        daily in 0_u32..10,
        weekly in 0_u32..6,
        monthly in 0_u32..6,
    ) {
        let all: Vec<_> = (0_u32..).zip(&given).map(|(n, (hours, trust, db))| candidate(n, *hours, *trust, ["a", "b", "c"][*db])).collect();
        let keep = Keep { daily, weekly, monthly };
        let gone = removable(&all, keep);
        let left = without(&all, &gone);
        for database in ["a", "b", "c"] {
            let newest_verified = |of: &[Candidate]| {
                let good = of.iter().filter(|c| c.group.1 == database && c.trust >= BackupTrust::Verified);
                good.max_by_key(|c| (c.at, c.id.clone())).map(|c| c.id.clone())
            };
            prop_assert_eq!(newest_verified(&all), newest_verified(&left));
            let newest = |of: &[Candidate]| of.iter().filter(|c| c.group.1 == database).max_by_key(|c| (c.at, c.id.clone())).cloned();
            prop_assert_eq!(newest(&all), newest(&left));
        }
        prop_assert!(removable(&left, keep).is_empty(), "a second time removes more");
        let more = Keep { daily: daily + 1, weekly: weekly + 1, monthly: monthly + 1 };
        prop_assert!(removable(&all, more).is_subset(&gone), "keeping more removes other ones");
    }
}
