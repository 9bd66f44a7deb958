//! Frames of the live stream against the pages they move.

mod support;

use proptest::prelude::*;
use reeve_app::{
    live::{diff, frame, overview_frame},
    render::{Assets, PageContext, Theme, render},
    route::Page,
};
use reeve_model::{
    Status, UnixMs,
    live::{LiveFrame, LiveNode},
};
use support::{Scenario, overview, pools, ports, principal};

fn context(scenario: Scenario) -> PageContext {
    PageContext {
        ports: ports::ports(scenario),
        principal: Some(principal(UnixMs::now())),
        theme: Theme::Auto,
        nonce: String::new(),
        assets: Assets::default(),
        csrf: None,
        flash: None,
        kept: Default::default(),
    }
}

/// Each text of a frame stands on the page already, under its key, written alike.
#[tokio::test]
async fn b3_a_frame_says_what_the_page_says() {
    for (scenario, address) in [
        (Scenario::Trouble, "/admin/db-health"),
        (Scenario::Calm, "/admin/targets/findawise"),
        (Scenario::Calm, "/admin/targets/findawise/tables"),
    ] {
        let page = Page::parse(address, "").expect("a page");
        let html = render(page.clone(), context(scenario)).await.html;
        let frame = frame(page, &context(scenario)).await.expect("allowed").expect("moves");
        assert!(!frame.set.is_empty());
        for node in &frame.set {
            if let Some(part) = node.k.strip_prefix("shape:") {
                assert!(html.contains(&format!("id=\"{part}\"")), "{} is no part of {address}", node.k);
                continue;
            }
            // An age of a figure stands on the first screen only while it is stale.
            if node.k.ends_with(".age") && address.ends_with("db-health") {
                continue;
            }
            let key = format!("data-live=\"{}\"", node.k);
            let at = html.find(&key).unwrap_or_else(|| panic!("{} is not on {address}", node.k));
            if let Some(text) = node.t.as_ref().filter(|_| !node.k.contains(".spark")) {
                let after = &html[at..];
                let shown = after.split_once('>').expect("an element").1.split('<').next().expect("text");
                assert_eq!(shown.trim(), text, "{}", node.k);
            }
        }
    }
}

#[tokio::test]
async fn g2_a_stream_without_a_session_says_nothing() {
    let mut cx = context(Scenario::Calm);
    cx.principal = None;
    assert_eq!(frame(Page::Health, &cx).await.expect_err("refused").status(), 401);
}

#[test]
fn b3_only_what_changed_is_sent() {
    let now = UnixMs::now();
    let (mut health, report) = (overview(now, Scenario::Calm), pools(now, Scenario::Calm));
    let before = overview_frame(&health, Some(&report), "", now);
    assert!(diff(&before, &overview_frame(&health, Some(&report), "", now.plus_ms(1000))).set.is_empty());
    let beside = diff(&before, &overview_frame(&health, Some(&report), "1 database has no backup", now));
    let keys: Vec<&str> = beside.set.iter().map(|n| n.k.as_str()).collect();
    assert_eq!(keys, ["shape:targets-part"], "what is wrong beside health is drawn with the answer");
    health.targets[0].verdict.status = Status::Degraded;
    let changed = diff(&before, &overview_frame(&health, Some(&report), "", now.plus_ms(1000)));
    let keys: Vec<&str> = changed.set.iter().map(|n| n.k.as_str()).collect();
    assert!(
        keys.contains(&"target:findawise") && keys.contains(&"target:findawise.word") && keys.contains(&"shape:targets-part"),
        "{keys:?}"
    );
    assert!(!keys.iter().any(|k| k.starts_with("figure:")), "{keys:?}");
}

fn node() -> impl Strategy<Value = LiveNode> {
    (0u8..6, proptest::option::of("[a-c]{0,2}"), proptest::option::of(any::<bool>())).prop_map(|(k, t, stale)| LiveNode {
        k: format!("k{k}"),
        t,
        stale,
        ..LiveNode::default()
    })
}

fn frames() -> impl Strategy<Value = LiveFrame> {
    proptest::collection::vec(node(), 0..8).prop_map(|mut set| {
        set.sort_by(|a, b| a.k.cmp(&b.k));
        set.dedup_by(|a, b| a.k == b.k);
        LiveFrame { at: UnixMs(0), set }
    })
}

proptest! {
    /// A client that applies a diff to the frame before holds the frame after (nodes that left keep their last state).
    #[test]
    fn b3_a_diff_applied_gives_the_next_frame(prev in frames(), next in frames()) {
        let mut held = prev.set.clone();
        for n in diff(&prev, &next).set {
            match held.iter_mut().find(|h| h.k == n.k) {
                Some(h) => *h = n,
                None => held.push(n),
            }
        }
        for n in &next.set {
            prop_assert!(held.contains(n));
        }
    }
}
