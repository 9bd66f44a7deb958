//! A server on which every control passes or has a reason not to apply, and what makes each one fail.

use reeve_model::{
    TargetName, UnixMs,
    compliance::{DatabaseRead, Evidence, EvidenceSet},
};

/// 2026-11-26, while the tables of releases are young.
pub const NOW: UnixMs = UnixMs(1_795_651_200_000);
/// Stands for a missing value.
pub const NIL: &str = "∅";

/// An answer; rows are written with `|` between the values.
pub fn answer(id: &str, database: Option<&str>, columns: &str, rows: &[&str]) -> Evidence {
    let value = |v: &str| (v != NIL).then(|| v.replace("\\n", "\n"));
    Evidence {
        id: id.to_owned(),
        database: database.map(str::to_owned),
        query: format!("-- {id}"),
        columns: columns.split(' ').map(str::to_owned).collect(),
        rows: rows.iter().map(|r| r.split('|').map(value).collect()).collect(),
        row_count: rows.len() as u64,
        at: NOW,
        elapsed_ms: 1,
        hash: String::new(),
        missing: None,
    }
}

const SETTINGS: &[(&str, &str)] = &[
    ("allow_system_table_mods", "off"),
    ("archive_mode", "on"),
    ("auth_delay.milliseconds", "500"),
    ("authentication_timeout", "60"),
    ("data_checksums", "on"),
    ("debug_print_parse", "off"),
    ("debug_print_plan", "off"),
    ("debug_print_rewritten", "off"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("ignore_checksum_failure", "off"),
    ("ignore_system_indexes", "off"),
    ("listen_addresses", "10.0.0.5"),
    ("local_preload_libraries", ""),
    ("log_connections", "on"),
    ("log_destination", "stderr"),
    ("log_disconnections", "on"),
    ("log_error_verbosity", "default"),
    ("log_file_mode", "0600"),
    ("log_line_prefix", "%m [%p] %u@%d %h "),
    ("log_min_error_statement", "error"),
    ("log_min_messages", "warning"),
    ("log_replication_commands", "on"),
    ("log_statement", "ddl"),
    ("log_timezone", "UTC"),
    ("logging_collector", "on"),
    ("password_encryption", "scram-sha-256"),
    ("pgaudit.log", "ddl, role"),
    ("session_preload_libraries", ""),
    ("shared_preload_libraries", "pg_stat_statements,pgaudit,auth_delay,passwordcheck"),
    ("ssl", "on"),
    ("ssl_ciphers", "ECDHE+AESGCM:!aNULL"),
    ("ssl_min_protocol_version", "TLSv1.2"),
    ("ssl_prefer_server_ciphers", "on"),
    ("unix_socket_permissions", "0770"),
    ("zero_damaged_pages", "off"),
];

const HBA: &str = "line file type databases users address netmask method options error";
const ROLES: &str = "role super createrole createdb replication bypassrls login connection_limit bootstrap predefined";
const OVERRIDES: &str = "database role name value secret of_superuser";
const BACKUPS: &str = "database there backups plain last_good_ms proven_ms last_drill";
const HOUR_MS: i64 = 3_600_000;
const FUNCTIONS: &str = "schema function kind definer owner owner_super language trusted leakproof pinned public_execute trigger";
const POLICIES: &str = "schema table policy permissive command roles public using check reads_setting unguarded user_claims";

/// PostgreSQL 15 with one database, read in full.
pub fn good() -> EvidenceSet {
    let app = Some("app");
    let settings: Vec<String> = SETTINGS.iter().map(|(n, v)| format!("{n}|{v}|configuration file|sighup")).collect();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let items = vec![
        answer("server", None, "version_num standby", &["150020|false"]),
        answer("system", None, "system_identifier", &["7"]),
        answer("connection", None, "tls_mode encrypted socket", &["verify-full|true|false"]),
        answer("settings", None, "name setting source context", &settings),
        answer("setting_secrets", None, "name secret used", &["archive_command|false|true", "ssl_passphrase_command|false|false"]),
        answer("pending_restart", None, "name", &[]),
        answer("overrides", None, OVERRIDES, &["app|∅|log_statement|all|false|false"]),
        answer(
            "roles",
            None,
            ROLES,
            &[
                "postgres|true|true|true|true|true|true|-1|true|false",
                "pg_read_all_data|false|false|false|false|false|false|-1|false|true",
                "app|false|false|false|false|false|true|20|false|false",
                "reeve|false|false|false|false|false|true|5|false|false",
            ],
        ),
        answer("memberships", None, "member granted admin inherit set", &["reeve|pg_monitor|false|true|true"]),
        answer("own_role", None, "role super createrole createdb replication bypassrls owned", &["reeve|false|false|false|false|false|0"]),
        answer(
            "hba",
            None,
            HBA,
            &[
                "1|pg_hba.conf|local|all|all|∅|∅|peer|∅|∅",
                "2|pg_hba.conf|host|all|postgres|all|∅|reject|∅|∅",
                "3|pg_hba.conf|hostssl|app|app|10.0.0.0|255.0.0.0|scram-sha-256|∅|∅",
                "4|pg_hba.conf|host|all|all|127.0.0.1|255.255.255.255|scram-sha-256|∅|∅",
            ],
        ),
        answer("ident", None, "line file map outside role error", &["1|pg_ident.conf|m|alice|app|∅"]),
        answer("files", None, "name file line error restart", &[]),
        answer("verifiers", None, "role method iterations", &["app|scram-sha-256|4096", "postgres|none|∅"]),
        answer("databases", None, "database template xid_age checksum_failures", &["app|false|1000|0", "template1|true|1000|0"]),
        answer("sessions", None, "role database origin encrypted sessions", &["app|app|network|true|3", "postgres|app|socket|false|1"]),
        answer("replication", None, "name role state sync_state origin encrypted lag_bytes", &["s1|rep|streaming|async|network|true|0"]),
        answer("receiver", None, "status tls_mode socket", &[]),
        answer("slots", None, "slot kind active wal_status inactive_s invalid", &["s1|physical|true|reserved|∅|∅"]),
        answer("archiver", None, "archived failed last_archived_s last_failed_s", &["10|1|60|3600"]),
        answer("backups", None, BACKUPS, &[&format!("app|true|3|0|{}|{}|passed", NOW.0 - HOUR_MS, NOW.0 - 24 * HOUR_MS)]),
        answer("parameter_acl", None, "name grantee public privileges", &["work_mem|app|false|SET"]),
        answer("counts", app, "relations tables views functions", &["10|8|1|4"]),
        answer("schemas", app, "schema owner public_create public_usage", &["public|pg_database_owner|false|true"]),
        answer("public_grants", app, "schema relation column kind privileges", &[]),
        answer("grantable", app, "kind schema object grantee privileges", &[]),
        answer("default_acl", app, "role schema objects public privileges", &["app|∅|TABLES|false|∅", "app|∅|FUNCTIONS|true|EXECUTE"]),
        answer(
            "extensions",
            app,
            "extension version schema default_version relocatable",
            &["plpgsql|1.0|pg_catalog|1.0|false", "anon|2.3|anon|2.3|false"],
        ),
        answer("remotes", app, "kind object role public visible password not_required", &["mapping|far|app|false|true|true|false"]),
        answer(
            "rls_tables",
            app,
            "schema table enabled forced owner owner_login owner_bypasses policies",
            &["public|t|true|true|app|true|false|1"],
        ),
        answer("policies", app, POLICIES, &["public|t|own|true|ALL|app|false|(tenant = CURRENT_USER)|∅|false|false|false"]),
        answer(
            "rls_views",
            app,
            "schema view kind owner invoker tables readers",
            &["public|v|v|app|true|public.t|reader", "public|m|m|app|false|public.t|∅"],
        ),
        answer("rls_children", app, "schema table parent enabled grantees", &["public|t_1|public.t|false|∅"]),
        answer("functions", app, FUNCTIONS, &["public|public.f()|FUNCTION|true|app|false|plpgsql|true|false|true|false|false"]),
        answer("superuser_views", app, "schema view owner readers", &[]),
        answer("secrets", app, "kind object", &[]),
        answer("statements", app, "statements secrets", &["100|0"]),
    ];
    EvidenceSet {
        target: TargetName::new("test").expect("a name"),
        server: "db.example:5432".to_owned(),
        version_num: 150_020,
        version: "PostgreSQL 15.20".to_owned(),
        standby: false,
        role: "reeve".to_owned(),
        started_at: NOW,
        finished_at: NOW,
        databases: vec![DatabaseRead { name: "app".to_owned(), missing: None }],
        items,
    }
}

/// One answer of the set.
pub fn item<'a>(set: &'a mut EvidenceSet, id: &str) -> &'a mut Evidence {
    set.items.iter_mut().find(|e| e.id == id).unwrap_or_else(|| panic!("there is evidence {id}"))
}

/// One more row.
pub fn add(set: &mut EvidenceSet, id: &str, row: &str) {
    let item = item(set, id);
    item.rows.push(row.split('|').map(|v| (v != NIL).then(|| v.replace("\\n", "\n"))).collect());
    assert_eq!(item.rows[item.rows.len() - 1].len(), item.columns.len(), "{id}: {row}");
    item.row_count += 1;
}

/// Another value of a setting.
pub fn set(evidence: &mut EvidenceSet, name: &str, value: &str) {
    let row = item(evidence, "settings").rows.iter_mut().find(|r| r[0].as_deref() == Some(name));
    row.unwrap_or_else(|| panic!("there is a setting {name}"))[1] = Some(value.to_owned());
}

/// What is changed for one control to fail, and whatever else must fail with it.
pub struct Mutation {
    /// The control.
    pub control: &'static str,
    /// Others that must notice the same thing.
    pub also: &'static [&'static str],
    /// The change.
    pub change: fn(&mut EvidenceSet),
}

const fn flip(control: &'static str, change: fn(&mut EvidenceSet)) -> Mutation {
    Mutation { control, also: &[], change }
}

const fn with(control: &'static str, also: &'static [&'static str], change: fn(&mut EvidenceSet)) -> Mutation {
    Mutation { control, also, change }
}

/// One (or several) for every control.
#[rustfmt::skip]
pub const MUTATIONS: &[Mutation] = &[
    flip("AUTH-01", |s| add(s, "hba", "5|pg_hba.conf|host|app|app|127.0.0.1|255.255.255.255|trust|∅|∅")),
    flip("AUTH-02", |s| add(s, "hba", "5|pg_hba.conf|local|app|app|∅|∅|trust|∅|∅")),
    with("AUTH-03", &["ENC-03"], |s| add(s, "hba", "5|pg_hba.conf|host|app|app|10.1.0.0|255.255.0.0|password|∅|∅")),
    flip("AUTH-04", |s| add(s, "verifiers", "old|md5|∅")),
    flip("AUTH-05", |s| set(s, "password_encryption", "md5")),
    flip("AUTH-05", |s| add(s, "overrides", "∅|app|password_encryption|md5|false|false")),
    flip("AUTH-06", |s| add(s, "verifiers", "weak|scram-sha-256|1000")),
    flip("AUTH-07", |s| add(s, "hba", "5|pg_hba.conf|hostssl|app|app|0.0.0.0|0.0.0.0|scram-sha-256|∅|∅")),
    flip("AUTH-07", |s| add(s, "hba", "5|pg_hba.conf|hostssl|app|app|128.0.0.0|128.0.0.0|scram-sha-256|∅|∅")),
    flip("AUTH-08", |s| add(s, "hba", "5|pg_hba.conf|hostssl|all|all|10.0.0.0|255.0.0.0|scram-sha-256|∅|∅")),
    flip("AUTH-09", |s| { item(s, "hba").rows[1][7] = Some("scram-sha-256".to_owned()); item(s, "hba").rows[1][5] = Some("10.0.0.1".to_owned());
        item(s, "hba").rows[1][6] = Some("255.255.255.255".to_owned()); item(s, "hba").rows[1][2] = Some("hostssl".to_owned()); }),
    with("AUTH-10", &["CFG-01"], |s| add(s, "files", "work_mem|postgresql.conf|9|setting could not be applied|false")),
    flip("AUTH-11", |s| add(s, "ident", "2|pg_ident.conf|m|/^(.*)$|postgres|∅")),
    flip("AUTH-12", |s| set(s, "shared_preload_libraries", "pg_stat_statements,pgaudit,auth_delay")),
    flip("AUTH-13", |s| set(s, "authentication_timeout", "600")),
    flip("AUTH-14", |s| set(s, "listen_addresses", "*")),
    flip("AUTH-15", |s| item(s, "roles").rows[2][7] = Some("-1".to_owned())),
    flip("AUTHZ-01", |s| add(s, "roles", "boss|true|true|true|true|true|false|-1|false|false")),
    flip("AUTHZ-02", |s| add(s, "memberships", "app|postgres|false|false|true")),
    flip("AUTHZ-03", |s| add(s, "memberships", "app|pg_read_server_files|false|true|true")),
    flip("AUTHZ-04", |s| add(s, "memberships", "app|pg_read_all_data|false|true|true")),
    flip("AUTHZ-05", |s| item(s, "roles").rows[2][5] = Some("true".to_owned())),
    flip("AUTHZ-06", |s| add(s, "schemas", "sales|app|true|true")),
    flip("AUTHZ-08", |s| add(s, "public_grants", "public|t|∅|r|SELECT")),
    flip("AUTHZ-11", |s| item(s, "functions").rows[0][10] = Some("true".to_owned())),
    flip("AUTHZ-12", |s| item(s, "functions").rows[0][9] = Some("false".to_owned())),
    flip("AUTHZ-13", |s| item(s, "functions").rows[0][5] = Some("true".to_owned())),
    flip("AUTHZ-14", |s| add(s, "default_acl", "app|∅|TABLES|true|SELECT")),
    flip("AUTHZ-15", |s| add(s, "grantable", "TABLE|public|t|app|SELECT")),
    flip("AUTHZ-16", |s| add(s, "parameter_acl", "log_statement|app|false|SET")),
    flip("AUTHZ-17", |s| add(s, "functions", "public|public.g()|FUNCTION|false|app|false|plpython3u|false|false|false|false|false")),
    flip("AUTHZ-18", |s| add(s, "extensions", "dblink|1.2|far|1.2|true")),
    flip("AUTHZ-19", |s| add(s, "extensions", "hstore|1.8|public|1.8|true")),
    flip("AUTHZ-20", |s| add(s, "secrets", "function|public.f()")),
    flip("AUTHZ-20", |s| add(s, "overrides", "∅|app|app.api_key|∅|true|false")),
    flip("AUTHZ-21", |s| add(s, "remotes", "mapping|far|∅|true|true|true|false")),
    flip("AUTHZ-22", |s| item(s, "own_role").rows[0][6] = Some("3".to_owned())),
    flip("ENC-01", |s| set(s, "ssl", "off")),
    flip("ENC-02", |s| set(s, "ssl_min_protocol_version", "TLSv1")),
    flip("ENC-03", |s| item(s, "hba").rows[2][2] = Some("host".to_owned())),
    flip("ENC-04", |s| add(s, "sessions", "app|app|network|false|1")),
    flip("ENC-05", |s| set(s, "ssl_ciphers", "HIGH:MEDIUM:+3DES:!aNULL")),
    flip("ENC-07", |s| item(s, "replication").rows[0][5] = Some("false".to_owned())),
    flip("ENC-08", |s| item(s, "connection").rows[0][0] = Some("require".to_owned())),
    flip("RLS-01", |s| add(s, "rls_tables", "public|u|false|false|app|true|false|2")),
    flip("RLS-03", |s| add(s, "rls_tables", "public|u|true|true|app|true|false|0")),
    flip("RLS-04", |s| add(s, "policies", "public|u|open|true|SELECT|PUBLIC|true|true|∅|false|false|false")),
    flip("RLS-04", |s| add(s, "policies", "public|u|open|true|INSERT|app|false|∅|(1 = 1)|false|false|false")),
    flip("RLS-05", |s| add(s, "rls_tables", "public|u|true|false|app|true|false|1")),
    flip("RLS-06", |s| item(s, "rls_views").rows[0][4] = Some("false".to_owned())),
    flip("RLS-07", |s| item(s, "rls_views").rows[1][6] = Some("reader".to_owned())),
    flip("RLS-08", |s| item(s, "policies").rows[0][10] = Some("true".to_owned())),
    flip("RLS-09", |s| item(s, "rls_children").rows[0][4] = Some("reader".to_owned())),
    flip("RLS-10", |s| add(s, "policies", "public|t|more|true|ALL|app|false|(x > 1)|∅|false|false|false")),
    flip("RLS-11", |s| item(s, "functions").rows[0][8] = Some("true".to_owned())),
    with("LOG-01", &["LOG-09"], |s| set(s, "logging_collector", "off")),
    flip("LOG-02", |s| set(s, "log_connections", "off")),
    flip("LOG-03", |s| set(s, "log_disconnections", "off")),
    flip("LOG-04", |s| set(s, "log_line_prefix", "%m [%p] ")),
    with("LOG-05", &["LOG-06"], |s| { set(s, "log_statement", "none"); set(s, "pgaudit.log", "read"); }),
    with("LOG-05", &["LOG-08"], |s| add(s, "overrides", "∅|app|log_statement|none|false|false")),
    flip("LOG-06", |s| set(s, "pgaudit.log", "ddl")),
    flip("LOG-08", |s| add(s, "overrides", "app|∅|log_connections|off|false|false")),
    flip("LOG-09", |s| set(s, "log_file_mode", "0644")),
    flip("LOG-10", |s| set(s, "log_timezone", "Europe/Berlin")),
    flip("LOG-11", |s| set(s, "log_min_messages", "fatal")),
    flip("LOG-12", |s| set(s, "debug_print_plan", "on")),
    flip("LOG-13", |s| set(s, "log_replication_commands", "off")),
    flip("LOG-14", |s| item(s, "statements").rows[0][1] = Some("2".to_owned())),
    flip("CFG-01", |s| add(s, "pending_restart", "max_connections")),
    flip("CFG-02", |s| set(s, "session_preload_libraries", "stranger")),
    flip("CFG-03", |s| set(s, "fsync", "off")),
    flip("CFG-04", |s| set(s, "data_checksums", "off")),
    flip("CFG-04", |s| item(s, "databases").rows[0][3] = Some("2".to_owned())),
    flip("CFG-05", |s| add(s, "overrides", "app|∅|zero_damaged_pages|on|false|false")),
    flip("CFG-07", |s| set(s, "unix_socket_permissions", "0777")),
    flip("CFG-08", |s| item(s, "setting_secrets").rows[0][1] = Some("true".to_owned())),
    with("PATCH-01", &["PATCH-02"], |s| item(s, "server").rows[0][0] = Some("130025".to_owned())),
    flip("PATCH-02", |s| item(s, "server").rows[0][0] = Some("150018".to_owned())),
    flip("PATCH-03", |s| item(s, "extensions").rows[1][3] = Some("2.4".to_owned())),
    flip("ENC-10", |s| item(s, "backups").rows[0][3] = Some("1".to_owned())),
    flip("BKP-01", |s| item(s, "backups").rows[0][4] = Some((NOW.0 - 27 * HOUR_MS).to_string())),
    flip("BKP-01", |s| item(s, "backups").rows[0][4] = None),
    flip("BKP-03", |s| item(s, "backups").rows[0][5] = Some((NOW.0 - 91 * 24 * HOUR_MS).to_string())),
    flip("BKP-03", |s| item(s, "backups").rows[0][5] = None),
    flip("BKP-03", |s| item(s, "backups").rows[0][6] = Some("failed".to_owned())),
    flip("BKP-03", |s| item(s, "backups").rows[0][6] = Some("late".to_owned())),
    flip("BKP-02", |s| item(s, "archiver").rows[0][3] = Some("5".to_owned())),
    flip("AVL-01", |s| item(s, "replication").rows[0][2] = Some("catchup".to_owned())),
    flip("AVL-02", |s| item(s, "slots").rows[0][3] = Some("lost".to_owned())),
    with("PRIV-08", &["AUTHZ-20"], |s| add(s, "overrides", "app|∅|anon.salt|∅|true|false")),
];
