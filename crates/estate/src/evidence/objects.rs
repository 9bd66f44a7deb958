//! Questions about the objects of one database: who owns them, who may use them.

use super::question::{Needs, Question};
use crate::probe::{Keyed, Query, Scope, Variant};

/// A question that is asked in each database. Schemas of the system are left out everywhere; what belongs to an extension is its author's.
pub(super) const fn each(id: &'static str, title: &'static str, needs: Needs, variants: &'static [Variant]) -> Question {
    Question { id, title, scope: Scope::Database, needs, query: Query { marker: id, keyed: Keyed::Server, variants } }
}

/// How much there is to judge.
pub(super) static COUNTS: Question = each(
    "counts",
    "Counts of objects",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT count(*) FILTER (WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S'))::text AS relations,
       count(*) FILTER (WHERE c.relkind IN ('r', 'p'))::text AS tables, count(*) FILTER (WHERE c.relkind = 'v')::text AS views,
       (SELECT count(*) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace m ON m.oid = p.pronamespace
         WHERE m.nspname !~ '^pg_' AND m.nspname <> 'information_schema')::text AS functions
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
    }],
);

/// Schemas and what everybody may do in them. No list of rights means the default one.
pub(super) static SCHEMAS: Question = each(
    "schemas",
    "Schemas",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT n.nspname::text AS schema, pg_get_userbyid(n.nspowner)::text AS owner,
       coalesce(bool_or(x.grantee = 0 AND x.privilege_type = 'CREATE'), false)::text AS public_create,
       coalesce(bool_or(x.grantee = 0 AND x.privilege_type = 'USAGE'), false)::text AS public_usage
  FROM pg_catalog.pg_namespace n
  LEFT JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x ON true
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 GROUP BY 1, 2 ORDER BY 1",
    }],
);

/// Tables, views, sequences and columns that everybody may use.
pub(super) static PUBLIC_GRANTS: Question = each(
    "public_grants",
    "Rights of PUBLIC",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT n.nspname::text AS schema, c.relname::text AS relation, g.column_name AS column, c.relkind::text AS kind, g.privileges
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (
   SELECT NULL::text AS column_name, string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges
     FROM aclexplode(coalesce(c.relacl, acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::\"char\", c.relowner))) x
    WHERE x.grantee = 0 HAVING count(*) > 0
   UNION ALL
   SELECT a.attname::text, string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
     FROM pg_catalog.pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) x
    WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped AND x.grantee = 0 GROUP BY a.attname) g
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                    WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
 ORDER BY 1, 2, 3 NULLS FIRST",
    }],
);

/// Rights that may be passed on, held by somebody who is not the owner.
pub(super) static GRANTABLE: Question = each("grantable", "Rights that may be passed on", Needs::Login, &[Variant { since: 13, sql: "
SELECT q.kind, q.schema, q.object, pg_get_userbyid(q.grantee)::text AS grantee, string_agg(q.privilege, ', ' ORDER BY q.privilege) AS privileges
  FROM (SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, n.nspname::text AS schema, c.relname::text AS object,
               x.grantee, x.privilege_type AS privilege
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) x
         WHERE c.relacl IS NOT NULL AND x.is_grantable AND x.grantee <> c.relowner AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        UNION ALL
        SELECT 'SCHEMA', n.nspname::text, NULL, x.grantee, x.privilege_type
          FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) x
         WHERE n.nspacl IS NOT NULL AND x.is_grantable AND x.grantee <> n.nspowner AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') q
 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4" }]);

/// What new objects will be granted to everybody, or with the right to pass it on.
pub(super) static DEFAULT_ACL: Question = each("default_acl", "Default privileges", Needs::Login, &[Variant { since: 13, sql: "
SELECT pg_get_userbyid(d.defaclrole)::text AS role, n.nspname::text AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
                            WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS objects,
       bool_or(x.grantee = 0)::text AS public, string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) FILTER (WHERE x.grantee = 0) AS privileges
  FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
 CROSS JOIN LATERAL aclexplode(d.defaclacl) x
 GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3" }]);

/// Extensions with their versions and schemas.
pub(super) static EXTENSIONS: Question = each("extensions", "Extensions", Needs::Login, &[Variant { since: 13, sql: "
SELECT e.extname::text AS extension, e.extversion AS version, n.nspname::text AS schema, a.default_version, e.extrelocatable::text AS relocatable
  FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname ORDER BY 1" }]);

/// Mappings to foreign servers and subscriptions. Of their options only whether there is a password, and whether one is required;
/// `visible` says whether this role may see that.
pub(super) static REMOTES: Question = each("remotes", "Foreign servers and subscriptions", Needs::Login, &[
    Variant { since: 13, sql: "
SELECT 'mapping' AS kind, m.srvname::text AS object, m.usename::text AS role, (m.umuser = 0)::text AS public,
       has_table_privilege('pg_catalog.pg_user_mapping', 'SELECT')::text AS visible,
       EXISTS (SELECT FROM unnest(m.umoptions) o WHERE o LIKE 'password=%')::text AS password,
       EXISTS (SELECT FROM unnest(m.umoptions) o WHERE lower(o) IN ('password_required=false', 'password_required=off', 'password_required=0'))::text AS not_required
  FROM pg_catalog.pg_user_mappings m
UNION ALL
SELECT 'subscription', s.subname::text, pg_get_userbyid(s.subowner)::text, 'false', 'true', 'false', 'false'
  FROM pg_catalog.pg_subscription s
 WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
 ORDER BY 1, 2, 3" },
    Variant { since: 16, sql: "
SELECT 'mapping' AS kind, m.srvname::text AS object, m.usename::text AS role, (m.umuser = 0)::text AS public,
       has_table_privilege('pg_catalog.pg_user_mapping', 'SELECT')::text AS visible,
       EXISTS (SELECT FROM unnest(m.umoptions) o WHERE o LIKE 'password=%')::text AS password,
       EXISTS (SELECT FROM unnest(m.umoptions) o WHERE lower(o) IN ('password_required=false', 'password_required=off', 'password_required=0'))::text AS not_required
  FROM pg_catalog.pg_user_mappings m
UNION ALL
SELECT 'subscription', s.subname::text, pg_get_userbyid(s.subowner)::text, 'false', 'true', 'false', (NOT s.subpasswordrequired)::text
  FROM pg_catalog.pg_subscription s
 WHERE s.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
 ORDER BY 1, 2, 3" },
]);
