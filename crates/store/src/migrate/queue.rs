//! The tables of the queue: made by the library that owns them, in a schema of theirs, and opened to the runtime login.

use super::{Domain, MigrateError, lock};
use crate::queue::SCHEMA;
use graphile_worker::WorkerUtils;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// Brings the queue's tables up to date and lets the runtime login use them. Safe to repeat and to run twice at once; to be called after
/// [`up`](super::up) of [`Domain::Main`]. `connection` must be the owner's, and `owner` lead to the same database with the same login.
///
/// # Errors
/// See [`MigrateError`].
pub async fn install(connection: &mut PgConnection, owner: PgConnectOptions, runtime_login: &str) -> Result<(), MigrateError> {
    let mut step = connection.begin().await?;
    // Held while the library works on a connection of its own.
    lock(&mut step, Domain::Main).await?;
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(owner.disable_statement_logging());
    let made = WorkerUtils::new(pool.clone(), SCHEMA).migrate().await;
    pool.close().await;
    made.map_err(|error| MigrateError::Queue(error.to_string()))?;
    open(&mut step, runtime_login).await?;
    step.commit().await?;
    Ok(())
}

/// Its tables have row-level security, which lets nobody but their owner in.
async fn open(step: &mut PgConnection, runtime_login: &str) -> Result<(), MigrateError> {
    let same: bool = sqlx::query_scalar("SELECT current_user = $1").bind(runtime_login).fetch_one(&mut *step).await?;
    if same {
        return Ok(());
    }
    let login = format!("\"{}\"", runtime_login.replace('"', "\"\""));
    let mut script = format!(
        "GRANT USAGE ON SCHEMA {SCHEMA} TO {login};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {login};
         REVOKE INSERT, UPDATE, DELETE ON {SCHEMA}.migrations FROM {login};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {login};\n"
    );
    // Only what is missing: a policy that is made anew waits for whoever works at the moment.
    let closed: Vec<(String, bool)> = sqlx::query_as(
        "SELECT c.relname::text, EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polrelid = c.oid AND polname = 'reeve') FROM pg_catalog.pg_class c
         WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND c.relrowsecurity AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'reeve'
             AND p.polroles = array(SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $2))",
    )
    .bind(SCHEMA)
    .bind(runtime_login)
    .fetch_all(&mut *step)
    .await?;
    for (table, of_another) in closed {
        if of_another {
            script.push_str(&format!("DROP POLICY reeve ON {SCHEMA}.{table};\n"));
        }
        script.push_str(&format!("CREATE POLICY reeve ON {SCHEMA}.{table} TO {login} USING (true) WITH CHECK (true);\n"));
    }
    sqlx::raw_sql(AssertSqlSafe(script)).execute(step).await?;
    Ok(())
}
