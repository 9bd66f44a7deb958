//! The newest evidence of each target, judged.

use crate::registry::Specs;
use reeve_access::Principal;
use reeve_estate::TargetSpec;
use reeve_model::{
    Fault, TargetName, UnixMs,
    compliance::{Acceptance, AcceptedRisk, Attestation, ComplianceOverview, EvidenceSet, Finding, FindingState, Scan, ScanState},
};
use reeve_rules::compliance::{Context, judge};
use reeve_store::compliance::StoredRisk;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Evidence older than this says nothing: what is read of settings and catalogues holds for a day.
pub const FRESH_MS: i64 = 24 * 3_600_000;
/// A judgement is used for this long: time alone can turn evidence too old, or end an accepted risk.
const JUDGED_MS: i64 = 60_000;
/// An overview is used again for this long.
const KEPT_MS: i64 = 5_000;

/// What is known of all targets.
pub struct State {
    /// By target.
    pub slots: BTreeMap<TargetName, Slot>,
    /// Every risk that was ever accepted, the newest first; none before they could be read.
    pub risks: Option<Vec<StoredRisk>>,
    /// Every word that a person ever gave, the newest first; none before they could be read.
    pub attested: Option<Vec<Attestation>>,
    /// Why the newest scan could not be written down.
    pub unrecorded: Option<String>,
    /// Overviews as they were made moments ago, by the targets in reach and those whose findings may be seen.
    kept: BTreeMap<(Vec<TargetName>, Vec<TargetName>), Arc<ComplianceOverview>>,
}

/// What is known of one target.
pub struct Slot {
    /// How to reach it.
    pub spec: Arc<TargetSpec>,
    /// The newest evidence, with the hash over all of it.
    pub read: Option<(Arc<EvidenceSet>, [u8; 32])>,
    /// Its findings as they live on in the store, fixed ones too; none before they could be read.
    pub lives: Option<Vec<Finding>>,
    /// Since when no scan works, and why.
    pub fault: Option<Fault>,
    /// A scan runs.
    pub running: bool,
    /// Somebody asked for a scan that has not begun.
    pub asked: Option<Principal>,
    /// When the next scan is due.
    pub due: UnixMs,
    judged: Option<Judged>,
}

/// Evidence, judged at a moment.
#[derive(Clone)]
pub struct Judged {
    at: UnixMs,
    /// The results.
    pub scan: Arc<Scan>,
    /// All findings, with accepted ones told apart.
    pub findings: Arc<Vec<Finding>>,
}

impl State {
    pub fn new(specs: &Specs) -> Self {
        Self {
            slots: specs.iter().map(|(name, spec)| (name.clone(), Slot::new(spec))).collect(),
            risks: None,
            attested: None,
            unrecorded: None,
            kept: BTreeMap::new(),
        }
    }

    /// Takes in which targets there are from now on. Answers those that are new: what is stored of them is to be recalled. One that is
    /// reached another way is scanned soon: it can be another server.
    pub fn align(&mut self, specs: &Specs, now: UnixMs) -> Vec<TargetName> {
        self.slots.retain(|name, _| specs.contains_key(name));
        let mut new = Vec::new();
        for (name, spec) in specs.iter() {
            match self.slots.get_mut(name) {
                Some(slot) if Arc::ptr_eq(&slot.spec, spec) => {}
                Some(slot) => {
                    slot.spec = Arc::clone(spec);
                    slot.due = slot.due.min(now);
                }
                None => {
                    self.slots.insert(name.clone(), Slot::new(spec));
                    new.push(name.clone());
                }
            }
        }
        self.touch();
        new
    }

    /// The acceptances that judgement goes by: what was taken back is none.
    pub fn accepted(&self) -> Vec<Acceptance> {
        self.risks.iter().flatten().filter(|r| r.risk.withdrawn.is_none()).map(|r| r.risk.acceptance.clone()).collect()
    }

    /// The words that count at this moment.
    pub fn words(&self, now: UnixMs) -> Vec<Attestation> {
        self.attested.iter().flatten().filter(|a| a.holds(now)).cloned().collect()
    }

    /// Takes in persons' decisions as the store has them; everything is judged anew.
    pub fn set_decisions(&mut self, risks: Vec<StoredRisk>, attested: Vec<Attestation>) {
        self.risks = Some(risks);
        self.attested = Some(attested);
        for slot in self.slots.values_mut() {
            slot.judged = None;
        }
        self.touch();
    }

    /// Something changed that overviews show.
    pub fn touch(&mut self) {
        self.kept.clear();
    }

    /// An overview, made anew every few seconds at most: each open first screen asks once a second.
    pub fn overview(
        &mut self,
        reach: Vec<TargetName>,
        seen: Vec<TargetName>,
        now: UnixMs,
        make: impl FnOnce(&mut Self, &[TargetName], &[TargetName]) -> ComplianceOverview,
    ) -> Arc<ComplianceOverview> {
        let key = (reach, seen);
        if let Some(known) = self.kept.get(&key).filter(|known| (0..KEPT_MS).contains(&(now.0 - known.at.0))) {
            return Arc::clone(known);
        }
        let made = Arc::new(make(self, &key.0, &key.1));
        self.kept.retain(|_, known| now.ms_since(known.at) < KEPT_MS);
        self.kept.insert(key, Arc::clone(&made));
        made
    }

    /// What the evidence of a target says at this moment; none before the first scan.
    pub fn judged(&mut self, name: &TargetName, now: UnixMs) -> Option<Judged> {
        let known = self.slots.get(name)?.judged.clone();
        if let Some(judged) = known
            && (0..JUDGED_MS).contains(&(now.0 - judged.at.0))
        {
            return Some(judged);
        }
        let (accepted, attested) = (self.accepted(), self.words(now));
        let slot = self.slots.get_mut(name)?;
        let (set, _) = slot.read.as_ref()?;
        let scan = judge(set, &Context { accepted, attested, ..Context::new(now) });
        let findings = told_apart(slot.lives.as_deref().unwrap_or_default(), self.risks.as_deref().unwrap_or_default(), now);
        let judged = Judged { at: now, scan: Arc::new(scan), findings: Arc::new(findings) };
        slot.judged = Some(judged.clone());
        Some(judged)
    }
}

impl Slot {
    fn new(spec: &Arc<TargetSpec>) -> Self {
        Self { spec: Arc::clone(spec), read: None, lives: None, fault: None, running: false, asked: None, due: UnixMs(0), judged: None }
    }

    /// Takes in new evidence and the lives of its findings.
    pub fn take(&mut self, set: Arc<EvidenceSet>, hash: [u8; 32], lives: Vec<Finding>) {
        self.read = Some((set, hash));
        self.lives = Some(lives);
        self.judged = None;
    }

    /// Where its newest scan stands.
    pub fn scan_state(&self, now: UnixMs) -> ScanState {
        let set = self.read.as_ref().map(|(set, _)| set);
        ScanState {
            target: self.spec.info.name.clone(),
            scanned_at: set.map(|s| s.finished_at),
            server: set.map(|s| s.server.clone()),
            version: set.map(|s| s.version.clone()),
            role: set.map(|s| s.role.clone()),
            hash: self.read.as_ref().map(|(_, hash)| hex::encode(hash)),
            stale: set.is_some_and(|s| now.ms_since(s.finished_at) > FRESH_MS),
            fault: self.fault.clone(),
            scanning: self.running || self.asked.is_some(),
        }
    }
}

/// Findings as people see them: one whose risk is accepted says so while that holds, and for whom.
fn told_apart(lives: &[Finding], risks: &[StoredRisk], now: UnixMs) -> Vec<Finding> {
    let holding = risks.iter().map(|r| &r.risk).filter(|risk| risk.holds(now));
    let holding: HashMap<&str, &AcceptedRisk> = holding.map(|risk| (risk.acceptance.fingerprint.as_str(), risk)).collect();
    lives
        .iter()
        .map(|finding| {
            let risk = holding.get(finding.fingerprint.as_str()).filter(|_| finding.state.waits());
            let state = if risk.is_some() { FindingState::Accepted } else { finding.state };
            let (acceptance, accepted_for) = (risk.map(|r| r.acceptance.clone()), risk.map(|r| r.owner.clone()));
            Finding { state, acceptance, accepted_for, ..finding.clone() }
        })
        .collect()
}

/// One hash over the digests of all evidence, in its order: what the audit trail holds of a scan.
pub fn hash_of(set: &EvidenceSet) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut field = |text: &str| {
        hasher.update(text.len().to_string());
        hasher.update(b":");
        hasher.update(text);
        hasher.update(b",");
    };
    field(set.target.as_str());
    field(&set.version);
    field(&set.role);
    for item in &set.items {
        field(&item.id);
        field(item.database.as_deref().unwrap_or_default());
        field(&item.hash);
        field(item.missing.as_deref().unwrap_or_default());
    }
    hasher.finalize().into()
}
