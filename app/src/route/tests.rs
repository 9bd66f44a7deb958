use super::*;
use proptest::prelude::*;
use reeve_model::{
    UnixMs,
    audit::{AuditQuery, Outcome},
    table::{IndexFault, TableQuery, TableSort},
};

fn round_trip(page: &Page) {
    let href = page.href();
    let (path, query) = href.split_once('?').unwrap_or((&href, ""));
    assert_eq!(Page::parse(path, query).as_ref(), Some(page), "{href}");
}

#[test]
fn every_page_is_found_at_its_own_address() {
    let name = TargetName::new("findawise").expect("a good name");
    round_trip(&Page::SignIn { next: Some("/admin/db-health?a=b&c=d".into()) });
    round_trip(&Page::Health);
    round_trip(&Page::Target(name.clone()));
    let query = TableQuery {
        database: Some("a&b".into()),
        schema: Some("core".into()),
        search: Some("per cent % + plus".into()),
        fault: Some(IndexFault::Unused),
        sort: TableSort::Growth,
        reverse: true,
        offset: 100,
        limit: 25,
    };
    round_trip(&Page::Tables(name.clone(), Box::new(TablesView { query, by_schema: true })));
    round_trip(&Page::Tables(name, Box::default()));
    for page in [Page::Account, Page::Accounts, Page::AccountOf("0b7c/..".into()), Page::Audit(Box::default()), Page::Access] {
        round_trip(&page);
    }
}

#[test]
fn g3_a_search_of_the_audit_trail_is_an_address() {
    let query = AuditQuery {
        actor: Some("ann & bob@example.org".into()),
        verb: Some("change".into()),
        noun: Some("own account".into()),
        resource: Some("a+b=%".into()),
        outcome: Some(Outcome::Refused),
        from: Some(UnixMs(1_795_000_000_000)),
        to: Some(UnixMs(1_795_000_123_456)),
        cursor: Some("17".into()),
        limit: 100,
    };
    let view = AuditView { query, unreadable: None };
    round_trip(&Page::Audit(Box::new(view.clone())));
    assert!(view.filtered() && view.with(|_| {}).query.cursor.is_none());
    assert!(!AuditView::default().older("9".into()).filtered());
    // As a form sends it: empty fields, minutes without seconds.
    let sent = AuditView::parse("actor=&verb=+&outcome=moon&from=2026-11-18T15:06&to=2026-02-31T00:00&limit=9000");
    assert_eq!(sent.query.from, Some(UnixMs(1_795_014_360_000)));
    assert_eq!((sent.query.to, sent.query.outcome, sent.query.limit), (None, None, 500), "the 31st of February is no day");
    assert!(sent.query.actor.is_none() && sent.query.verb.is_none());
    assert_eq!(sent.unreadable.as_deref(), Some("“2026-02-31T00:00” is no moment; write one like 2026-11-18T15:06, in UTC."));
    for (given, part) in
        [("outcome=moon", "no outcome"), ("from=yesterday", "no moment"), ("limit=0", "1 to 500"), ("limit=-1", "1 to 500")]
    {
        let said = AuditView::parse(given).unreadable.unwrap_or_default();
        assert!(said.contains(part), "{given}: {said}");
    }
    assert_eq!(AuditView::parse("outcome=&from=&to=&limit=").unreadable, None, "an empty field is none");
}

#[test]
fn unknown_addresses_are_no_page() {
    for path in [
        "",
        "/",
        "/admin",
        "/admin/targets",
        "/admin/targets/UPPER",
        "/admin/targets/a/b",
        "/admin/targets/a/tables/b",
        "/admin/db-health/x",
        "/admin/targets/a/tables/b/c/d/e",
        "/admin/targets/a/tables/%ff/c/d",
        "/admin/account/x",
        "/admin/accounts/",
        "/admin/accounts/a/b",
        "/admin/audit/1",
    ] {
        assert_eq!(Page::parse(path, ""), None, "{path}");
    }
}

#[test]
fn g4_after_sign_in_nobody_is_sent_to_another_site() {
    for bad in ["https://example.com", "//example.com", "/\\example.com", "javascript:alert(1)", "/a\nb", ""] {
        assert_eq!(safe_next(bad), None, "{bad}");
    }
    assert_eq!(safe_next("/admin/db-health?x=1"), Some("/admin/db-health?x=1"));
}

proptest! {
    #[test]
    fn c1_any_table_name_survives_its_address(database in "\\PC{1,63}", schema in "[.~/%?#\"'<>\\n\\x00 ]{1,8}", table in ".{1,63}") {
        prop_assume!(!table.is_empty());
        let page = Page::Table(TargetName::new("t").expect("a good name"), Box::new(TableRef { database, schema, table }));
        let href = page.href();
        prop_assert!(href.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b)), "{href}");
        prop_assert!(!href.split('/').any(|s| s == "." || s == ".."), "{href}");
        prop_assert_eq!(Page::parse(&href, ""), Some(page));
    }
}

#[test]
fn e3_the_compliance_pages_are_found_at_their_addresses() {
    use reeve_model::compliance::{FindingQuery, FindingState, Framework, Severity};
    let name = TargetName::new("findawise").expect("a good name");
    let query = FindingQuery {
        severity: Some(Severity::High),
        state: Some(FindingState::Regressed),
        target: Some(name.clone()),
        framework: Some(Framework::Hipaa),
        control: Some("AUTH-01".into()),
        text: Some("a&b=c/é".into()),
        offset: 50,
        limit: 100,
    };
    round_trip(&Page::Compliance(Box::default()));
    round_trip(&Page::Compliance(Box::new(FindingsView { query })));
    round_trip(&Page::Changes(Box::default()));
    round_trip(&Page::Controls(Box::default()));
    round_trip(&Page::ControlOf("AUTH-01".into()));
    round_trip(&Page::FrameworkOf(Framework::Ccpa));
    round_trip(&Page::FindingOf(name, "0123abcd".into()));
    for address in [
        "/admin/compliance/frameworks/sox",
        "/admin/compliance/findings/findawise",
        "/admin/compliance/controls/a/b",
        "/admin/compliance/x",
    ] {
        assert_eq!(Page::parse(address, ""), None, "{address}");
    }
}
