//! The page of the registry over a made-up one: what stands where, what a test found, and who may see and change it.
#![allow(clippy::unwrap_used)]

mod support;

use reeve_app::{
    render::{Assets, Kept, PageContext, Rendered, Theme, render},
    route::Page,
};
use reeve_model::UnixMs;
use support::{Scenario, caller, ports};

async fn show(scenario: Scenario, roles: &[&str], kept: Kept) -> Rendered {
    show_at("", scenario, roles, kept).await
}

async fn show_at(query: &str, scenario: Scenario, roles: &[&str], kept: Kept) -> Rendered {
    let cx = PageContext {
        ports: ports::ports(scenario),
        principal: Some(caller(UnixMs::now(), roles)),
        theme: Theme::Auto,
        nonce: "bm9uY2U".into(),
        assets: Assets::default(),
        csrf: Some("csrf-token".into()),
        flash: None,
        kept,
    };
    render(Page::parse("/admin/registry", query).expect("a page"), cx).await
}

async fn html(scenario: Scenario) -> String {
    let shown = show(scenario, &["admin"], Kept::default()).await;
    assert_eq!(shown.status, 200);
    assert!(!shown.html.contains("<script>alert") && !shown.html.contains(" style="), "names are text");
    shown.html
}

#[tokio::test]
async fn a6_each_target_says_where_it_stands_and_only_registered_ones_can_be_removed() {
    let html = html(Scenario::Calm).await;
    assert!(html.contains("reeve.toml, [[target]] 1") && html.contains("registered, changed "));
    assert!(html.contains("The address of the registered target lost is gone."));
    assert!(html.contains("aria-label=\"Change or remove warehouse\"") && !html.contains("remove ledger\""));
}

#[tokio::test]
async fn a6_what_a_test_found_is_shown_before_anything_is_kept() {
    let good = html(Scenario::Calm).await;
    let candidate = good.split("id=\"candidate\"").nth(1).unwrap().split("</section>").next().unwrap();
    for said in [
        "PostgreSQL 15.18",
        "reeve_monitor",
        "without TLS",
        "through a pooler",
        "control AUTH-01",
        "GRANT pg_monitor TO",
        "Add it</button>",
    ] {
        assert!(candidate.contains(said), "{said} is missing: {candidate}");
    }
    assert!(!good.contains("Add a target"), "what was tested is decided on first");
    let bad = html(Scenario::Trouble).await;
    let candidate = bad.split("id=\"candidate\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(candidate.contains("can&#x27;t be watched") || candidate.contains("can't be watched"));
    assert!(candidate.contains("Add it all the same") && candidate.contains("name=\"anyway\" value=\"1\""));
}

#[tokio::test]
async fn a6_a_refused_form_keeps_all_but_the_address() {
    let kept = Kept(vec![("name".into(), "Orders".into()), ("environment".into(), "staging".into())]);
    let html = show(Scenario::Empty, &["admin"], kept).await.html;
    assert!(html.contains("value=\"Orders\"") && html.contains("Type it again: it was not kept."));
    assert!(html.contains("type=\"password\" id=\"url\""), "an address is typed unseen");
}

#[tokio::test]
async fn a6_a_registered_target_is_changed_in_the_form_that_adds_one() {
    let shown = show_at("change=warehouse", Scenario::Calm, &["admin"], Kept::default()).await.html;
    assert!(
        shown.contains("Change warehouse</h2>") && shown.contains("name=\"known\" value=\"1\"") && shown.contains("value=\"eu, shop\"")
    );
    assert!(!shown.contains("required id=\"url\"") && shown.contains("Empty: the stored one stays."));
    assert!(!shown.contains("value=\"<script>") && shown.contains("&lt;script&gt;"), "what stands of it is text");
    // What stands in the configuration is changed there.
    let shown = show_at("change=ledger", Scenario::Calm, &["admin"], Kept::default()).await.html;
    assert!(shown.contains("ledger.internal") && !shown.contains("Change ledger"));
}

#[tokio::test]
async fn g2_the_registry_is_for_admins() {
    for role in ["viewer", "operator", "security_officer"] {
        let shown = show(Scenario::Calm, &[role], Kept::default()).await;
        assert!(shown.status == 403 && !shown.html.contains("warehouse"), "{role}: {}", shown.status);
    }
}
