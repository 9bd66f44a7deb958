//! `reeve audit`: checking the trail, taking it out, checking what was taken out.

use crate::{
    config::Config,
    run::{
        self,
        output::{complain, say},
        signals::Stop,
    },
};
use clap::Subcommand;
use futures::TryStreamExt;
use reeve_model::{
    UnixMs,
    audit::{AuditEvent, AuditQuery, Outcome},
};
use reeve_service::audit::{Draft, read_anchors};
use reeve_store::{
    Store,
    accounts::DEFAULT_ORG,
    audit::{LogVerdict, RecordedHead, seal},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead, BufReader, Write, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};
use uuid::Uuid;

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// Read the whole log and check every seal, also against what was noted of its end outside of it. Exit code 1 when something is wrong.
    Verify {
        /// The same as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write the log with its proofs, a JSON object a line, oldest first. Exporting is itself an event.
    Export {
        /// Into this file, which must not exist yet; without it to standard output.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// Only events from this moment on (RFC 3339, for example 2026-01-31T00:00:00Z).
        #[arg(long, value_parser = moment)]
        from: Option<UnixMs>,
        /// Only events before this moment.
        #[arg(long, value_parser = moment)]
        to: Option<UnixMs>,
    },
    /// Check an exported file by itself: no database is asked. Exit code 1 when something is wrong.
    Check {
        /// The file.
        file: PathBuf,
    },
}

fn moment(text: &str) -> Result<UnixMs, String> {
    let format = time::format_description::well_known::Rfc3339;
    let at = time::OffsetDateTime::parse(text, &format).map_err(|_| "write it as in 2026-01-31T00:00:00Z".to_owned())?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).map(UnixMs).map_err(|_| "that is too far away".to_owned())
}

/// Runs what needs a database.
pub async fn run(config: &Config, what: &What) -> Result<ExitCode, String> {
    let mut signal = Stop::listen()?;
    let work = async {
        run::store::must_exist(config)?;
        let opened = run::store::open_beside(config).await?;
        let store = Store::new(opened.pools.clone(), DEFAULT_ORG);
        let outcome = match what {
            What::Verify { json } => verify(config, &store, *json).await,
            What::Export { output, from, to } => export(&store, output.as_deref(), *from, *to).await,
            What::Check { file } => check(file),
        };
        let outcome = match outcome {
            Err(sentence) => Err(opened.explain(sentence).await),
            good => good,
        };
        opened.stop().await;
        outcome
    };
    tokio::select! {
        outcome = work => outcome,
        () = signal.requested() => Err("Stopped before it was done; nothing was changed.".to_owned()),
    }
}

async fn verify(config: &Config, store: &Store, as_json: bool) -> Result<ExitCode, String> {
    let noted = read_anchors(&config.data_dir)
        .map_err(|e| format!("The noted ends of the log in {} can't be read ({e}).", config.data_dir.display()))?;
    let recorded: Vec<RecordedHead> = noted
        .iter()
        .filter_map(|end| {
            let hash = hex::decode(&end.hash).ok()?.try_into().ok()?;
            Some(RecordedHead { by: "the data directory".to_owned(), log: Uuid::parse_str(&end.log).ok()?, seq: end.seq, hash })
        })
        .collect();
    let verdicts = store.verify_audit(&recorded).await.map_err(|e| e.to_string())?;
    let good = verdicts.iter().all(|v| v.verdict.problems.is_empty());
    if as_json {
        say(summary(&verdicts));
    } else {
        for LogVerdict { log, verdict, .. } in &verdicts {
            for problem in &verdict.problems {
                say(problem.sentence());
            }
            let word = if verdict.problems.is_empty() { "good" } else { "NOT good" };
            let erased = if verdict.erased > 0 { format!(", {} of them erased by law", verdict.erased) } else { String::new() };
            say(format!(
                "Log {log} is {word}: {} entries read{erased}; the last good one is {} with hash {}.",
                verdict.checked, verdict.good_to, verdict.head
            ));
        }
        say(format!("Compared with {} ends that were noted in the data directory, and with those in the main database.", recorded.len()));
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All logs in one object: there is one, unless it was moved to a database of its own.
fn summary(verdicts: &[LogVerdict]) -> Value {
    let all = |pick: fn(&LogVerdict) -> i64| verdicts.iter().map(pick).sum::<i64>();
    let problems: Vec<Value> = verdicts.iter().flat_map(|v| v.verdict.problems.iter().map(|p| json!(p))).collect();
    json!({
        "checked": all(|v| v.verdict.checked), "erased": all(|v| v.verdict.erased), "problems": problems,
        "logs": verdicts.iter().map(|v| json!({ "log": v.log, "place": v.place, "verdict": v.verdict })).collect::<Vec<_>>(),
    })
}

async fn export(store: &Store, output: Option<&Path>, from: Option<UnixMs>, to: Option<UnixMs>) -> Result<ExitCode, String> {
    let trouble = |place: &Path, error: std::io::Error| format!("{} can't be written ({error}).", place.display());
    let mut sink: Box<dyn Write> = match output {
        None => Box::new(stdout().lock()),
        Some(path) => Box::new(File::create_new(path).map_err(|e| trouble(path, e))?),
    };
    let place = output.unwrap_or_else(|| Path::new("Standard output"));
    let user = run::user();
    let asked = json!({ "from": from, "to": to });
    let event: AuditEvent = Draft::new(store.org(), "export", "audit", "").by_local(&user).outcome(Outcome::Done).after(&asked).finish();
    store.write_audit(vec![event]).await.map_err(|e| e.to_string())?;
    let query = AuditQuery { from, to, ..AuditQuery::default() };
    let mut pieces = store.export_audit(query).map_err(|e| e.to_string())?;
    while let Some(piece) = pieces.try_next().await.map_err(|e| e.to_string())? {
        sink.write_all(piece.as_bytes()).map_err(|e| trouble(place, e))?;
    }
    sink.flush().map_err(|e| trouble(place, e))?;
    Ok(ExitCode::SUCCESS)
}

/// A line of an export, as `reeve_store::audit::export` writes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Entry(Box<Entry>),
    Log { log: Uuid, org: Uuid, whole: bool },
    End { end: i64 },
}

#[derive(Deserialize)]
struct Entry {
    seq: i64,
    sealed_at_us: i64,
    previous: String,
    salt: Option<String>,
    leaf: String,
    hash: String,
    content: String,
    event: Option<AuditEvent>,
}

fn bytes(hex_text: &str) -> Option<[u8; 32]> {
    hex::decode(hex_text).ok()?.try_into().ok()
}

/// Checks a file by itself.
///
/// # Errors
/// One sentence when it is no export or can't be read.
pub fn check(file: &Path) -> Result<ExitCode, String> {
    let lines = BufReader::new(File::open(file).map_err(|e| format!("{} can't be read ({e}).", file.display()))?).lines();
    let (mut entries, mut wrong) = (0_u64, 0_u64);
    let mut log: Option<(Uuid, Uuid, bool)> = None;
    let mut last: Option<(i64, String)> = None;
    let (mut ended, mut all_whole) = (true, true);
    const BROKEN: &str = "The export breaks off: the line that says where it ends is missing.";
    let mut bad = |sentence: String| {
        wrong += 1;
        say(sentence);
    };
    for (n, line) in lines.enumerate() {
        let line = line.map_err(|e| format!("{} can't be read ({e}).", file.display()))?;
        match serde_json::from_str(&line) {
            Ok(Line::Log { log: id, org, whole }) => {
                if !ended {
                    bad(BROKEN.to_owned());
                }
                log = Some((id, org, whole));
                all_whole &= whole;
                (last, ended) = (None, false);
            }
            Ok(Line::End { end }) => {
                let at = last.as_ref().map_or(0, |(seq, _)| *seq);
                if ended || end != at {
                    bad(format!("Line {} says that the export ends with entry {end}, but entry {at} stands before it.", n + 1));
                }
                ended = true;
            }
            Ok(Line::Entry(entry)) => {
                let Some((id, org, whole)) = log else {
                    return Err(format!("{} is no export of an audit trail: it names no log.", file.display()));
                };
                entries += 1;
                let seq = entry.seq;
                let sealed = match (&entry.event, entry.salt.as_deref().and_then(bytes)) {
                    (Some(event), Some(salt)) if entry.content == "event" => bytes(&entry.leaf) == Some(seal::leaf(&salt, event)),
                    (None, None) => entry.content == "erased",
                    _ => false,
                };
                if !sealed {
                    bad(format!("Entry {seq} was changed."));
                }
                let follows = bytes(&entry.previous)
                    .zip(bytes(&entry.leaf))
                    .map(|(before, leaf)| seal::hash(&before, seq, entry.sealed_at_us, &leaf));
                if follows.is_none() || follows != bytes(&entry.hash) {
                    bad(format!("Entry {seq} does not follow from the one before it."));
                }
                if seq == 1 && bytes(&entry.previous) != Some(seal::beginning(id, org)) {
                    bad("The log does not begin where it should.".to_owned());
                }
                if ended {
                    bad(format!("Entry {seq} stands after the end."));
                }
                let neighbour = last.as_ref().map_or(0, |(before, _)| *before) + 1;
                if whole && seq > neighbour {
                    bad(format!("Between entry {} and {seq} something was taken out: this was an export of the whole log.", neighbour - 1));
                }
                match &last {
                    Some((before, hash)) if *before == seq - 1 && *hash != entry.previous => {
                        bad(format!("Entry {seq} does not follow from entry {before}."))
                    }
                    Some((before, _)) if *before >= seq => bad(format!("Entry {seq} stands after entry {before}.")),
                    _ => {}
                }
                last = Some((seq, entry.hash));
            }
            Err(_) if log.is_some() => bad(format!("Line {} is no entry: the export is incomplete or was changed.", n + 1)),
            Err(_) => return Err(format!("{} is no export of an audit trail.", file.display())),
        }
    }
    if log.is_none() {
        complain(format!("{} is no export of an audit trail: it is empty.", file.display()));
        return Ok(ExitCode::FAILURE);
    }
    if !ended {
        wrong += 1;
        say(BROKEN);
    }
    let kind = if all_whole { "the whole log" } else { "a selection, so whether entries are missing from it can't be seen" };
    let end =
        last.map_or_else(String::new, |(seq, hash)| format!(" The last is entry {seq} with hash {hash}: compare it with a noted end."));
    say(format!("{entries} entries read ({kind}), {wrong} problems.{end}"));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
