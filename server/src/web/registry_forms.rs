//! The forms of the registry: test a target, add what was tested, remove one.

use super::{account_forms::Parts, forms::Fields};
use axum::response::Response;
use reeve_access::{authorize, permission::ChangeRegistry};
use reeve_app::route::Page;
use reeve_ports::NewTarget;

/// What stays in the form after a refusal: all but the address, which holds a password.
const KEPT: &[&str] = &["name", "environment", "region", "owner", "tags", "databases"];

/// Tests what was typed; the page then shows what was found.
pub async fn test(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Registry).keeping(&fields, KEPT);
    let outcome = async {
        let grant = authorize::<ChangeRegistry>(form.who(), ())?;
        let text = |name: &str| fields.get(name).to_owned();
        let new = NewTarget {
            name: text("name"),
            url: text("url").trim().to_owned().into(),
            environment: text("environment"),
            region: text("region"),
            owner: text("owner"),
            tags: text("tags"),
            databases: text("databases"),
        };
        form.ports().registry.test(grant, new).await?;
        Ok("It was tested; nothing is registered yet. What was found stands below.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Registers what the caller tested.
pub async fn add(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Registry);
    let outcome = async {
        let grant = authorize::<ChangeRegistry>(form.who(), ())?;
        form.ports().registry.add(grant, fields.get("anyway") == "1").await
    }
    .await;
    form.end(outcome).await
}

/// Forgets what the caller tested.
pub async fn discard(parts: Parts, _fields: Fields) -> Response {
    let form = parts.on(Page::Registry);
    let outcome = async {
        form.ports().registry.discard(authorize::<ChangeRegistry>(form.who(), ())?).await?;
        Ok("What was tested is forgotten; nothing was registered.".to_owned())
    }
    .await;
    form.end(outcome).await
}

/// Removes a registered target.
pub async fn remove(parts: Parts, fields: Fields) -> Response {
    let form = parts.on(Page::Registry).keeping(&fields, &["typed", "target"]);
    let outcome = async {
        let grant = authorize::<ChangeRegistry>(form.who(), ())?;
        form.ports().registry.remove(grant, fields.get("target"), fields.get("typed")).await
    }
    .await;
    form.end(outcome).await
}
