//! Findings with their lives.

use crate::error::{Result, StoreError, moment, unix_ms};
use reeve_model::{
    TargetName,
    compliance::{Finding, FindingState, Offender, Severity},
};
use sqlx::PgConnection;
use uuid::Uuid;

/// The word of a life. An accepted finding lives on as open: that it is accepted stands in main.
fn life(state: FindingState) -> &'static str {
    match state {
        FindingState::Open | FindingState::Accepted => FindingState::Open.word(),
        FindingState::Fixed | FindingState::Regressed => state.word(),
    }
}

/// Writes findings anew. The first moment one was seen never moves forward.
pub(super) async fn put(step: &mut PgConnection, org: Uuid, findings: &[Finding]) -> Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let text = |field: fn(&Finding) -> String| findings.iter().map(field).collect::<Vec<_>>();
    let databases: Vec<Option<String>> = findings.iter().map(|f| f.offender.database.clone()).collect();
    let first = findings.iter().map(|f| moment(f.first_seen)).collect::<Result<Vec<_>>>()?;
    let last = findings.iter().map(|f| moment(f.last_seen)).collect::<Result<Vec<_>>>()?;
    sqlx::query!(
        r#"INSERT INTO compliance.finding AS f
             (org_id, fingerprint, target, control, severity, title, database, object, sentence, fix, undo, lock, state, first_seen, last_seen)
           SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
             $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[])
           ON CONFLICT (org_id, fingerprint) DO UPDATE SET severity = excluded.severity, title = excluded.title, sentence = excluded.sentence,
             fix = excluded.fix, undo = excluded.undo, lock = excluded.lock, state = excluded.state,
             first_seen = least(f.first_seen, excluded.first_seen), last_seen = greatest(f.last_seen, excluded.last_seen)"#,
        org,
        &text(|f| f.fingerprint.clone()),
        &text(|f| f.target.to_string()),
        &text(|f| f.control.clone()),
        &text(|f| f.severity.word().to_owned()),
        &text(|f| f.title.clone()),
        &databases as &[Option<String>],
        &text(|f| f.offender.object.clone()),
        &text(|f| f.offender.sentence.clone()),
        &text(|f| f.offender.fix.clone()),
        &text(|f| f.offender.undo.clone()),
        &text(|f| f.lock.clone()),
        &text(|f| life(f.state).to_owned()),
        &first,
        &last
    )
    .execute(step)
    .await?;
    Ok(())
}

/// All findings of a target, fixed ones too.
///
/// # Errors
/// [`StoreError::Corrupt`] for words this program does not know; the database's own.
pub async fn of_target(connection: &mut PgConnection, org: Uuid, target: &TargetName) -> Result<Vec<Finding>> {
    let rows = sqlx::query!(
        "SELECT fingerprint, control, severity, title, database, object, sentence, fix, undo, lock, state, first_seen, last_seen
         FROM compliance.finding WHERE org_id = $1 AND target = $2 ORDER BY fingerprint",
        org,
        target.as_str()
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = |what: &str| StoreError::Corrupt(format!("The stored finding {} has an unknown {what}.", row.fingerprint));
            Ok(Finding {
                severity: Severity::from_word(&row.severity).ok_or_else(|| unknown("severity"))?,
                state: FindingState::from_word(&row.state).ok_or_else(|| unknown("state"))?,
                fingerprint: row.fingerprint,
                control: row.control,
                title: row.title,
                target: target.clone(),
                offender: Offender { database: row.database, object: row.object, sentence: row.sentence, fix: row.fix, undo: row.undo },
                lock: row.lock,
                first_seen: unix_ms(row.first_seen),
                last_seen: unix_ms(row.last_seen),
                acceptance: None,
                accepted_for: None,
            })
        })
        .collect()
}
