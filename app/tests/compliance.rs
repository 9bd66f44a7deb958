//! The compliance pages over a made-up estate: every state says what it is, and nothing is said without evidence.
#![allow(clippy::unwrap_used)]

mod support;

use reeve_access::Principal;
use reeve_app::{
    render::{Assets, Kept, PageContext, Rendered, Theme, render},
    route::Page,
};
use reeve_model::UnixMs;
use support::{Scenario, caller, ports};

fn context(scenario: Scenario, principal: Principal) -> PageContext {
    PageContext {
        ports: ports::ports(scenario),
        principal: Some(principal),
        theme: Theme::Auto,
        nonce: "bm9uY2U".into(),
        assets: Assets::default(),
        csrf: Some("csrf-token".into()),
        flash: None,
        kept: Kept::default(),
    }
}

async fn show(scenario: Scenario, roles: &[&str], address: &str) -> Rendered {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let page = Page::parse(path, query).unwrap_or_else(|| panic!("{address} is no page"));
    let shown = render(page, context(scenario, caller(UnixMs::now(), roles))).await;
    lawful(&shown.html);
    shown
}

async fn html(scenario: Scenario, roles: &[&str], address: &str) -> String {
    let shown = show(scenario, roles, address).await;
    assert_eq!(shown.status, 200, "{address} for {roles:?}");
    shown.html
}

/// What every page must keep to.
fn lawful(html: &str) {
    assert!(!html.contains(" style=") && !html.contains("<script>") && !html.contains("alert(1)</script>"));
    for form in html.split("<form").skip(1).map(|f| f.split("</form>").next().unwrap()) {
        assert!(!form.contains("method=\"post\"") || form.contains("name=\"csrf\""), "{form}");
    }
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|p| p.split('"').next()).collect();
    ids.sort_unstable();
    let twice: Vec<_> = ids.windows(2).filter(|w| w[0] == w[1]).collect();
    assert!(twice.is_empty(), "{twice:?} stand twice");
}

/// The text of the main part, without tags.
fn words(html: &str) -> String {
    let main = html.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    let (mut text, mut inside) = (String::new(), true);
    for c in main.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

/// The address of a made-up finding.
fn finding(n: u8, target: &str) -> String {
    format!("/admin/compliance/findings/{target}/{n:032x}")
}

#[tokio::test]
async fn e2_a_score_never_stands_alone() {
    let text = words(&html(Scenario::Calm, &["security_officer"], "/admin/compliance").await);
    for needle in [
        "59.0 of 100 points are proven, held at 59 by failing critical controls; it would be no more if the 9 unknown controls passed.",
        "48 of 150 controls are judged; 9 are unknown, 3 do not apply, 90 are not assessed.",
        "Readiness evidence, not certification or legal advice.",
        "48 of 150",
        "Held at 59.0, because AUTH-01 fails; by the rest it would be 71.4.",
        "Leaving out the 1 control whose risk is accepted it would be 73.2",
    ] {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    for framework in ["GDPR", "CCPA/CPRA", "LGPD", "PIPEDA", "HIPAA", "Only a person", "No evidence"] {
        assert!(text.contains(framework), "{framework}");
    }
    assert!(!text.contains('%'), "a framework is never a lone percentage: {text}");
}

#[tokio::test]
async fn e2_without_evidence_there_is_no_score() {
    let shown = html(Scenario::Trouble, &["security_officer"], "/admin/db-health").await;
    let row = |name: &str| {
        let after = shown.split("class=\"table scores\"").nth(1).unwrap().split(&format!(">{name}<")).nth(1).unwrap();
        after.split("</tr>").next().unwrap().to_owned()
    };
    assert_eq!(row("newcomer").matches(">—<").count(), 8, "score, bound, coverage, counts and accepted: {}", row("newcomer"));
    assert!(row("newcomer").contains("the first scan runs"));
    assert!(!row("newcomer").contains(">0<") && !row("newcomer").contains("100"));
    let old = row("ledger-prod");
    assert!(old.contains(">—<") && old.contains("0 of 150"), "{old}");
    let text = words(&shown);
    assert!(text.contains("No scan works since 1 d 5 h: The server refuses connections."), "{text}");
    assert!(text.contains("says nothing any more, so its controls are unknown."));
    assert!(text.contains("1 of 3 targets is not scanned"), "{text}");
    let none = words(&html(Scenario::Empty, &["security_officer"], "/admin/compliance").await);
    assert!(none.contains("Nothing has been scanned yet, so nothing is known.") && none.contains("No target to scan"), "{none}");
    assert!(!none.contains("of 100 points") && !none.contains("Assessed"));
}

#[tokio::test]
async fn e3_the_first_screen_leads_to_the_worst_and_to_every_number() {
    let shown = html(Scenario::Calm, &["operator"], "/admin/db-health").await;
    let part = shown.split("id=\"security-part\"").nth(1).unwrap().split("</section>").next().unwrap();
    for link in [
        "href=\"/admin/compliance/findings/findawise/00000000000000000000000000000001\"",
        "href=\"/admin/compliance?severity=critical&amp;state=open&amp;target=findawise#findings\"",
        "href=\"/admin/compliance?state=accepted&amp;target=findawise#findings\"",
        "href=\"/admin/compliance/controls?target=findawise\"",
        "href=\"/admin/compliance/controls?target=findawise&amp;state=unknown\"",
    ] {
        assert!(part.contains(link), "{link}: {part}");
    }
    assert!(!part.contains("Scan now"), "operators look at what others scan");
    let admin = html(Scenario::Calm, &["admin"], "/admin/db-health").await;
    assert!(admin.contains("action=\"/admin/compliance/scan/findawise\"") && admin.contains("Scan now: findawise"));
}

#[tokio::test]
async fn g2_viewers_see_scores_and_no_finding() {
    for address in ["/admin/compliance", "/admin/db-health"] {
        let shown = html(Scenario::Calm, &["viewer"], address).await;
        let text = words(&shown);
        assert!(text.contains("59.0") && text.contains("48 of 150"), "{address}");
        assert!(text.contains("Held at 59.0, because a control that weighs heavily fails;"), "{text}");
        for hidden in [
            "AUTH-01",
            "superuser",
            "lets anybody in",
            "/admin/compliance/findings/",
            "/admin/compliance/controls",
            "/frameworks/",
            "Scan now",
        ] {
            assert!(!shown.contains(hidden), "{hidden} on {address}");
        }
    }
    let shown = html(Scenario::Calm, &["viewer"], "/admin/compliance").await;
    assert!(shown.contains("data-empty=\"no-permission\"") && shown.contains("Findings are not for your role"));
    for address in [
        finding(1, "findawise"),
        "/admin/compliance/controls".into(),
        "/admin/compliance/controls/AUTH-01".into(),
        "/admin/compliance/frameworks/gdpr".into(),
    ] {
        let refused = show(Scenario::Calm, &["viewer"], &address).await;
        assert_eq!(refused.status, 403, "{address}");
        assert!(!refused.html.contains("superuser"));
    }
}

#[tokio::test]
async fn g2_a_target_out_of_scope_leaves_no_trace() {
    let dev = ["security_officer@environment:dev"];
    let shown = html(Scenario::Trouble, &dev, "/admin/compliance").await;
    assert!(shown.contains("findawise") && !shown.contains("ledger-prod") && !shown.contains("newcomer"));
    let hidden = show(Scenario::Trouble, &dev, &finding(6, "ledger-prod")).await;
    let missing = show(Scenario::Trouble, &dev, &finding(6, "nowhere")).await;
    assert_eq!((hidden.status, missing.status), (404, 404));
    assert_eq!(words(&hidden.html).replace("ledger-prod", "x"), words(&missing.html).replace("nowhere", "x"));
    let control = html(Scenario::Trouble, &dev, "/admin/compliance/controls/AUTHZ-01").await;
    assert!(control.contains("on-findawise") && !control.contains("ledger-prod"));
}

#[tokio::test]
async fn e3_filters_stand_in_the_address_and_each_can_be_taken_off() {
    let address = "/admin/compliance?severity=high&state=open&target=findawise&framework=gdpr&text=owner";
    let shown = html(Scenario::Calm, &["security_officer"], address).await;
    for needle in [
        "<option value=\"high\" selected>",
        "<option value=\"gdpr\" selected>",
        "value=\"owner\"",
        "href=\"/admin/compliance?state=open&amp;target=findawise&amp;framework=gdpr&amp;text=owner#findings\"",
        "findings?severity=high&amp;state=open&amp;target=findawise&amp;framework=gdpr&amp;text=owner&amp;limit=500\"",
        "href=\"/api/compliance/findings.csv?severity=high&amp;state=open&amp;target=findawise&amp;framework=gdpr&amp;text=owner\"",
    ] {
        assert!(shown.contains(needle), "{needle}");
    }
    assert_eq!(shown.matches("data-row=\"\"").count(), 1, "one finding matches");
    let first = html(Scenario::Calm, &["security_officer"], "/admin/compliance?limit=2").await;
    assert!(first.contains("1 to 2 of 4") && first.contains("href=\"/admin/compliance?offset=2&amp;limit=2#findings\""));
    for (address, title) in [
        ("/admin/compliance?text=nothing-like-this", "No finding matches"),
        ("/admin/compliance?offset=900", "No findings this far down"),
        ("/admin/compliance?severity=terrible", "1 to 4 of 4"),
    ] {
        let shown = words(&html(Scenario::Calm, &["admin"], address).await);
        assert!(shown.contains(title), "{address}: {shown}");
    }
}

#[tokio::test]
async fn e1_a_finding_has_its_evidence_its_repair_and_its_clauses() {
    let shown = html(Scenario::Calm, &["operator"], &finding(2, "findawise")).await;
    let text = words(&shown);
    for needle in [
        "The role app_owner is a superuser.",
        "Whoever becomes a superuser reads and changes everything.",
        "regressed",
        "ALTER ROLE app_owner NOSUPERUSER;",
        "How to take it back",
        "It locks nothing that sessions wait for.",
        "SELECT rolname, rolsuper FROM pg_catalog.pg_roles",
        "reeve_monitor",
        "PostgreSQL 15.18",
        "The first 2 rows of 912",
        "Only roles that this role may see.",
        "Art. 32(1)(b)",
        "direct, beside a person's word",
        "Security officers accept risks",
    ] {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    assert!(text.contains(&"ab".repeat(32)) && text.contains(&"c0ffee".repeat(10)), "the hashes of the answer and of the scan");
    assert!(shown.contains("data-copy") && shown.contains("class=\"muted\">null<"), "a missing value is not empty text");
    assert!(!shown.contains("/accept\""), "only officers accept");
    let old = words(&html(Scenario::Trouble, &["admin"], &finding(6, "ledger-prod")).await);
    assert!(old.contains("Whether this is still so is not known now") && old.contains("can't be scanned"), "{old}");
    assert_eq!(show(Scenario::Calm, &["admin"], &finding(99, "findawise")).await.status, 404);
}

#[tokio::test]
async fn e3_an_officer_accepts_withdraws_and_finds_what_was_typed() {
    let open = html(Scenario::Calm, &["security_officer"], &finding(1, "findawise")).await;
    let form = open.split(&format!("action=\"{}/accept\"", finding(1, "findawise"))).nth(1).unwrap().split("</form>").next().unwrap();
    for name in ["csrf", "reason", "owner", "days"] {
        assert!(form.contains(&format!("name=\"{name}\"")), "{name}");
    }
    assert!(form.contains("1 to 90;") && form.contains("value=\"30\""), "{form}");
    assert!(!open.contains("/withdraw\""), "there is nothing to take back");
    let accepted = html(Scenario::Calm, &["security_officer"], &finding(4, "findawise")).await;
    let text = words(&accepted);
    assert!(text.contains("ines.officer@example.org accepts it for bo.operator@example.org, who owns the risk"), "{text}");
    assert!(
        accepted.contains("/withdraw\"")
            && text.contains("Accept anew")
            && text.contains("1 acceptance before")
            && text.contains("1 to 365;")
    );
    let fixed = words(&html(Scenario::Calm, &["security_officer"], &finding(5, "findawise")).await);
    assert!(fixed.contains("It is fixed: there is no risk to accept."));
    let mut cx = context(Scenario::Calm, caller(UnixMs::now(), &["security_officer"]));
    cx.kept = Kept(vec![
        ("reason".into(), "typed </textarea><b>".into()),
        ("owner".into(), "x@example.org".into()),
        ("days".into(), "900".into()),
    ]);
    let again = render(Page::parse(&finding(1, "findawise"), "").unwrap(), cx).await.html;
    lawful(&again);
    assert!(
        again.contains("typed &lt;/textarea&gt;&lt;b&gt;") && again.contains("value=\"x@example.org\"") && again.contains("value=\"900\"")
    );
}

#[tokio::test]
async fn e3_a_control_and_a_clause_lead_to_the_evidence() {
    let text = words(&html(Scenario::Trouble, &["security_officer"], "/admin/compliance/controls/AUTHZ-01").await);
    for needle in ["findawise", "ledger-prod", "newcomer", "Not scanned", "7 objects judged", "The database old does not let this role in."]
    {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    let unjudged = words(&html(Scenario::Calm, &["security_officer"], "/admin/compliance/controls/PII-04").await);
    assert!(unjudged.contains("Reeve does not judge this control") && unjudged.contains("never as passed"));
    assert_eq!(show(Scenario::Calm, &["admin"], "/admin/compliance/controls/NONE-99").await.status, 404);
    let list = html(Scenario::Calm, &["security_officer"], "/admin/compliance/controls?state=unknown").await;
    assert!(list.contains("GRANT pg_monitor would show it.") && !list.contains("controls/AUTH-04"));
    let gdpr = html(Scenario::Calm, &["security_officer"], "/admin/compliance/frameworks/gdpr").await;
    for needle in ["id=\"unmet\"", "id=\"met\"", "id=\"no_evidence\"", "id=\"only_person\"", "href=\"/admin/compliance/controls/AUTH-01\""]
    {
        assert!(gdpr.contains(needle), "{needle}");
    }
    assert!(words(&gdpr).contains("a person's word is missing, too") && words(&gdpr).contains("Art. 32(1)(b)"));
}

#[tokio::test]
async fn e3_pages_that_judge_say_when_and_from_what() {
    for address in ["/admin/compliance", "/admin/compliance/frameworks/gdpr", "/admin/compliance/controls"] {
        let text = words(&html(Scenario::Trouble, &["security_officer"], address).await);
        let line = text.split("Evidence of ").nth(1).unwrap_or_else(|| panic!("{address}: {text}"));
        assert!(line.starts_with("20") && line.contains(" UTC, from findawise."), "{address}: {line}");
        assert!(line.contains("None that counts from ledger-prod, newcomer."), "{address}: {line}");
    }
    let one = words(&html(Scenario::Trouble, &["security_officer"], "/admin/compliance/controls?target=findawise").await);
    assert!(one.contains(" UTC, from findawise.") && !one.contains("None that counts"), "{one}");
}

#[tokio::test]
async fn e3_hostile_names_reasons_and_rows_are_text() {
    for address in [
        "/admin/compliance".to_owned(),
        "/admin/compliance?text=%3Cscript%3Ealert(1)%3C/script%3E&control=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".into(),
        finding(3, "findawise"),
        finding(4, "findawise"),
        "/admin/compliance/controls/AUTH-01".into(),
    ] {
        let shown = html(Scenario::Calm, &["security_officer"], &address).await;
        assert!(shown.contains("&lt;script&gt;alert(1)"), "{address}");
    }
}

#[tokio::test]
async fn e3_what_changed_is_told_and_nothing_else() {
    let html = html(Scenario::Calm, &["security_officer"], "/admin/compliance/changes").await;
    let text = words(&html);
    for part in ["1 appeared, 1 fixed, 1 out of sight, 1 control in another state", "The score went from 61.5 to 59.0", "Something about"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(html.contains("data-change=\"fixed\"") && !text.contains("gone"), "what was repaired is not lost: {text}");
    assert!(html.contains("data-change=\"lost\"") && html.contains("name=\"from\"") && html.contains("name=\"to\""));
    let other = words(&self::html(Scenario::Calm, &["operator"], "/admin/compliance/changes?to=other edition").await);
    assert!(other.contains("They can't be compared"), "{other}");
    let first = words(&self::html(Scenario::Calm, &["operator"], "/admin/compliance/changes?to=first").await);
    assert!(first.contains("there is none to compare it with"), "{first}");
    // One that stands alone is no oversight: the others found the same.
    let only = words(&self::html(Scenario::Calm, &["operator"], "/admin/compliance/changes?to=only").await);
    assert!(only.contains("no scan since then found anything else"), "{only}");
    let empty = words(&self::html(Scenario::Empty, &["operator"], "/admin/compliance/changes").await);
    assert!(empty.contains("Nothing to compare yet"), "{empty}");
    assert_eq!(show(Scenario::Calm, &["viewer"], "/admin/compliance/changes").await.status, 403);
}

#[tokio::test]
async fn e1_a_persons_word_is_shown_to_all_who_see_findings_and_given_by_officers() {
    let officer = html(Scenario::Calm, &["security_officer"], "/admin/compliance/controls/ENC-09").await;
    let text = words(&officer);
    for part in ["Only a person can show this", "vouches for it since", "file 12/7"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(officer.contains("ENC-09/attest\"") && officer.contains("ENC-09/withdraw\"") && officer.contains("name=\"statement\""));
    let operator = html(Scenario::Calm, &["operator"], "/admin/compliance/controls/ENC-09").await;
    assert!(!operator.contains("ENC-09/attest\"") && words(&operator).contains("Security officers vouch"));
    let clauses = html(Scenario::Calm, &["security_officer"], "/admin/compliance/frameworks/gdpr").await;
    assert!(clauses.contains("frameworks/gdpr/attest\"") && words(&clauses).contains("ines.officer@example.org vouches for it until"));
    // What evidence contradicts nobody can vouch for, so it is not offered.
    assert!(clauses.contains("<option value=\"5(1)(c)\"") && !clauses.contains("<option value=\"32(1)(b)\""), "{clauses}");
    let looked = html(Scenario::Calm, &["admin"], "/admin/compliance/frameworks/gdpr").await;
    assert!(!looked.contains("gdpr/attest\"") && words(&looked).contains("Counsel has looked at it"));
}
