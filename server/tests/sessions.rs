//! Sessions of a target over HTTP: seen at the cost of one look, ended by those who may, and written down (B5, G2, G3).
#![allow(clippy::unwrap_used)]

mod common;

use common::{Running, Shop, dir, watch_config};
use serde_json::{Value, json};

const LIST: &str = "/api/targets/shop/sessions";
const SIGNAL: &str = "/api/targets/shop/sessions/signal";

fn named<'v>(list: &'v Value, application: &str) -> Option<&'v Value> {
    list["sessions"]["rows"].as_array()?.iter().find(|row| row["application"] == application)
}

/// G2, B5: who may not see statements is refused; who may not end sessions is, too; what was done stands in the trail with the session's name.
#[tokio::test(flavor = "multi_thread")]
async fn b5_a_session_is_ended_by_those_who_may_and_written_down() {
    let (data, shop) = (dir(), Shop::start().await);
    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    shop.admin.batch_execute("CREATE ROLE clerk LOGIN PASSWORD 'secret'").await.unwrap();
    let clerk = common::connect(&shop.cluster.url_for("clerk", "secret", "postgres")).await;
    clerk.batch_execute("SET application_name = 'till seven'; SELECT 'a customer''s name'").await.unwrap();
    let list = reeve.until(LIST, "the clerk", |v| named(v, "till seven").is_some()).await;
    let row = named(&list, "till seven").unwrap();
    assert_eq!((&row["user"], &row["state"]), (&json!("clerk"), &json!("idle")));
    let (pid, at) = (row["pid"].clone(), row["started_at"].clone());
    let order = |signal: &str| json!({ "pid": pid, "connected_at": at, "signal": signal, "seen": null });

    let viewer = reeve.person("viewer@example.org", &["viewer"]).await;
    for (method, path, body) in [("GET", LIST, None), ("POST", SIGNAL, Some(order("terminate")))] {
        let (status, said) = reeve.call(&viewer.token, method, path, body).await;
        assert_eq!(status, 403, "{method} {path}: {said}");
        assert!(!said.to_string().contains("customer"));
    }
    // Reeve's role has no right to signal: the sentence has the grant, and nobody was hurt.
    let operator = reeve.person("operator@example.org", &["operator"]).await;
    let (status, said) = reeve.call(&operator.token, "POST", SIGNAL, Some(order("terminate"))).await;
    assert!(status == 422 && said["message"].as_str().unwrap().contains("GRANT pg_signal_backend TO \"watcher\""), "{status} {said}");
    assert!(!clerk.is_closed());
    let (status, _) = reeve.call(&operator.token, "POST", SIGNAL, Some(json!({ "pid": pid }))).await;
    assert_eq!(status, 422);

    // It has begun a transaction since, which nobody saw.
    shop.admin.batch_execute("GRANT pg_signal_backend TO watcher").await.unwrap();
    clerk.batch_execute("BEGIN").await.unwrap();
    let (status, said) = reeve.call(&operator.token, "POST", SIGNAL, Some(order("terminate"))).await;
    assert!(status == 422 && said["message"].as_str().unwrap().contains("Look again"), "{status} {said}");
    clerk.batch_execute("ROLLBACK").await.unwrap();
    let (status, said) = reeve.call(&operator.token, "POST", SIGNAL, Some(order("terminate"))).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(said["message"], format!("The session of process {pid} is ended: clerk@postgres (till seven)."));
    clerk.batch_execute("SELECT 1").await.unwrap_err();
    let (status, said) = reeve.call(&operator.token, "POST", SIGNAL, Some(order("terminate"))).await;
    assert!(status == 422 && said["message"].as_str().unwrap().contains("ended by itself"), "{status} {said}");
    let (status, _) = reeve.call(&operator.token, "POST", "/api/targets/nobody/sessions/signal", Some(order("cancel"))).await;
    assert!(matches!(status, 403 | 404), "{status}");

    for (verb, outcome) in [("request", "done"), ("terminate", "failed"), ("terminate", "done")] {
        let resource = format!("shop/{pid}");
        let this = |e: &Value| e["verb"] == verb && e["outcome"] == outcome && e["resource"] == resource;
        let event = reeve.audited("noun=session", "the end of a session", this).await;
        assert_eq!(event["actor"], "operator@example.org", "{event:#}");
        let told = event.to_string().contains("clerk@postgres (till seven)");
        assert!(told == (verb == "terminate" && outcome == "done") && !event.to_string().contains("customer"), "{event:#}");
    }
    assert_eq!(reeve.stop().await, Some(0));
}

/// B5: many viewers cost the target what one costs.
#[tokio::test(flavor = "multi_thread")]
async fn b5_many_viewers_cost_a_target_one_look() {
    let (data, shop) = (dir(), Shop::start().await);
    let config = watch_config(data.path(), &shop.url);
    let reeve = Running::start(data.path(), &[("REEVE_CONFIG", config.to_str().unwrap())]).await;
    reeve.json(LIST).await;
    let own = "SELECT count(*)::int4 FROM pg_stat_activity WHERE application_name = 'reeve/activity'";
    let answers = futures::future::join_all((0..40).map(|_| reeve.json(LIST))).await;
    let moments: std::collections::BTreeSet<i64> = answers.iter().map(|a| a["at"].as_i64().unwrap()).collect();
    assert!(moments.len() <= 4, "{} looks for 40 viewers", moments.len());
    assert_eq!(shop.admin.query_one(own, &[]).await.unwrap().get::<_, i32>(0), 1, "over one connection");
    assert_eq!(reeve.stop().await, Some(0));
}
