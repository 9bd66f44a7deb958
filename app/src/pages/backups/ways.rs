//! What can be done with a backup, each with what it does.

use crate::components::{Csrf, Field};
use leptos::prelude::*;
use reeve_model::backup::Backup;

pub(super) fn part(b: &Backup, there: bool, csrf: Option<String>) -> impl IntoView + use<> {
    let at = format!("/admin/backups/{}", b.id);
    let restore = there.then(|| restore(b, &at, csrf.clone()));
    let replace = (there && b.whole).then(|| replace(b, &at, csrf.clone()));
    view! {
        <section class="section" aria-labelledby="ways-title">
            <header class="section-head"><h2 id="ways-title">"Bring it back, or prove it"</h2></header>
            <div class="ways">
                {restore}
                {(!there).then(|| view! {
                    <div class="way"><p><b>"Restore"</b><span class="muted">"Its target is configured no more. `reeve backup restore` brings it to any other server."</span></p></div>
                })}
                <div class="way">
                    <p>
                        <b>"Drill"</b>
                        <span class="muted">"Restores it into a private server, compares every row, checks every index, measures the time, and throws the server away. Nothing else is touched."</span>
                    </p>
                    <form method="post" action=format!("{at}/drill")><Csrf token=csrf.clone()/><button class="button">"Drill"</button></form>
                </div>
                <div class="way">
                    <p>
                        <b>"Verify"</b>
                        <span class="muted">"Reads what is stored: all of it, unpacked and read by pg_restore to its end, or only the digests of the stored bytes, which is faster and needs no key."</span>
                    </p>
                    <form class="two" method="post" action=format!("{at}/verify")>
                        <Csrf token=csrf/>
                        <button class="button" name="level" value="full">"Verify all"</button>
                        <button class="button" name="level" value="digests">"Only digests"</button>
                    </form>
                </div>
                {replace}
            </div>
        </section>
    }
}

/// Beside the original: what is there is never touched.
fn restore(b: &Backup, at: &str, csrf: Option<String>) -> impl IntoView + use<> {
    let what = format!(
        "Makes a new database on {} and brings everything into it. {} itself is not touched: what you miss can then be taken over from the new one, and this page shows how.",
        b.target, b.database.name
    );
    view! {
        <div class="way restore">
            <p><b>"Restore beside the original"</b><span class="muted">{what}</span></p>
            <form method="post" action=format!("{at}/restore")>
                <Csrf token=csrf/>
                <Field label="Name of the new database" name="into" most=63 autocomplete="off" hint="Left empty, Reeve takes the old name with the time behind it."/>
                <button class="button primary">"Restore beside"</button>
            </form>
        </div>
    }
}

/// In the place of the original: the last resort, by a typed name and a second person.
fn replace(b: &Backup, at: &str, csrf: Option<String>) -> impl IntoView + use<> {
    let name = &b.database.name;
    let what = format!(
        "Restores it beside, compares every row, and only then lets it take the place of {name}: whoever is connected is cut off, and all that was written since the backup is not in it. The present database is kept under another name. A second person must agree.",
    );
    view! {
        <div class="way replace">
            <p><b>"Replace the database"</b><span class="muted">{what}</span></p>
            <details class="more" id="replace">
                <summary>"Replace "<span class="mono">{name.clone()}</span></summary>
                <form method="post" action=format!("{at}/replace")>
                    <Csrf token=csrf/>
                    <Field label="Name of the database to replace" name="typed" most=63 autocomplete="off" required=true hint=format!("Type {name} to say that you mean it.")/>
                    <button class="button danger">"Ask for the replacement"</button>
                </form>
            </details>
        </div>
    }
}
