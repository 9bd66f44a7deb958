//! Made-up sessions: a chain of three that wait, hostile names, one that may not be ended.

use reeve_model::{
    Reading, UnixMs,
    activity::{ProgressRow, SessionRow, SessionState, Sessions, SessionsView, XminHolder},
};

/// The moment all of them connected.
pub const CONNECTED: UnixMs = UnixMs(1_790_000_000_000);

fn session(pid: i32, state: SessionState, blocked_by: &[i32]) -> SessionRow {
    SessionRow {
        pid,
        started_at: CONNECTED,
        user: Some("app".into()),
        database: Some("shop".into()),
        application: format!("web-{pid}"),
        client: Some("10.0.0.7".into()),
        kind: "client backend".into(),
        state,
        wait: (!blocked_by.is_empty()).then(|| "Lock: transactionid".into()),
        transaction_at: Some(CONNECTED.plus_ms(5)),
        statement_at: Some(CONNECTED.plus_ms(7)),
        transaction_s: Some(f64::from(pid)),
        statement_s: Some(12.0),
        state_s: Some(12.0),
        xmin_age: Some(40),
        statement: Some(format!("UPDATE orders SET n = {pid}\n WHERE id = 1")),
        blocked_by: blocked_by.to_vec(),
        superuser: false,
        own: false,
        hidden: false,
    }
}

/// What the made-up target answers; or that it does not.
pub fn view(now: UnixMs, dead: bool) -> SessionsView {
    if dead {
        return Reading::unknown(now, "shop:5432 did not answer.");
    }
    let own = SessionRow { own: true, application: "reeve/probe".into(), ..session(70, SessionState::Active, &[]) };
    let server = SessionRow { kind: "checkpointer".into(), user: None, database: None, ..session(71, SessionState::Other, &[]) };
    let hostile = SessionRow {
        application: "<script>alert(1)</script>".into(),
        statement: Some("select '<img src=x onerror=alert(1)>'".into()),
        superuser: true,
        ..session(72, SessionState::Idle, &[])
    };
    let rows = vec![
        session(11, SessionState::IdleInTransaction, &[]),
        session(12, SessionState::Active, &[11]),
        session(13, SessionState::Active, &[12]),
        hostile,
        own,
        server,
    ];
    let holders = vec![
        XminHolder { kind: "replication slot".into(), name: "warehouse".into(), pid: None, age: 90_000 },
        XminHolder { kind: "session".into(), name: "app web-11".into(), pid: Some(11), age: 40 },
    ];
    let progress = vec![ProgressRow {
        pid: 71,
        what: "VACUUM".into(),
        database: Some("shop".into()),
        relation: Some("public.orders".into()),
        phase: "scanning heap".into(),
        done_ratio: Some(0.4),
    }];
    Reading::known(Sessions { rows, total: 6, hidden: 0, holders, progress }, now)
}
