//! The one table of all routes: what each needs and how it is guarded.
//!
//! The router is built from this table and nothing else; a server function that isn't in it stops the start.

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Anybody signed in; acts only on the caller's own session.
    SignedIn,
    /// Holders of a permission (verb, noun).
    Holds(&'static str, &'static str),
}

/// How a refusal looks and what proof a cookie-borne call must bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page: anonymous callers are sent to sign in.
    Page,
    /// JSON or text for programs: anonymous callers get 401.
    Data,
    /// A form of a page: changes something, so a cookie must come with proof of origin and the form's token.
    Form,
    /// Changes something, called by programs with a body; a cookie is of no use here.
    Command,
    /// Static files.
    Asset,
}

/// One route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// Path in axum's syntax.
    pub path: &'static str,
    /// What kind of answer it gives.
    pub kind: Kind,
    /// Who may call it.
    pub access: Access,
    /// One line for the API's description.
    pub doc: &'static str,
}

const fn route(method: &'static str, path: &'static str, kind: Kind, access: Access, doc: &'static str) -> Route {
    Route { method, path, kind, access, doc }
}

use Access::{Holds, Open, SignedIn};
use Kind::{Asset, Command, Data, Form, Page};

/// All routes.
pub const ROUTES: &[Route] = &[
    // Reeve itself, for load balancers and orchestrators.
    route("GET", "/live", Data, Open, "The process runs."),
    route("GET", "/ready", Data, Open, "Reeve can serve: pages render, whatever its targets and its store do."),
    route("GET", "/health", Data, Open, "Reeve's own health in a word; a dead target never changes it."),
    // Signing in and out.
    route("GET", "/", Page, Open, "Leads to /admin/db-health."),
    route("GET", "/sign-in", Page, Open, "The sign-in page."),
    route("POST", "/sign-in", Form, Open, "Takes the sign-in form."),
    route("POST", "/sign-out", Form, SignedIn, "Ends the session."),
    route("POST", "/theme", Form, Open, "Keeps the chosen theme in a cookie."),
    route("GET", "/accept/{secret}", Page, Open, "The page behind a single-use link: an invitation, or a new password."),
    route("POST", "/accept/{secret}", Form, Open, "Uses a single-use link."),
    route("POST", "/api/auth/login", Command, Open, "E-mail and password for an access token and a refresh token."),
    route("POST", "/api/auth/refresh", Command, Open, "A refresh token for the next pair; one that was used before ends its session."),
    route("POST", "/api/auth/logout", Command, SignedIn, "Ends the session of the access token."),
    route("GET", "/.well-known/jwks.json", Data, Open, "The public keys that verify access tokens."),
    // Pages.
    route("GET", "/admin/db-health", Page, Holds("view", "estate"), "The control room."),
    route("GET", "/admin/registry", Page, Holds("view", "registry"), "Which targets there are, and adding one."),
    route("POST", "/admin/registry/test", Form, Holds("change", "registry"), "Tests a target before it is added."),
    route("POST", "/admin/registry/add", Form, Holds("change", "registry"), "Registers the target that was tested."),
    route("POST", "/admin/registry/discard", Form, Holds("change", "registry"), "Forgets the target that was tested."),
    route("POST", "/admin/registry/remove", Form, Holds("change", "registry"), "Removes a registered target."),
    route("GET", "/admin/targets/{name}", Page, Holds("view", "target"), "One target."),
    route("GET", "/admin/targets/{name}/sessions", Page, Holds("view", "sessions"), "Who is connected to a target."),
    route("POST", "/admin/targets/{name}/sessions/cancel", Form, Holds("end", "session"), "Cancels a session's statement."),
    route("POST", "/admin/targets/{name}/sessions/end", Form, Holds("end", "session"), "Ends a session."),
    route("GET", "/admin/targets/{name}/tables", Page, Holds("view", "tables"), "Tables of a target."),
    route("GET", "/admin/targets/{name}/tables/{database}/{schema}/{table}", Page, Holds("view", "table"), "One table."),
    route("GET", "/admin/live", Data, Holds("view", "estate"), "The live stream of a page (server-sent events)."),
    #[cfg(debug_assertions)]
    route("GET", "/admin/gallery", Page, Holds("view", "estate"), "The components in all states (debug builds)."),
    // Compliance.
    route("GET", "/admin/compliance", Page, Holds("view", "compliance"), "Scores, frameworks and findings."),
    route("GET", "/admin/compliance/frameworks/{framework}", Page, Holds("view", "findings"), "The clauses of a framework."),
    route("GET", "/admin/compliance/controls", Page, Holds("view", "findings"), "All controls."),
    route("GET", "/admin/compliance/controls/{control}", Page, Holds("view", "findings"), "One control with its evidence."),
    route("GET", "/admin/compliance/findings/{name}/{fingerprint}", Page, Holds("view", "findings"), "One finding."),
    route("GET", "/admin/compliance/changes", Page, Holds("view", "findings"), "What is different between two scans."),
    route("POST", "/admin/compliance/controls/{control}/attest", Form, Holds("attest", "control"), "Vouches for a control."),
    route(
        "POST",
        "/admin/compliance/controls/{control}/withdraw",
        Form,
        Holds("attest", "control"),
        "Takes one's word for a control back.",
    ),
    route("POST", "/admin/compliance/frameworks/{framework}/attest", Form, Holds("attest", "clause"), "Vouches for a clause."),
    route(
        "POST",
        "/admin/compliance/frameworks/{framework}/withdraw",
        Form,
        Holds("attest", "clause"),
        "Takes one's word for a clause back.",
    ),
    route("POST", "/admin/compliance/scan/{name}", Form, Holds("scan", "target"), "Scans a target now."),
    route(
        "POST",
        "/admin/compliance/findings/{name}/{fingerprint}/accept",
        Form,
        Holds("accept", "finding"),
        "Accepts the risk of a finding.",
    ),
    route(
        "POST",
        "/admin/compliance/findings/{name}/{fingerprint}/withdraw",
        Form,
        Holds("accept", "finding"),
        "Takes an acceptance back.",
    ),
    // Accounts and the audit trail.
    route("GET", "/admin/account", Page, Holds("view", "own account"), "One's own account."),
    route("POST", "/admin/account/password", Form, Holds("change", "own account"), "Sets a new password."),
    route("POST", "/admin/account/sessions/end", Form, Holds("change", "own account"), "Ends own sessions."),
    route("POST", "/admin/account/tokens/new", Form, Holds("change", "own account"), "Makes an API token."),
    route("POST", "/admin/account/tokens/revoke", Form, Holds("change", "own account"), "Revokes an API token."),
    route("GET", "/admin/accounts", Page, Holds("view", "accounts"), "All accounts."),
    route("GET", "/admin/accounts/{id}", Page, Holds("view", "accounts"), "One account."),
    route("POST", "/admin/accounts/invite", Form, Holds("change", "accounts"), "Invites somebody."),
    route("POST", "/admin/accounts/invites/withdraw", Form, Holds("change", "accounts"), "Takes an invitation back."),
    route("POST", "/admin/accounts/{id}/rights", Form, Holds("change", "accounts"), "Sets the roles of an account."),
    route("POST", "/admin/accounts/{id}/disable", Form, Holds("change", "accounts"), "Disables an account."),
    route("POST", "/admin/accounts/{id}/enable", Form, Holds("change", "accounts"), "Enables an account."),
    route("POST", "/admin/accounts/{id}/reset", Form, Holds("change", "accounts"), "Makes a link to set a new password."),
    route("POST", "/admin/accounts/{id}/sessions/end", Form, Holds("change", "accounts"), "Ends a session of an account."),
    route("POST", "/admin/accounts/{id}/tokens/revoke", Form, Holds("change", "accounts"), "Revokes a token of an account."),
    route("GET", "/admin/audit", Page, Holds("view", "audit"), "The audit trail."),
    route("GET", "/admin/access", Page, Holds("view", "policy"), "Who may do what."),
    // Backups.
    route("GET", "/admin/backups", Page, Holds("view", "backups"), "Backups, and how safe each database is."),
    route("GET", "/admin/backups/{id}", Page, Holds("view", "backups"), "One backup."),
    route("POST", "/admin/backups/run", Form, Holds("run", "backup"), "Backs up a database."),
    route("POST", "/admin/backups/jobs/cancel", Form, Holds("run", "backup"), "Ends a job."),
    route("POST", "/admin/backups/jobs/approve", Form, Holds("approve", "restore"), "Agrees that a backup takes the place of a database."),
    route("POST", "/admin/backups/schedules/set", Form, Holds("run", "backup"), "Sets a schedule."),
    route("POST", "/admin/backups/schedules/remove", Form, Holds("run", "backup"), "Removes a schedule."),
    route("POST", "/admin/backups/{id}/verify", Form, Holds("run", "backup"), "Verifies a backup."),
    route("POST", "/admin/backups/{id}/drill", Form, Holds("run", "backup"), "Drills a backup."),
    route("POST", "/admin/backups/{id}/restore", Form, Holds("run", "backup"), "Restores a backup beside its original."),
    route("POST", "/admin/backups/{id}/replace", Form, Holds("run", "backup"), "Asks that a backup takes the place of its original."),
    route("POST", "/admin/backups/{id}/put-back", Form, Holds("run", "backup"), "Puts a table of a restored database back."),
    route("GET", "/api/fn/backup_history", Data, Holds("view", "backups"), "Backups, how safe each database is, and jobs."),
    route("GET", "/api/fn/backup_detail", Data, Holds("view", "backups"), "One backup and what was done with it."),
    route("GET", "/api/backups", Data, Holds("view", "backups"), "Backups, how safe each database is, and jobs."),
    route("POST", "/api/backups", Command, Holds("run", "backup"), "Asks for a backup; answers its job."),
    route("GET", "/api/backups/{id}", Data, Holds("view", "backups"), "One backup and what was done with it."),
    route("POST", "/api/backups/{id}/verify", Command, Holds("run", "backup"), "Asks for a verification; answers its job."),
    route("POST", "/api/backups/{id}/drill", Command, Holds("run", "backup"), "Asks for a drill; answers its job."),
    route("POST", "/api/backups/{id}/restore", Command, Holds("run", "backup"), "Asks for a restore beside the original; answers its job."),
    route(
        "POST",
        "/api/backups/{id}/replace",
        Command,
        Holds("run", "backup"),
        "Asks that a backup takes the place of its original; answers its job, which waits for a second person.",
    ),
    route("POST", "/api/backups/{id}/put-back", Command, Holds("run", "backup"), "Asks for a table to be put back; answers its job."),
    route("GET", "/api/backups/schedules", Data, Holds("view", "backups"), "What is backed up and drilled again and again, and when next."),
    route("POST", "/api/backups/schedules", Command, Holds("run", "backup"), "Sets the schedule of a database; answers it."),
    route("DELETE", "/api/backups/schedules/{schedule}", Command, Holds("run", "backup"), "Removes a schedule; answers its id."),
    route("GET", "/api/backups/jobs/{job}", Data, Holds("view", "backups"), "One job."),
    route(
        "POST",
        "/api/backups/jobs/{job}/approve",
        Command,
        Holds("approve", "restore"),
        "Agrees to what somebody else asked for; answers its job.",
    ),
    route("DELETE", "/api/backups/jobs/{job}", Command, Holds("run", "backup"), "Ends a job; answers it."),
    // Server functions.
    route("GET", "/api/fn/pool_stats", Data, Holds("view", "pools"), "Reeve's own pools."),
    route("GET", "/api/fn/health_overview", Data, Holds("view", "estate"), "The estate's verdict and its targets."),
    route("GET", "/api/fn/target_detail", Data, Holds("view", "target"), "All of one target."),
    route("GET", "/api/fn/registry", Data, Holds("view", "registry"), "Which targets there are, and what the caller tested."),
    route("GET", "/api/fn/sessions", Data, Holds("view", "sessions"), "Who is connected to a target."),
    route("GET", "/api/fn/table_analytics", Data, Holds("view", "tables"), "A page of a target's tables."),
    route("GET", "/api/fn/table_detail", Data, Holds("view", "table"), "One table."),
    route("GET", "/api/fn/own_account", Data, Holds("view", "own account"), "One's own account."),
    route("GET", "/api/fn/account_list", Data, Holds("view", "accounts"), "All accounts."),
    route("GET", "/api/fn/account_detail", Data, Holds("view", "accounts"), "One account."),
    route("GET", "/api/fn/audit_search", Data, Holds("view", "audit"), "A page of the audit trail."),
    route("GET", "/api/fn/compliance_scores", Data, Holds("view", "compliance"), "Compliance scores of the targets."),
    route("GET", "/api/fn/findings", Data, Holds("view", "findings"), "A page of findings."),
    route("GET", "/api/fn/finding_detail", Data, Holds("view", "findings"), "One finding with its evidence."),
    route("GET", "/api/fn/control_list", Data, Holds("view", "findings"), "All controls, judged or not."),
    route("GET", "/api/fn/scan_changes", Data, Holds("view", "findings"), "What is different between two scans."),
    route("GET", "/api/fn/control_detail", Data, Holds("view", "findings"), "One control with its evidence."),
    // For programs.
    route("GET", "/health/detailed", Data, Holds("view", "estate"), "Metrics and recommendations."),
    route("GET", "/api/health/databases", Data, Holds("view", "pools"), "Which of Reeve's own databases answer."),
    route("GET", "/api/health/connections", Data, Holds("view", "pools"), "Connections of Reeve's own pools."),
    route("GET", "/api/db/health", Data, Holds("view", "estate"), "Health of the estate in figures."),
    route("GET", "/api/targets", Data, Holds("view", "estate"), "The targets and their status."),
    route("GET", "/api/targets/{name}/sessions", Data, Holds("view", "sessions"), "Who is connected to a target, at most two seconds ago."),
    route(
        "POST",
        "/api/targets/{name}/sessions/signal",
        Command,
        Holds("end", "session"),
        "Cancels a session's statement or ends the session.",
    ),
    route("GET", "/api/targets/{name}/tables", Data, Holds("view", "tables"), "A target's tables, page by page."),
    route("GET", "/metrics", Data, Holds("read", "metrics"), "Prometheus text of Reeve and every target."),
    route("GET", "/metrics/history", Data, Holds("read", "metrics"), "Stored points of one metric."),
    route("GET", "/api/account", Data, Holds("view", "own account"), "The caller's own account."),
    route("POST", "/api/account/tokens", Command, Holds("change", "own account"), "Makes an API token."),
    route("DELETE", "/api/account/tokens/{token}", Command, Holds("change", "own account"), "Revokes an own API token."),
    route("DELETE", "/api/account/sessions/{session}", Command, Holds("change", "own account"), "Ends an own session."),
    route("GET", "/api/accounts", Data, Holds("view", "accounts"), "All accounts and open invitations."),
    route("GET", "/api/accounts/{id}", Data, Holds("view", "accounts"), "One account with its sessions and tokens."),
    route("PATCH", "/api/accounts/{id}", Command, Holds("change", "accounts"), "Changes rights, disables or enables an account."),
    route("POST", "/api/accounts/{id}/reset", Command, Holds("change", "accounts"), "Makes a link to set a new password."),
    route("DELETE", "/api/accounts/{id}/sessions/{session}", Command, Holds("change", "accounts"), "Ends a session of an account."),
    route("DELETE", "/api/accounts/{id}/tokens/{token}", Command, Holds("change", "accounts"), "Revokes a token of an account."),
    route("POST", "/api/invites", Command, Holds("change", "accounts"), "Invites somebody."),
    route("DELETE", "/api/invites/{invite}", Command, Holds("change", "accounts"), "Takes an invitation back."),
    route("GET", "/api/access/policy", Data, Holds("view", "policy"), "Who may do what."),
    route("GET", "/api/audit", Data, Holds("view", "audit"), "A page of the audit trail, newest first."),
    route("GET", "/api/audit/export", Data, Holds("export", "audit"), "The audit trail with its proofs, a JSON object a line."),
    route("GET", "/api/security/audit", Data, Holds("view", "findings"), "Score, frameworks, vulnerabilities and recommendations."),
    route("GET", "/api/compliance/findings", Data, Holds("view", "findings"), "Findings, the worst first, page by page."),
    route("GET", "/api/compliance/findings.csv", Data, Holds("view", "findings"), "All findings that match, as a table."),
    route("GET", "/api/compliance/findings/{name}/{fingerprint}", Data, Holds("view", "findings"), "One finding with its evidence."),
    route(
        "POST",
        "/api/compliance/findings/{name}/{fingerprint}/accept",
        Command,
        Holds("accept", "finding"),
        "Accepts the risk of a finding; answers the finding.",
    ),
    route(
        "DELETE",
        "/api/compliance/findings/{name}/{fingerprint}/accept",
        Command,
        Holds("accept", "finding"),
        "Takes an acceptance back; answers the finding.",
    ),
    route("GET", "/api/compliance/changes", Data, Holds("view", "findings"), "What is different between two scans of a target."),
    route("POST", "/api/compliance/scan/{name}", Command, Holds("scan", "target"), "Has a target scanned now; answers its name."),
    route(
        "POST",
        "/api/compliance/controls/{control}/attest",
        Command,
        Holds("attest", "control"),
        "Vouches for a control on a target that no database can show; answers the control.",
    ),
    route(
        "DELETE",
        "/api/compliance/controls/{control}/attest",
        Command,
        Holds("attest", "control"),
        "Takes that back; answers the control.",
    ),
    route(
        "POST",
        "/api/compliance/frameworks/{framework}/attest",
        Command,
        Holds("attest", "clause"),
        "Vouches for a clause; answers its key.",
    ),
    route(
        "DELETE",
        "/api/compliance/frameworks/{framework}/attest",
        Command,
        Holds("attest", "clause"),
        "Takes that back; answers its key.",
    ),
    route("GET", "/api/openapi.json", Data, SignedIn, "This description."),
    // Files.
    route("GET", "/pkg/{*file}", Asset, Open, "Styles, scripts, images."),
    route("GET", "/favicon.ico", Asset, Open, "The icon."),
];

/// A request's path as it may be written down, at most 200 characters: the secret of a link is left out, also where no route matches.
pub fn without_secret(path: &str) -> String {
    // Lower-casing ASCII only keeps the places of the bytes.
    let secret = path.to_ascii_lowercase().find("accept").map(|at| at + "accept".len()).filter(|end| *end < path.len());
    match secret {
        Some(end) => format!("{}/{{secret}}", &path[..end]).chars().take(200).collect(),
        None => path.chars().take(200).collect(),
    }
}

/// The routes that are server functions.
pub fn server_functions() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|r| r.path.starts_with("/api/fn/"))
}

/// Compares the table with the functions that are registered in the program.
///
/// # Errors
/// One sentence that names what is missing on either side.
pub fn check_functions(registered: &[(String, String)]) -> Result<(), String> {
    for (method, path) in registered {
        if !server_functions().any(|r| r.path == path && r.method == method) {
            return Err(format!("The server function {method} {path} is not in the route table, so nothing says who may call it."));
        }
    }
    for route in server_functions() {
        if !registered.iter().any(|(method, path)| path == route.path && method == route.method) {
            return Err(format!("The route table names {} {}, but there is no such server function.", route.method, route.path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_40_the_secret_of_a_link_is_never_written_down() {
        for path in ["/accept/s3cret", "//accept//s3cret", "/ACCEPT/s3cret/more", "/x/accept%2Fs3cret", "/accept/é-s3cret"] {
            let written = without_secret(path);
            assert!(!written.contains("s3cret") && written.ends_with("/{secret}"), "{path}: {written}");
        }
        assert_eq!(without_secret("/accept"), "/accept");
        assert_eq!(without_secret("/admin/accounts/1"), "/admin/accounts/1");
        assert_eq!(without_secret(&"é".repeat(500)).chars().count(), 200);
    }
    use reeve_access::policy::rule_of;

    #[test]
    fn g2_every_permission_is_in_the_policy_and_no_route_stands_twice() {
        for (i, route) in ROUTES.iter().enumerate() {
            if let Holds(verb, noun) = route.access {
                assert!(rule_of(verb, noun).is_some(), "{} asks for an unknown permission", route.path);
                // AT-08: what a link or an image can call must change nothing.
                let reads = matches!(verb, "view" | "read" | "export");
                assert_eq!(route.method == "GET", reads, "{} {} {}", route.method, route.path, verb);
            }
            assert!(!route.doc.is_empty());
            assert!(!ROUTES[..i].iter().any(|r| r.method == route.method && r.path == route.path), "{} stands twice", route.path);
        }
    }

    #[test]
    fn g2_a_server_function_outside_the_table_is_refused() {
        let mut all: Vec<_> = server_functions().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
        assert!(check_functions(&all).is_ok());
        all.push(("POST".to_owned(), "/api/fn/forgotten".to_owned()));
        assert!(check_functions(&all).expect_err("must refuse").contains("forgotten"));
        all.truncate(1);
        assert!(check_functions(&all).is_err(), "a missing one is noticed as well");
    }
}
