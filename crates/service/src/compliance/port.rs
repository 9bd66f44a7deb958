//! Compliance as pages and routes call it.

use super::{
    Compliance, answers, changes,
    state::State,
    vouch,
    work::{self, ms},
};
use crate::health::no_such_target;
use async_trait::async_trait;
use reeve_access::{
    Grant, Principal,
    permission::{AcceptFinding, ScanTarget, ViewCompliance, ViewFinding, ViewFindings},
};
use reeve_model::{
    TargetName, UnixMs,
    audit::Outcome,
    compliance::{
        Attestation, AuditReport, ChangesQuery, ComplianceOverview, ControlDetail, ControlList, ControlOnTarget, ControlQuery, Finding,
        FindingDetail, FindingPage, FindingQuery, FindingState, Scan, ScanChanges, Subject,
    },
    hidden,
};
use reeve_ports::{CompliancePort, NewAcceptance, NewWord, PortError, Vouching};
use reeve_rules::compliance::{catalogue, registry, score};
use reeve_store::{StoreError, compliance as stored};
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

pub(super) const DAY_MS: i64 = 86_400_000;

pub(super) fn trouble(error: StoreError) -> PortError {
    match error {
        StoreError::Invalid(sentence) => PortError::Invalid(sentence),
        other => {
            tracing::warn!(error = %other, "a decision could not be written");
            PortError::Unavailable("Reeve's own database is away, so no decision can be written. Try again in a moment.".to_owned())
        }
    }
}

fn no_such_finding() -> PortError {
    PortError::NotFound("There is no such finding on this target.".to_owned())
}

impl Compliance {
    /// The targets that a grant reaches.
    pub(super) fn reach(&self, covers: impl Fn(&TargetName) -> bool) -> Vec<TargetName> {
        self.state().slots.keys().filter(|name| covers(name)).cloned().collect()
    }

    fn scans(&self, reach: &[TargetName], now: UnixMs) -> Vec<Scan> {
        let mut state = self.state();
        reach.iter().filter_map(|name| state.judged(name, now)).map(|judged| (*judged.scan).clone()).collect()
    }

    fn one(&self, name: &TargetName, fingerprint: &str, now: UnixMs) -> Result<Finding, PortError> {
        let mut state = self.state();
        let judged = state.judged(name, now).ok_or_else(no_such_finding)?;
        judged.findings.iter().find(|f| f.fingerprint == fingerprint).cloned().ok_or_else(no_such_finding)
    }

    /// An officer tried to accept a risk for themselves. It stands in the trail, as a refusal by role does.
    fn refuse_same_person(&self, officer: &Principal, finding: &Finding, new: &NewAcceptance) -> PortError {
        let after = json!({
            "control": finding.control, "object": finding.offender.object, "database": finding.offender.database,
            "fingerprint": finding.fingerprint, "owner": new.owner.trim(), "why": "who accepts a risk can't own it",
        });
        let draft = self.inner.trail.draft("accept", "finding", finding.target.as_str()).by(officer);
        self.inner.trail.note(draft.outcome(Outcome::Refused).after(&after).finish());
        PortError::Invalid("Who owns a risk can't be the one who accepts it; name somebody else.".to_owned())
    }

    /// After a decision was written: everything is judged by it, here at once.
    pub(super) async fn decided(&self) {
        self.inner.trail.written();
        work::load_decisions(self).await;
    }
}

/// What an officer must say.
fn checked(new: &NewAcceptance, finding: &Finding) -> Result<(String, String), PortError> {
    let invalid = |sentence: String| Err(PortError::Invalid(sentence));
    let (reason, owner) = (new.reason.trim(), new.owner.trim());
    if finding.state == FindingState::Fixed {
        return invalid("This finding is fixed; there is no risk to accept.".to_owned());
    }
    if !(10..=2_000).contains(&reason.chars().count()) || reason.chars().any(|c| hidden(c) && c != '\n' && c != '\r') {
        return invalid("Give the reason in 10 to 2,000 characters: somebody will ask for it in a year.".to_owned());
    }
    if owner.is_empty() || owner.len() > 320 {
        return invalid("Name who owns the risk, by the e-mail of their account.".to_owned());
    }
    let most = finding.severity.most_accepted_days();
    if !(1..=most).contains(&new.days) {
        return invalid(format!("The risk of a {} finding is accepted for 1 to {most} days.", finding.severity.word()));
    }
    Ok((reason.to_owned(), owner.to_owned()))
}

#[async_trait]
impl CompliancePort for Compliance {
    async fn scores(&self, grant: Grant<ViewCompliance>) -> Result<Arc<ComplianceOverview>, PortError> {
        let reach = self.reach(|name| grant.covers(name));
        let seen = reach.iter().filter(|name| grant.principal().may_for("view", "findings", name)).cloned().collect();
        let (now, every) = (UnixMs::now(), ms(self.inner.every));
        let make = |state: &mut State, reach: &[TargetName], seen: &[TargetName]| answers::overview(state, reach, seen, every, now);
        Ok(self.state().overview(reach, seen, now, make))
    }

    async fn report(&self, grant: Grant<ViewFindings>) -> Result<AuditReport, PortError> {
        let reach = self.reach(|name| grant.covers(name));
        Ok(answers::audit_report(&mut self.state(), &reach, UnixMs::now()))
    }

    async fn findings(&self, grant: Grant<ViewFindings>, query: FindingQuery) -> Result<FindingPage, PortError> {
        if query.limit > answers::MOST {
            return Err(PortError::Invalid(format!("limit is 1 to {}.", answers::MOST)));
        }
        let now = UnixMs::now();
        let reach = self.reach(|name| grant.covers(name));
        let mut state = self.state();
        let all = reach.iter().filter_map(|name| state.judged(name, now)).flat_map(|judged| judged.findings.to_vec()).collect();
        let scans = reach.iter().filter_map(|name| Some(state.slots.get(name)?.scan_state(now))).collect();
        Ok(FindingPage { scans, ..answers::page(all, &query, now) })
    }

    fn exported(&self, grant: &Grant<ViewFindings>, query: &FindingQuery, form: &str) {
        let mut asked = json!({
            "form": form, "severity": query.severity, "state": query.state, "target": query.target, "framework": query.framework,
            "control": query.control, "text": query.text,
        });
        // What nobody asked for says nothing.
        if let Some(fields) = asked.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        self.inner.trail.note(self.inner.trail.draft("export", "findings", "").by(grant.principal()).after(&asked).finish());
    }

    async fn finding(&self, grant: Grant<ViewFinding>) -> Result<FindingDetail, PortError> {
        let ((name, fingerprint), now) = (grant.resource(), UnixMs::now());
        let finding = self.one(name, fingerprint, now)?;
        let mut state = self.state();
        let judged = state.judged(name, now).ok_or_else(no_such_finding)?;
        let risks = state.risks.iter().flatten().filter(|r| r.risk.acceptance.fingerprint == *fingerprint && r.target == name.as_str());
        let risks = risks.map(|r| r.risk.clone()).collect();
        let slot = state.slots.get(name).ok_or_else(|| no_such_target(name))?;
        let result = judged.scan.result(&finding.control);
        Ok(FindingDetail {
            at: now,
            why: registry::control(&finding.control).map_or_else(String::new, |c| c.why.to_owned()),
            state: result.map(|r| r.state.clone()),
            scan: slot.scan_state(now),
            evidence: result.map(|r| answers::evidence(slot, r, finding.offender.database.as_deref())).unwrap_or_default(),
            clauses: catalogue::entry_of(&finding.control).map(|e| answers::cited(&e.clauses)).unwrap_or_default(),
            risks,
            most_days: finding.severity.most_accepted_days(),
            finding,
        })
    }

    async fn controls(&self, grant: Grant<ViewFindings>, query: ControlQuery) -> Result<ControlList, PortError> {
        let reach = self.reach(|name| grant.covers(name) && query.target.as_ref().is_none_or(|t| t == name));
        if let (Some(target), true) = (&query.target, reach.is_empty()) {
            return Err(no_such_target(target));
        }
        let now = UnixMs::now();
        let list = answers::controls(&self.scans(&reach, now), &query, now);
        let state = self.state();
        let scans = reach.iter().filter_map(|name| Some(state.slots.get(name)?.scan_state(now))).collect();
        Ok(ControlList { scans, ..list })
    }

    async fn control(&self, grant: Grant<ViewFindings>, id: &str) -> Result<ControlDetail, PortError> {
        let entry = catalogue::entry_of(id).ok_or_else(|| PortError::NotFound("There is no such control.".to_owned()))?;
        let now = UnixMs::now();
        let not_assessed = score::not_assessed().into_iter().find(|n| n.control == entry.id);
        let attestable = entry.only_person();
        let reach = if not_assessed.is_some() && !attestable { Vec::new() } else { self.reach(|name| grant.covers(name)) };
        let mut state = self.state();
        let mut targets = Vec::new();
        for name in &reach {
            let judged = state.judged(name, now);
            let Some(slot) = state.slots.get(name) else { continue };
            let result = judged.as_ref().and_then(|j| j.scan.result(entry.id)).cloned();
            let findings = judged.iter().flat_map(|j| j.findings.iter());
            let mut findings: Vec<Finding> =
                findings.filter(|f| f.control == entry.id && f.state != FindingState::Fixed).cloned().collect();
            answers::sort(&mut findings);
            let evidence = result.as_ref().map(|r| answers::evidence(slot, r, None)).unwrap_or_default();
            targets.push(ControlOnTarget { scan: slot.scan_state(now), result, findings, evidence });
        }
        let of =
            |a: &&Attestation| matches!(&a.subject, Subject::Control { target, control } if control == entry.id && reach.contains(target));
        let attestations = state.attested.iter().flatten().filter(of).cloned().collect();
        Ok(ControlDetail {
            attestable,
            attestations,
            at: now,
            control: entry.id.to_owned(),
            title: entry.title.to_owned(),
            severity: entry.severity,
            why: registry::control(id).map_or_else(String::new, |c| c.why.to_owned()),
            clauses: answers::cited(&entry.clauses),
            targets,
            not_assessed,
        })
    }

    async fn scan(&self, grant: Grant<ScanTarget>) -> Result<(), PortError> {
        let name = grant.resource();
        let mut state = self.state();
        match state.slots.get_mut(name) {
            Some(slot) => slot.asked = Some(grant.principal().clone()),
            None => return Err(no_such_target(name)),
        }
        state.touch();
        drop(state);
        self.inner.asked.notify_one();
        Ok(())
    }

    async fn accept(&self, grant: Grant<AcceptFinding>, new: NewAcceptance) -> Result<(), PortError> {
        let ((name, fingerprint), officer) = (grant.resource(), grant.principal());
        let now = UnixMs::now();
        let finding = self.one(name, fingerprint, now)?;
        if new.owner.trim().eq_ignore_ascii_case(&officer.email) {
            return Err(self.refuse_same_person(officer, &finding, &new));
        }
        let (reason, owner) = checked(&new, &finding)?;
        let account = Uuid::parse_str(&officer.account).map_err(|_| PortError::NotFound("There is no such account.".to_owned()))?;
        let expires = now.plus_ms(i64::from(new.days) * DAY_MS);
        let after = json!({
            "control": finding.control, "object": finding.offender.object, "database": finding.offender.database,
            "severity": finding.severity, "fingerprint": fingerprint, "owner": owner, "reason": reason, "days": new.days,
        });
        let draft = self.inner.trail.draft("accept", "finding", name.as_str()).by(officer);
        let event = draft.before(&json!({ "state": finding.state })).after(&after).finish();
        let risk = stored::NewAcceptance {
            id: Uuid::new_v4(),
            fingerprint: fingerprint.clone(),
            target: name.to_string(),
            control: finding.control.clone(),
            severity: finding.severity,
            owner,
            account,
            by: officer.email.clone(),
            reason,
            at: now,
            expires,
        };
        match self.inner.store.accept_risk(risk, event).await.map_err(trouble)? {
            stored::AcceptOutcome::Accepted => {}
            stored::AcceptOutcome::NoOwner => {
                return Err(PortError::Invalid("Nobody with this e-mail has an account here; the owner of a risk must.".to_owned()));
            }
            stored::AcceptOutcome::SamePerson => return Err(self.refuse_same_person(officer, &finding, &new)),
        }
        self.decided().await;
        Ok(())
    }

    async fn withdraw(&self, grant: Grant<AcceptFinding>) -> Result<(), PortError> {
        let ((name, fingerprint), officer) = (grant.resource(), grant.principal());
        let now = UnixMs::now();
        let finding = self.one(name, fingerprint, now)?;
        let before =
            json!({ "control": finding.control, "object": finding.offender.object, "fingerprint": fingerprint, "state": finding.state });
        let event = self.inner.trail.draft("withdraw", "acceptance", name.as_str()).by(officer).before(&before).finish();
        if !self.inner.store.withdraw_risk(fingerprint, &officer.email, now, event).await.map_err(trouble)? {
            return Err(PortError::Invalid("The risk of this finding is not accepted, or no longer.".to_owned()));
        }
        self.decided().await;
        Ok(())
    }

    async fn changes(&self, grant: Grant<ViewFindings>, query: ChangesQuery) -> Result<ScanChanges, PortError> {
        let reach = self.reach(|name| grant.covers(name));
        changes::answer(self, reach, &query).await
    }

    async fn attest(&self, vouching: Vouching, word: NewWord) -> Result<(), PortError> {
        vouch::attest(self, &vouching, &word).await
    }

    async fn take_back(&self, vouching: Vouching) -> Result<(), PortError> {
        vouch::take_back(self, &vouching).await
    }
}
