//! Loading a dump into a database that was made for it.

use crate::{BackupError, fetch::Fetched, run::TableName, tools::Login};
use reeve_adapter::Endpoint;
use reeve_cluster::binaries::Installation;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// How to load.
pub(crate) struct Loading<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) fetched: &'a Fetched,
    pub(crate) jobs: u32,
    /// Rows of these tables only; none: of all that are in it.
    pub(crate) tables: Option<&'a [TableName]>,
    /// Foreign keys can't hold where the rows they point to are missing.
    pub(crate) foreign_keys: bool,
    /// Tablespaces of the original, which another server doesn't have.
    pub(crate) tablespaces: bool,
}

impl Loading<'_> {
    /// Loads into the database of `endpoint`.
    pub(crate) async fn load(&self, endpoint: &Endpoint, private: &Path, cancel: &CancellationToken) -> Result<(), BackupError> {
        let login = Login::prepare(endpoint, private, self.installation.major)?;
        let mut tool = login
            .tool(self.installation, "pg_restore", private)
            .args(["--format=directory", "--no-password", "--exit-on-error"])
            .arg(format!("--jobs={}", self.jobs.max(1)))
            .arg(format!("--dbname={}", conninfo(endpoint.database())));
        if !self.tablespaces {
            tool = tool.arg("--no-tablespaces");
        }
        if self.tables.is_some() || !self.foreign_keys {
            let list = private.join("contents.list");
            let whole = private.join("contents.all");
            login
                .tool(self.installation, "pg_restore", private)
                .args(["--format=directory", "--list"])
                .arg(&self.fetched.dump)
                .output_to(&whole)?
                .run(cancel)
                .await?;
            let text = std::fs::read_to_string(&whole).map_err(|e| BackupError::io(&whole, &e))?;
            std::fs::write(&list, chosen(&text, self.tables, self.foreign_keys)).map_err(|e| BackupError::io(&list, &e))?;
            tool = tool.arg(format!("--use-list={}", list.display()));
        }
        tool.arg(&self.fetched.dump).run(cancel).await
    }
}

/// A bare name with `=` or a URL's beginning in it would be read as connection parameters.
pub(crate) fn conninfo(database: &str) -> String {
    format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The contents without the rows of tables that are not wanted, and without foreign keys where asked.
pub(crate) fn chosen(contents: &str, tables: Option<&[TableName]>, foreign_keys: bool) -> String {
    let wanted = |line: &str| {
        // `3210; 0 16386 TABLE DATA public orders owner`
        let Some((_, entry)) = line.split_once("; ") else { return true };
        let entry = entry.splitn(3, ' ').nth(2).unwrap_or_default();
        if entry.starts_with("FK CONSTRAINT ") {
            return foreign_keys;
        }
        match (tables, entry.strip_prefix("TABLE DATA ")) {
            (Some(tables), Some(rest)) => tables.iter().any(|t| rest.starts_with(&format!("{} {} ", t.schema, t.name))),
            _ => true,
        }
    };
    let mut text = String::with_capacity(contents.len());
    contents.lines().filter(|line| line.starts_with(';') || wanted(line)).for_each(|line| {
        text.push_str(line);
        text.push('\n');
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_chosen_tables_keep_the_whole_structure_and_their_own_rows() {
        let contents = ";\n; Archive created\n;\n218; 1259 16386 TABLE public orders o\n3301; 0 16386 TABLE DATA public orders o\n\
                        3302; 0 16390 TABLE DATA public orders_old o\n3150; 2606 16400 FK CONSTRAINT public orders orders_fk o\n\
                        3151; 1259 16401 INDEX public orders_i o\n";
        let orders = [TableName::parse("orders")];
        let some = chosen(contents, Some(&orders), false);
        assert!(some.contains("TABLE public orders o") && some.contains("TABLE DATA public orders o") && some.contains("INDEX"));
        assert!(!some.contains("orders_old") && !some.contains("FK CONSTRAINT"));
        assert_eq!(chosen(contents, None, true), contents);
    }

    #[test]
    fn d2_a_database_name_is_a_name_and_nothing_else() {
        assert_eq!(conninfo("a'b host=evil"), "dbname='a\\'b host=evil'");
    }
}
