//! What is different between two scans of a target, from what each of them found.

use super::Compliance;
use crate::health::no_such_target;
use reeve_model::{
    TargetName, UnixMs,
    compliance::{ChangesQuery, Finding, ScanChanges, ScanLine, ScanOutcome},
};
use reeve_ports::PortError;
use reeve_rules::compliance::changes;
use reeve_store::StoreError;
use std::collections::HashMap;
use uuid::Uuid;

/// Scans that a list shows.
const SCANS: i64 = 100;

fn trouble(error: StoreError) -> PortError {
    tracing::warn!(%error, "former scans could not be read");
    PortError::Unavailable("Reeve's compliance database is away, so former scans can't be read. Try again in a moment.".to_owned())
}

pub(super) async fn answer(this: &Compliance, targets: Vec<TargetName>, query: &ChangesQuery) -> Result<ScanChanges, PortError> {
    let at = UnixMs::now();
    let chosen = match &query.target {
        Some(wanted) => Some(targets.iter().find(|name| *name == wanted).ok_or_else(|| no_such_target(wanted))?.clone()),
        None => targets.first().cloned(),
    };
    let Some(target) = chosen else {
        return Ok(ScanChanges { at, target: None, targets, scans: Vec::new(), from: None, to: None, changes: None });
    };
    let scans = this.inner.store.changed_scans(&target, SCANS).await.map_err(trouble)?;
    let to = match &query.to {
        Some(id) => Some(found(this, &target, id).await?),
        None => match scans.first() {
            Some(newest) => Some(found(this, &target, &newest.id).await?),
            None => None,
        },
    };
    let from = match (&query.from, &to) {
        (Some(id), _) => Some(found(this, &target, id).await?),
        (None, Some((to, _))) => match scans.iter().find(|line| (line.at, &line.id) < (to.at, &to.id)) {
            Some(before) => Some(found(this, &target, &before.id).await?),
            None => None,
        },
        (None, None) => None,
    };
    // Whichever way round they were chosen.
    let (from, to) = match (from, to) {
        (Some(from), Some(to)) if from.0.at > to.0.at => (Some(to), Some(from)),
        pair => pair,
    };
    let changes = match (&from, &to) {
        (Some((_, before)), Some((_, after))) => {
            let lives = this.inner.store.findings_of(&target).await.map_err(trouble)?;
            compared(before, after, &lives)
        }
        _ => None,
    };
    let line = |pair: Option<(ScanLine, ScanOutcome)>| pair.map(|(line, _)| line);
    Ok(ScanChanges { at, target: Some(target), targets, scans, from: line(from), to: line(to), changes })
}

async fn found(this: &Compliance, target: &TargetName, id: &str) -> Result<(ScanLine, ScanOutcome), PortError> {
    let none = || PortError::NotFound(format!("There is no such scan of {target}, or what it found was not kept."));
    let id = Uuid::parse_str(id).map_err(|_| none())?;
    this.inner.store.scan_outcome(target, id).await.map_err(trouble)?.ok_or_else(none)
}

fn compared(before: &ScanOutcome, after: &ScanOutcome, lives: &[Finding]) -> Option<Vec<reeve_model::compliance::Change>> {
    let said: HashMap<_, _> = lives
        .iter()
        .map(|f| ((f.control.as_str(), f.offender.database.as_deref(), f.offender.object.as_str()), f.offender.sentence.as_str()))
        .collect();
    changes(before, after, &|control, database, object| said.get(&(control, database, object)).map(|sentence| (*sentence).to_owned()))
}
