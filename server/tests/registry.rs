//! Registering a target from the browser: tested, shown, added, watched, removed (A6, G2, G3).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, Shop, dir};
use serde_json::Value;

const PAGE: &str = "/admin/registry";

#[tokio::test(flavor = "multi_thread")]
async fn a6_a_target_is_tested_added_watched_and_removed_from_the_page() {
    let (data, shop) = (dir(), Shop::start().await);
    let reeve = Running::start(data.path(), &[]).await;
    let admin = reeve.person("second@example.org", &["admin"]).await;
    let fields = |name: &'static str, url: &str| {
        [("name", name.to_owned()), ("url", url.to_owned()), ("environment", "dev".to_owned()), ("tags", "eu, shop".to_owned())]
    };
    let send = async |action: &str, fields: &[(&str, String)]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        reeve.form(&admin.browser, PAGE, &format!("{PAGE}/{action}"), &fields).await
    };
    let page = async || admin.browser.get(reeve.url(PAGE)).send().await.unwrap().text().await.unwrap();

    // A wrong name and a wrong address keep what was typed, and never the address.
    let answer = send("test", &fields("Not A Name", &shop.url)).await;
    assert_eq!(answer.status(), 422);
    let html = answer.text().await.unwrap();
    assert!(html.contains("value=\"Not A Name\"") && !html.contains(common::MONITOR_PASSWORD), "{html}");
    assert_eq!(send("test", &fields("shop", "mysql://nobody@nowhere/x")).await.status(), 422);
    assert_eq!(send("add", &[]).await.status(), 422, "nothing was tested");

    // A wrong password is found by the test and is not added without saying so twice.
    let wrong = shop.url.replace(common::MONITOR_PASSWORD, "wrong-1234");
    assert_eq!(send("test", &fields("shop", &wrong)).await.status(), 303);
    let html = page().await;
    assert!(html.contains("refuses the login") && html.contains("ALTER ROLE") && !html.contains("wrong-1234"), "{html}");
    assert_eq!(send("add", &[]).await.status(), 422);
    assert_eq!(send("discard", &[]).await.status(), 303);

    // The right one is tested, shown with what is missing, and another person does not see it.
    assert_eq!(send("test", &fields("shop", &shop.url)).await.status(), 303);
    let html = page().await;
    assert!(html.contains("Tested: ") && html.contains("watcher") && !html.contains(common::MONITOR_PASSWORD), "{html}");
    let other = reeve.person("third@example.org", &["admin"]).await;
    let theirs = other.browser.get(reeve.url(PAGE)).send().await.unwrap().text().await.unwrap();
    assert!(!theirs.contains("Tested: "), "what one tested is not another's to add");
    assert_eq!(send("add", &[]).await.status(), 303);
    let up = |v: &Value| {
        v["items"].as_array().unwrap().iter().any(|t| t["name"] == "shop" && t["environment"] == "dev" && t["tags"][1] == "shop")
    };
    reeve.until("/api/targets", "the new target", up).await;
    assert_eq!(send("test", &fields("shop", &shop.url)).await.status(), 422, "the name is taken");

    // Changed with its address untouched: it is tested with the stored one, and only what was said is different.
    let changed =
        [("name", "shop".to_owned()), ("known", "1".to_owned()), ("environment", "staging".to_owned()), ("owner", "Ada".to_owned())];
    let form = admin.browser.get(reeve.url("/admin/registry?change=shop")).send().await.unwrap().text().await.unwrap();
    assert!(form.contains("Change shop") && form.contains("value=\"eu, shop\""), "{form}");
    assert_eq!(send("test", &changed).await.status(), 303);
    let html = page().await;
    assert!(html.contains("Change it</button>") && html.contains("PostgreSQL"), "{html}");
    assert_eq!(send("add", &[]).await.status(), 303);
    let other = |v: &Value| {
        v["items"].as_array().unwrap().iter().any(|t| t["name"] == "shop" && t["environment"] == "staging" && t["owner"] == "Ada")
    };
    reeve.until("/api/targets", "the change", other).await;
    // One that is gone meanwhile is not made anew by a change.
    let gone = [("name", "nobody".to_owned()), ("known", "1".to_owned()), ("environment", "dev".to_owned())];
    assert_eq!(send("test", &gone).await.status(), 404);

    assert_eq!(send("remove", &[("target", "shop".to_owned()), ("typed", "shopp".to_owned())]).await.status(), 422);
    assert_eq!(send("remove", &[("target", "shop".to_owned()), ("typed", "shop".to_owned())]).await.status(), 303);
    reeve.until("/api/targets", "it is gone", |v| !v["items"].as_array().unwrap().iter().any(|t| t["name"] == "shop")).await;
    for verb in ["add", "edit", "remove"] {
        let event = reeve.audited("noun=target", verb, |e| e["verb"] == verb && e["resource"] == "shop").await;
        assert_eq!(event["actor"], "second@example.org");
        assert!(!event.to_string().contains(common::MONITOR_PASSWORD));
    }
    assert_eq!(reeve.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_what_stands_in_the_configuration_is_changed_there() {
    let (data, shop) = (dir(), Shop::start().await);
    let config = common::watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    let admin = reeve.person("second@example.org", &["admin"]).await;
    let fields = [("target", "shop"), ("typed", "shop")];
    let answer = reeve.form(&admin.browser, PAGE, "/admin/registry/remove", &fields).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("stands in the configuration"));
    let fields = [("name", "shop"), ("url", shop.url.as_str()), ("environment", "dev")];
    assert_eq!(reeve.form(&admin.browser, PAGE, "/admin/registry/test", &fields).await.status(), 422);
    assert_eq!(reeve.stop().await, Some(0));
}
