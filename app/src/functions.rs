//! The server functions: one for each panel's data, used alike by the render, the islands and scripts.
//!
//! Each takes the caller from the context, asks for the grant and calls the port; that is all it does. They only
//! read, so they answer to GET. In-process calls of the render pass no middleware: the grant is the gate.

// The macro makes a public field of each argument.
#![allow(missing_docs)]

use crate::AppError;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use reeve_model::{
    HealthOverview, TargetDetail, TargetName,
    account::{AccountDetail, AccountList, OwnAccount},
    activity::SessionsView,
    audit::{AuditPage, AuditQuery},
    backup::{BackupDetail, BackupHistory, BackupId, BackupQuery},
    compliance::{
        ChangesQuery, ComplianceOverview, ControlDetail, ControlList, ControlQuery, FindingDetail, FindingPage, FindingQuery, ScanChanges,
    },
    pool::PoolReport,
    registration::RegistryView,
    table::{TableDetail, TablePage, TableQuery, TableRef},
};

/// Reeve's own pools and roles.
///
/// # Errors
/// 401 without a session, 403 without the right to see pools.
#[server(name = CallPoolStats, prefix = "/api/fn", endpoint = "pool_stats", input = GetUrl)]
pub async fn pool_stats() -> Result<PoolReport, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewPools>(())?;
        Ok(gate::ports()?.pools.pool_stats(grant).await?)
    })
    .await
}

/// The first screen: the estate's verdict and every target.
///
/// # Errors
/// 401 without a session, 403 without the right to see the estate.
#[server(name = CallHealthOverview, prefix = "/api/fn", endpoint = "health_overview", input = GetUrl)]
pub async fn health_overview() -> Result<HealthOverview, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewEstate>(())?;
        Ok(std::sync::Arc::unwrap_or_clone(gate::ports()?.health.health_overview(grant).await?))
    })
    .await
}

/// All that is known of one target.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such target.
#[server(name = CallTargetDetail, prefix = "/api/fn", endpoint = "target_detail", input = GetUrl)]
pub async fn target_detail(name: TargetName) -> Result<TargetDetail, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewTarget>(name)?;
        Ok(std::sync::Arc::unwrap_or_clone(gate::ports()?.health.target_detail(grant).await?))
    })
    .await
}

/// Who is connected to a target, with what they do and whom they wait for.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such target.
#[server(name = CallSessions, prefix = "/api/fn", endpoint = "sessions", input = GetUrl)]
pub async fn sessions(name: TargetName) -> Result<SessionsView, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewSessions>(name)?;
        Ok(std::sync::Arc::unwrap_or_clone(gate::ports()?.sessions.sessions(grant).await?))
    })
    .await
}

/// One page of a target's tables.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such target, 422 when the query can't be used.
#[server(name = CallTableAnalytics, prefix = "/api/fn", endpoint = "table_analytics", input = GetUrl)]
pub async fn table_analytics(name: TargetName, #[server(default)] query: TableQuery) -> Result<TablePage, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewTables>(name)?;
        Ok(gate::ports()?.tables.table_analytics(grant, query).await?)
    })
    .await
}

/// All of one table.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such target or table.
#[server(name = CallTableDetail, prefix = "/api/fn", endpoint = "table_detail", input = GetUrl)]
pub async fn table_detail(name: TargetName, table: TableRef) -> Result<TableDetail, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewTable>((name, table))?;
        Ok(gate::ports()?.tables.table_detail(grant).await?)
    })
    .await
}

/// Which targets there are and where each stands, with what the caller tested last.
///
/// # Errors
/// 401 without a session, 403 without the right, 503 while what is registered can't be read.
#[server(name = CallRegistry, prefix = "/api/fn", endpoint = "registry", input = GetUrl)]
pub async fn registry() -> Result<RegistryView, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewRegistry>(())?;
        Ok(gate::ports()?.registry.registry(grant).await?)
    })
    .await
}

/// The caller's own account, its sessions and tokens.
///
/// # Errors
/// 401 without a session, 403 for an API token, 503 while accounts can't be read.
#[server(name = CallOwnAccount, prefix = "/api/fn", endpoint = "own_account", input = GetUrl)]
pub async fn own_account() -> Result<OwnAccount, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewOwnAccount>(())?;
        Ok(gate::ports()?.accounts.own(grant).await?)
    })
    .await
}

/// All accounts and open invitations.
///
/// # Errors
/// 401 without a session, 403 without the right, 503 while accounts can't be read.
#[server(name = CallAccountList, prefix = "/api/fn", endpoint = "account_list", input = GetUrl)]
pub async fn account_list() -> Result<AccountList, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewAccounts>(())?;
        Ok(gate::ports()?.accounts.accounts(grant).await?)
    })
    .await
}

/// One account with its sessions and tokens.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such account, 503 while accounts can't be read.
#[server(name = CallAccountDetail, prefix = "/api/fn", endpoint = "account_detail", input = GetUrl)]
pub async fn account_detail(id: String) -> Result<AccountDetail, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewAccount>(id)?;
        Ok(gate::ports()?.accounts.account(grant).await?)
    })
    .await
}

/// One page of the audit trail. The search is itself an event.
///
/// # Errors
/// 401 without a session, 403 without the right, 422 when the query can't be used, 503 while the trail can't be read.
#[server(name = CallAuditSearch, prefix = "/api/fn", endpoint = "audit_search", input = GetUrl)]
pub async fn audit_search(#[server(default)] query: AuditQuery) -> Result<AuditPage, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewAudit>(())?;
        Ok(gate::ports()?.audit.search(grant, query).await?)
    })
    .await
}

/// Backups, how safe each database is, and jobs.
///
/// # Errors
/// 401 without a session, 403 without the right, 422 when the query can't be used.
#[server(name = CallBackupHistory, prefix = "/api/fn", endpoint = "backup_history", input = GetUrl)]
pub async fn backup_history(#[server(default)] query: BackupQuery) -> Result<BackupHistory, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewBackups>(())?;
        Ok(gate::ports()?.backups.backup_history(grant, query).await?)
    })
    .await
}

/// Compliance scores of the targets in reach. Without findings for those who may not see any.
///
/// # Errors
/// 401 without a session, 403 without the right.
#[server(name = CallComplianceScores, prefix = "/api/fn", endpoint = "compliance_scores", input = GetUrl)]
pub async fn compliance_scores() -> Result<ComplianceOverview, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewCompliance>(())?;
        Ok(std::sync::Arc::unwrap_or_clone(gate::ports()?.compliance.scores(grant).await?))
    })
    .await
}

/// One page of findings, the worst first.
///
/// # Errors
/// 401 without a session, 403 without the right, 422 when the query can't be used.
#[server(name = CallFindings, prefix = "/api/fn", endpoint = "findings", input = GetUrl)]
pub async fn findings(#[server(default)] query: FindingQuery) -> Result<FindingPage, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewFindings>(())?;
        Ok(gate::ports()?.compliance.findings(grant, query).await?)
    })
    .await
}

/// One backup and what was done with it.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such backup.
#[server(name = CallBackupDetail, prefix = "/api/fn", endpoint = "backup_detail", input = GetUrl)]
pub async fn backup_detail(id: BackupId) -> Result<BackupDetail, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewBackup>(id)?;
        Ok(gate::ports()?.backups.backup_detail(grant).await?)
    })
    .await
}

/// All of one finding, with its evidence.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such target or finding.
#[server(name = CallFindingDetail, prefix = "/api/fn", endpoint = "finding_detail", input = GetUrl)]
pub async fn finding_detail(name: TargetName, fingerprint: String) -> Result<FindingDetail, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewFinding>((name, fingerprint))?;
        Ok(gate::ports()?.compliance.finding(grant).await?)
    })
    .await
}

/// The controls of the catalogue, judged or not.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such target.
#[server(name = CallControlList, prefix = "/api/fn", endpoint = "control_list", input = GetUrl)]
pub async fn control_list(#[server(default)] query: ControlQuery) -> Result<ControlList, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewFindings>(())?;
        Ok(gate::ports()?.compliance.controls(grant, query).await?)
    })
    .await
}

/// One control with its evidence on each target in reach.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such control.
#[server(name = CallControlDetail, prefix = "/api/fn", endpoint = "control_detail", input = GetUrl)]
pub async fn control_detail(id: String) -> Result<ControlDetail, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewFindings>(())?;
        Ok(gate::ports()?.compliance.control(grant, &id).await?)
    })
    .await
}

/// Which scans of a target found something else than the one before, and what is different between two of them.
///
/// # Errors
/// 401 without a session, 403 without the right, 404 when there is no such target or scan, 503 while former scans can't be read.
#[server(name = CallScanChanges, prefix = "/api/fn", endpoint = "scan_changes", input = GetUrl)]
pub async fn scan_changes(#[server(default)] query: ChangesQuery) -> Result<ScanChanges, AppError> {
    gate::answer(async {
        let grant = gate::grant::<reeve_access::permission::ViewFindings>(())?;
        Ok(gate::ports()?.compliance.changes(grant, query).await?)
    })
    .await
}

/// Confirms that the caller may see the policy, which is the same for everybody and asks no port.
///
/// # Errors
/// 401 without a session.
#[cfg(feature = "ssr")]
pub(crate) fn policy() -> Result<(), AppError> {
    gate::grant::<reeve_access::permission::ViewPolicy>(()).map(|_| ())
}

/// What every function does before it may call a port.
#[cfg(feature = "ssr")]
mod gate {
    use crate::AppError;
    use leptos::prelude::use_context;
    use reeve_access::{Grant, Permission, Principal, authorize};
    use reeve_ports::{PortError, Ports, Refused};

    /// The grant of the caller in the context. A refusal is noted in the audit trail.
    pub fn grant<P: Permission>(resource: P::Resource) -> Result<Grant<P>, AppError> {
        let principal = use_context::<Principal>()
            .ok_or_else(|| AppError(PortError::Unauthenticated("Your session has ended. Sign in again.".into())))?;
        let target = P::target(&resource).map(ToString::to_string).unwrap_or_default();
        authorize::<P>(&principal, resource).map_err(|denied| {
            if let Some(ports) = use_context::<Ports>() {
                let (verb, noun, resource) = (P::VERB, P::NOUN, target.as_str());
                ports.audit.refused(Refused { principal: Some(&principal), origin: &principal.origin, verb, noun, resource });
            }
            denied.into()
        })
    }

    /// The ports in the context.
    pub fn ports() -> Result<Ports, AppError> {
        use_context::<Ports>().ok_or_else(|| AppError(PortError::Unavailable("Reeve is still starting. Try again in a moment.".into())))
    }

    /// Runs the function and, when it was called over HTTP, gives a refusal its status.
    pub async fn answer<T>(work: impl Future<Output = Result<T, AppError>>) -> Result<T, AppError> {
        let result = work.await;
        if let (Err(error), Some(response)) = (&result, use_context::<leptos_axum::ResponseOptions>())
            && let Ok(status) = leptos::server_fn::http_export::StatusCode::from_u16(error.status())
        {
            response.set_status(status);
        }
        result
    }
}
