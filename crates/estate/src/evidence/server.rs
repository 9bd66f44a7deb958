//! Questions about the server as a whole.

use super::question::{Needs, Question};
use crate::probe::{Keyed, Query, Scope, Variant};

/// A question that is asked once and reads the same on every version.
const fn once(id: &'static str, title: &'static str, needs: Needs, variants: &'static [Variant]) -> Question {
    Question { id, title, scope: Scope::Server, needs, query: Query { marker: id, keyed: Keyed::Server, variants } }
}

/// Version, and primary or standby.
pub(super) static SERVER: Question = once(
    "server",
    "The server's version",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT current_setting('server_version_num') AS version_num, pg_is_in_recovery()::text AS standby",
    }],
);

/// Which cluster it is, for whoever reads the evidence later. Apart from the version: some managed servers keep the function from everybody.
pub(super) static SYSTEM: Question = once(
    "system",
    "The cluster's identity",
    Needs::Control,
    &[Variant { since: 13, sql: "SELECT s.system_identifier::text AS system_identifier FROM pg_catalog.pg_control_system() s" }],
);

/// Settings that controls judge. A setting that only `pg_read_all_settings` may see is a missing row, never a default.
pub(super) static SETTINGS: Question = once("settings", "Settings", Needs::Login, &[Variant { since: 13, sql: "
SELECT s.name, s.setting, s.source, s.context
  FROM pg_catalog.pg_settings s
 WHERE s.name IN ('allow_system_table_mods', 'archive_mode', 'auth_delay.milliseconds', 'authentication_timeout', 'data_checksums',
   'debug_print_parse', 'debug_print_plan', 'debug_print_rewritten', 'fsync', 'full_page_writes', 'ignore_checksum_failure',
   'ignore_system_indexes', 'listen_addresses', 'local_preload_libraries', 'log_connections', 'log_destination', 'log_disconnections',
   'log_error_verbosity', 'log_file_mode', 'log_line_prefix', 'log_min_duration_statement', 'log_min_error_statement', 'log_min_messages', 'log_parameter_max_length',
   'log_parameter_max_length_on_error', 'log_replication_commands', 'log_statement', 'log_timezone', 'logging_collector',
   'password_encryption', 'pgaudit.log', 'pgaudit.log_parameter', 'pgaudit.role', 'row_security', 'session_preload_libraries',
   'shared_preload_libraries', 'ssl', 'ssl_ciphers', 'ssl_min_protocol_version', 'ssl_prefer_server_ciphers', 'synchronous_commit',
   'unix_socket_permissions', 'zero_damaged_pages')
 ORDER BY s.name" }]);

/// Settings that often hold a secret: whether they do, never what.
pub(super) static SETTING_SECRETS: Question = once(
    "setting_secrets",
    "Settings that may hold secrets",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT s.name, (s.setting ~* {secret in text})::text AS secret, (s.setting <> '')::text AS used
  FROM pg_catalog.pg_settings s
 WHERE s.name IN ('archive_cleanup_command', 'archive_command', 'primary_conninfo', 'recovery_end_command', 'restore_command',
                  'ssl_passphrase_command')
 ORDER BY s.name",
    }],
);

/// Settings that were changed and wait for a restart.
pub(super) static PENDING_RESTART: Question = once(
    "pending_restart",
    "Settings that wait for a restart",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT s.name FROM pg_catalog.pg_settings s WHERE s.pending_restart ORDER BY s.name",
    }],
);

/// Settings of single roles and databases. Values are shown only of settings that can't hold a secret.
pub(super) static OVERRIDES: Question = once(
    "overrides",
    "Settings of roles and databases",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT d.datname::text AS database, r.rolname::text AS role, c.name,
       CASE WHEN c.name ~ '^(log_|debug_print_|pgaudit\\.)' OR c.name IN ('allow_system_table_mods', 'fsync', 'full_page_writes',
              'ignore_checksum_failure', 'ignore_system_indexes', 'local_preload_libraries', 'password_encryption', 'row_security',
              'session_preload_libraries', 'synchronous_commit', 'zero_damaged_pages')
            THEN c.value END AS value,
       ((c.name ~* {secret name} OR c.value ~* {secret in text}) AND c.value <> '')::text AS secret,
       coalesce(r.rolsuper, false)::text AS of_superuser
  FROM pg_catalog.pg_db_role_setting s
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
 CROSS JOIN LATERAL (SELECT split_part(u.text, '=', 1) AS name, substr(u.text, strpos(u.text, '=') + 1) AS value
                       FROM unnest(s.setconfig) u(text)) c
 ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3",
    }],
);

/// Every role with its attributes. `bootstrap`: made by initdb; `predefined`: comes with the server.
pub(super) static ROLES: Question = once(
    "roles",
    "Roles",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT r.rolname::text AS role, r.rolsuper::text AS super, r.rolcreaterole::text AS createrole, r.rolcreatedb::text AS createdb,
       r.rolreplication::text AS replication, r.rolbypassrls::text AS bypassrls, r.rolcanlogin::text AS login,
       r.rolconnlimit::text AS connection_limit, (r.oid = 10)::text AS bootstrap,
       (r.oid < 16384 AND r.rolname LIKE 'pg\\_%')::text AS predefined
  FROM pg_catalog.pg_roles r ORDER BY r.rolname",
    }],
);

/// Who is a member of what. Before 16 every membership allows SET ROLE, and inheriting is the member's attribute.
pub(super) static MEMBERSHIPS: Question = once(
    "memberships",
    "Memberships of roles",
    Needs::Login,
    &[
        Variant {
            since: 13,
            sql: "
SELECT m.rolname::text AS member, g.rolname::text AS granted, a.admin_option::text AS admin, m.rolinherit::text AS inherit, 'true' AS set
  FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles m ON m.oid = a.member JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
 ORDER BY 1, 2",
        },
        Variant {
            since: 16,
            sql: "
SELECT m.rolname::text AS member, g.rolname::text AS granted, bool_or(a.admin_option)::text AS admin,
       bool_or(a.inherit_option)::text AS inherit, bool_or(a.set_option)::text AS set
  FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles m ON m.oid = a.member JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
 GROUP BY 1, 2 ORDER BY 1, 2",
        },
    ],
);

/// Reeve's own role on this server.
pub(super) static OWN_ROLE: Question = once(
    "own_role",
    "Reeve's own role",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT r.rolname::text AS role, r.rolsuper::text AS super, r.rolcreaterole::text AS createrole, r.rolcreatedb::text AS createdb,
       r.rolreplication::text AS replication, r.rolbypassrls::text AS bypassrls,
       (SELECT count(*) FROM pg_catalog.pg_shdepend d
         WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'o')::text AS owned
  FROM pg_catalog.pg_roles r WHERE r.rolname = current_user",
    }],
);

/// The rules for signing in, as the file says them now. Options that hold a secret are cut at the equals sign.
pub(super) static HBA: Question = once("hba", "pg_hba.conf", Needs::File { view: "pg_hba_file_rules", function: "pg_hba_file_rules()" }, &[
    Variant { since: 13, sql: "
SELECT h.line_number::text AS line, 'pg_hba.conf' AS file, h.type, array_to_string(h.database, E'\\n') AS databases,
       array_to_string(h.user_name, E'\\n') AS users, h.address, h.netmask, h.auth_method AS method,
       (SELECT string_agg(regexp_replace(o, '^(\\w*(passwd|secret)\\w*)=.*$', '\\1=…'), E'\\n') FROM unnest(h.options) o) AS options, h.error
  FROM pg_catalog.pg_hba_file_rules h ORDER BY h.line_number" },
    Variant { since: 16, sql: "
SELECT h.line_number::text AS line, regexp_replace(h.file_name, '^.*/', '') AS file, h.type, array_to_string(h.database, E'\\n') AS databases,
       array_to_string(h.user_name, E'\\n') AS users, h.address, h.netmask, h.auth_method AS method,
       (SELECT string_agg(regexp_replace(o, '^(\\w*(passwd|secret)\\w*)=.*$', '\\1=…'), E'\\n') FROM unnest(h.options) o) AS options, h.error
  FROM pg_catalog.pg_hba_file_rules h ORDER BY h.rule_number NULLS LAST, h.file_name, h.line_number" },
]);

/// Which outside name may become which role.
pub(super) static IDENT: Question = once(
    "ident",
    "pg_ident.conf",
    Needs::File { view: "pg_ident_file_mappings", function: "pg_ident_file_mappings()" },
    &[
        Variant {
            since: 15,
            sql: "
SELECT i.line_number::text AS line, 'pg_ident.conf' AS file, i.map_name AS map, i.sys_name AS outside, i.pg_username AS role, i.error
  FROM pg_catalog.pg_ident_file_mappings i ORDER BY i.line_number",
        },
        Variant {
            since: 16,
            sql: "
SELECT i.line_number::text AS line, regexp_replace(i.file_name, '^.*/', '') AS file, i.map_name AS map, i.sys_name AS outside,
       i.pg_username AS role, i.error
  FROM pg_catalog.pg_ident_file_mappings i ORDER BY i.map_number NULLS LAST, i.file_name, i.line_number",
        },
    ],
);

/// Lines of configuration files that are wrong, or that wait for a restart, which the server does not tell apart; values stay there.
pub(super) static FILES: Question = once(
    "files",
    "Configuration files",
    Needs::File { view: "pg_file_settings", function: "pg_show_all_file_settings()" },
    &[Variant {
        since: 13,
        sql: "
SELECT f.name, regexp_replace(f.sourcefile, '^.*/', '') AS file, f.sourceline::text AS line, f.error,
       EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE s.name = f.name AND s.context = 'postmaster')::text AS restart
  FROM pg_catalog.pg_file_settings f WHERE f.error IS NOT NULL ORDER BY f.seqno",
    }],
);

/// What [`VERIFIERS`] reads from where the helper is installed.
pub(super) const HELPER: &str =
    "SELECT v.role_name::text AS role, v.method::text AS method, v.iterations::text AS iterations FROM reeve.password_verifiers() v";
/// What [`VERIFIERS`] reads from where the role may read the verifiers themselves: only their kind leaves the server.
pub(super) const AUTHID: &str = "SELECT a.rolname::text AS role,
       CASE WHEN a.rolpassword IS NULL THEN 'none' WHEN a.rolpassword ~ '^SCRAM-SHA-256\\$' THEN 'scram-sha-256'
            WHEN a.rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'md5' ELSE 'other' END AS method,
       substring(a.rolpassword FROM '^SCRAM-SHA-256\\$(\\d+):') AS iterations
  FROM pg_catalog.pg_authid a WHERE a.rolcanlogin";

/// Of which kind each login's password is stored. Never the verifier.
pub(super) static VERIFIERS: Question = once(
    "verifiers",
    "Kinds of stored passwords",
    Needs::Verifiers,
    &[Variant {
        since: 13,
        sql: "
SELECT q.role, q.method, q.iterations FROM ({verifiers}) q ORDER BY q.role",
    }],
);

/// Databases with age and damage.
pub(super) static DATABASES: Question = once(
    "databases",
    "Databases",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT d.datname::text AS database, d.datistemplate::text AS template, age(d.datfrozenxid)::text AS xid_age,
       coalesce(s.checksum_failures, 0)::text AS checksum_failures
  FROM pg_catalog.pg_database d LEFT JOIN pg_catalog.pg_stat_database s ON s.datid = d.oid ORDER BY d.datname",
    }],
);

/// Sessions by encryption. Addresses stay there: only whether they are of this machine.
pub(super) static SESSIONS: Question = once(
    "sessions",
    "Sessions",
    Needs::Monitor,
    &[Variant {
        since: 13,
        sql: "
SELECT a.usename::text AS role, a.datname::text AS database,
       CASE WHEN a.client_addr IS NULL THEN 'socket' WHEN a.client_addr <<= '127.0.0.0/8' OR a.client_addr <<= '::1/128' THEN 'loopback'
            ELSE 'network' END AS origin,
       (coalesce(s.ssl, false) OR coalesce(g.encrypted, false))::text AS encrypted, count(*)::text AS sessions
  FROM pg_catalog.pg_stat_activity a
  LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = a.pid LEFT JOIN pg_catalog.pg_stat_gssapi g ON g.pid = a.pid
 WHERE a.backend_type = 'client backend' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    }],
);

/// Standbys and subscribers that stream from here.
pub(super) static REPLICATION: Question = once("replication", "Standbys", Needs::Monitor, &[Variant { since: 13, sql: "
SELECT r.application_name AS name, r.usename::text AS role, r.state, r.sync_state,
       CASE WHEN r.client_addr IS NULL THEN 'socket' WHEN r.client_addr <<= '127.0.0.0/8' OR r.client_addr <<= '::1/128' THEN 'loopback'
            ELSE 'network' END AS origin,
       (coalesce(s.ssl, false) OR coalesce(g.encrypted, false))::text AS encrypted,
       greatest(0, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, r.replay_lsn))::int8::text AS lag_bytes
  FROM pg_catalog.pg_stat_replication r
  LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = r.pid LEFT JOIN pg_catalog.pg_stat_gssapi g ON g.pid = r.pid
 ORDER BY 1, 2" }]);

/// How a standby is connected to its source; of the connection string only the mode of encryption.
pub(super) static RECEIVER: Question = once(
    "receiver",
    "The standby's connection",
    Needs::Monitor,
    &[Variant {
        since: 13,
        sql: "
SELECT w.status, coalesce(substring(w.conninfo FROM 'sslmode=([a-z-]+)'), 'prefer') AS tls_mode,
       (coalesce(substring(w.conninfo FROM '\\mhost=([^ ]*)'), '') ~ '^(/|$)')::text AS socket
  FROM pg_catalog.pg_stat_wal_receiver w",
    }],
);

/// Replication slots.
pub(super) static SLOTS: Question = once(
    "slots",
    "Replication slots",
    Needs::Login,
    &[
        Variant {
            since: 13,
            sql: "
SELECT s.slot_name::text AS slot, s.slot_type AS kind, s.active::text, s.wal_status, NULL::text AS inactive_s, NULL::text AS invalid
  FROM pg_catalog.pg_replication_slots s ORDER BY 1",
        },
        Variant {
            since: 17,
            sql: "
SELECT s.slot_name::text AS slot, s.slot_type AS kind, s.active::text, s.wal_status,
       extract(epoch FROM now() - s.inactive_since)::int8::text AS inactive_s, s.invalidation_reason AS invalid
  FROM pg_catalog.pg_replication_slots s ORDER BY 1",
        },
    ],
);

/// How archiving goes.
pub(super) static ARCHIVER: Question = once(
    "archiver",
    "The archiver",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT a.archived_count::text AS archived, a.failed_count::text AS failed,
       extract(epoch FROM now() - a.last_archived_time)::int8::text AS last_archived_s,
       extract(epoch FROM now() - a.last_failed_time)::int8::text AS last_failed_s
  FROM pg_catalog.pg_stat_archiver a",
    }],
);

/// Settings that roles were allowed to change.
pub(super) static PARAMETER_ACL: Question = once(
    "parameter_acl",
    "Rights on settings",
    Needs::Login,
    &[Variant {
        since: 15,
        sql: "
SELECT p.parname AS name, CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee)::text END AS grantee,
       (x.grantee = 0)::text AS public, string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges
  FROM pg_catalog.pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) x
 WHERE x.grantee <> 10 GROUP BY 1, 2, 3 ORDER BY 1, 2",
    }],
);
