//! The live stream: one per tab, the newest only, ends with the session.

use super::{Web, refusal::Refusal};
use axum::{
    Extension,
    extract::{Query, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use reeve_access::{
    Principal, authorize,
    permission::{ViewEstate, ViewPools, ViewTarget},
};
use reeve_model::{TargetName, UnixMs, live::LiveFrame};
use reeve_ports::PortError;
use serde::Deserialize;
use std::{convert::Infallible, time::Duration};

/// Which page the stream is for.
#[derive(Deserialize)]
pub struct LiveQuery {
    #[serde(default)]
    page: String,
}

/// What a page shows live.
#[derive(Clone)]
enum Topic {
    Overview,
    Target(TargetName),
}

fn topic(page: &str) -> Option<Topic> {
    if page == "/admin/db-health" {
        return Some(Topic::Overview);
    }
    // A target's tables show the state of the target above them.
    let name = page.strip_prefix("/admin/targets/")?.split('/').next()?;
    TargetName::new(name).ok().map(Topic::Target)
}

/// Opens a stream.
pub async fn live(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Query(query): Query<LiveQuery>,
) -> Result<Response, Refusal> {
    let Some(topic) = topic(&query.page) else {
        return Err(Refusal(PortError::NotFound("There is nothing live on that page.".to_owned())));
    };
    // Asked once before the stream opens, so that a refusal has its status.
    frame(&web, &who, &topic).await?;
    let changes = web.ports.health.changes(authorize::<ViewEstate>(&who, ())?);
    let events = Box::pin(frames(web.clone(), who.clone(), topic, changes));
    let (identity, session, stopping) = (web.ports.identity.clone(), who.session.clone(), web.stopping.clone());
    let end = async move {
        tokio::select! {
            () = identity.ended(&session) => {}
            () = stopping.cancelled() => {}
        }
    };
    let farewell = stream::once(async { Ok::<_, Infallible>(Event::default().event("bye").data("{}")) });
    let stream = events.take_until(Box::pin(end)).chain(farewell);
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

async fn frame(web: &Web, who: &Principal, topic: &Topic) -> Result<LiveFrame, PortError> {
    let now = UnixMs::now();
    match topic {
        Topic::Overview => {
            let overview = web.ports.health.health_overview(authorize::<ViewEstate>(who, ())?).await?;
            let pools = web.ports.pools.pool_stats(authorize::<ViewPools>(who, ())?).await?;
            Ok(reeve_app::live::overview_frame(&overview, &pools, now))
        }
        Topic::Target(name) => {
            let detail = web.ports.health.target_detail(authorize::<ViewTarget>(who, name.clone())?).await?;
            Ok(reeve_app::live::target_frame(&detail, now))
        }
    }
}

/// The first event carries everything, later ones what changed.
fn frames(
    web: Web,
    who: Principal,
    topic: Topic,
    changes: stream::BoxStream<'static, ()>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((web, who, topic, changes, LiveFrame::default()), |(web, who, topic, mut changes, last)| async move {
        loop {
            changes.next().await?;
            let Ok(next) = frame(&web, &who, &topic).await else { continue };
            let diff = reeve_app::live::diff(&last, &next);
            if diff.set.is_empty() {
                continue;
            }
            let event = Event::default().json_data(&diff).unwrap_or_else(|_| Event::default().comment("unencodable"));
            return Some((Ok(event), (web, who, topic, changes, next)));
        }
    })
}
