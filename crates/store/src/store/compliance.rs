//! Compliance behind the pools.

use super::{Store, run_own};
use crate::{
    compliance::{AcceptOutcome, NewAcceptance, NewAttestation, NewScan, StoredRisk, StoredScan, acceptance, attestation, finding, scan},
    error::Result,
};
use reeve_model::{
    TargetName, UnixMs,
    audit::AuditEvent,
    compliance::{Attestation, Finding, ScanLine, ScanOutcome, Subject},
    pool::StoreRole,
};
use std::sync::Arc;
use uuid::Uuid;

impl Store {
    /// See [`acceptance::accept`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn accept_risk(&self, new: NewAcceptance, event: AuditEvent) -> Result<AcceptOutcome> {
        let org = self.org;
        self.main_with((new, event), move |c, g| Box::pin(async move { acceptance::accept(c, org, &g.0, &g.1).await })).await
    }

    /// See [`acceptance::withdraw`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn withdraw_risk(&self, fingerprint: &str, by: &str, at: UnixMs, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        let given = (fingerprint.to_owned(), by.to_owned(), event);
        self.main_with(given, move |c, g| Box::pin(async move { acceptance::withdraw(c, org, &g.0, &g.1, at, &g.2).await })).await
    }

    /// See [`acceptance::all`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn accepted_risks(&self) -> Result<Vec<StoredRisk>> {
        let org = self.org;
        self.main(move |c| Box::pin(acceptance::all(c, org))).await
    }

    /// See [`attestation::attest`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn attest(&self, new: NewAttestation, event: AuditEvent) -> Result<()> {
        let org = self.org;
        self.main_with((new, event), move |c, g| Box::pin(async move { attestation::attest(c, org, &g.0, &g.1).await })).await
    }

    /// See [`attestation::withdraw`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn withdraw_attestation(&self, subject: &Subject, by: &str, at: UnixMs, event: AuditEvent) -> Result<bool> {
        let org = self.org;
        let given = (subject.clone(), by.to_owned(), event);
        self.main_with(given, move |c, g| Box::pin(async move { attestation::withdraw(c, org, &g.0, &g.1, at, &g.2).await })).await
    }

    /// See [`attestation::all`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn attestations(&self) -> Result<Vec<Attestation>> {
        let org = self.org;
        self.main(move |c| Box::pin(attestation::all(c, org))).await
    }

    /// See [`scan::changed`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn changed_scans(&self, target: &TargetName, most: i64) -> Result<Vec<ScanLine>> {
        let (org, target) = (self.org, Arc::new(target.clone()));
        run_own(&self.pools, StoreRole::Compliance, move |c| {
            let target = target.clone();
            Box::pin(async move { scan::changed(c, org, &target, most).await })
        })
        .await
    }

    /// See [`scan::outcome`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn scan_outcome(&self, target: &TargetName, id: Uuid) -> Result<Option<(ScanLine, ScanOutcome)>> {
        let (org, target) = (self.org, Arc::new(target.clone()));
        run_own(&self.pools, StoreRole::Compliance, move |c| {
            let target = target.clone();
            Box::pin(async move { scan::outcome(c, org, &target, id).await })
        })
        .await
    }

    /// See [`scan::keep`]. Main never stands in for a compliance database that is away: a finding's life can't go on in two places.
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn keep_scan(&self, new: NewScan) -> Result<()> {
        let (org, new) = (self.org, Arc::new(new));
        run_own(&self.pools, StoreRole::Compliance, move |c| {
            let new = new.clone();
            Box::pin(async move { scan::keep(c, org, &new).await })
        })
        .await
    }

    /// See [`scan::newest`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn newest_scan(&self, target: &TargetName) -> Result<Option<StoredScan>> {
        let (org, target) = (self.org, Arc::new(target.clone()));
        run_own(&self.pools, StoreRole::Compliance, move |c| {
            let target = target.clone();
            Box::pin(async move { scan::newest(c, org, &target).await })
        })
        .await
    }

    /// See [`finding::of_target`].
    ///
    /// # Errors
    /// See [`StoreError`](crate::StoreError).
    pub async fn findings_of(&self, target: &TargetName) -> Result<Vec<Finding>> {
        let (org, target) = (self.org, Arc::new(target.clone()));
        run_own(&self.pools, StoreRole::Compliance, move |c| {
            let target = target.clone();
            Box::pin(async move { finding::of_target(c, org, &target).await })
        })
        .await
    }
}
