-- What waits for a second person, or had one, is not known before this.
DELETE FROM main.backup_job WHERE what = 'replace' OR state = 'waiting';

DROP INDEX main.backup_job_open;
CREATE UNIQUE INDEX backup_job_open ON main.backup_job (org_id, target, database, what, coalesce(backup_id, ''))
    WHERE state IN ('queued', 'running');

ALTER TABLE main.backup_job
    DROP CONSTRAINT agreed_first,
    DROP CONSTRAINT two_people,
    DROP CONSTRAINT agreed_whole,
    DROP CONSTRAINT backup_job_ends,
    ADD CONSTRAINT backup_job_check2 CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
    DROP CONSTRAINT backup_job_begins,
    ADD CONSTRAINT backup_job_check CHECK ((state = 'queued') <= (started_at IS NULL)),
    DROP CONSTRAINT backup_job_state_check,
    ADD CONSTRAINT backup_job_state_check CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    DROP CONSTRAINT backup_job_what_check,
    ADD CONSTRAINT backup_job_what_check CHECK (what IN ('backup', 'verify', 'drill', 'restore', 'putback')),
    DROP COLUMN agreed_at,
    DROP COLUMN agreed_by,
    DROP COLUMN agreed_account;
