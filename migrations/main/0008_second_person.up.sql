-- A database is replaced only when somebody else agrees than who asked.

ALTER TABLE main.backup_job
    ADD COLUMN agreed_account uuid REFERENCES main.account (id),
    ADD COLUMN agreed_by text,
    ADD COLUMN agreed_at timestamptz,
    DROP CONSTRAINT backup_job_what_check,
    ADD CONSTRAINT backup_job_what_check CHECK (what IN ('backup', 'verify', 'drill', 'restore', 'putback', 'replace')),
    DROP CONSTRAINT backup_job_state_check,
    ADD CONSTRAINT backup_job_state_check CHECK (state IN ('waiting', 'queued', 'running', 'done', 'failed', 'cancelled')),
    DROP CONSTRAINT backup_job_check,
    ADD CONSTRAINT backup_job_begins CHECK ((state IN ('waiting', 'queued')) <= (started_at IS NULL)),
    DROP CONSTRAINT backup_job_check2,
    ADD CONSTRAINT backup_job_ends CHECK ((state IN ('waiting', 'queued', 'running')) = (ended_at IS NULL)),
    ADD CONSTRAINT agreed_whole CHECK ((agreed_account IS NULL) = (agreed_by IS NULL) AND (agreed_by IS NULL) = (agreed_at IS NULL)),
    ADD CONSTRAINT two_people CHECK (what <> 'replace' OR account_id IS NOT NULL AND agreed_account IS DISTINCT FROM account_id),
    ADD CONSTRAINT agreed_first CHECK (what <> 'replace' OR agreed_at IS NOT NULL OR state IN ('waiting', 'cancelled'));

DROP INDEX main.backup_job_open;
CREATE UNIQUE INDEX backup_job_open ON main.backup_job (org_id, target, database, what, coalesce(backup_id, ''))
    WHERE state IN ('waiting', 'queued', 'running');
