//! The document around every page: side bar, top bar, palette, and the scripts of the islands.

mod markers;
mod palette;

use crate::{
    components::{Age, Csrf, FlashBox, StatusGlyph, target_href},
    islands::{Acts, Keys, LiveFeed},
    live::key,
    menu::{self, Entry},
    render::{PageContext, Theme},
    route::{Page, TablesView},
};
use leptos::prelude::*;
use reeve_model::{HealthOverview, TargetSummary, UnixMs};

/// What the shell is given.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// The request.
    pub cx: &'a PageContext,
    /// Which page; none for problems.
    pub page: Option<&'a Page>,
    /// For the list of targets and the age of the newest data.
    pub overview: Option<&'a HealthOverview>,
    /// The present moment.
    pub now: UnixMs,
    /// A live stream serves this page.
    pub moves: bool,
}

impl Document<'_> {
    /// The address of this page, for forms that come back to it.
    fn here(&self) -> String {
        self.page.map_or_else(|| "/admin/db-health".into(), Page::href)
    }
}

/// A page outside the shell: sign-in, and problems of people who are not signed in.
#[must_use]
pub fn bare(doc: &Document<'_>, title: &str, body: AnyView) -> String {
    let content = view! {
        <main class="bare" id="main">
            <p class="brand">{mark()}"Reeve"</p>
            {body}
            {theme_switch(doc)}
        </main>
    };
    page(doc, title, content.into_any(), false)
}

/// A page that stands for itself, with no way on but its own: its address is a secret that no other link or form may carry.
#[must_use]
pub fn alone(doc: &Document<'_>, title: &str, body: AnyView) -> String {
    let content = view! { <main class="bare" id="main"><p class="brand">{mark()}"Reeve"</p>{body}</main> };
    page(doc, title, content.into_any(), false)
}

/// A page in the shell.
#[must_use]
pub fn full(doc: &Document<'_>, title: &str, body: AnyView) -> String {
    let moves = doc.moves;
    let newest = doc.overview.and_then(|o| o.targets.iter().filter_map(|t| t.last_round).max());
    let content = view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <div class="shell">
            <aside class="side">
                <a class="brand" href="/admin/db-health">{mark()}"Reeve"</a>
                <details class="menu">
                    <summary>"Menu"</summary>
                    {side_content(doc)}
                </details>
                <div class="side-fixed">{side_content(doc)}</div>
            </aside>
            <header class="top">
                {crumbs(doc, title)}
                <div class="top-state">
                    {moves.then(|| view! { <LiveFeed/> })}
                    {newest.map(|at| view! { <span class="newest">"newest data " <Age at=at now=doc.now live=key::NEWEST/></span> })}
                    <button type="button" class="button" data-palette="" hidden>"Go to " <kbd>"⌘K"</kbd></button>
                </div>
            </header>
            <main id="main" class="main" tabindex="-1">
                <div class="notice" data-status="unknown" id="signed-out" hidden>
                    <i class="glyph" data-status="unknown" aria-hidden="true"></i>
                    <p>"Your session has ended, so this page no longer moves. "
                        <a href=Page::SignIn { next: Some(doc.here()) }.href()>"Sign in again"</a></p>
                </div>
                {doc.cx.flash.clone().map(|flash| view! { <FlashBox flash=flash/> })}
                {body}
            </main>
        </div>
        {palette::view(doc)}
        <div id="toasts" class="toasts" role="status"></div>
        <Keys/>
        <Acts/>
    };
    page(doc, title, content.into_any(), true)
}

fn page(doc: &Document<'_>, title: &str, body: AnyView, live: bool) -> String {
    let cx = doc.cx;
    let head = view! {
        <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <meta name="color-scheme" content="light dark"/>
            <title>{format!("{title} · Reeve")}</title>
            <link rel="icon" href=cx.assets.icon.clone()/>
            <link rel="stylesheet" href=cx.assets.css.clone()/>
            {doc.moves.then(|| view! { <noscript><meta http-equiv="refresh" content="15"/></noscript> })}
            {live.then(|| scripts(cx)).flatten()}
        </head>
    };
    let html = view! {
        <html lang="en" data-theme=cx.theme.word()>
            {head}
            <body data-now=doc.now.0 data-page=doc.page.map(Page::href)>{body}</body>
        </html>
    };
    format!("<!DOCTYPE html>{}", markers::without(&html.to_html()))
}

/// Loads the wasm and hands every island its element. In the order of the document; islands here don't nest.
fn scripts(cx: &PageContext) -> Option<AnyView> {
    let (js, wasm) = (cx.assets.js.clone()?, cx.assets.wasm.clone()?);
    // Names of files are ours; still they are quoted as JSON strings are, and can't close the script element.
    let quote = |s: &str| format!("\"{}\"", s.replace(['\\', '"', '<'], ""));
    let start = format!(
        "const m=await import({});await m.default({{module_or_path:{}}});m.hydrate();for(const e of document.querySelectorAll(\"leptos-island\"))m[e.dataset.component]?.(e);",
        quote(&js),
        quote(&wasm)
    );
    let script = view! {
        <link rel="modulepreload" href=js/>
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=cx.nonce.clone()>{start}</script>
    };
    Some(script.into_any())
}

fn mark() -> impl IntoView {
    // A ledger mark: three strokes of different length against a rule.
    view! {
        <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2.5 1.5v13M5.5 4h8M5.5 8h5M5.5 12h7"/>
        </svg>
    }
}

fn current(is: bool) -> Option<&'static str> {
    is.then_some("page")
}

fn side_content(doc: &Document<'_>) -> AnyView {
    let here = doc.page;
    let targets = doc.overview.map(|o| &o.targets[..]).unwrap_or_default();
    let target = |t: &TargetSummary| {
        let name = t.info.name.clone();
        let inside = here.and_then(Page::target) == Some(&name);
        let tables = Page::Tables(name.clone(), Box::<TablesView>::default()).href();
        let on_tables = matches!(here, Some(Page::Tables(..) | Page::Table(..)));
        let on_sessions = matches!(here, Some(Page::Sessions(..)));
        let sees = doc.cx.principal.as_ref().is_some_and(|p| p.may_for("view", "sessions", &name));
        let sessions = sees.then(|| Page::Sessions(name.clone(), Box::default()).href());
        view! {
            <li>
                <a href=target_href(&name) aria-current=current(inside && !on_tables && !on_sessions)>
                    <StatusGlyph status=t.verdict.status live=key::target(&name)/>
                    <span class="side-name">{name.to_string()}</span>
                    <span class="side-env">{t.info.environment.word()}</span>
                </a>
                {inside.then(|| view! {
                    {sessions.map(|href| view! { <a class="side-sub" href=href aria-current=current(on_sessions)>"Sessions"</a> })}
                    <a class="side-sub" href=tables aria-current=current(on_tables)>"Tables"</a>
                })}
            </li>
        }
    };
    let account = doc.cx.principal.as_ref().map(|p| {
        view! {
            <form class="account" method="post" action="/sign-out">
                <Csrf token=doc.cx.csrf.clone()/>
                <a class="account-name" href=Page::Account.href() title=format!("{}: your account", p.email)
                    aria-current=current(here == Some(&Page::Account))>{p.email.clone()}</a>
                <button class="button quiet">"Sign out"</button>
            </form>
        }
    });
    let entry = |e: Entry| view! { <li><a href=e.page.href() aria-current=current(e.holds(here)) data-go=e.go>{e.title}</a></li> };
    let estate = menu::estate(doc.cx).map(|first| {
        let everywhere = doc.cx.principal.as_ref().is_some_and(|p| p.everywhere("view", "estate"));
        let none = if everywhere { "None registered" } else { "None within your rights" };
        view! {
            <ul>{entry(first)}{menu::compliance(doc.cx).map(entry)}{menu::backups(doc.cx).map(entry)}</ul>
            // A page that was refused knows no targets, and must not say that there are none.
            {doc.overview.is_some().then(|| view! {
                <h2>"Targets"</h2>
                <ul class="side-targets">
                    {targets.iter().map(target).collect_view()}
                    {targets.is_empty().then(|| view! { <li class="side-none">{none}</li> })}
                </ul>
            })}
        }
    });
    let reeve = menu::reeve(doc.cx);
    let reeve = (!reeve.is_empty()).then(|| view! { <h2>"Reeve"</h2><ul>{reeve.into_iter().map(entry).collect_view()}</ul> });
    view! {
        <nav class="nav" aria-label="Pages">{estate}{reeve}</nav>
        <div class="side-foot">{theme_switch(doc)}{account}</div>
    }
    .into_any()
}

fn theme_switch(doc: &Document<'_>) -> impl IntoView {
    let chosen = doc.cx.theme;
    let button = |theme: Theme| {
        let (word, title) = match theme {
            Theme::Auto => ("Auto", "Colours as this system has them"),
            Theme::Light => ("Light", "Light colours"),
            Theme::Dark => ("Dark", "Dark colours"),
        };
        view! { <button name="theme" value=theme.word() title=title aria-pressed=(theme == chosen).to_string()>{word}</button> }
    };
    view! {
        <form class="segments" method="post" action="/theme" aria-label="Colours">
            <input type="hidden" name="next" value=doc.here()/>
            <Csrf token=doc.cx.csrf.clone()/>
            {Theme::ALL.map(button).into_iter().collect_view()}
        </form>
    }
}

/// Where the reader is, and the other targets one click away.
fn crumbs(doc: &Document<'_>, title: &str) -> AnyView {
    if let Some(Page::AccountOf(_)) = doc.page {
        let title = title.to_owned();
        return view! { <nav class="crumbs" aria-label="Place"><a href=Page::Accounts.href()>"Accounts"</a><span aria-current="page">{title}</span></nav> }
            .into_any();
    }
    if let Some(Page::Backup(_)) = doc.page {
        let title = title.to_owned();
        let all = Page::Backups(Box::default()).href();
        return view! { <nav class="crumbs" aria-label="Place"><a href=all>"Backups"</a><span aria-current="page">{title}</span></nav> }
            .into_any();
    }
    if let Some(Page::FrameworkOf(_) | Page::Changes(_) | Page::Controls(_) | Page::ControlOf(_) | Page::FindingOf(..)) = doc.page {
        let (title, above) = (title.to_owned(), Page::Compliance(Box::default()).href());
        let controls =
            matches!(doc.page, Some(Page::ControlOf(_))).then(|| view! { <a href=Page::Controls(Box::default()).href()>"Controls"</a> });
        return view! {
            <nav class="crumbs" aria-label="Place"><a href=above>"Compliance"</a>{controls}<span aria-current="page">{title}</span></nav>
        }
        .into_any();
    }
    let Some(name) = doc.page.and_then(Page::target).cloned() else {
        return view! { <nav class="crumbs" aria-label="Place"><span aria-current="page">{title.to_owned()}</span></nav> }.into_any();
    };
    let others: Vec<_> = doc.overview.map(|o| o.targets.iter().map(|t| t.info.name.clone()).collect()).unwrap_or_default();
    let other = |n: reeve_model::TargetName| {
        let href = match doc.page {
            Some(Page::Tables(..)) => Page::Tables(n.clone(), Box::default()).href(),
            Some(Page::Sessions(..)) => Page::Sessions(n.clone(), Box::default()).href(),
            _ => target_href(&n),
        };
        view! { <li><a href=href aria-current=current(n == name)>{n.to_string()}</a></li> }
    };
    let switcher = view! {
        <details class="switcher">
            <summary>{name.to_string()}<span class="visually-hidden">", switch target"</span></summary>
            <ul>{others.into_iter().map(other).collect_view()}</ul>
        </details>
    };
    let tables = Page::Tables(name.clone(), Box::default()).href();
    let rest = match doc.page {
        Some(Page::Sessions(..)) => view! { <span aria-current="page">"Sessions"</span> }.into_any(),
        Some(Page::Tables(..)) => view! { <span aria-current="page">"Tables"</span> }.into_any(),
        Some(Page::Table(_, t)) => view! {
            <a href=tables>"Tables"</a>
            <span aria-current="page" class="mono">{format!("{}.{}", t.schema, t.table)}</span>
        }
        .into_any(),
        _ => ().into_any(),
    };
    view! { <nav class="crumbs" aria-label="Place"><a href="/admin/db-health">"Database health"</a>{switcher}{rest}</nav> }.into_any()
}
