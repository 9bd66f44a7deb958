//! What an auditor objected to: passes over nothing, and repairs that do harm where they are offered.

use crate::fixture::{NOW, add, good, item, set as write};
use reeve_model::compliance::{ControlResult, ControlState, EvidenceSet};
use reeve_rules::compliance::{Context, is_of_reeve_itself, judge};

fn judged(set: &EvidenceSet, control: &str) -> ControlResult {
    judge(set, &Context::new(NOW)).results.into_iter().find(|r| r.control == control).unwrap()
}

/// The repair and the way back of the first thing that a control objects to.
fn repair(set: &EvidenceSet, control: &str) -> (String, String) {
    let found = judged(set, control).offenders.swap_remove(0);
    (found.fix, found.undo)
}

#[test]
fn e1_replication_that_does_not_leave_the_machine_proves_no_encryption() {
    let state = |origin: &str, encrypted: &str| {
        let mut set = good();
        let row = &mut item(&mut set, "replication").rows[0];
        (row[4], row[5]) = (Some(origin.to_owned()), Some(encrypted.to_owned()));
        judged(&set, "ENC-07").state
    };
    for near in ["socket", "loopback"] {
        assert!(matches!(state(near, "false"), ControlState::NotApplicable { .. }), "{near}");
    }
    assert!(matches!(state("network", "true"), ControlState::Pass) && matches!(state("network", "false"), ControlState::Fail));
}

#[test]
fn e1_who_takes_the_right_to_stream_is_told_what_stops() {
    let mut set = good();
    add(&mut set, "roles", "walker|false|false|false|true|false|true|5|false|false");
    let (fix, _) = repair(&set, "AUTHZ-05");
    assert!(fix.starts_with("-- See pg_stat_replication first") && fix.ends_with("ALTER ROLE \"walker\" NOREPLICATION;"), "{fix}");
    let mut set = good();
    add(&mut set, "roles", "maker|false|false|true|false|false|true|5|false|false");
    let (fix, _) = repair(&set, "AUTHZ-05");
    assert!(fix.starts_with("ALTER ROLE"), "{fix}");
}

#[test]
fn e1_sql_that_a_standby_refuses_is_sent_to_its_primary() {
    let mut set = good();
    add(&mut set, "roles", "maker|false|false|true|false|false|true|5|false|false");
    write(&mut set, "ssl", "off");
    set.standby = true;
    for sql in [repair(&set, "AUTHZ-05").0, repair(&set, "AUTHZ-05").1] {
        assert!(sql.starts_with("-- On its primary") && sql.contains("\nALTER ROLE"), "{sql}");
    }
    assert!(!repair(&set, "ENC-01").0.contains("primary"), "its own settings are its own");
}

/// A schema of its own is open to nobody but its owner, and who reads statements through the extension would see none.
#[test]
fn e1_an_extension_that_moves_stays_within_reach() {
    for relocatable in [true, false] {
        let mut set = good();
        add(&mut set, "extensions", &format!("hstore|1.8|public|1.8|{relocatable}"));
        let (fix, _) = repair(&set, "AUTHZ-19");
        let (open, moved) = (fix.find("GRANT USAGE ON SCHEMA extensions TO PUBLIC;"), fix.find("SCHEMA extensions;"));
        assert!(open.is_some() && open < moved, "{fix}");
    }
}

#[test]
fn e3_reeves_own_list_is_told_apart_from_what_a_server_said() {
    assert_eq!(["BKP-01", "BKP-03", "ENC-10", "BKP-02", "AUTHZ-01"].map(is_of_reeve_itself), [true, true, true, false, false]);
}
