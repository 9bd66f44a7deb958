//! What live streams send, made once for all who may see the same: a hundred readers of a page cost what one costs.

use reeve_access::{Principal, Right};
use reeve_model::live::LiveFrame;
use reeve_ports::PortError;
use std::{
    collections::{BTreeSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A frame this old is made anew even when no target was read since: jobs and sessions move, too.
const FRESH: Duration = Duration::from_millis(900);

/// Steps from one frame to another that are kept. Readers move in few groups: those who waited for the same change are woken by it together.
const STEPS: usize = 4;

/// Whose eyes, on which page. Two sessions of one account see the same; two accounts share nothing, whatever their rights.
#[derive(Clone, PartialEq)]
struct Key {
    account: String,
    rights: Vec<Right>,
    only: Option<BTreeSet<String>>,
    may_change: bool,
    page: String,
}

#[derive(Default)]
struct Slot {
    /// The state of the hub before it was made, when it was made, and what it was.
    newest: tokio::sync::Mutex<Option<(u64, Instant, Arc<LiveFrame>)>>,
    steps: Mutex<VecDeque<Step>>,
}

/// What is sent to whoever has seen one frame and is to see another; none where nothing differs.
struct Step {
    from: Arc<LiveFrame>,
    to: Arc<LiveFrame>,
    text: Option<Arc<str>>,
}

/// The newest frames.
#[derive(Default)]
pub struct Frames {
    slots: Mutex<Vec<(Key, Arc<Slot>)>>,
}

impl Frames {
    /// A place for what one reader sees on a page. It is shared while somebody holds it.
    pub fn place(&self, who: &Principal, page: &str) -> Place {
        let key = Key {
            account: who.account.clone(),
            rights: who.rights.clone(),
            only: who.only.clone(),
            may_change: who.may_change,
            page: page.to_owned(),
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|(_, slot)| Arc::strong_count(slot) > 1);
        if let Some((_, slot)) = slots.iter().find(|(known, _)| *known == key) {
            return Place(Arc::clone(slot));
        }
        let slot = Arc::new(Slot::default());
        slots.push((key, Arc::clone(&slot)));
        Place(slot)
    }
}

/// Where the newest frame of a page lies for those who see the same.
pub struct Place(Arc<Slot>);

impl Place {
    /// The frame of a state of the hub, made by `make` unless somebody made it. Whoever comes meanwhile waits for it.
    ///
    /// # Errors
    /// Those of `make`; they are not kept.
    pub async fn frame(
        &self,
        version: u64,
        make: impl Future<Output = Result<Option<LiveFrame>, PortError>>,
    ) -> Result<Option<Arc<LiveFrame>>, PortError> {
        let mut newest = self.0.newest.lock().await;
        if let Some((of, at, frame)) = newest.as_ref()
            && *of == version
            && at.elapsed() < FRESH
        {
            return Ok(Some(Arc::clone(frame)));
        }
        let Some(frame) = make.await?.map(Arc::new) else { return Ok(None) };
        *newest = Some((version, Instant::now(), Arc::clone(&frame)));
        Ok(Some(frame))
    }

    /// What leads from one frame to another, written by `write` unless somebody wrote it; none where nothing differs.
    pub fn step(&self, from: &Arc<LiveFrame>, to: &Arc<LiveFrame>, write: impl FnOnce() -> Option<String>) -> Option<Arc<str>> {
        let mut steps = self.0.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = steps.iter().find(|s| Arc::ptr_eq(&s.from, from) && Arc::ptr_eq(&s.to, to)) {
            return known.text.clone();
        }
        let text: Option<Arc<str>> = write().map(Into::into);
        steps.truncate(STEPS - 1);
        steps.push_front(Step { from: Arc::clone(from), to: Arc::clone(to), text: text.clone() });
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use reeve_access::Via;
    use std::cell::Cell;

    fn person(account: &str, session: &str, only: Option<&str>) -> Principal {
        Principal {
            account: account.to_owned(),
            email: format!("{account}@example.org"),
            org: "org".to_owned(),
            session: session.to_owned(),
            bindings: Vec::new(),
            rights: Vec::new(),
            only: only.map(|o| BTreeSet::from([o.to_owned()])),
            via: Via::Session,
            origin: Default::default(),
            confirmed_at: reeve_model::UnixMs(0),
            may_change: true,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn b3_a_frame_is_made_once_for_all_who_see_the_same() {
        let (frames, made) = (Frames::default(), Cell::new(0));
        let ask = async |place: &Place, version| {
            let make = async {
                made.set(made.get() + 1);
                Ok(Some(LiveFrame::default()))
            };
            place.frame(version, make).await.unwrap().unwrap();
            made.get()
        };
        let one = frames.place(&person("a", "1", None), "/admin/db-health");
        let two = frames.place(&person("a", "2", None), "/admin/db-health");
        assert_eq!((ask(&one, 7).await, ask(&two, 7).await), (1, 1), "another session of the same account");
        assert_eq!((ask(&one, 8).await, ask(&two, 8).await), (2, 2), "something was read");
        tokio::time::advance(FRESH).await;
        assert_eq!((ask(&one, 8).await, ask(&two, 8).await), (3, 3), "old");
        let others = [
            frames.place(&person("a", "1", None), "/admin/targets/x"),
            frames.place(&person("b", "1", None), "/admin/db-health"),
            frames.place(&person("a", "1", Some("view estate")), "/admin/db-health"),
        ];
        for (n, other) in others.iter().enumerate() {
            assert_eq!(ask(other, 8).await, 4 + n, "another page, another account, other rights");
        }
        drop((one, two, others));
        frames.place(&person("c", "1", None), "/");
        assert_eq!(frames.slots.lock().unwrap().len(), 1, "what nobody looks at is let go");
    }

    #[test]
    fn b3_a_step_between_two_frames_is_written_once_for_each_pair() {
        let place = Frames::default().place(&person("a", "1", None), "/");
        let frames: Vec<Arc<LiveFrame>> = (0..8).map(|_| Arc::default()).collect();
        let written = Cell::new(0);
        let step = |from: usize, to: usize, text: Option<&str>| {
            let write = || {
                written.set(written.get() + 1);
                text.map(str::to_owned)
            };
            (place.step(&frames[from], &frames[to], write).as_deref().map(str::to_owned), written.get())
        };
        assert_eq!(step(0, 1, Some("a")), (Some("a".into()), 1));
        assert_eq!(step(0, 1, Some("other")), (Some("a".into()), 1), "known by the frames themselves");
        assert_eq!(step(1, 2, None), (None, 2));
        assert_eq!(step(1, 2, Some("other")), (None, 2), "that nothing differs is known, too");
        for n in 2..6 {
            step(n, n + 1, Some("b"));
        }
        assert_eq!(step(0, 1, Some("again")), (Some("again".into()), 7), "the oldest are let go");
    }

    #[tokio::test]
    async fn b3_a_frame_that_could_not_be_made_is_not_kept() {
        let place = Frames::default().place(&person("a", "1", None), "/");
        let broken = async { Err(PortError::Unavailable("away".to_owned())) };
        assert!(place.frame(1, broken).await.is_err());
        assert!(place.frame(1, async { Ok(None) }).await.unwrap().is_none());
        assert!(place.frame(1, async { Ok(Some(LiveFrame::default())) }).await.unwrap().is_some());
    }
}
