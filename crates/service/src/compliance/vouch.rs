//! Persons' words for what no database can show.

use super::{
    Compliance, answers,
    port::{DAY_MS, trouble},
};
use reeve_model::{
    UnixMs,
    compliance::{Attestation, Human, MOST_ATTESTED_DAYS, Subject},
    hidden,
};
use reeve_ports::{NewWord, PortError, Vouching};
use reeve_rules::compliance::catalogue;
use reeve_store::compliance::NewAttestation;
use serde_json::json;
use uuid::Uuid;

/// Most characters of what is said about the proof.
const LONGEST_DOCUMENT: usize = 500;

fn invalid<T>(sentence: impl Into<String>) -> Result<T, PortError> {
    Err(PortError::Invalid(sentence.into()))
}

/// Whether there is something to vouch for.
fn vouchable(subject: &Subject) -> Result<(), PortError> {
    match subject {
        Subject::Control { control, .. } => match catalogue::entry_of(control) {
            None => Err(PortError::NotFound("There is no such control.".to_owned())),
            Some(entry) if entry.only_person() => Ok(()),
            Some(_) => invalid(format!("{control} is shown by evidence or not at all: nobody's word stands in for that.")),
        },
        Subject::Clause { framework, clause } => {
            match catalogue::CLAUSES.iter().find(|c| c.framework == *framework && c.key == clause).map(|c| c.human) {
                None => Err(PortError::NotFound("There is no such clause.".to_owned())),
                Some(Human::No) => invalid(format!("{} needs evidence and nobody's word.", framework.cite(clause))),
                Some(Human::Also | Human::Only) => Ok(()),
            }
        }
    }
}

/// A clause that evidence contradicts is refused: over all that Reeve watches, as a word for a clause is about all of it.
fn uncontradicted(this: &Compliance, subject: &Subject, now: UnixMs) -> Result<(), PortError> {
    let Subject::Clause { framework, clause } = subject else { return Ok(()) };
    let reach = this.reach(|_| true);
    let report = answers::audit_report(&mut this.state(), &reach, now);
    let view = report.compliance.iter().find(|v| v.framework == *framework);
    match view.and_then(|v| v.clauses.iter().find(|c| c.key == *clause)).filter(|c| c.contradicted()) {
        None => Ok(()),
        Some(against) => {
            let failing: Vec<&str> = against.failing.iter().map(|(id, _)| id.as_str()).collect();
            let fail = if failing.len() == 1 { "fails" } else { "fail" };
            invalid(format!(
                "Evidence contradicts {}: {} {fail}, and nobody's word stands in for that.",
                framework.cite(clause),
                failing.join(", ")
            ))
        }
    }
}

fn checked(new: &NewWord) -> Result<(String, String), PortError> {
    let (statement, document) = (new.statement.trim(), new.document.trim());
    let unseen = |text: &str| text.chars().any(|c| hidden(c) && c != '\n' && c != '\r');
    if !(10..=2_000).contains(&statement.chars().count()) || unseen(statement) {
        return invalid("Say in 10 to 2,000 characters what is so and how you know it: somebody will ask in a year.");
    }
    if document.chars().count() > LONGEST_DOCUMENT || unseen(document) {
        return invalid(format!("Say in at most {LONGEST_DOCUMENT} characters where the proof lies."));
    }
    if !(1..=MOST_ATTESTED_DAYS).contains(&new.days) {
        return invalid(format!("A person's word holds for 1 to {MOST_ATTESTED_DAYS} days."));
    }
    Ok((statement.to_owned(), document.to_owned()))
}

/// What the event is about.
fn resource(subject: &Subject) -> String {
    subject.target().map_or_else(|| "every target".to_owned(), ToString::to_string)
}

pub(super) async fn attest(this: &Compliance, vouching: &Vouching, new: &NewWord) -> Result<(), PortError> {
    let (officer, subject, now) = (vouching.principal(), vouching.subject(), UnixMs::now());
    vouchable(&subject)?;
    uncontradicted(this, &subject, now)?;
    let (statement, document) = checked(new)?;
    let account = Uuid::parse_str(&officer.account).map_err(|_| PortError::NotFound("There is no such account.".to_owned()))?;
    let after = json!({ "of": subject.key(), "statement": statement, "document": document, "days": new.days });
    let event = this.inner.trail.draft("attest", subject.kind(), &resource(&subject)).by(officer).after(&after).finish();
    let expires = now.plus_ms(i64::from(new.days) * DAY_MS);
    let word = Attestation { subject, by: officer.email.clone(), statement, document, at: now, expires, withdrawn: None };
    this.inner.store.attest(NewAttestation { id: Uuid::new_v4(), account, word }, event).await.map_err(trouble)?;
    this.decided().await;
    Ok(())
}

pub(super) async fn take_back(this: &Compliance, vouching: &Vouching) -> Result<(), PortError> {
    let (officer, subject, now) = (vouching.principal(), vouching.subject(), UnixMs::now());
    let before = json!({ "of": subject.key() });
    let event = this.inner.trail.draft("withdraw", "attestation", &resource(&subject)).by(officer).before(&before).finish();
    if !this.inner.store.withdraw_attestation(&subject, &officer.email, now, event).await.map_err(trouble)? {
        return invalid("Nobody vouches for this, or no longer.");
    }
    this.decided().await;
    Ok(())
}
