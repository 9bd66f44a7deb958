//! Who is connected to a target, and ending one of them.

use crate::{audit::Trail, health::no_such_target, registry::Registry};
use async_trait::async_trait;
use reeve_access::{
    Grant,
    permission::{EndSession, ViewSessions},
};
use reeve_adapter::AdapterError;
use reeve_estate::{
    TargetSpec,
    activity::{self, Looker, Signalled},
};
use reeve_model::{
    Reading, TargetName, UnixMs,
    activity::{SessionOrder, SessionSignal, SessionsView},
    audit::Outcome,
};
use reeve_ports::{PortError, SessionsPort};
use reeve_store::Store;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex as StdMutex, PoisonError},
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

/// A look this young is shown to whoever asks, so that a hundred viewers cost a target what one costs.
const FRESH: Duration = Duration::from_millis(1_500);
/// A target that did not answer is left alone for this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// A look that was older than this when the target went away, milliseconds, says nothing of how it was then.
const LAST_MS: i64 = 15_000;
/// Nobody has looked for this long: the connection is closed.
const IDLE: Duration = Duration::from_secs(20);

/// Asks the targets themselves.
pub struct Sessions {
    registry: Registry,
    looked: StdMutex<BTreeMap<TargetName, Watched>>,
    store: Store,
    trail: Trail,
}

#[derive(Clone)]
struct Watched {
    spec: Arc<TargetSpec>,
    slot: Arc<Mutex<Slot>>,
}

struct Slot {
    looker: Looker,
    view: Arc<SessionsView>,
    /// When it was last asked for, and when the target was last asked.
    wanted: Instant,
    asked: Option<Instant>,
}

impl Sessions {
    /// Over the targets that the registry has at each moment.
    #[must_use]
    pub fn new(registry: Registry, store: Store, trail: Trail) -> Self {
        Self { registry, looked: StdMutex::default(), store, trail }
    }

    /// What was seen of a target. One that is reached otherwise than before is looked at anew.
    fn of(&self, name: &TargetName) -> Result<Watched, PortError> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(spec) = self.registry.get(name) else {
            looked.remove(name);
            return Err(no_such_target(name));
        };
        if let Some(known) = looked.get(name)
            && Arc::ptr_eq(&known.spec, &spec)
        {
            return Ok(known.clone());
        }
        let looker = Looker::new(TargetSpec::clone(&spec));
        let slot = Slot { looker, view: Arc::new(Reading::default()), wanted: Instant::now(), asked: None };
        let watched = Watched { spec, slot: Arc::new(Mutex::new(slot)) };
        looked.insert(name.clone(), watched.clone());
        Ok(watched)
    }
}

/// The newest look. Whoever comes while one is under way waits for it and takes what it saw.
async fn newest(shared: &Arc<Mutex<Slot>>) -> Arc<SessionsView> {
    let mut slot = shared.lock().await;
    slot.wanted = Instant::now();
    let rest = if slot.view.fault.is_some() { PATIENCE } else { FRESH };
    if slot.asked.is_some_and(|asked| asked.elapsed() < rest) {
        return Arc::clone(&slot.view);
    }
    let was_open = slot.looker.is_open();
    let outcome = slot.looker.look().await.map_err(|error| format!("{error}."));
    let mut view = SessionsView::clone(&slot.view);
    view.absorb(outcome, UnixMs::now());
    // Nobody looked for a while before it went away: what was seen then is not what there was last.
    if let (Some(last), Some(fault)) = (&view.last, &view.fault)
        && fault.since.ms_since(last.at) > LAST_MS
    {
        view.last = None;
    }
    slot.view = Arc::new(view);
    slot.asked = Some(Instant::now());
    if slot.looker.is_open() && !was_open {
        tokio::spawn(close_when_idle(Arc::downgrade(shared)));
    }
    Arc::clone(&slot.view)
}

/// Closes the connection when nobody has looked for a while. Ends with Reeve, too.
async fn close_when_idle(slot: std::sync::Weak<Mutex<Slot>>) {
    let mut until = Instant::now() + IDLE;
    loop {
        tokio::time::sleep_until(until).await;
        let Some(slot) = slot.upgrade() else { return };
        let mut slot = slot.lock().await;
        until = slot.wanted + IDLE;
        if until <= Instant::now() || !slot.looker.is_open() {
            slot.looker.close();
            return;
        }
    }
}

#[async_trait]
impl SessionsPort for Sessions {
    async fn sessions(&self, grant: Grant<ViewSessions>) -> Result<Arc<SessionsView>, PortError> {
        Ok(newest(&self.of(grant.resource())?.slot).await)
    }

    async fn end(&self, grant: Grant<EndSession>) -> Result<String, PortError> {
        let (name, order) = grant.resource();
        let watched = self.of(name)?;
        if order.signal == SessionSignal::Terminate && order.typed.trim() != order.pid.to_string() {
            return Err(PortError::Invalid(format!("To end this session, type its process number, {}.", order.pid)));
        }
        // The wish is written down before anything is done; what came of it afterwards.
        let resource = format!("{name}/{}", order.pid);
        let asked = json!({ "signal": order.signal.word(), "connected_at": order.started_at });
        let wish = self.trail.draft("request", "session", &resource).by(grant.principal()).after(&asked).finish();
        self.store.write_audit(vec![wish]).await.map_err(|error| {
            tracing::warn!(%error, "a wish to end a session could not be written down");
            PortError::Unavailable("Reeve's own database is away, so nothing can be written down, and nothing is done.".to_owned())
        })?;
        self.trail.written();
        // Carried on to its end, and written down, whether or not somebody still waits for the answer.
        let (trail, principal, order, spec) = (self.trail.clone(), grant.principal().clone(), order.clone(), Arc::clone(&watched.spec));
        let work = tokio::spawn(async move {
            let (outcome, who, said) = told(activity::signal(&spec, &order).await, &order);
            let after = json!({ "signal": order.signal.word(), "session": who, "why": said.as_ref().err().map(ToString::to_string) });
            let end = trail.draft(order.signal.word(), "session", &resource).by(&principal).outcome(outcome);
            trail.note(end.after(&after).finish());
            said
        });
        let said = work
            .await
            .unwrap_or_else(|_| Err(PortError::Unavailable("Reeve stopped in the middle of it; look at the sessions again.".to_owned())));
        // What is shown next should show what was done.
        watched.slot.lock().await.asked = None;
        said
    }
}

/// What came of an order: for the trail, and for whoever gave it.
fn told(came: Result<Signalled, AdapterError>, order: &SessionOrder) -> (Outcome, Option<String>, Result<String, PortError>) {
    let pid = order.pid;
    match came {
        Ok(Signalled::Sent(who)) => {
            let said = match order.signal {
                SessionSignal::Cancel => format!("The statement of process {pid} is cancelled: {who}."),
                SessionSignal::Terminate => format!("The session of process {pid} is ended: {who}."),
            };
            (Outcome::Done, Some(who), Ok(said))
        }
        Ok(Signalled::Lingers(who)) => {
            let said =
                format!("Process {pid} was told to end and is still there: {who}. It ends when the server can interrupt what it does.");
            (Outcome::Done, Some(format!("{who}, still there")), Ok(said))
        }
        Ok(Signalled::Gone) => {
            (Outcome::Failed, None, Err(PortError::Invalid(format!("Process {pid} has ended by itself; nothing was done."))))
        }
        Ok(Signalled::Refused(why)) => (Outcome::Failed, None, Err(PortError::Invalid(why))),
        Err(error) => (Outcome::Failed, None, Err(PortError::Unavailable(format!("{error}.")))),
    }
}
