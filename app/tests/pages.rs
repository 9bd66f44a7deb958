//! Every page rendered over a made-up estate: what a reader must find on it, with no script running.
#![allow(clippy::unwrap_used)]

mod support;

use reeve_app::{
    live,
    pages::health::headline,
    render::{Assets, PageContext, Rendered, SignInForm, Theme, render, render_problem, render_sign_in},
    route::{Page, encode},
};
use reeve_model::UnixMs;
use reeve_ports::PortError;
use support::{HOSTILE, Scenario, ports, principal};

fn context(scenario: Scenario) -> PageContext {
    PageContext {
        ports: ports::ports(scenario),
        principal: Some(principal(UnixMs::now())),
        theme: Theme::Dark,
        nonce: "bm9uY2U".into(),
        assets: Assets { js: Some("/pkg/reeve.js".into()), wasm: Some("/pkg/reeve_bg.wasm".into()), ..Assets::default() },
        csrf: Some("csrf-token".into()),
        flash: None,
        kept: Default::default(),
    }
}

async fn page(scenario: Scenario, address: &str) -> Rendered {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    render(Page::parse(path, query).expect("a page"), context(scenario)).await
}

/// What every page must keep to.
fn lawful(html: &str) {
    assert!(html.starts_with("<!DOCTYPE html><html"), "{}", &html[..80]);
    assert!(!html.contains(" style="), "the policy forbids style attributes");
    assert!(!html.contains("<script>"), "no script without nonce");
    assert!(!html.contains("alert(1)</script>"), "names are text");
    assert!(!html.contains(" onclick") && !html.contains("javascript:"));
    for form in html.split("<form").skip(1) {
        let form = form.split("</form>").next().unwrap();
        if form.contains("method=\"post\"") && !form.contains("/sign-in\"") {
            assert!(form.contains("name=\"csrf\""), "{form}");
        }
    }
}

#[tokio::test]
async fn b1_what_is_over_is_told_after_what_is_not_and_on_the_target_in_full() {
    let html = page(Scenario::Trouble, "/admin/db-health").await.html;
    let at = |needle: &str| html.find(needle).unwrap_or_else(|| panic!("{needle} is missing"));
    assert!(
        at("connection refused by ledger-prod") < at("Over in the last hour") && at("Over in the last hour") < at("2 sessions wait for")
    );
    assert!(at("2 sessions wait for a lock.") < at("3 sessions wait for a lock.") && html.contains("lasted 42 s, ended "));
    assert!(!html.contains("5 sessions wait for a lock.") && html.contains("1 more is over; its target tells of it."));
    let target = page(Scenario::Trouble, "/admin/targets/findawise").await.html;
    assert!(target.contains("5 sessions wait for a lock.") && !target.contains("more is over"));
    let calm = page(Scenario::Calm, "/admin/db-health").await.html;
    assert!(!calm.contains("Over in the last hour"));
}

#[tokio::test]
async fn b1_the_first_screen_says_what_is_wrong_since_when_and_what_to_do() {
    let shown = page(Scenario::Trouble, "/admin/db-health").await;
    lawful(&shown.html);
    assert_eq!(shown.status, 200);
    let at = |needle: &str| shown.html.find(needle).unwrap_or_else(|| panic!("{needle} is missing"));
    assert!(at("1 of 3 targets does not answer, 1 needs attention.") < at("connection refused by ledger-prod"));
    assert!(at("connection refused by ledger-prod") < at("Check that the server runs"));
    assert!(at("score ") < at("connection refused by ledger-prod") && shown.html.contains(">12 min</time>"));
    assert!(shown.html.contains("data-theme=\"dark\""));
    assert!(
        shown.html.contains("Reeve&#x27;s own database does not answer") || shown.html.contains("Reeve's own database does not answer")
    );
}

#[tokio::test]
async fn b1_each_reason_of_the_first_screen_leads_to_where_its_cause_is_seen() {
    let html = page(Scenario::Trouble, "/admin/db-health").await.html;
    let band = html.split("<ol class=\"reasons\">").nth(1).unwrap().split("</ol>").next().unwrap();
    assert!(band.contains("href=\"/admin/targets/ledger-prod\""), "{band}");
    // The root of a lock chain is looked at closely, with what may be done to it.
    let root = band.split("href=\"/admin/targets/findawise/sessions?").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(root.replace("&amp;", "&"), "show=waiting&session=11#chosen", "{band}");
    let html = page(Scenario::Trouble, "/admin/targets/findawise").await.html;
    assert!(html.contains("sessions#holders-title\">See what holds it back</a>"), "ids lead to what can't be frozen");
}

#[tokio::test]
async fn c1_a_table_that_vacuum_neglects_says_so_where_it_is_looked_at() {
    let name = &support::tables::rows(reeve_model::UnixMs::now())[2].stats.name.clone();
    let html = page(Scenario::Calm, &format!("/admin/targets/findawise/tables/findawise/core/{name}")).await.html;
    assert!(html.contains("Vacuum does not keep up with it.") && html.contains("VACUUM it."), "{html}");
    assert!(html.contains("for this table (autovacuum_enabled)"));
    let list = page(Scenario::Calm, "/admin/targets/findawise/tables?limit=500").await.html;
    let row = list.split(&format!("core/{name}\"")).nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(row.contains("dead rows"), "{row}");
    assert_eq!(list.matches("dead rows</span>").count(), 1, "of it alone");
}

#[tokio::test]
async fn b1_a_target_that_does_not_answer_keeps_its_last_known_figures() {
    let html = page(Scenario::Trouble, "/admin/db-health").await.html;
    let row = html.split("<tbody role=\"rowgroup\" data-stale=\"true\"").nth(1).unwrap().split("</tbody>").next().unwrap();
    assert!(row.contains("No answer for "));
    assert!(row.contains("The figures are those last known"));
    let stale = row.matches("data-stale=\"true\"").count();
    assert_eq!(stale, 6, "six figures were known");
    let detail = page(Scenario::Trouble, "/admin/targets/ledger-prod").await.html;
    lawful(&detail);
    assert!(detail.contains("shared_buffers") && detail.contains("The server refuses connections."));
    assert!(
        detail.contains("3 sequences can't be read by role reeve; run GRANT SELECT ON ALL SEQUENCES"),
        "some are hidden, and it is said"
    );
    // Above the figures it is said that the server does not answer, and under each of them no more.
    let figures = detail.split("id=\"figures\"").nth(1).unwrap().split("id=\"charts\"").next().unwrap().replace("<!>", "");
    let whys = || figures.split("class=\"figure-why\"").skip(1).map(|rest| rest.split_once('>').unwrap().1.split('<').next().unwrap());
    assert!(whys().count() > 10 && whys().all(str::is_empty), "{:?}", whys().collect::<Vec<_>>());
    assert!(figures.contains("data-stale=\"true\"") && figures.contains("<time"), "each keeps its age");
    let frame = live::frame(Page::parse("/admin/targets/ledger-prod", "").unwrap(), &context(Scenario::Trouble)).await.unwrap().unwrap();
    assert!(frame.set.iter().filter(|n| n.k.ends_with(".why")).all(|n| n.t.as_deref() == Some("")), "nor is it said by the stream");
}

#[tokio::test]
async fn b1_the_keyboard_opens_all_pages_and_says_when_none_matches() {
    let html = page(Scenario::Calm, "/admin/db-health").await.html;
    let palette = html.split("<dialog id=\"palette\"").nth(1).unwrap().split("</dialog>").next().unwrap();
    let none = palette.split("<p").find(|p| p.contains("palette-none")).unwrap();
    assert!(none.split('>').next().unwrap().contains("hidden") && none.contains("No page matches."), "{palette}");
    assert!(!html.contains("/admin/gallery"), "the gallery is for those who know its address");
}

#[tokio::test]
async fn a6_a_target_behind_a_pooler_says_so_and_what_that_means() {
    let html = page(Scenario::Trouble, "/admin/targets/ledger-prod").await.html;
    assert!(html.contains(" · through a connection pooler"));
    assert!(html.contains("Backups and restores need the server's own address"));
    let direct = page(Scenario::Trouble, "/admin/targets/findawise").await.html;
    assert!(!direct.contains("connection pooler"));
}

#[tokio::test]
async fn b1_unknown_is_a_dash_and_an_untried_target_says_so() {
    let html = page(Scenario::Trouble, "/admin/db-health").await.html;
    let row = html.split("/admin/targets/newcomer\" data-row").nth(1).unwrap().split("</tbody>").next().unwrap();
    assert_eq!(row.matches(">—<").count(), 8, "score and seven figures: {row}");
    assert!(row.contains("Not asked yet"));
    let detail = page(Scenario::Trouble, "/admin/targets/newcomer").await;
    lawful(&detail.html);
    assert!(detail.html.contains("data-empty=\"nothing-yet\""));
}

#[tokio::test]
async fn a5_the_pools_show_true_figures_and_what_is_reduced() {
    let html = page(Scenario::Trouble, "/admin/db-health").await.html;
    for needle in [
        "pool:main.waiting\" class=\"num\">3<",
        "pool:main.total\" class=\"num\">20<",
        "open: calls fail at once",
        "samples go to main",
        "no pool of its own; DOCUMENTS_DATABASE_URL sets one up",
        ">not set<",
        "the server allows 97",
    ] {
        assert!(html.contains(needle), "{needle}");
    }
}

#[tokio::test]
async fn b2_a_calm_estate_says_nothing_is_wrong() {
    let html = page(Scenario::Calm, "/admin/db-health").await.html;
    assert!(html.contains("Nothing is wrong with the server's health."), "what is wrong beside it stands below");
    assert!(html.contains("All 299 tables"));
    let calm = support::overview(UnixMs::now(), Scenario::Calm);
    assert_eq!(headline(&calm, true, false), "Nothing is wrong.");
    let mut two = calm.clone();
    two.targets.push(two.targets[0].clone());
    assert_eq!(headline(&two, true, false), "Nothing is wrong on any of the 2 targets.");
    assert_eq!(headline(&two, false, true), "Nothing is wrong with the health of any of your 2 targets.");
    let none = page(Scenario::Empty, "/admin/db-health").await.html;
    assert!(none.contains("No target is registered yet.") && none.contains("data-empty=\"not-configured\""));
}

#[tokio::test]
async fn b1_the_score_can_be_checked_on_the_targets_page() {
    let html = page(Scenario::Trouble, "/admin/targets/findawise").await.html;
    lawful(&html);
    for needle in [
        "Formula 1.",
        "Wraparound",
        "No standby streams from this server.",
        "weighted by calls",
        "<svg class=\"chart\"",
        "<desc",
        "Values, newest 60",
        "21733 (idle in transaction)",
        "pg_stat_io begins with PostgreSQL 16.",
    ] {
        assert!(html.contains(needle), "{needle}");
    }
}

#[tokio::test]
async fn c1_tables_are_ordered_filtered_grouped_and_paged_by_links() {
    let html = page(Scenario::Calm, "/admin/targets/findawise/tables").await.html;
    lawful(&html);
    assert_eq!(html.matches(" data-row=\"").count(), 50);
    assert!(html.contains("1 to 50 of 299") && html.contains("rel=\"next\""));
    assert!(html.contains("aria-sort=\"descending\"") && html.contains("sort=growth"));
    let all = page(Scenario::Calm, "/admin/targets/findawise/tables?limit=500&group=schema").await.html;
    assert_eq!(all.matches(" data-row=\"").count(), 299);
    assert_eq!(all.matches("scope=\"rowgroup\"").count(), 8);
    assert!(all.contains("locked") && all.contains("partitioned"));
    let none = page(Scenario::Calm, "/admin/targets/findawise/tables?search=nowhere").await.html;
    assert!(none.contains("data-empty=\"filtered-out\"") && none.contains("None of the 299 tables passes these filters."));
    let faulty = page(Scenario::Calm, "/admin/targets/findawise/tables?fault=invalid").await.html;
    assert!(faulty.contains("Take off the filter") && faulty.contains("invalid index, duplicate index"));
}

#[tokio::test]
async fn c1_hostile_names_are_text_everywhere() {
    let address = format!("/admin/targets/findawise/tables/findawise/core/{}", encode(HOSTILE));
    for address in [
        "/admin/targets/findawise/tables?limit=500",
        &address,
        "/admin/targets/findawise/tables?search=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&schema=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let shown = page(Scenario::Calm, address).await;
        assert_eq!(shown.status, 200, "{address}");
        lawful(&shown.html);
        assert!(shown.html.contains("&lt;script&gt;alert(1)"), "{address}");
    }
}

#[tokio::test]
async fn c1_a_tables_page_links_its_keys_both_ways() {
    let shown = page(Scenario::Calm, "/admin/targets/findawise/tables/findawise/core/accounts").await;
    lawful(&shown.html);
    for needle in [
        "/tables/findawise/finance/invoices\"",
        "referenced by",
        "references",
        "no index leads with these columns",
        "does the same work as accounts_email_idx1",
        "invalid: a failed build",
        "CREATE INDEX accounts_email_idx",
        "may be null",
    ] {
        assert!(shown.html.contains(needle), "{needle}");
    }
    assert_eq!(page(Scenario::Calm, "/admin/targets/findawise/tables/findawise/core/gone").await.status, 404);
    assert_eq!(page(Scenario::Calm, "/admin/targets/unheard-of").await.status, 404);
}

#[tokio::test]
async fn g2_without_a_session_no_page_shows_anything() {
    for address in [
        "/admin/db-health",
        "/admin/targets/findawise",
        "/admin/targets/findawise/tables",
        "/admin/targets/findawise/tables/findawise/core/accounts",
    ] {
        let mut cx = context(Scenario::Calm);
        cx.principal = None;
        let shown = render(Page::parse(address, "").unwrap(), cx.clone()).await;
        assert_eq!(shown.status, 401);
        assert!(!shown.html.contains("PostgreSQL") && !shown.html.contains("findawise.internal"), "{address}");
        let mut nobody = principal(UnixMs::now());
        nobody.bindings.clear();
        nobody.rights.clear();
        cx.principal = Some(nobody);
        let shown = render(Page::parse(address, "").unwrap(), cx).await;
        // A target that is out of reach looks as if there were none.
        assert_eq!(shown.status, if address.ends_with("db-health") { 403 } else { 404 }, "{address}");
        assert!(!shown.html.contains("findawise.internal"), "{address}");
    }
}

#[test]
fn g1_sign_in_keeps_what_was_typed_and_says_why() {
    let mut cx = context(Scenario::Calm);
    cx.principal = None;
    cx.csrf = None;
    let form = SignInForm {
        email: "a\"b@example.org".into(),
        next: Some("/admin/db-health".into()),
        error: Some("E-mail or password is wrong.".into()),
    };
    let shown = render_sign_in(form, &cx);
    assert_eq!(shown.status, 401);
    assert!(
        shown.html.contains("value=\"a&quot;b@example.org\"")
            && shown.html.contains("E-mail or password is wrong.")
            && shown.html.contains("name=\"next\"")
    );
    assert!(shown.html.contains("action=\"/sign-in\"") && !shown.html.contains("type=\"password\" value"));
}

#[test]
fn problems_are_pages_with_the_right_status() {
    let cx = context(Scenario::Calm);
    for (error, status) in [
        (PortError::NotFound("x".into()), 404),
        (PortError::Denied("x".into()), 403),
        (PortError::Unavailable("x".into()), 503),
        (PortError::Invalid("x".into()), 422),
        (PortError::Unauthenticated("x".into()), 401),
    ] {
        let shown = render_problem(error, &cx);
        lawful(&shown.html);
        assert_eq!(shown.status, status);
        assert!(shown.html.contains("<h1>"));
    }
}

#[tokio::test]
async fn the_shell_carries_nonce_islands_and_skip_link() {
    let html = page(Scenario::Calm, "/admin/db-health").await.html;
    assert!(html.contains("nonce=\"bm9uY2U\""));
    assert_eq!(html.matches("<leptos-island").count(), 3);
    assert!(html.contains("href=\"#main\"") && html.contains("<noscript><meta http-equiv=\"refresh\""));
    assert!(html.contains("action=\"/sign-out\"") && html.contains("action=\"/theme\""));
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn the_gallery_shows_every_state_in_both_themes() {
    let html = page(Scenario::Calm, "/admin/gallery").await.html;
    for word in
        ["healthy", "unknown", "degraded", "critical", "not-configured", "nothing-yet", "filtered-out", "no-permission", "unreachable"]
    {
        assert!(html.contains(word), "{word}");
    }
    for part in ["class=\"toast\"", "class=\"dialog\"", "aria-invalid=\"true\"", "data-copy", "pattern=\"core\\.ix_events_at\""] {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.contains("data-theme=\"light\"") && html.contains("data-theme=\"dark\""));
}
