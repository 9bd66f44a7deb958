//! A database beside its contents: read when it is backed up, put back when it is restored. `pg_restore` does that only together with
//! `--create`, which insists on the original's name.

use crate::{
    BackupError,
    source::{Source, get, literal, quoted},
};
use reeve_model::backup::{BackupDatabase, DatabaseGrant, DatabaseLocale, DatabaseProperties};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The object of a backup that holds a [`Private`].
pub(crate) const FILE: &str = "database.json";

/// What of a database itself can hold secrets. It is compressed and encrypted like the dump.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Private {
    comment: Option<String>,
    settings: Vec<Setting>,
}

/// `ALTER DATABASE … SET`, or with a role `ALTER ROLE … IN DATABASE … SET`. The value is as the catalogue keeps it: a list with its own quotes.
#[derive(Debug, Serialize, Deserialize)]
struct Setting {
    role: Option<String>,
    name: String,
    value: String,
}

/// Columns that a major lacks read as null.
const ITSELF: &str = "
    SELECT pg_get_userbyid(d.datdba)::text, d.datconnlimit, d.datacl IS NOT NULL,
           CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' END,
           coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'), to_jsonb(d) ->> 'daticurules'
    FROM pg_database d WHERE d.datname = current_database()";

const GRANTS: &str = "
    SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee)::text END, a.privilege_type, a.is_grantable
    FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database() ORDER BY 1 NULLS FIRST, 2";

const ROLE_SETTINGS: &str = "
    SELECT CASE WHEN s.setrole = 0 THEN NULL ELSE pg_get_userbyid(s.setrole)::text END, split_part(c.one, '=', 1),
           substr(c.one, strpos(c.one, '=') + 1)
    FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) WITH ORDINALITY AS c(one, place)
    WHERE d.datname = current_database() ORDER BY 1 NULLS FIRST, c.place";

/// Parameters whose value is a list of names, each with quotes of its own (`GUC_LIST_QUOTE` in PostgreSQL's sources).
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

impl Source {
    /// What the database is beside its contents.
    pub(crate) async fn properties(&self) -> Result<DatabaseProperties, BackupError> {
        let row = self.row(ITSELF).await?;
        let provider: Option<String> = get(&row, 3)?;
        let locale = match (provider, get::<Option<String>>(&row, 4)?) {
            (Some(provider), Some(name)) => Some(DatabaseLocale { provider, name, rules: get(&row, 5)? }),
            _ => None,
        };
        let grants = self.rows(GRANTS).await?;
        let grants = grants.iter().map(|row| Ok(DatabaseGrant { role: get(row, 0)?, privilege: get(row, 1)?, grantable: get(row, 2)? }));
        let grants = grants.collect::<Result<_, BackupError>>()?;
        Ok(DatabaseProperties {
            owner: get(&row, 0)?,
            connection_limit: get(&row, 1)?,
            locale,
            grants: get::<bool>(&row, 2)?.then_some(grants),
        })
    }

    /// Writes what can hold secrets into a file that becomes an object of the backup.
    pub(crate) async fn write_private(&self, dir: &Path) -> Result<(), BackupError> {
        let comment = self.row("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()").await?;
        let settings = self.rows(ROLE_SETTINGS).await?;
        let settings = settings.iter().map(|row| Ok(Setting { role: get(row, 0)?, name: get(row, 1)?, value: get(row, 2)? }));
        let private = Private { comment: get(&comment, 0)?, settings: settings.collect::<Result<_, BackupError>>()? };
        let text = serde_json::to_vec(&private).map_err(|e| BackupError::system("writing down the database's settings", e))?;
        let file = dir.join(FILE);
        std::fs::write(&file, text).map_err(|e| BackupError::io(&file, &e))
    }

    /// Gives the database `name` what the one that was backed up had. What can't be given, such as a right to a role that this server
    /// doesn't know, is answered as a sentence, which holds no value, and never a reason to fail: what is left out only leaves less open.
    pub(crate) async fn put_properties(&self, name: &str, like: &BackupDatabase, dir: &Path) -> Option<String> {
        let earlier =
            "The backup is of an earlier Reeve and doesn't say who may connect to the database, nor its settings: look after them.";
        let Some(properties) = &like.properties else { return Some(earlier.to_owned()) };
        let private = std::fs::read(dir.join(FILE)).ok().and_then(|text| serde_json::from_slice::<Private>(&text).ok());
        let mut failed = Vec::new();
        for (what, sql) in statements(name, properties, &private.unwrap_or_default()) {
            if self.execute(&sql).await.is_err() {
                failed.push(what);
            }
        }
        (!failed.is_empty()).then(|| {
            format!(
                "Of the database itself this could not be put back, most likely because the server lacks the role: {}.",
                failed.join(", ")
            )
        })
    }
}

/// Makes an empty database like the one that was backed up.
pub(crate) async fn create_database(server: &Source, name: &str, like: &BackupDatabase) -> Result<(), BackupError> {
    server.execute(&creation(name, like)).await?;
    // From the first moment on: what is being restored is not for everybody where the original was not.
    if like.properties.as_ref().and_then(|p| p.grants.as_ref()).is_none() {
        return Ok(());
    }
    let closed = server.execute(&format!("REVOKE ALL ON DATABASE {} FROM PUBLIC", quoted(name))).await;
    if closed.is_err() {
        drop_database(server, name).await;
    }
    closed
}

/// Removes a database that was not finished.
pub(crate) async fn drop_database(server: &Source, name: &str) {
    if let Err(error) = server.execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).await {
        tracing::warn!(database = name, %error, "a half-restored database was not removed; drop it by hand");
    }
}

fn creation(name: &str, like: &BackupDatabase) -> String {
    let mut sql = format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        quoted(name),
        literal(&like.encoding),
        literal(&like.collate),
        literal(&like.ctype)
    );
    if let Some(locale) = like.properties.as_ref().and_then(|p| p.locale.as_ref()) {
        let (provider, word) = if locale.provider == "icu" { ("icu", "ICU_LOCALE") } else { ("builtin", "BUILTIN_LOCALE") };
        sql.push_str(&format!(" LOCALE_PROVIDER {provider} {word} {}", literal(&locale.name)));
        if let Some(rules) = &locale.rules {
            sql.push_str(&format!(" ICU_RULES {}", literal(rules)));
        }
    }
    sql
}

/// What is given, and the SQL for it. The owner comes last, because only the owner may do the rest.
fn statements(name: &str, p: &DatabaseProperties, private: &Private) -> Vec<(String, String)> {
    let name = quoted(name);
    let mut all = Vec::new();
    all.extend(p.grants.iter().flatten().map(|g| {
        let to = g.role.as_deref().map_or_else(|| "PUBLIC".to_owned(), quoted);
        let option = if g.grantable { " WITH GRANT OPTION" } else { "" };
        (format!("{} for {to}", g.privilege), format!("GRANT {} ON DATABASE {name} TO {to}{option}", g.privilege))
    }));
    if p.connection_limit >= 0 {
        all.push(("its connection limit".to_owned(), format!("ALTER DATABASE {name} CONNECTION LIMIT {}", p.connection_limit)));
    }
    let comment = private.comment.as_ref();
    all.extend(comment.map(|c| ("its comment".to_owned(), format!("COMMENT ON DATABASE {name} IS {}", literal(c)))));
    all.extend(private.settings.iter().map(|s| {
        let whose = s.role.as_deref().map_or_else(String::new, |role| format!(" of {}", quoted(role)));
        let of = s.role.as_deref().map_or_else(|| format!("DATABASE {name}"), |role| format!("ROLE {} IN DATABASE {name}", quoted(role)));
        let value = if LISTS.contains(&s.name.to_ascii_lowercase().as_str()) { list(&s.value) } else { literal(&s.value) };
        (format!("the setting {}{whose}", s.name), format!("ALTER {of} SET {} TO {value}", parameter(&s.name)))
    }));
    all.push((format!("its owner {}", quoted(&p.owner)), format!("ALTER DATABASE {name} OWNER TO {}", quoted(&p.owner))));
    all
}

/// A parameter's name; an extension's has a dot, each part stands in quotes of its own.
fn parameter(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// `"$user", public` becomes `'$user', 'public'`.
fn list(value: &str) -> String {
    let (mut items, mut item, mut inside, mut was_quoted) = (Vec::new(), String::new(), false, false);
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if inside && letters.peek() == Some(&'"') => {
                item.push('"');
                letters.next();
            }
            '"' => {
                inside = !inside;
                was_quoted = true;
            }
            ',' if !inside => items.push((std::mem::take(&mut item), std::mem::take(&mut was_quoted))),
            c if !inside && c.is_whitespace() => {}
            c => item.push(c),
        }
    }
    items.push((item, was_quoted));
    let items: Vec<String> = items.iter().filter(|(item, quoted)| *quoted || !item.is_empty()).map(|(item, _)| literal(item)).collect();
    if items.is_empty() { "''".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_lists_of_names_keep_their_quotes() {
        assert_eq!(list(r#""$user", public"#), "'$user', 'public'");
        assert_eq!(list(r#""a ""b"", c", d"#), r#"'a "b", c', 'd'"#);
        assert_eq!(list(""), "''");
        assert_eq!(list(r#""""#), "''");
    }

    #[test]
    fn d3_hostile_names_stay_names() {
        let grant = |role: Option<&str>| DatabaseGrant { role: role.map(str::to_owned), privilege: "CONNECT".into(), grantable: true };
        let setting = Setting { role: Some("o'r\"ly".into()), name: "app.tenant".into(), value: "it's \\ 1".into() };
        let private = Private { comment: Some("it's".into()), settings: vec![setting] };
        let p = DatabaseProperties {
            owner: "a\"; DROP ROLE b; --".into(),
            connection_limit: 7,
            locale: Some(DatabaseLocale { provider: "icu".into(), name: "de'".into(), rules: None }),
            grants: Some(vec![grant(None), grant(Some("x y"))]),
        };
        let all = statements("d\"b", &p, &private);
        insta::assert_snapshot!(all.iter().map(|(_, sql)| sql.as_str()).collect::<Vec<_>>().join("\n"), @r#"
        GRANT CONNECT ON DATABASE "d""b" TO PUBLIC WITH GRANT OPTION
        GRANT CONNECT ON DATABASE "d""b" TO "x y" WITH GRANT OPTION
        ALTER DATABASE "d""b" CONNECTION LIMIT 7
        COMMENT ON DATABASE "d""b" IS 'it''s'
        ALTER ROLE "o'r""ly" IN DATABASE "d""b" SET "app"."tenant" TO E'it''s \\ 1'
        ALTER DATABASE "d""b" OWNER TO "a""; DROP ROLE b; --"
        "#);
        assert!(all.iter().all(|(what, _)| !what.contains("it's")), "what is told of a failure holds no value: {all:?}");
        let like = BackupDatabase {
            name: "d".into(),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "C".into(),
            size_bytes: 1,
            properties: Some(p),
        };
        insta::assert_snapshot!(creation("n", &like), @r#"CREATE DATABASE "n" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de'''"#);
    }
}
