//! Questions about functions and views: with whose rights they run, and what stands in them.

use super::{
    objects::each,
    question::{Needs, Question},
};
use crate::probe::Variant;

/// Functions that run with their owner's rights, are written in an untrusted language, or claim to leak nothing. No list of rights on a
/// function means that everybody may call it.
pub(super) static FUNCTIONS: Question = each("functions", "Functions", Needs::Login, &[Variant { since: 13, sql: "
SELECT n.nspname::text AS schema,
       quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS function,
       CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind,
       p.prosecdef::text AS definer, o.rolname::text AS owner, o.rolsuper::text AS owner_super, l.lanname::text AS language,
       l.lanpltrusted::text AS trusted, p.proleakproof::text AS leakproof,
       EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search\\_path=%')::text AS pinned,
       (x.everybody)::text AS public_execute, (p.prorettype = 'pg_catalog.trigger'::regtype OR p.prorettype = 'pg_catalog.event_trigger'::regtype)::text AS trigger
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
 CROSS JOIN LATERAL (SELECT coalesce(bool_or(a.grantee = 0), false) AS everybody FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a) x
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND (p.prosecdef OR NOT l.lanpltrusted OR p.proleakproof)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                    WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
 ORDER BY 2" }]);

/// Views that read with a superuser's rights for somebody else.
pub(super) static SUPERUSER_VIEWS: Question = each("superuser_views", "Views of superusers", Needs::Login, &[Variant { since: 13, sql: "
SELECT n.nspname::text AS schema, v.relname::text AS view, o.rolname::text AS owner,
       (SELECT string_agg(DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, ', ')
          FROM aclexplode(v.relacl) x WHERE x.grantee <> v.relowner) AS readers
  FROM pg_catalog.pg_class v JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = v.relowner
 WHERE v.relkind = 'v' AND o.rolsuper AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM unnest(v.reloptions) x WHERE lower(x) IN ('security_invoker=true', 'security_invoker=on', 'security_invoker=1',
                                                                         'security_invoker=yes'))
   AND EXISTS (SELECT FROM aclexplode(v.relacl) x WHERE x.grantee <> v.relowner)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                    WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = v.oid AND e.deptype = 'e')
 ORDER BY 1, 2" }]);

/// Where the text of a function, a view, a comment or an option of a foreign server looks like a secret: the place, never the text.
pub(super) static SECRETS: Question = each("secrets", "Secrets in definitions", Needs::Login, &[Variant { since: 13, sql: "
SELECT 'function' AS kind, quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS object
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prosrc ~* {secret in code}
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
UNION ALL
SELECT 'view', quote_ident(n.nspname) || '.' || quote_ident(c.relname)
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND pg_get_viewdef(c.oid) ~* {secret in code}
UNION ALL
SELECT 'comment', d.classoid::regclass::text || ' ' || coalesce((SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) ||
         coalesce('.' || (SELECT quote_ident(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0), '')
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = d.objoid AND d.classoid = 'pg_catalog.pg_class'::regclass), d.objoid::text)
  FROM pg_catalog.pg_description d WHERE d.description ~* {secret in text} AND d.objoid >= 16384
UNION ALL
SELECT 'foreign server', quote_ident(s.srvname) FROM pg_catalog.pg_foreign_server s
 WHERE EXISTS (SELECT FROM unnest(s.srvoptions) o WHERE o ~* {secret in text} OR split_part(o, '=', 1) ~* {secret name})
 ORDER BY 1, 2" }]);

/// Statements in `pg_stat_statements` that hold a secret: how many, never which.
pub(super) static STATEMENTS: Question = each("statements", "Recorded statements", Needs::Statements, &[Variant { since: 13, sql: "
SELECT count(*)::text AS statements, count(*) FILTER (WHERE s.query ~* {secret in code})::text AS secrets FROM {statements}.pg_stat_statements s" }]);
