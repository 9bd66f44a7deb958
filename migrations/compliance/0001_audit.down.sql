DROP FUNCTION compliance.ensure_partitions();
DROP TABLE compliance.audit_kind;
DROP TABLE compliance.audit_actor;
DROP TABLE compliance.audit_log;
DROP FUNCTION compliance.keep_entries();
DROP TABLE compliance.audit_origin;
