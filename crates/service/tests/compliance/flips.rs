//! Mutation tests: one setting, grant or line is flipped, and exactly the controls that are about it change; flipped back, all is as before.

use crate::common::{changed, facts, server};
use std::collections::BTreeSet;

struct Flip {
    controls: &'static [&'static str],
    change: &'static str,
    back: &'static str,
}

const fn sql(controls: &'static [&'static str], change: &'static str, back: &'static str) -> Flip {
    Flip { controls, change, back }
}

/// Statements are separated by `;;` where one must not be in a transaction with the next.
#[rustfmt::skip]
const FLIPS: &[Flip] = &[
    sql(&["AUTH-05"], "ALTER ROLE app SET password_encryption = 'md5'", "ALTER ROLE app RESET password_encryption"),
    sql(&["AUTH-05"], "ALTER SYSTEM SET password_encryption = 'md5';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET password_encryption;; SELECT pg_reload_conf()"),
    sql(&["AUTH-13"], "ALTER SYSTEM SET authentication_timeout = '300';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET authentication_timeout;; SELECT pg_reload_conf()"),
    sql(&["AUTH-15"], "ALTER ROLE app CONNECTION LIMIT -1", "ALTER ROLE app CONNECTION LIMIT 20"),
    sql(&["AUTHZ-01"], "ALTER ROLE old SUPERUSER", "ALTER ROLE old NOSUPERUSER"),
    sql(&["AUTHZ-02"], "GRANT postgres TO app", "REVOKE postgres FROM app"),
    sql(&["AUTHZ-03"], "GRANT pg_execute_server_program TO app", "REVOKE pg_execute_server_program FROM app"),
    sql(&["AUTHZ-03"], "GRANT pg_read_server_files TO reader;; GRANT reader TO app", "REVOKE reader FROM app;; REVOKE pg_read_server_files FROM reader"),
    sql(&["AUTHZ-04"], "GRANT pg_read_all_data TO app", "REVOKE pg_read_all_data FROM app"),
    sql(&["AUTHZ-05"], "ALTER ROLE app BYPASSRLS", "ALTER ROLE app NOBYPASSRLS"),
    sql(&["AUTHZ-06"], "GRANT CREATE ON SCHEMA public TO PUBLIC", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
    sql(&["AUTHZ-08"], "GRANT SELECT ON t TO PUBLIC", "REVOKE SELECT ON t FROM PUBLIC"),
    sql(&["AUTHZ-08"], "GRANT SELECT (secret) ON t TO PUBLIC", "REVOKE SELECT (secret) ON t FROM PUBLIC"),
    sql(&["AUTHZ-08"], "GRANT USAGE ON SEQUENCE s TO PUBLIC", "REVOKE USAGE ON SEQUENCE s FROM PUBLIC"),
    sql(&["AUTHZ-11"], "GRANT EXECUTE ON FUNCTION f() TO PUBLIC", "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC"),
    // A new function has no list of rights at all, which means that everybody may call it.
    sql(&["AUTHZ-11"], "SET ROLE maker; CREATE FUNCTION n() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT 1'; RESET ROLE", "DROP FUNCTION n()"),
    sql(&["AUTHZ-12"], "ALTER FUNCTION f() RESET search_path", "ALTER FUNCTION f() SET search_path = pg_catalog, pg_temp"),
    sql(&["AUTHZ-13"], "ALTER FUNCTION f() OWNER TO postgres", "ALTER FUNCTION f() OWNER TO maker"),
    sql(&["AUTHZ-14"], "ALTER DEFAULT PRIVILEGES FOR ROLE maker GRANT SELECT ON TABLES TO PUBLIC", "ALTER DEFAULT PRIVILEGES FOR ROLE maker REVOKE SELECT ON TABLES FROM PUBLIC"),
    sql(&["AUTHZ-15"], "GRANT SELECT ON t TO app WITH GRANT OPTION", "REVOKE SELECT ON t FROM app"),
    sql(&["AUTHZ-15"], "GRANT reader TO app WITH ADMIN OPTION", "REVOKE reader FROM app"),
    sql(&["AUTHZ-16"], "GRANT SET ON PARAMETER log_statement TO app", "REVOKE SET ON PARAMETER log_statement FROM app"),
    sql(&["AUTHZ-17"], "CREATE FUNCTION c(cstring) RETURNS int LANGUAGE internal AS 'int4in'", "DROP FUNCTION c(cstring)"),
    sql(&["AUTHZ-18"], "CREATE EXTENSION dblink SCHEMA ext", "DROP EXTENSION dblink"),
    sql(&["AUTHZ-19"], "CREATE EXTENSION hstore SCHEMA public", "DROP EXTENSION hstore"),
    sql(&["AUTHZ-20"], "COMMENT ON TABLE t IS 'psql postgres://u:hunter22@db/x'", "COMMENT ON TABLE t IS NULL"),
    sql(&["AUTHZ-20"], "ALTER ROLE app SET app.api_key = 'k1'", "ALTER ROLE app RESET app.api_key"),
    sql(&["AUTHZ-20"], "CREATE FUNCTION h() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM connect_to('host=x password=hunter22'); END $$", "DROP FUNCTION h()"),
    sql(&["AUTHZ-20"], "CREATE VIEW w AS SELECT 'AKIA0123456789ABCDEF'::text AS k", "DROP VIEW w"),
    sql(&["AUTHZ-21"], "CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'a', password 'b')", "DROP USER MAPPING FOR PUBLIC SERVER far"),
    sql(&["AUTHZ-21"], "CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'a', password_required 'false')", "DROP USER MAPPING FOR app SERVER far"),
    sql(&["RLS-01"], "ALTER TABLE mine DISABLE ROW LEVEL SECURITY", "ALTER TABLE mine ENABLE ROW LEVEL SECURITY"),
    sql(&["RLS-03"], "DROP POLICY mine_only ON mine", "CREATE POLICY mine_only ON mine TO app USING (id > 0)"),
    sql(&["RLS-04"], "CREATE POLICY o ON mine FOR SELECT USING (true)", "DROP POLICY o ON mine"),
    sql(&["RLS-04"], "CREATE POLICY o ON mine FOR INSERT TO app WITH CHECK (1 = 1)", "DROP POLICY o ON mine"),
    sql(&["RLS-05"], "ALTER TABLE mine NO FORCE ROW LEVEL SECURITY", "ALTER TABLE mine FORCE ROW LEVEL SECURITY"),
    sql(&["RLS-06"], "ALTER VIEW v RESET (security_invoker)", "ALTER VIEW v SET (security_invoker = true)"),
    sql(&["RLS-06"], "SET ROLE maker; CREATE VIEW vv AS SELECT * FROM v; RESET ROLE", "DROP VIEW vv"),
    sql(&["RLS-07"], "GRANT SELECT ON m TO reader", "REVOKE SELECT ON m FROM reader"),
    sql(&["RLS-08"], "ALTER POLICY own ON t USING (tenant = current_setting('app.tenant'))", "ALTER POLICY own ON t USING (tenant = CURRENT_USER)"),
    sql(&["RLS-09"], "GRANT SELECT ON par1 TO reader", "REVOKE SELECT ON par1 FROM reader"),
    sql(&["RLS-10"], "CREATE POLICY more ON mine TO app USING (id > 5)", "DROP POLICY more ON mine"),
    sql(&["RLS-11"], "ALTER FUNCTION g(text) LEAKPROOF", "ALTER FUNCTION g(text) NOT LEAKPROOF"),
    sql(&["LOG-02"], "ALTER SYSTEM SET log_connections = off;; SELECT pg_reload_conf()", "ALTER SYSTEM RESET log_connections;; SELECT pg_reload_conf()"),
    sql(&["LOG-03"], "ALTER SYSTEM SET log_disconnections = off;; SELECT pg_reload_conf()", "ALTER SYSTEM RESET log_disconnections;; SELECT pg_reload_conf()"),
    sql(&["LOG-04"], "ALTER SYSTEM SET log_line_prefix = '%m ';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET log_line_prefix;; SELECT pg_reload_conf()"),
    sql(&["LOG-05"], "ALTER SYSTEM SET log_statement = 'none';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET log_statement;; SELECT pg_reload_conf()"),
    sql(&["LOG-05", "LOG-08"], "ALTER ROLE app SET log_statement = 'none'", "ALTER ROLE app RESET log_statement"),
    // Set for Reeve's own role, the server's own value is no longer seen.
    sql(&["LOG-05", "LOG-08"], "ALTER ROLE reeve_monitor SET log_statement = 'none'", "ALTER ROLE reeve_monitor RESET log_statement"),
    sql(&["LOG-10"], "ALTER SYSTEM SET log_timezone = 'Europe/Berlin';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET log_timezone;; SELECT pg_reload_conf()"),
    sql(&["LOG-11"], "ALTER SYSTEM SET log_min_messages = 'fatal';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET log_min_messages;; SELECT pg_reload_conf()"),
    sql(&["LOG-12"], "ALTER SYSTEM SET debug_print_plan = on;; SELECT pg_reload_conf()", "ALTER SYSTEM RESET debug_print_plan;; SELECT pg_reload_conf()"),
    sql(&["LOG-13"], "ALTER SYSTEM SET log_replication_commands = off;; SELECT pg_reload_conf()", "ALTER SYSTEM RESET log_replication_commands;; SELECT pg_reload_conf()"),
    sql(&["CFG-01"], "ALTER SYSTEM SET max_connections = '77';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET max_connections;; SELECT pg_reload_conf()"),
    sql(&["CFG-03"], "ALTER SYSTEM SET full_page_writes = off;; SELECT pg_reload_conf()", "ALTER SYSTEM RESET full_page_writes;; SELECT pg_reload_conf()"),
    sql(&["CFG-05"], "ALTER ROLE app SET zero_damaged_pages = on", "ALTER ROLE app RESET zero_damaged_pages"),
    sql(&["CFG-08"], "ALTER SYSTEM SET restore_command = 'curl https://u:hunter22@store/%f -o %p';; SELECT pg_reload_conf()", "ALTER SYSTEM RESET restore_command;; SELECT pg_reload_conf()"),
    sql(&["AUTHZ-20", "PRIV-08"], "ALTER DATABASE postgres SET anon.salt = 'x1'", "ALTER DATABASE postgres RESET anon.salt"),
    sql(&["AUTH-04"], "SET password_encryption = 'md5'; ALTER ROLE old PASSWORD 'b'; RESET password_encryption", "ALTER ROLE old PASSWORD NULL"),
];

struct Line {
    controls: &'static [&'static str],
    file: &'static str,
    line: &'static str,
}

#[rustfmt::skip]
const LINES: &[Line] = &[
    Line { controls: &["AUTH-01"], file: "pg_hba.conf", line: "host app app 127.0.0.1/32 trust" },
    Line { controls: &["AUTH-02"], file: "pg_hba.conf", line: "local app app trust" },
    Line { controls: &["AUTH-03", "ENC-03"], file: "pg_hba.conf", line: "host app app 10.0.0.0/8 password" },
    Line { controls: &["AUTH-07", "ENC-03"], file: "pg_hba.conf", line: "host app app 0.0.0.0/0 scram-sha-256" },
    Line { controls: &["AUTH-07", "ENC-03"], file: "pg_hba.conf", line: "host app app all scram-sha-256" },
    Line { controls: &["AUTH-07", "ENC-03"], file: "pg_hba.conf", line: "host app app 2000::/3 scram-sha-256" },
    Line { controls: &["AUTH-08", "AUTH-09", "ENC-03"], file: "pg_hba.conf", line: "host all all 10.0.0.0/8 scram-sha-256" },
    Line { controls: &["AUTH-09", "ENC-03"], file: "pg_hba.conf", line: "host app postgres 10.0.0.0/8 scram-sha-256" },
    Line { controls: &["ENC-03"], file: "pg_hba.conf", line: "host app app samenet scram-sha-256" },
    Line { controls: &["AUTH-01", "AUTH-02", "AUTH-03", "AUTH-07", "AUTH-08", "AUTH-09", "AUTH-10", "ENC-03"], file: "pg_hba.conf", line: "host nonsense" },
    Line { controls: &["AUTH-11"], file: "pg_ident.conf", line: "m /^(.*)$ postgres" },
    Line { controls: &["AUTH-10", "CFG-01"], file: "postgresql.auto.conf", line: "work_mem = 'much'" },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_each_flip_changes_exactly_the_controls_that_are_about_it() {
    let server = server().await;
    server.run(&crate::common::helper()).await;
    let mut wrong = Vec::new();
    // Mappings to foreign servers are shown whole to superusers only.
    let reads = |controls: &[&str]| if controls.contains(&"AUTHZ-21") { "postgres" } else { "reeve_monitor" };
    for flip in FLIPS {
        let user = reads(flip.controls);
        let before = server.scan(user).await;
        server.run(flip.change).await;
        let after = server.scan(user).await;
        server.run(flip.back).await;
        judge(&mut wrong, flip.controls, flip.change, &before, &after, &server.scan(user).await);
    }
    for line in LINES {
        let before = server.scan("reeve_monitor").await;
        let former = server.append(line.file, line.line);
        let after = server.scan("reeve_monitor").await;
        server.restore(line.file, &former);
        judge(&mut wrong, line.controls, line.line, &before, &after, &server.scan("reeve_monitor").await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn judge(
    wrong: &mut Vec<String>,
    controls: &[&str],
    what: &str,
    before: &reeve_model::compliance::Scan,
    after: &reeve_model::compliance::Scan,
    again: &reeve_model::compliance::Scan,
) {
    let expected: BTreeSet<String> = controls.iter().map(|c| (*c).to_owned()).collect();
    let found = changed(before, after);
    if found != expected {
        let new: Vec<_> = facts(after).difference(&facts(before)).cloned().collect();
        wrong.push(format!("{what}: expected {expected:?}, changed {found:?}: {new:?}"));
    }
    let worse = controls.iter().filter(|c| after.result(c).is_some_and(|r| matches!(r.state.word(), "fail" | "unknown")));
    if worse.count() != controls.len() {
        wrong.push(format!("{what}: not all of {expected:?} fail or are unknown"));
    }
    if !changed(before, again).is_empty() {
        wrong.push(format!("{what}: not as before after the way back: {:?}", changed(before, again)));
    }
}
