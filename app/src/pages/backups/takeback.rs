//! After a restore: where the rows are now, and how to take a table back from there.

use super::detail::BackupData;
use crate::{
    components::{Code, Csrf},
    format,
    route::{BackupView, Page},
};
use leptos::prelude::*;
use reeve_model::{
    HealthOverview,
    backup::{Backup, BackupTable, RestoreReport},
};

/// The newest restore of this backup; nothing while there is none. `csrf`: of those who may have a table put back.
pub(super) fn part(data: &BackupData, overview: Option<&HealthOverview>, csrf: Option<Option<String>>) -> Option<AnyView> {
    let b = &data.detail.entry.backup;
    let Some(restored) = data.detail.restored() else { return dropped(data) };
    let address = overview.and_then(|o| o.targets.iter().find(|t| t.info.name == b.target)).map(|t| t.info.address.clone());
    let tables = restored.tables_compared;
    let rows = format::whole(i64::try_from(restored.rows_compared).ok());
    let wrong = restored.differences.iter().map(|d| view! { <li>{format!("{}.{}: {}", d.schema, d.name, d.sentence)}</li> }).collect_view();
    let compared = if restored.differences.is_empty() {
        format!(
            "{rows} rows of {} were compared with the backup: all are as they were.",
            format::plural(tables as usize, "table", "tables")
        )
    } else {
        format!("{} are not as they were backed up:", format::plural(restored.differences.len(), "table", "tables"))
    };
    let remove = format!("DROP DATABASE {};", ident(&restored.database));
    Some(
        view! {
            <section class="section restored" aria-labelledby="restored-title">
                <header class="section-head">
                    <h2 id="restored-title">"Restored as "<span class="mono">{restored.database.clone()}</span></h2>
                    <p class="muted">{format!("on {}", b.target)}{address.as_ref().map(|a| format!(" ({a})"))}</p>
                </header>
                <p>{compared}</p>
                <ul class="wrong">{wrong}</ul>
                <h3 id="take-back">"Take a table back"</h3>
                {choose(data)}
                {chosen(data, b, restored, csrf)}
                <details class="more" id="remove-restored">
                    <summary>"When you have what you need"</summary>
                    <p>"The new database stays until somebody drops it:"</p>
                    <Code text=remove what="SQL"/>
                </details>
            </section>
        }
        .into_any(),
    )
}

/// What is said when somebody dropped all that was restored.
fn dropped(data: &BackupData) -> Option<AnyView> {
    let last = data.detail.beside().next()?.database.clone();
    Some(view! { <p class="muted" id="dropped">"What was restored as "<span class="mono">{last}</span>" is not there any more: restore it again to take something back."</p> }.into_any())
}

/// What to do after a backup took the place of its original: the newest such time; nothing while there is none.
pub(super) fn replaced(data: &BackupData) -> Option<impl IntoView + use<>> {
    let restored = data.detail.restores().find(|r| r.kept_as.is_some())?;
    let (now, kept) = (ident(&restored.database), ident(restored.kept_as.as_deref()?));
    let aside = ident(&format!("{}_undone", restored.database));
    let undo = format!("BEGIN;\nALTER DATABASE {now} RENAME TO {aside};\nALTER DATABASE {kept} RENAME TO {now};\nCOMMIT;");
    let remove = format!("DROP DATABASE {kept};");
    Some(view! {
        <section class="section restored" aria-labelledby="replaced-title">
            <header class="section-head">
                <h2 id="replaced-title">"It took the place of "<span class="mono">{restored.database.clone()}</span></h2>
                <p class="muted">"The database before it is kept as "<span class="mono">{restored.kept_as.clone()}</span></p>
            </header>
            <details class="more" id="undo-replace">
                <summary>"Go back to the database before"</summary>
                <p>"While nobody is connected to either, as a superuser or their owner:"</p>
                <Code text=undo what="SQL"/>
            </details>
            <details class="more" id="remove-kept">
                <summary>"When the database before is not needed any more"</summary>
                <Code text=remove what="SQL"/>
            </details>
        </section>
    })
}

/// The choice of a table; it works by itself and sends nothing but a look.
fn choose(data: &BackupData) -> impl IntoView + use<> {
    let b = &data.detail.entry.backup;
    let link = |(t, gone): (&BackupTable, bool)| {
        let view = BackupView { id: b.id.clone(), table: Some((t.schema.clone(), t.name.clone())) };
        let href = format!("{}#take-back", Page::Backup(Box::new(view)).href());
        let here = data.view.table.as_ref().is_some_and(|(schema, name)| *schema == t.schema && *name == t.name);
        let rows = format::whole(t.rows.and_then(|rows| i64::try_from(rows).ok()));
        view! { <li><a href=href aria-current=here.then_some("true")><span class="mono">{t.title()}</span></a>
        {gone.then(|| view! { <span class="mark-word">"not there now"</span> })}<span class="muted num">{rows}</span></li> }
    };
    // What is missing is what somebody comes for.
    let gone = &data.detail.missing;
    let first = gone.iter().filter_map(|at| b.tables.get(*at)).map(|t| (t, true));
    let others = b.tables.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, t)| (t, false));
    let links = first.chain(others).map(link).collect_view();
    let missing = (!gone.is_empty()).then(|| {
        let tables = format::plural(gone.len(), "table of the backup is", "tables of the backup are");
        view! { <p>{format!("{tables} not in {} as it was last read.", b.database.name)}</p> }
    });
    let open = data.view.table.is_none();
    let words = if open { "Which one do you miss?" } else { "Another table" };
    view! {
        <details class="more choose" id="choose-table" open=open>
            <summary>{words}</summary>
            {missing}
            <ul class="table-choice" tabindex="0">{links}</ul>
        </details>
    }
}

/// What brings the chosen table over, and how to look before and after.
fn chosen(data: &BackupData, b: &Backup, restored: &RestoreReport, csrf: Option<Option<String>>) -> Option<AnyView> {
    let (schema, name) = data.view.table.as_ref()?;
    let table = b.tables.iter().find(|t| t.schema == *schema && t.name == *name)?;
    let qualified = format!("{}.{}", ident(schema), ident(name));
    let look = format!("SELECT count(*) FROM {qualified};");
    let bring = format!(
        "pg_dump --dbname={} --table={} \\\n  | psql --dbname={} --single-transaction --set=ON_ERROR_STOP=1",
        shell(&restored.database),
        shell(&qualified),
        shell(&b.database.name)
    );
    let keys = format!(
        "SET search_path = pg_catalog;\nSELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s;', conrelid::regclass, conname, pg_get_constraintdef(oid))\n  FROM pg_constraint WHERE contype = 'f' AND confrelid = {}::regclass AND conrelid <> confrelid;",
        literal(&qualified)
    );
    let rows = table.rows.and_then(|rows| i64::try_from(rows).ok()).map(|rows| format!(" It should say {}.", format::whole(Some(rows))));
    let missing = format!(
        "With its indexes, defaults and rights. If {} still has a table of this name, it refuses and changes nothing: move that one into another schema first (a renamed table keeps the names of its indexes).",
        b.database.name
    );
    let by_itself = csrf.map(|csrf| {
        view! {
            <form class="put-back" method="post" action=format!("/admin/backups/{}/put-back", b.id)>
                <Csrf token=csrf/>
                <input type="hidden" name="from" value=restored.database.clone()/>
                <input type="hidden" name="schema" value=schema.clone()/>
                <input type="hidden" name="table" value=name.clone()/>
                <button class="button primary">{format!("Put {schema}.{name} back into {}", b.database.name)}</button>
                <p class="muted">
                    "In one transaction, with its indexes, defaults and rights, and its rows compared with the backup. Nothing that is there is touched: a table of this name refuses it. Then the foreign keys of other tables that pointed to it are added again. Views and materialized views over it do not come along."
                </p>
            </form>
        }
    });
    let open = by_itself.is_none();
    Some(
        view! {
            {by_itself}
            <details class="more" id="by-hand" open=open>
            <summary>"By hand"</summary>
            <ol class="steps">
                <li>
                    <p>"In the database "<b class="mono">{restored.database.clone()}</b>", see that it is what you miss."{rows}</p>
                    <Code text=look what="SQL"/>
                </li>
                <li>
                    <p>"Copy it into "<b class="mono">{b.database.name.clone()}</b>", in one transaction. "{missing}" Add --host, --port and --username to both programs as you usually reach the server."</p>
                    <Code text=bring what="command"/>
                </li>
                <li>
                    <p>"This brings the table alone: foreign keys of other tables that pointed to it are gone with the old one and stay gone. In "<b class="mono">{restored.database.clone()}</b>", this writes the statements that add them again; run what it answers in "<b class="mono">{b.database.name.clone()}</b>"."</p>
                    <Code text=keys what="SQL"/>
                </li>
            </ol>
            </details>
        }
        .into_any(),
    )
}

/// A name as SQL quotes it.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL quotes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A word that a shell takes as it is, whatever is in it.
fn shell(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d4_names_are_quoted_for_sql_and_for_the_shell() {
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(shell("it's; rm -rf /"), "'it'\\''s; rm -rf /'");
    }
}
