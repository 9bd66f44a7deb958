//! The live stream: one per tab, the newest only, ends with the session.

use super::{Web, frames::Place, refusal::Refusal};
use axum::{
    Extension,
    extract::{Query, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use reeve_access::{Principal, authorize, permission::ViewEstate};
use reeve_app::{
    render::{Assets, PageContext, Theme},
    route::Page,
};
use reeve_model::live::LiveFrame;
use reeve_ports::{Ended, PortError};
use serde::Deserialize;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Which page the stream is for.
#[derive(Deserialize)]
pub struct LiveQuery {
    #[serde(default)]
    page: String,
}

/// Opens a stream.
pub async fn live(
    State(web): State<Web>,
    Extension(who): Extension<Principal>,
    Query(query): Query<LiveQuery>,
) -> Result<Response, Refusal> {
    let (path, rest) = query.page.split_once('?').unwrap_or((&query.page, ""));
    let still = || Refusal(PortError::NotFound("There is nothing live on that page.".to_owned()));
    let page = Page::parse(path, rest).ok_or_else(still)?;
    // Whoever looks on must not keep everybody else out.
    let full = |_| {
        Refusal(PortError::Unavailable(
            "As many live pages are open as Reeve serves at once. This one moves again when others are closed.".to_owned(),
        ))
    };
    let held = Arc::clone(&web.streams).try_acquire_owned().map_err(full)?;
    // Asked once before the stream opens, so that a refusal has its status.
    let place = web.frames.place(&who, &page.href());
    frame(&web, &who, &page, &place).await?.ok_or_else(still)?;
    let changes = web.ports.health.changes(authorize::<ViewEstate>(&who, ())?);
    let events = Box::pin(frames(web.clone(), who.clone(), page, place, changes));
    let (identity, stopping) = (web.ports.identity.clone(), web.stopping.clone());
    // Only the end of the session is a farewell. When Reeve stops, the stream just ends and the page comes back by itself.
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let mut reshaped = web.hub.reshaped();
    let end = async move {
        tokio::select! {
            // What the caller's rights cover was made out when the stream opened: asked anew, they cover a target that has come.
            Ok(()) = reshaped.changed() => {}
            // Other rights: the browser comes back by itself and is asked anew.
            ended = identity.ended(&who) => over.store(ended == Ended::Session, Ordering::Release),
            () = stopping.cancelled() => {}
        }
    };
    let farewell = stream::once(async move { told.load(Ordering::Acquire) })
        .filter_map(async |said| said.then(|| Ok::<_, Infallible>(Event::default().event("bye").data("{}"))));
    let stream = events.take_until(Box::pin(end)).chain(farewell).map(move |event| {
        // The place is free again when the stream is dropped.
        let _ = &held;
        event
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// The newest frame, shared with all who see the same.
async fn frame(web: &Web, who: &Principal, page: &Page, place: &Place) -> Result<Option<Arc<LiveFrame>>, PortError> {
    let version = *web.hub.version().borrow();
    place.frame(version, make(web, who, page)).await
}

async fn make(web: &Web, who: &Principal, page: &Page) -> Result<Option<LiveFrame>, PortError> {
    let context = PageContext {
        ports: web.ports.clone(),
        principal: Some(who.clone()),
        theme: Theme::default(),
        nonce: String::new(),
        assets: Assets::default(),
        csrf: None,
        flash: None,
        kept: Default::default(),
    };
    reeve_app::live::frame(page.clone(), &context).await.map_err(|error| error.0)
}

/// What is sent to whoever has seen `last`; none where nothing differs.
fn written(last: &LiveFrame, next: &LiveFrame) -> Option<String> {
    let diff = reeve_app::live::diff(last, next);
    if diff.set.is_empty() {
        return None;
    }
    serde_json::to_string(&diff).inspect_err(|error| tracing::error!(%error, "a frame could not be written")).ok()
}

/// The first event carries everything, later ones what changed.
fn frames(
    web: Web,
    who: Principal,
    page: Page,
    place: Place,
    changes: stream::BoxStream<'static, ()>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((web, who, page, place, changes, Arc::<LiveFrame>::default()), |(web, who, page, place, mut changes, last)| async move {
        loop {
            changes.next().await?;
            // A target that is gone or a store that is away: the next change may bring it back.
            let Ok(Some(next)) = frame(&web, &who, &page, &place).await else { continue };
            let Some(text) = place.step(&last, &next, || written(&last, &next)) else { continue };
            return Some((Ok(Event::default().data(&*text)), (web, who, page, place, changes, next)));
        }
    })
}
