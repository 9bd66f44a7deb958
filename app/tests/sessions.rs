//! The page of sessions over a made-up target: what a person on call must find, and who may see and end what.
#![allow(clippy::unwrap_used)]

mod support;

use reeve_app::{
    render::{Assets, Flash, Kept, PageContext, Rendered, Theme, render},
    route::{Page, SessionsFilter, Show},
};
use reeve_model::{UnixMs, activity::SessionState};
use support::{Scenario, caller, name, ports, sessions::CONNECTED};

async fn show(roles: &[&str], address: &str, kept: Kept) -> Rendered {
    let refused = (!kept.0.is_empty()).then(|| Flash::Refused("To end this session, type its process number, 11.".into()));
    let cx = PageContext {
        ports: ports::ports(Scenario::Trouble),
        principal: Some(caller(UnixMs::now(), roles)),
        theme: Theme::Auto,
        nonce: "bm9uY2U".into(),
        assets: Assets::default(),
        csrf: Some("csrf-token".into()),
        flash: refused,
        kept,
    };
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    render(Page::parse(path, query).expect("a page"), cx).await
}

async fn html(roles: &[&str], address: &str) -> String {
    let shown = show(roles, address, Kept::default()).await;
    assert_eq!(shown.status, 200, "{address} for {roles:?}");
    assert!(!shown.html.contains(" style=") && !shown.html.contains("<script>") && !shown.html.contains("<img"), "names are text");
    shown.html
}

fn section<'a>(html: &'a str, title: &str) -> &'a str {
    html.split_once(&format!("aria-labelledby=\"{title}\""))
        .map(|(_, rest)| rest)
        .unwrap_or_else(|| panic!("no {title}"))
        .split("</section>")
        .next()
        .unwrap()
}

const AT: &str = "/admin/targets/findawise/sessions";

#[tokio::test]
async fn b5_the_page_says_who_is_connected_and_who_waits_for_whom() {
    let html = html(&["operator"], AT).await;
    assert!(html.contains("4 client sessions: 2 active, 1 idle in transaction, 1 idle. 2 wait for locks."), "{html}");
    let tree = section(&html, "tree-title");
    let at = |needle: &str| tree.find(needle).unwrap_or_else(|| panic!("{needle} is missing: {tree}"));
    assert!(at("idle in transaction, keeps 2 waiting") < at("waits for 11") && at("waits for 11") < at("waits for 12"));
    assert!(tree.contains(&format!("/admin/targets/findawise/sessions?session=11-{}#chosen", CONNECTED.0)));
    let list = section(&html, "list-title");
    assert!(!list.contains("reeve/probe") && !list.contains("checkpointer"), "neither Reeve's own nor the server's stand among clients");
    let holders = section(&html, "holders-title");
    assert!(holders.find("warehouse").unwrap() < holders.find("app web-11").unwrap());
    let progress = section(&html, "progress-title");
    assert!(progress.contains("scanning heap") && progress.contains("shop: public.orders") && progress.contains("40"));
}

#[tokio::test]
async fn b5_a_choice_lists_its_sessions_and_no_others() {
    let rows = |html: &str| section(html, "list-title").matches("#chosen\" data-row").count();
    let everything = html(&["admin"], &format!("{AT}?show=everything")).await;
    assert!(section(&everything, "list-title").contains("checkpointer") && section(&everything, "list-title").contains("reeve/probe"));
    assert_eq!(rows(&everything), 6);
    assert_eq!(rows(&html(&["admin"], &format!("{AT}?show=waiting")).await), 2);
    assert_eq!(rows(&html(&["admin"], &format!("{AT}?show=idle")).await), 1);
    assert_eq!(rows(&html(&["admin"], &format!("{AT}?show=nonsense")).await), 4, "what can't be used counts as not given");
}

#[tokio::test]
async fn b5_one_session_shows_what_may_be_done_and_why_not() {
    let of = |pid: i32| format!("{AT}?session={pid}-{}", CONNECTED.0);
    let waiting = html(&["operator"], &of(12)).await;
    let chosen = section(&waiting, "chosen-title");
    assert!(chosen.contains("UPDATE orders SET n = 12\n WHERE id = 1"), "the whole statement stands there: {chosen}");
    assert!(chosen.contains("Cancel its statement") && chosen.contains("/sessions/end\"") && chosen.contains("Keeps waiting"));
    let idle = html(&["operator"], &of(11)).await;
    assert!(section(&idle, "chosen-title").contains("there is nothing to cancel"));
    for (pid, why) in [(70, "one of Reeve"), (71, "process of the server"), (72, "superuser")] {
        let html = html(&["admin"], &of(pid)).await;
        let chosen = section(&html, "chosen-title");
        assert!(chosen.contains(why) && !chosen.contains("<form"), "{pid}: {chosen}");
    }
    assert!(html(&["admin"], &format!("{AT}?session=11-5")).await.contains("This session has ended"), "a pid alone is no session");
}

#[tokio::test]
async fn b5_a_reason_leads_to_the_session_that_it_names() {
    let html = html(&["operator"], &format!("{AT}?show=waiting&session=11")).await;
    let chosen = section(&html, "chosen-title");
    assert!(chosen.contains("Keeps waiting") && chosen.contains("/sessions/end\""), "{chosen}");
    assert!(chosen.contains(&format!("name=\"connected_at\" value=\"{}\"", CONNECTED.0)), "it is told by its start from then on: {chosen}");
    assert!(chosen.contains("sessions?show=waiting\">Close"), "and closed it is not opened again: {chosen}");
    let gone = self::html(&["operator"], &format!("{AT}?show=waiting&session=4711")).await;
    assert!(!gone.contains("chosen-title") && gone.contains("Who waits for whom"), "nobody has that process: the list stands there");
}

#[tokio::test]
async fn b5_a_refused_end_keeps_what_was_typed_and_shows_it() {
    let kept = Kept(vec![("typed".into(), "12".into())]);
    let shown = show(&["operator"], &format!("{AT}?session=11-{}", CONNECTED.0), kept).await.html;
    assert!(shown.contains("value=\"12\"") && shown.contains("<details id=\"end\" open"), "{shown}");
}

#[tokio::test]
async fn b5_a_target_that_does_not_answer_is_told() {
    let html = html(&["admin"], "/admin/targets/newcomer/sessions").await;
    assert!(html.contains("The sessions could not be read") && html.contains("shop:5432 did not answer."));
}

#[tokio::test]
async fn g2_statements_of_others_are_for_those_who_may_see_them() {
    for role in ["viewer", "security_officer"] {
        let shown = show(&[role], AT, Kept::default()).await;
        assert_eq!(shown.status, 403, "{role}");
        assert!(!shown.html.contains("UPDATE orders"));
        let target = html(&[role], "/admin/targets/findawise").await;
        assert!(!target.contains("/sessions"), "{role} is not led there");
    }
    assert!(html(&["operator"], "/admin/targets/findawise").await.contains(AT));
}

#[test]
fn b5_the_address_says_what_is_shown() {
    for show in Show::ALL {
        for chosen in [None, Some((4711, UnixMs(1_790_000_000_000)))] {
            let page = Page::Sessions(name("findawise"), Box::new(SessionsFilter { show, chosen, process: None }));
            let href = page.href();
            let (path, query) = href.split_once('?').unwrap_or((&href, ""));
            assert_eq!(Page::parse(path, query), Some(page));
        }
        let by_process = Page::Sessions(name("findawise"), Box::new(SessionsFilter { show, chosen: None, process: Some(4711) }));
        let href = by_process.href();
        assert_eq!(href.split_once('?').and_then(|(path, query)| Page::parse(path, query)), Some(by_process));
    }
    let odd = SessionsFilter::parse("show=idle&session=-5-7");
    assert_eq!((odd.show, odd.chosen, odd.process), (Show::State(SessionState::Idle), None, None));
}
