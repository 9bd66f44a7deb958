//! The forms of the registry: test a new target or a changed one, keep what was tested, remove one.

use super::{account_forms::Parts, forms::Fields};
use axum::response::Response;
use reeve_access::{authorize, permission::ChangeRegistry};
use reeve_app::route::Page;
use reeve_model::TargetName;
use reeve_ports::NewTarget;

/// What stays in the form after a refusal: all but the address, which holds a password.
const KEPT: &[&str] = &["name", "known", "environment", "region", "owner", "tags", "databases"];

/// Tests what was typed; the page then shows what was found.
pub async fn test(parts: Parts, fields: Fields) -> Response {
    let known = fields.get("known") == "1";
    let change = TargetName::new(fields.get("name")).ok().filter(|_| known);
    let form = parts.keeping(&fields, KEPT).on(Page::Registry(change));
    let outcome = async {
        let grant = authorize::<ChangeRegistry>(form.who(), ())?;
        let text = |name: &str| fields.get(name).to_owned();
        let new = NewTarget {
            name: text("name"),
            known,
            url: text("url").trim().to_owned().into(),
            environment: text("environment"),
            region: text("region"),
            owner: text("owner"),
            tags: text("tags"),
            databases: text("databases"),
        };
        form.ports().registry.test(grant, new).await?;
        Ok("It was tested; nothing is changed yet. What was found stands below.".to_owned())
    }
    .await;
    // What was found stands on the page of all.
    let form = if outcome.is_ok() { form.leading_to(Page::Registry(None)) } else { form };
    form.end(outcome).await
}

/// Registers or changes what the caller tested.
pub async fn add(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Registry(None));
    let outcome = async {
        let grant = authorize::<ChangeRegistry>(form.who(), ())?;
        form.ports().registry.add(grant, fields.get("anyway") == "1").await
    }
    .await;
    form.end(outcome).await
}

/// Forgets what the caller tested.
pub async fn discard(parts: Parts, _fields: Fields) -> Response {
    let form = parts.on(Page::Registry(None));
    let outcome = async {
        form.ports().registry.discard(authorize::<ChangeRegistry>(form.who(), ())?).await?;
        Ok("What was tested is forgotten; nothing was changed.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Removes a registered target.
pub async fn remove(parts: Parts, fields: Fields) -> Response {
    // A refusal is shown where it was typed.
    let form = parts.on(Page::Registry(TargetName::new(fields.get("target")).ok())).keeping(&fields, &["typed"]);
    let outcome = async {
        let grant = authorize::<ChangeRegistry>(form.who(), ())?;
        form.ports().registry.remove(grant, fields.get("target"), fields.get("typed")).await
    }
    .await;
    let form = if outcome.is_ok() { form.leading_to(Page::Registry(None)) } else { form };
    form.end(outcome).await
}
