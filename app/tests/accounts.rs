//! The pages of Reeve itself: accounts, the audit trail, the policy, and what each caller finds of them.
#![allow(clippy::unwrap_used)]

mod support;

use reeve_access::Principal;
use reeve_app::{
    render::{AcceptForm, Assets, Flash, PageContext, Rendered, SignInForm, Theme, render, render_accept, render_sign_in},
    route::Page,
};
use reeve_model::{
    UnixMs,
    account::{InviteOffer, MadeSecret},
};
use reeve_ports::{PortError, Wait};
use support::{Scenario, caller, ports};

fn context(scenario: Scenario, principal: Option<Principal>) -> PageContext {
    PageContext {
        ports: ports::ports(scenario),
        principal,
        theme: Theme::Auto,
        nonce: "bm9uY2U".into(),
        assets: Assets::default(),
        csrf: Some("csrf-token".into()),
        flash: None,
        kept: Default::default(),
    }
}

async fn show(scenario: Scenario, roles: &[&str], address: &str) -> Rendered {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    render(Page::parse(path, query).expect("a page"), context(scenario, Some(caller(UnixMs::now(), roles)))).await
}

async fn html(roles: &[&str], address: &str) -> String {
    let shown = show(Scenario::Calm, roles, address).await;
    assert_eq!(shown.status, 200, "{address} for {roles:?}");
    lawful(&shown.html);
    shown.html
}

/// What every page must keep to: no script or style of its own, names as text, a token in every form that changes something.
fn lawful(html: &str) {
    assert!(!html.contains(" style=") && !html.contains("<script>") && !html.contains("alert(1)</script>"));
    for form in forms(html).filter(|f| f.contains("method=\"post\"") && !f.contains("action=\"/sign-in\"")) {
        assert!(form.contains("name=\"csrf\""), "{form}");
    }
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|p| p.split('"').next()).collect();
    ids.sort_unstable();
    let twice: Vec<_> = ids.windows(2).filter(|w| w[0] == w[1]).collect();
    assert!(twice.is_empty(), "{twice:?} stand twice");
}

fn forms(html: &str) -> impl Iterator<Item = &str> {
    html.split("<form").skip(1).map(|f| f.split("</form>").next().unwrap())
}

/// The names of the fields that the form with this address sends.
fn fields(html: &str, action: &str) -> Vec<String> {
    let marked = format!("action=\"{action}\"");
    let form = forms(html).find(|f| f.contains(&marked)).unwrap_or_else(|| panic!("no form posts to {action}"));
    let mut names: Vec<String> = form.split(" name=\"").skip(1).filter_map(|p| p.split('"').next()).map(str::to_owned).collect();
    names.dedup();
    names
}

/// The text of the main part, without tags.
fn words(html: &str) -> String {
    let main = html.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    let mut text = String::new();
    let mut inside = true;
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

#[tokio::test]
async fn g1_the_own_account_shows_roles_sessions_and_tokens() {
    let html = html(&["operator@environment:prod", "viewer"], "/admin/account").await;
    let text = words(&html);
    for needle in
        ["Operator for environment prod", "Viewer for everything", "this one", "Firefox on Linux", "End all others", "never", "revoked 5 d"]
    {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    assert!(!text.contains("export audit"), "nobody can give away what they don't have");
    assert!(text.contains("Prometheus needs read metrics."));
    assert_eq!(fields(&html, "/admin/account/password"), ["csrf", "current", "new", "repeat"]);
    assert_eq!(fields(&html, "/admin/account/sessions/end"), ["csrf", "session"]);
    assert_eq!(fields(&html, "/admin/account/tokens/new"), ["csrf", "name", "days", "scope"]);
    assert_eq!(fields(&html, "/admin/account/tokens/revoke"), ["csrf", "token"]);
    assert_eq!(forms(&html).filter(|f| f.contains("/tokens/revoke\"")).count(), 2, "what ended can't be revoked again");
    assert!(html.contains("autocomplete=\"new-password\"") && html.contains("autocomplete=\"current-password\""));
    assert!(
        !Page::Account.moves() && !Page::Audit(Box::default()).moves() && !html.contains("http-equiv=\"refresh\""),
        "what is typed stays"
    );
    let alone = show(Scenario::Empty, &["viewer"], "/admin/account").await.html;
    assert!(!alone.contains("End all others") && alone.contains("No API token"));
}

#[tokio::test]
async fn g1_a_secret_is_shown_once_and_says_so() {
    let mut cx = context(Scenario::Calm, Some(caller(UnixMs::now(), &["viewer"])));
    let secret = MadeSecret { id: "1".into(), secret: "reeve_s3cret<b>".into(), expires_at: UnixMs::now() };
    let flash = Flash::Secret { title: "The token".into(), secret };
    assert!(!format!("{flash:?}").contains("s3cret"));
    cx.flash = Some(flash);
    let html = render(Page::Account, cx.clone()).await.html;
    lawful(&html);
    assert!(html.contains("<pre>reeve_s3cret&lt;b&gt;</pre>") && html.contains("data-copy") && html.contains("can't be shown again"));
    cx.flash = Some(Flash::Refused("<i>No.</i>".into()));
    let html = render(Page::Account, cx).await.html;
    assert!(html.contains("role=\"alert\"") && html.contains("&lt;i&gt;No.") && !html.contains("s3cret"));
}

#[tokio::test]
async fn g2_menus_show_what_one_may_see() {
    let menu = |html: &str| {
        let nav = html.split("<nav aria-label=\"Pages\"").nth(1).unwrap().split("</nav>").next().unwrap();
        ["Database health", "Targets", "Accounts", "Audit trail", "Access"].map(|word| nav.contains(&format!(">{word}<")))
    };
    for (roles, expected) in [
        (&["admin"][..], [true, true, true, true, true]),
        (&["security_officer"], [true, true, true, true, true]),
        (&["operator"], [true, true, false, false, true]),
        (&["viewer"], [true, true, false, false, true]),
        (&["admin@environment:prod"], [true, true, false, false, true]),
        (&[], [false, false, false, false, true]),
    ] {
        let html = html(roles, "/admin/account").await;
        assert_eq!(menu(&html), expected, "{roles:?}");
        assert_eq!(html.contains("data-go=\"a\""), expected[3], "{roles:?}");
        assert_eq!(html.contains("href=\"/admin/accounts\""), expected[2], "no way at all, the palette included: {roles:?}");
        assert!(html.contains("href=\"/admin/account\""));
    }
}

#[tokio::test]
async fn g2_somebody_without_a_role_is_told_so_and_nothing_is_asked_for_them() {
    let (ports, fake) = ports::fake(Scenario::Trouble);
    let mut cx = context(Scenario::Trouble, Some(caller(UnixMs::now(), &[])));
    cx.ports = ports;
    let shown = render(Page::Health, cx.clone()).await;
    assert_eq!(shown.status, 403);
    lawful(&shown.html);
    assert!(shown.html.contains("Your account has no role yet") && shown.html.contains("data-empty=\"no-permission\""));
    assert!(shown.html.contains("href=\"/admin/account\"") && !shown.html.contains("ledger-prod"));
    assert_eq!(*fake.1.lock().unwrap(), ["view estate "], "one refusal, for the page itself");
    fake.1.lock().unwrap().clear();
    assert_eq!(render(Page::Account, cx.clone()).await.status, 200);
    assert_eq!(render(Page::Access, cx).await.status, 200);
    assert!(fake.1.lock().unwrap().is_empty());
}

#[tokio::test]
async fn g2_a_scoped_caller_finds_their_targets_and_no_trace_of_others() {
    let (ports, fake) = ports::fake(Scenario::Trouble);
    let mut cx = context(Scenario::Trouble, Some(caller(UnixMs::now(), &["viewer@environment:dev"])));
    cx.ports = ports;
    let shown = render(Page::Health, cx.clone()).await;
    assert_eq!(shown.status, 200);
    lawful(&shown.html);
    assert!(shown.html.contains("Your only target needs attention."), "{}", words(&shown.html));
    for hidden in ["ledger-prod", "newcomer", "Reeve's own pools", "DOCUMENTS_DATABASE_URL", "of 3 targets"] {
        assert!(!shown.html.contains(hidden), "{hidden}");
    }
    assert!(fake.1.lock().unwrap().is_empty(), "looking at what one may see is no refusal");
    let frame = reeve_app::live::frame(Page::Health, &cx).await.unwrap().unwrap();
    assert!(!frame.set.iter().any(|n| n.k.contains("ledger-prod") || n.k.starts_with("pool:")) && !frame.set.is_empty());
    let hidden = render(Page::parse("/admin/targets/ledger-prod", "").unwrap(), cx.clone()).await;
    let missing = render(Page::parse("/admin/targets/nowhere-at-all", "").unwrap(), cx.clone()).await;
    assert_eq!((hidden.status, missing.status), (404, 404));
    assert_eq!(words(&hidden.html).replace("ledger-prod", "x"), words(&missing.html).replace("nowhere-at-all", "x"));
    cx.principal = Some(caller(UnixMs::now(), &["viewer@tag:nothing"]));
    let none = render(Page::Health, cx).await;
    assert!(none.html.contains("Your rights reach no target.") && none.html.contains("data-empty=\"no-permission\""));
    assert!(none.html.contains("None within your rights") && !none.html.contains("reeve.toml"));
}

#[tokio::test]
async fn g2_admins_change_accounts_and_officers_look_at_them() {
    let admin = html(&["admin"], "/admin/accounts").await;
    assert_eq!(fields(&admin, "/admin/accounts/invite"), ["csrf", "email", "role", "scope"]);
    assert_eq!(fields(&admin, "/admin/accounts/invites/withdraw"), ["csrf", "invite"]);
    for scope in ["everything", "environment:prod", "tag:sample", "target:findawise"] {
        assert!(admin.contains(&format!("<option value=\"{scope}\">")), "{scope}");
    }
    let text = words(&admin);
    assert!(text.contains("6 accounts, 1 of them disabled") && text.contains("no role") && text.contains("sets a new password"), "{text}");
    let one = html(&["admin"], "/admin/accounts/2").await;
    assert_eq!(fields(&one, "/admin/accounts/2/rights"), ["csrf", "binding", "add_role", "add_scope"]);
    assert_eq!(one.matches("name=\"binding\"").count(), 2);
    assert!(one.contains("value=\"operator@environment:prod\" checked"));
    assert_eq!(fields(&one, "/admin/accounts/2/disable"), ["csrf", "confirm"]);
    assert!(one.contains("pattern=\"bo\\.operator@example\\.org\"") && !one.contains("aria-label=\"Copy SQL\""));
    assert_eq!(fields(&one, "/admin/accounts/2/reset"), ["csrf"]);
    assert_eq!(fields(&one, "/admin/accounts/2/sessions/end"), ["csrf", "session"]);
    assert_eq!(fields(&one, "/admin/accounts/2/tokens/revoke"), ["csrf", "token"]);
    let gone = html(&["admin"], "/admin/accounts/6").await;
    assert_eq!(fields(&gone, "/admin/accounts/6/enable"), ["csrf"]);
    assert!(!gone.contains("/6/disable\"") && !gone.contains("/6/reset\"") && gone.contains("Signed in nowhere"));
    for address in ["/admin/accounts", "/admin/accounts/2", "/admin/accounts/6"] {
        let officer = html(&["security_officer"], address).await;
        let changing = forms(&officer).filter(|f| f.contains("method=\"post\"") && f.contains("action=\"/admin/")).count();
        assert_eq!(changing, 0, "{address}");
        assert!(!officer.contains("class=\"confirm\""));
        assert_eq!(show(Scenario::Calm, &["viewer"], address).await.status, 403);
    }
    assert!(html(&["security_officer"], "/admin/accounts/2").await.contains("for environment prod"));
    assert_eq!(show(Scenario::Calm, &["admin"], "/admin/accounts/999").await.status, 404);
}

#[tokio::test]
async fn g3_the_trail_says_who_did_what_to_what_and_what_came_of_it() {
    let shown = show(Scenario::Trouble, &["security_officer"], "/admin/audit").await;
    lawful(&shown.html);
    let text = words(&shown.html);
    for needle in [
        "Sealed to entry 4,180, 2 events wait to be sealed",
        "The compliance database does not answer.",
        "change account",
        "sign in session",
        "×1,312",
        "viewer@everything, operator@environment:prod",
        "2 fields as before",
        "waits to be sealed",
        "4,174, sealed ",
        "Erased by law",
        "browser",
        "01JD1XKQ7",
    ] {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    for outcome in ["done", "refused", "failed", "alarm"] {
        assert!(shown.html.contains(&format!("<span data-outcome=\"{outcome}\" class=\"outcome\">")), "{outcome}");
    }
    assert_eq!(shown.html.matches("<summary data-row").count(), 9);
    assert!(shown.html.contains("href=\"/admin/audit?cursor=4174\"") && !shown.html.contains(">Newest<"));
}

#[tokio::test]
async fn g3_a_search_keeps_its_filters_and_each_can_be_taken_off() {
    let address = "/admin/audit?actor=example.org&verb=change&outcome=done&from=2020-01-01T00:00&to=2099-12-31T23:59";
    let html = html(&["security_officer"], address).await;
    for needle in [
        "value=\"2020-01-01T00:00\"",
        "<option value=\"done\" selected>",
        "person “example.org”",
        "before 2099-12-31 23:59:00 UTC",
        "href=\"/admin/audit?actor=example.org&amp;outcome=done&amp;from=2020-01-01T00%3A00&amp;to=2099-12-31T23%3A59\"",
        "Export what matches",
    ] {
        assert!(html.contains(needle), "{needle}");
    }
    assert_eq!(fields(&html, "/api/audit/export"), ["actor", "verb", "outcome", "from", "to"]);
    assert!(html.contains("name=\"from\" value=\"1577836800000\""), "the export speaks milliseconds");
    assert_eq!(html.matches("<summary data-row").count(), 1);
    let admin = self::html(&["admin"], "/admin/audit?cursor=4175").await;
    assert!(!admin.contains("/api/audit/export"), "an admin sees the trail and may not take it out");
    assert!(admin.contains(">Newest<") && !admin.contains(">Older<"));
    for (address, scenario, title) in [
        ("/admin/audit?actor=nobody", Scenario::Calm, "No entry matches"),
        ("/admin/audit?cursor=end", Scenario::Calm, "No older entry"),
        ("/admin/audit", Scenario::Empty, "Nothing is written yet"),
    ] {
        assert!(show(scenario, &["admin"], address).await.html.contains(title), "{title}");
    }
    assert_eq!(show(Scenario::Calm, &["operator"], "/admin/audit").await.status, 403);
}

#[tokio::test]
async fn g2_the_policy_says_what_is_yours_and_what_it_lacks() {
    let all = words(&html(&["admin", "viewer@tag:eu"], "/admin/access").await);
    assert!(all.contains("Adminyours, for everything") && all.contains("Vieweryours, for tag eu"), "{all}");
    for rule in reeve_access::policy::POLICY {
        assert!(all.contains(rule.does), "{}", rule.does);
    }
    assert!(all.contains("Who may run backup must not also accept finding."));
    assert!(all.contains("not with your scope"), "a viewer of a tag does not see Reeve's pools");
    assert!(!words(&html(&["admin"], "/admin/access").await).contains("not with your scope"));
}

#[tokio::test]
async fn g3_hostile_names_agents_and_values_are_text() {
    for address in [
        "/admin/account",
        "/admin/accounts",
        "/admin/accounts/4",
        "/admin/audit",
        "/admin/audit?actor=%3Cscript%3Ealert(1)%3C/script%3E&resource=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ] {
        let shown = show(Scenario::Calm, &["admin"], address).await;
        assert_eq!(shown.status, 200);
        lawful(&shown.html);
        assert!(shown.html.contains("&lt;script&gt;alert(1)"), "{address}");
    }
}

#[tokio::test]
async fn g2_without_a_session_no_page_of_reeve_shows_anything() {
    for address in ["/admin/account", "/admin/accounts", "/admin/accounts/2", "/admin/audit", "/admin/access"] {
        let shown = render(Page::parse(address, "").unwrap(), context(Scenario::Calm, None)).await;
        assert_eq!(shown.status, 401, "{address}");
        assert!(!shown.html.contains("@example.org"), "{address}");
    }
}

#[test]
fn g1_a_link_is_used_from_a_page_that_does_not_hold_it() {
    let cx = PageContext { csrf: None, ..context(Scenario::Calm, None) };
    let offer = |reset| InviteOffer { email: "joe\"@example.org".into(), reset, expires_at: UnixMs(1_800_000_000_000) };
    let form = AcceptForm { offer: Ok(offer(false)), display_name: "Joe".into(), error: None, done: None };
    let invited = render_accept(&form, &cx);
    assert_eq!(invited.status, 200);
    assert!(
        invited.html.contains("Join Reeve") && invited.html.contains("joe&quot;@example.org") && invited.html.contains("value=\"Joe\"")
    );
    for name in ["display_name", "password", "repeat"] {
        assert!(invited.html.contains(&format!("name=\"{name}\"")), "{name}");
    }
    assert!(!invited.html.contains("action=") && !invited.html.contains("<script") && !invited.html.contains("<a "), "no way leads out");
    assert!(invited.html.contains("minlength=\"8\"") && invited.html.contains("autocomplete=\"new-password\""));
    let refused = render_accept(&AcceptForm { offer: Ok(offer(true)), error: Some("They differ.".into()), ..form.clone() }, &cx);
    assert_eq!(refused.status, 422);
    assert!(refused.html.contains("They differ.") && !refused.html.contains("display_name") && refused.html.contains("Set a new password"));
    let gone = render_accept(&AcceptForm { offer: Err("This link can't be used any more.".into()), ..form.clone() }, &cx);
    assert_eq!(gone.status, 404);
    assert!(!gone.html.contains("<form") && gone.html.contains("can't be used any more."));
    let done = render_accept(&AcceptForm { done: Some("joe@example.org".into()), ..form }, &cx);
    assert!(done.html.contains("href=\"/sign-in\"") && !done.html.contains("<form"));
}

#[test]
fn g4_too_many_attempts_say_how_long_to_wait_and_nothing_else() {
    let wait = PortError::TooMany(Wait { seconds: 90 }).to_string();
    let shown = |email: &str| {
        let form = SignInForm { email: email.into(), next: None, error: Some(wait.clone()) };
        let html = render_sign_in(form, &PageContext { csrf: None, ..context(Scenario::Calm, None) }).html;
        html.split_once("<main").unwrap().1.to_owned()
    };
    let (known, unknown) = (shown("admin@example.org"), shown("nobody@example.org"));
    assert!(known.contains("Too many attempts. Try again in 90 seconds."));
    assert_eq!(unknown.replace("nobody@example.org", "admin@example.org"), known, "whether the account exists makes no difference");
}
