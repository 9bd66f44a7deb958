//! The pages of backups: every state, each kind of caller, names that try to be markup.
#![allow(clippy::unwrap_used)]

mod support;

use reeve_app::{
    live,
    render::{Assets, PageContext, Rendered, Theme, render},
    route::Page,
};
use reeve_model::UnixMs;
use support::{
    Scenario,
    backups::{DAMAGED, RESTORED},
    caller, ports,
};

fn context(scenario: Scenario, roles: &[&str]) -> PageContext {
    PageContext {
        ports: ports::ports(scenario),
        principal: Some(caller(UnixMs::now(), roles)),
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
    let shown = render(Page::parse(path, query).expect("a page"), context(scenario, roles)).await;
    lawful(&shown.html);
    shown
}

async fn html(scenario: Scenario, roles: &[&str], address: &str) -> String {
    let shown = show(scenario, roles, address).await;
    assert_eq!(shown.status, 200, "{address} for {roles:?}");
    shown.html
}

/// No script or style of its own, names as text, a token in every form that changes something, no id twice.
fn lawful(html: &str) {
    assert!(!html.contains(" style=") && !html.contains("<script>") && !html.contains("alert(1)</script>"));
    for form in html.split("<form").skip(1).filter(|f| f.contains("method=\"post\"")) {
        assert!(form.split("</form>").next().unwrap().contains("name=\"csrf\""), "{form}");
    }
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).filter_map(|p| p.split('"').next()).collect();
    ids.sort_unstable();
    let twice: Vec<_> = ids.windows(2).filter(|w| w[0] == w[1]).collect();
    assert!(twice.is_empty(), "{twice:?} stand twice");
}

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

fn all(text: &str, needles: &[&str]) {
    for needle in needles {
        assert!(text.contains(needle), "{needle}: {text}");
    }
}

#[tokio::test]
async fn d1_each_database_says_what_would_be_lost() {
    for address in ["/admin/backups", "/admin/db-health"] {
        let html = html(Scenario::Calm, &["operator"], address).await;
        all(
            &words(&html),
            &["blog", "no backup", "Everything would be lost now.", "damaged", "proven", "What was written since would be lost now."],
        );
        all(
            &html,
            &[
                "data-trust=\"missing\"",
                "data-trust=\"damaged\"",
                "action=\"/admin/backups/run\"",
                "name=\"of\" value=\"findawise/blog\"",
                "<progress",
            ],
        );
        assert!(!html.contains("value=\"findawise/gone\"><button"), "what is not there can't be backed up");
    }
    let text = words(&html(Scenario::Calm, &["viewer"], "/admin/db-health").await);
    all(&text, &["1 of 5 databases has a newest backup that failed a check."]);
}

#[tokio::test]
async fn b1_what_is_wrong_beside_health_stands_under_the_answer() {
    let line = |html: &str| Some(html.split("class=\"band-facts\"").nth(1)?.split("</p>").next()?.replace("<!>", ""));
    let told = line(&html(Scenario::Calm, &["admin", "security_officer"], "/admin/db-health").await).unwrap();
    let backups = ["1 database has no backup", "1 database has a damaged backup", "1 backup can't be read"];
    all(&told, &backups.map(|words| format!("href=\"/admin/backups\">{words}</a> · ")).each_ref().map(String::as_str));
    all(&told, &["severity=critical", "state=open", ">1 critical finding</a>."]);
    // Who may not look at findings is told how many there are, as in the table of scores, and led nowhere.
    let viewer = line(&html(Scenario::Calm, &["viewer"], "/admin/db-health").await).unwrap();
    assert!(viewer.contains("<span>1 critical finding</span>.") && !viewer.contains("severity="), "{viewer}");
    assert_eq!(line(&html(Scenario::Empty, &["admin"], "/admin/db-health").await), None, "no line where nothing is wrong");
}

#[tokio::test]
async fn d3_a_copy_can_be_dropped_or_kept_by_those_who_may() {
    for (role, keeps) in [("operator", true), ("viewer", false)] {
        let html = html(Scenario::Calm, &[role], "/admin/backups").await;
        let copies = html.split("id=\"copies\"").nth(1).unwrap().split("</details>").next().unwrap();
        all(copies, &["1 copy that restores left", "DROP DATABASE", "findawise_restored_2026", "counts as a database of its own"]);
        assert_eq!(copies.contains("value=\"findawise/findawise_restored_20261126T020000\""), keeps, "{role}: {copies}");
    }
}

#[tokio::test]
async fn d1_the_list_shows_what_storage_holds_and_what_is_proven() {
    let html = html(Scenario::Calm, &["operator"], "/admin/backups").await;
    all(
        &words(&html),
        &["5 backups in /srv/backups", "drilled", "verified", "written", "125,419", "can't be read, so they don't count", "3 of 5"],
    );
    all(&html, &["rel=\"next\"", "cursor=20261125T010000Z-00000003", "data-trust=\"drilled\"", "title=\"It was restored"]);
    let second = self::html(Scenario::Calm, &["operator"], "/admin/backups?cursor=20261125T010000Z-00000003").await;
    all(&second, &[DAMAGED, ">Newest<"]);
    let failed = words(&self::html(Scenario::Calm, &["operator"], "/admin/backups?trust=failed").await);
    assert!(failed.contains("2 of 2"), "{failed}");
    all(&words(&self::html(Scenario::Calm, &["operator"], "/admin/backups?of=findawise%2Fother").await), &["No backup matches"]);
}

#[tokio::test]
async fn d1_nothing_to_show_says_why() {
    for (scenario, address, needles) in [
        (Scenario::Empty, "/admin/backups", &["No repository is configured", "under [backup]"][..]),
        (Scenario::Calm, "/admin/backups?of=findawise%2Fnever read", &["Not read yet"]),
        (Scenario::Calm, "/admin/backups?of=findawise%2Fnever reached", &["The repository can't be read", "It refuses the connection."]),
        (Scenario::Calm, "/admin/backups?of=findawise%2Fnothing yet", &["There is no backup yet", "reeve backup run"]),
        (Scenario::Trouble, "/admin/backups", &["is not mounted", "What you see was read", "own database is away"]),
    ] {
        all(&words(&html(scenario, &["operator"], address).await), needles);
    }
    let away = html(Scenario::Trouble, &["operator"], "/admin/backups").await;
    assert!(!away.contains("action=\"/admin/backups/run\""), "nothing can be begun while it could not be written down");
}

#[tokio::test]
async fn d1_jobs_show_how_far_they_are_and_can_be_ended() {
    let html = html(Scenario::Calm, &["operator"], "/admin/backups").await;
    let jobs = html.split("id=\"jobs-part\"").nth(1).unwrap().split("</section>").next().unwrap();
    all(
        jobs,
        &[
            "compressing and storing",
            "<progress",
            "about 28",
            "data-trust=\"queued\"",
            "data-trust=\"cancelled\"",
            "by bo.operator@example.org",
        ],
    );
    assert_eq!(jobs.matches("action=\"/admin/backups/jobs/cancel\"").count(), 3, "those that are open");
    // Whoever asked can't be who agrees; whoever only looks is told what it waits for.
    assert_eq!(jobs.matches("action=\"/admin/backups/jobs/approve\"").count(), 1);
    all(jobs, &["Agree: replace shop", "The present database is kept under another name", "with ann.admin@example.org"]);
    let looked = self::html(Scenario::Calm, &["viewer"], "/admin/backups").await;
    assert!(looked.contains("It begins when a second person agrees.") && !looked.contains("jobs/approve"));
    let ended: Vec<_> = jobs.split("<tr").filter(|r| r.contains("data-trust=\"done\"")).collect();
    assert!(ended.iter().all(|r| !r.contains("/cancel")));
}

#[tokio::test]
async fn d1_schedules_say_when_next_and_what_came_of_the_last() {
    let html = html(Scenario::Calm, &["operator"], "/admin/backups").await;
    let part = html.split("id=\"schedules-part\"").nth(1).unwrap().split("</table>").next().unwrap();
    all(
        part,
        &[
            "daily at 02:30",
            ">30 2 * * *<",
            "Europe/Berlin",
            ">in 2 h<",
            "2026-11-27 02:30 Europe/Berlin",
            "data-trust=\"failed\"",
            "paused",
            "Drill the newest backup",
            "It was passed over. There was no good backup to drill.",
            "set by bo.operator@example.org",
        ],
    );
    assert_eq!(part.matches("action=\"/admin/backups/schedules/remove\"").count(), 3);
    let form = html.split("action=\"/admin/backups/schedules/set\"").nth(1).unwrap().split("</form>").next().unwrap();
    for field in ["of", "what", "often", "weekday", "day", "time", "cron", "zone"] {
        assert!(form.contains(&format!("name=\"{field}\"")), "{field}");
    }
    all(form, &["value=\"UTC\"", "value=\"findawise/shop\"", "value=\"02:30\""]);
    assert!(!form.contains("value=\"findawise/gone\""), "what is not there can't be backed up");
    // The cover says when the next one is, on both pages.
    for address in ["/admin/backups", "/admin/db-health"] {
        let text = words(&self::html(Scenario::Calm, &["viewer"], address).await);
        all(&text, &["Next run", "in 2 h", "not planned"]);
    }
}

#[tokio::test]
async fn d1_a_refused_schedule_keeps_what_was_typed() {
    let mut cx = context(Scenario::Calm, &["operator"]);
    let typed = [("of", "findawise/shop"), ("often", "cron"), ("cron", "61 2 * * <b>"), ("zone", "Mars/Olympus"), ("time", "04:15")];
    cx.kept = reeve_app::render::Kept(typed.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec());
    let html = render(Page::parse("/admin/backups", "").unwrap(), cx).await.html;
    lawful(&html);
    let form = html.split("action=\"/admin/backups/schedules/set\"").nth(1).unwrap().split("</form>").next().unwrap();
    all(form, &["61 2 * * &lt;b&gt;", "Mars/Olympus", "04:15"]);
    let selected: Vec<_> = form.split("<option").filter(|o| o.contains("selected")).map(|o| o.split('>').next().unwrap()).collect();
    assert!(selected.iter().any(|o| o.contains("\"cron\"")) && selected.iter().any(|o| o.contains("findawise/shop")), "{selected:?}");
}

#[tokio::test]
async fn d1_no_schedule_says_what_to_do_to_those_who_may() {
    let empty = "/admin/backups?of=findawise%2Fnothing yet";
    let may = html(Scenario::Calm, &["operator"], empty).await;
    all(&words(&may), &["Nothing is planned", "Add a schedule below"]);
    assert!(may.split("id=\"add-schedule\"").nth(1).unwrap().split('>').next().unwrap().contains("open"));
    let looks = html(Scenario::Calm, &["viewer"], empty).await;
    all(&words(&looks), &["Nothing is planned", "Operators add schedules here."]);
    assert!(!looks.contains("schedules/set") && !looks.contains("Add a schedule"));
    let viewer = html(Scenario::Calm, &["viewer"], "/admin/backups").await;
    all(&words(&viewer), &["daily at 02:30", "weekly on Sunday at 03:00"]);
    assert!(!viewer.contains("schedules/set") && !viewer.contains("schedules/remove"));
    let away = html(Scenario::Trouble, &["operator"], "/admin/backups").await;
    assert!(!away.contains("schedules/set"), "nothing can be planned while it could not be written down");
    all(&words(&away), &["Schedules show as soon as"]);
    assert!(!html(Scenario::Empty, &["operator"], "/admin/backups").await.contains("schedules-part"), "first a repository");
}

#[tokio::test]
async fn d4_a_failed_check_is_named_with_the_object() {
    let html = html(Scenario::Calm, &["operator"], &format!("/admin/backups/{DAMAGED}")).await;
    all(&words(&html), &["Do not count on it", "Verification failed", "dump/3.dat.zst: Its SHA-256 differs.", "Not drilled"]);
    all(&html, &["data-trust=\"failed\"", "9f86d081884c7d65"]);
}

#[tokio::test]
async fn d5_a_drill_tells_time_rows_and_what_differs() {
    let good = words(&html(Scenario::Calm, &["operator"], &format!("/admin/backups/{RESTORED}")).await);
    all(
        &good,
        &[
            "It was restored, and every row came back as it was.",
            "125,419 rows of 3 tables were compared, all as they were.",
            "pg_amcheck found every heap and B-tree index sound.",
            "Not compared: large objects, materialized views, foreign tables and sequences.",
            "It answered after",
        ],
    );
    let bad = words(&html(Scenario::Calm, &["operator"], "/admin/backups/20261123T020000Z-00000005").await);
    all(&bad, &["Drill failed", "public.orders: 120,399 rows came back, 120,400 were backed up."]);
}

#[tokio::test]
async fn d3_after_a_restore_the_page_leads_to_the_table() {
    let at = format!("/admin/backups/{RESTORED}");
    let html = html(Scenario::Calm, &["operator"], &at).await;
    all(&words(&html), &["Restored as shop_tuesday", "Which one do you miss?", "public.orders", "all are as they were"]);
    let chosen = self::html(Scenario::Calm, &["operator"], &format!("{at}?schema=public&table=orders")).await;
    all(
        &words(&chosen),
        &[
            "see that it is what you miss. It should say 120,400.",
            "--table='\"public\".\"orders\"'",
            "psql --dbname='shop' --single-transaction",
            "Views and materialized views over it do not come along.",
        ],
    );
    let other = self::html(Scenario::Calm, &["operator"], &format!("{at}?schema=public&table=nowhere")).await;
    assert!(!other.contains("pg_dump --dbname"), "only tables that it holds");
    // Dropped meanwhile, it leads nowhere; that it came back is proven all the same.
    let dropped = words(&self::html(Scenario::Trouble, &["operator"], &at).await);
    all(&dropped, &["What was restored as shop_tuesday is not there any more", "As shop_tuesday, in 8"]);
    assert!(!dropped.contains("Which one do you miss?"), "{dropped}");
}

#[tokio::test]
async fn g2_who_may_only_look_finds_no_button() {
    for (roles, runs) in [(&["operator"][..], true), (&["admin"], true), (&["viewer"], false), (&["security_officer"], false)] {
        for address in ["/admin/backups", "/admin/db-health", &format!("/admin/backups/{RESTORED}")] {
            let html = html(Scenario::Calm, roles, address).await;
            assert_eq!(html.contains("method=\"post\" action=\"/admin/backups/"), runs, "{address} for {roles:?}");
        }
    }
    let at = format!("/admin/backups/{RESTORED}");
    let html = html(Scenario::Calm, &["operator"], &at).await;
    for action in ["/verify", "/drill", "/restore"] {
        assert!(html.contains(&format!("action=\"{at}{action}\"")), "{action}");
    }
    assert!(!html.contains("name=\"over\""), "an existing database is never overwritten from here");
    let outside = show(Scenario::Calm, &["operator@target:elsewhere"], &at).await;
    assert_eq!(outside.status, 404, "out of scope is not there");
    assert_eq!(show(Scenario::Calm, &[], "/admin/backups").await.status, 403);
    assert!(Page::parse("/admin/backups/../etc", "").is_none() && Page::parse("/admin/backups/x", "").is_none());
}

#[tokio::test]
async fn d1_what_moves_has_the_shape_that_the_stream_tells() {
    let cx = context(Scenario::Calm, &["operator"]);
    for address in ["/admin/backups", &format!("/admin/backups/{RESTORED}")] {
        let page = Page::parse(address, "").unwrap();
        let frame = live::frame(page.clone(), &cx).await.unwrap().expect("it moves");
        let html = render(page, cx.clone()).await.html;
        let shapes: Vec<_> = frame.set.iter().filter_map(|n| Some((n.k.strip_prefix("shape:")?, n.t.as_deref()?))).collect();
        assert!(!shapes.is_empty());
        for (id, shape) in shapes {
            let at = html.find(&format!("id=\"{id}\"")).map(|at| &html[at..html.len().min(at + 80)]);
            assert!(html.contains(&format!("id=\"{id}\" data-shape=\"{shape}\"")), "{address} {id} {shape}: {at:?}");
        }
    }
    let still = html(Scenario::Calm, &["operator"], &format!("/admin/backups/{DAMAGED}")).await;
    assert!(!still.contains("http-equiv=\"refresh\""), "nothing is done with it, so nothing that is typed is lost");
}
