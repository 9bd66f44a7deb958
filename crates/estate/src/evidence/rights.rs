//! What the reading role may read, asked before anything that could be refused.

use super::question::Needs;
use tokio_postgres::{Error, Row};

/// Asked in each database: extensions and helpers live in one.
pub(super) const QUERY: &str = "/* reeve:evidence/rights */
SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS stats,
       has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS authid,
       coalesce(has_function_privilege(to_regprocedure('pg_catalog.pg_control_system()'), 'EXECUTE'), false) AS control,
       ARRAY(SELECT v.name FROM (VALUES ('pg_hba_file_rules', 'pg_hba_file_rules()'), ('pg_ident_file_mappings', 'pg_ident_file_mappings()'),
                                        ('pg_file_settings', 'pg_show_all_file_settings()')) v(name, source)
              WHERE to_regclass('pg_catalog.' || v.name) IS NOT NULL
                AND has_table_privilege(to_regclass('pg_catalog.' || v.name), 'SELECT')
                AND has_function_privilege(to_regprocedure('pg_catalog.' || v.source), 'EXECUTE')) AS files,
       coalesce((SELECT has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE') AND p.prosecdef AND o.rolsuper
                   FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                   JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
                  WHERE n.nspname = 'reeve' AND p.proname = 'password_verifiers' AND p.pronargs = 0), false) AS helper,
       EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                 JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
                WHERE n.nspname = 'reeve' AND p.proname = 'password_verifiers' AND p.pronargs = 0 AND p.prosecdef AND o.rolsuper) AS helper_there,
       (SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements' AND has_schema_privilege(n.oid, 'USAGE')) AS statements,
       EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE s.name = 'pg_stat_statements.track') AS statements_loaded";

/// The answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Rights {
    /// All sessions and statements.
    pub stats: bool,
    /// Password verifiers themselves.
    pub authid: bool,
    /// Which cluster it is.
    pub control: bool,
    /// Views over configuration files that may be read.
    pub files: Vec<String>,
    /// The helper is there, belongs to a superuser, and may be called.
    pub helper: bool,
    /// The same, whether it may be called or not.
    pub helper_there: bool,
    /// The quoted schema of `pg_stat_statements`, if it can be asked here.
    pub statements: Option<String>,
}

impl Rights {
    /// Reads the row of [`QUERY`].
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let loaded: bool = row.try_get("statements_loaded")?;
        let statements: Option<String> = row.try_get("statements")?;
        Ok(Self {
            stats: row.try_get("stats")?,
            authid: row.try_get("authid")?,
            control: row.try_get("control")?,
            files: row.try_get("files")?,
            helper: row.try_get("helper")?,
            helper_there: row.try_get("helper_there")?,
            statements: statements.filter(|_| loaded),
        })
    }

    /// Verifiers are read through the helper unless the role may read the table anyway.
    pub(super) fn through_helper(&self, needs: Needs) -> bool {
        needs == Needs::Verifiers && self.helper
    }
}
