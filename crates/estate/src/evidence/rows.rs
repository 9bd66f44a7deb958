//! Questions about row-level security: tables, policies, and the ways around them.

use super::{
    objects::each,
    question::{Needs, Question},
};
use crate::probe::Variant;

/// Tables that have row security on, or policies although it is off.
pub(super) static RLS_TABLES: Question = each(
    "rls_tables",
    "Row-level security of tables",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
SELECT n.nspname::text AS schema, c.relname::text AS table, c.relrowsecurity::text AS enabled, c.relforcerowsecurity::text AS forced,
       o.rolname::text AS owner, o.rolcanlogin::text AS owner_login, (o.rolsuper OR o.rolbypassrls)::text AS owner_bypasses,
       (SELECT count(*) FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)::text AS policies
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
 WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND (c.relrowsecurity OR EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid))
 ORDER BY 1, 2",
    }],
);

/// Policies. Expressions are shown without their string literals, which are data; what depends on these was looked at before.
pub(super) static POLICIES: Question = each("policies", "Policies", Needs::Login, &[Variant { since: 13, sql: "
SELECT n.nspname::text AS schema, c.relname::text AS table, p.polname::text AS policy, p.polpermissive::text AS permissive,
       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
       (SELECT string_agg(CASE WHEN u = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(u)::text END, E'\\n' ORDER BY u) FROM unnest(p.polroles) u) AS roles,
       (0 = ANY (p.polroles))::text AS public,
       left(regexp_replace(e.using_text, '''[^'']*''', '''…''', 'g'), 500) AS using,
       left(regexp_replace(e.check_text, '''[^'']*''', '''…''', 'g'), 500) AS check,
       (e.both_texts ~ '\\m(current_setting)\\(' )::text AS reads_setting,
       (e.both_texts ~ '\\mcurrent_setting\\([^,()]*\\)')::text AS unguarded,
       (e.both_texts ~* '\\m(raw_)?user_meta_?data\\M')::text AS user_claims
  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT t.using_text, t.check_text, concat_ws(' ', t.using_text, t.check_text) AS both_texts
   FROM (SELECT pg_get_expr(p.polqual, p.polrelid) AS using_text, pg_get_expr(p.polwithcheck, p.polrelid) AS check_text OFFSET 0) t) e
 ORDER BY 1, 2, 3" }]);

/// Views and materialized views that read tables with row security, directly or through other views.
pub(super) static VIEWS: Question = each(
    "rls_views",
    "Views over row-level security",
    Needs::Login,
    &[Variant {
        since: 13,
        sql: "
WITH RECURSIVE reads AS (
  SELECT DISTINCT r.ev_class AS viewed, d.refobjid AS relation
    FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
   WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class
), closure AS (
  SELECT viewed, relation FROM reads UNION SELECT c.viewed, r.relation FROM closure c JOIN reads r ON r.viewed = c.relation
)
SELECT n.nspname::text AS schema, v.relname::text AS view, v.relkind::text AS kind, o.rolname::text AS owner,
       EXISTS (SELECT FROM unnest(v.reloptions) x WHERE lower(x) IN ('security_invoker=true', 'security_invoker=on', 'security_invoker=1',
                                                                     'security_invoker=yes'))::text AS invoker,
       (SELECT string_agg(quote_ident(tn.nspname) || '.' || quote_ident(t.relname), E'\\n' ORDER BY tn.nspname, t.relname)
          FROM closure k JOIN pg_catalog.pg_class t ON t.oid = k.relation JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
         WHERE k.viewed = v.oid AND t.relrowsecurity) AS tables,
       (SELECT string_agg(DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, ', ')
          FROM aclexplode(v.relacl) x WHERE x.grantee <> v.relowner AND x.privilege_type = 'SELECT') AS readers
  FROM pg_catalog.pg_class v JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = v.relowner
 WHERE v.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND EXISTS (SELECT FROM closure k JOIN pg_catalog.pg_class t ON t.oid = k.relation WHERE k.viewed = v.oid AND t.relrowsecurity)
 ORDER BY 1, 2",
    }],
);

/// Partitions and children without row security under a parent that has it, granted to somebody by themselves.
pub(super) static CHILDREN: Question = each("rls_children", "Partitions under row-level security", Needs::Login, &[Variant { since: 13, sql: "
WITH RECURSIVE down AS (
  SELECT i.inhrelid AS child, i.inhparent AS top FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class p ON p.oid = i.inhparent WHERE p.relrowsecurity
  UNION SELECT i.inhrelid, d.top FROM down d JOIN pg_catalog.pg_inherits i ON i.inhparent = d.child
)
SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS table, quote_ident(tn.nspname) || '.' || quote_ident(t.relname) AS parent,
       c.relrowsecurity::text AS enabled,
       (SELECT string_agg(DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, ', ')
          FROM aclexplode(c.relacl) x WHERE x.grantee <> c.relowner) AS grantees
  FROM down d JOIN pg_catalog.pg_class c ON c.oid = d.child JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid = d.top JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
 WHERE c.relkind IN ('r', 'p') ORDER BY 1, 2, 3" }]);
