//! A control: why, how it is judged, how it is repaired; and from its judge's words to a result.

use super::{
    catalogue,
    context::Context,
    life,
    look::{Gap, Look, Row, Table},
};
use reeve_model::compliance::{ControlResult, ControlState, EvidenceSet, Offender, Severity};

/// A control that is judged.
pub struct Control {
    /// Id in the catalogue.
    pub id: &'static str,
    /// Why it matters, in one or two sentences.
    pub why: &'static str,
    /// The questions whose answers it judges.
    pub evidence: &'static [&'static str],
    /// What to do about its findings, in one sentence.
    pub advice: &'static str,
    /// What its repair locks or interrupts, in one clause.
    pub lock: &'static str,
    /// Judges. `Err` means that nothing more can be said; offenders that were found before still count.
    pub judge: fn(&mut Tally<'_>) -> Result<(), Gap>,
}

/// What a repair locks when it changes rows of a catalogue only.
pub const NO_LOCK: &str = "locks nothing that sessions wait for";
/// What a repair locks when it is a reload.
pub const RELOAD: &str = "locks nothing; sessions take it over after a reload";
/// What a repair interrupts when it is a restart.
pub const RESTART: &str = "needs a restart of the server, which ends all sessions";
/// What a repair locks when it changes a table's definition.
pub const EXCLUSIVE: &str = "takes ACCESS EXCLUSIVE on the relation for a moment; set lock_timeout first";

/// What a judge says, gathered.
pub struct Tally<'a> {
    /// The evidence.
    pub look: &'a Look<'a>,
    population: u64,
    offenders: Vec<Offender>,
    gaps: Vec<String>,
    notes: Vec<String>,
}

impl<'a> Tally<'a> {
    fn new(look: &'a Look<'a>) -> Self {
        Self { look, population: 0, offenders: Vec::new(), gaps: Vec::new(), notes: Vec::new() }
    }

    /// An answer about the server. What is missing from it keeps the control from passing.
    pub(super) fn server(&mut self, id: &str) -> Result<Vec<Row<'a>>, Gap> {
        let table = self.look.server(id)?;
        Ok(self.take(&table))
    }

    /// The answers of all databases. A database that could not be read keeps the control from passing.
    pub(super) fn databases(&mut self, id: &str) -> Vec<(&'a str, Vec<Row<'a>>)> {
        let mut all = Vec::new();
        for database in &self.look.set.databases {
            if let Some(why) = &database.missing {
                self.gaps.push(why.clone());
                continue;
            }
            match self.look.find(id, Some(&database.name)) {
                Some(Ok(table)) => all.push((database.name.as_str(), self.take(&table))),
                Some(Err(Gap::Unknown(why) | Gap::NotApplicable(why))) => self.gaps.push(format!("Database {}: {why}", database.name)),
                None => self.gaps.push(format!("The evidence {id} of the database {} was not collected.", database.name)),
            }
        }
        if self.look.set.databases.is_empty() {
            self.gaps.push("No database could be read.".to_owned());
        }
        all
    }

    fn take(&mut self, table: &Table<'a>) -> Vec<Row<'a>> {
        self.gaps.extend(table.partial.clone());
        table.rows().collect()
    }

    /// So many things were judged.
    pub(super) fn judged(&mut self, count: u64) {
        self.population += count;
    }

    /// All relations, functions or the like of the databases that were read: a column of the counts.
    pub(super) fn judged_all(&mut self, column: &str) {
        let counts: Vec<i64> = self.databases("counts").iter().flat_map(|(_, rows)| rows.iter().filter_map(|r| r.number(column))).collect();
        self.population += counts.iter().map(|n| u64::try_from(*n).unwrap_or(0)).sum::<u64>();
    }

    /// Something that can't be known keeps the control from passing.
    pub(super) fn gap(&mut self, sentence: impl Into<String>) {
        self.gaps.push(sentence.into());
    }

    /// A limit of what a pass means, or something to know.
    pub(super) fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// Nothing was objected to so far, and nothing is missing.
    pub(super) fn found_nothing(&self) -> bool {
        self.offenders.is_empty() && self.gaps.is_empty()
    }

    /// Objects to something of the whole server.
    pub(super) fn object(
        &mut self,
        object: impl Into<String>,
        sentence: impl Into<String>,
        fix: impl Into<String>,
        undo: impl Into<String>,
    ) {
        self.object_in(None, object, sentence, fix, undo);
    }

    /// Objects to something in a database.
    pub(super) fn object_in(
        &mut self,
        database: Option<&str>,
        object: impl Into<String>,
        sentence: impl Into<String>,
        fix: impl Into<String>,
        undo: impl Into<String>,
    ) {
        let (fix, undo) = (self.elsewhere(fix.into()), self.elsewhere(undo.into()));
        self.offenders.push(Offender {
            database: database.map(str::to_owned),
            object: object.into(),
            sentence: sentence.into(),
            fix,
            undo,
        });
    }

    /// A standby takes no change but that of its own files: all other SQL belongs on its primary.
    fn elsewhere(&self, sql: String) -> String {
        let first = sql.lines().find(|line| !line.starts_with("--")).unwrap_or_default();
        let changes = ["ALTER ", "CREATE ", "DROP ", "GRANT ", "REVOKE "].iter().any(|word| first.starts_with(word));
        if !self.look.set.standby || !changes || first.starts_with("ALTER SYSTEM ") {
            return sql;
        }
        format!("-- On its primary, since this server is a standby and takes no change:\n{sql}")
    }
}

/// Judges one control.
pub(super) fn result(control: &Control, set: &EvidenceSet, context: &Context) -> ControlResult {
    let look = Look::new(set, context);
    let mut tally = Tally::new(&look);
    let outcome = (control.judge)(&mut tally);
    let Tally { population, offenders, mut gaps, mut notes, .. } = tally;
    let mut aside = None;
    match outcome {
        Ok(()) => {}
        Err(Gap::Unknown(why)) => gaps.push(why),
        Err(Gap::NotApplicable(why)) => aside = Some(why),
    }
    gaps.extend(
        look.broken().map(|column| format!("The evidence has no column {column}: it was read by another version of Reeve; scan again.")),
    );
    gaps.dedup();
    let state = if !offenders.is_empty() {
        notes.extend(gaps.iter().cloned());
        ControlState::Fail
    } else if !gaps.is_empty() {
        // A judge that saw nothing to judge did not see everything.
        ControlState::Unknown { reason: some_of(&gaps) }
    } else if let Some(reason) = aside {
        ControlState::NotApplicable { reason }
    } else if population == 0 {
        // A pass over nothing would be counted as proof of something.
        ControlState::NotApplicable { reason: "There is nothing here of the kind that it judges.".to_owned() }
    } else {
        ControlState::Pass
    };
    let (severity, title, clauses) =
        catalogue::entry_of(control.id).map_or((Severity::High, control.id, Vec::new()), |e| (e.severity, e.title, e.clauses.clone()));
    let credit = credit(severity, &state, population, offenders.len(), gaps.is_empty());
    let accepted = !offenders.is_empty()
        && offenders.iter().all(|o| {
            let print = life::fingerprint(control.id, &set.target, o);
            context.accepted.iter().any(|a| a.fingerprint == print && a.expires > context.now)
        });
    let personal = |o: &Offender| {
        let key = (o.database.clone().unwrap_or_default(), o.object.clone());
        context.personal.contains(&key)
    };
    ControlResult {
        control: control.id.to_owned(),
        title: title.to_owned(),
        severity,
        on_personal_data: offenders.iter().any(personal),
        whole: gaps.is_empty(),
        credit,
        accepted,
        state,
        population,
        offenders,
        notes,
        evidence: look.used(),
        lock: control.lock.to_owned(),
        clauses,
    }
}

/// A medium or low control earns the share of good objects, if all objects were seen.
fn credit(severity: Severity, state: &ControlState, population: u64, offenders: usize, whole: bool) -> f64 {
    match state {
        ControlState::Pass => 1.0,
        ControlState::Fail if severity.partial() && whole && population > 1 => {
            #[allow(clippy::cast_precision_loss)]
            let share = offenders as f64 / population as f64;
            (1.0 - share).clamp(0.0, 1.0)
        }
        _ => 0.0,
    }
}

/// At most three reasons, and how many more.
fn some_of(gaps: &[String]) -> String {
    let mut text = gaps.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" ");
    if gaps.len() > 3 {
        text.push_str(&format!(" And {} more.", gaps.len() - 3));
    }
    text
}
