-- What somebody asked to be done with backups, and what came of it. Backups themselves are not here: storage says what it holds.

CREATE TABLE main.backup_job (
    id              uuid PRIMARY KEY,
    org_id          uuid NOT NULL REFERENCES main.organisation (id),
    target          text NOT NULL CHECK (length(target) BETWEEN 1 AND 63),
    database        text NOT NULL CHECK (octet_length(database) BETWEEN 1 AND 63),
    what            text NOT NULL CHECK (what IN ('backup', 'verify', 'drill', 'restore', 'putback')),
    kind            text NOT NULL CHECK (kind IN ('manual', 'scheduled', 'migration')),
    -- All that was asked, as the audit trail has it.
    act             jsonb NOT NULL,
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    -- The backup it is about; of one that makes a backup, that one, once it is there.
    backup_id       text CHECK (length(backup_id) = 25),
    cancelling      boolean NOT NULL DEFAULT false,
    progress        jsonb,
    sentence        text,
    restored        jsonb,
    -- None for what Reeve does by itself.
    account_id      uuid REFERENCES main.account (id),
    asked_by        text NOT NULL,
    idempotency_key text CHECK (octet_length(idempotency_key) BETWEEN 1 AND 255),
    asked_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at      timestamptz,
    ended_at        timestamptz,
    CHECK ((state = 'queued') <= (started_at IS NULL)),
    CHECK ((state = 'running') <= (started_at IS NOT NULL)),
    CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
    CHECK ((ended_at IS NULL) OR (sentence IS NOT NULL))
);

-- One at a time per database, whoever asks.
CREATE UNIQUE INDEX backup_job_running ON main.backup_job (org_id, target, database) WHERE state = 'running';
-- The same is not asked for twice while it is open.
CREATE UNIQUE INDEX backup_job_open ON main.backup_job (org_id, target, database, what, coalesce(backup_id, ''))
    WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX backup_job_key ON main.backup_job (org_id, account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX backup_job_newest ON main.backup_job (org_id, asked_at DESC);
CREATE INDEX backup_job_of ON main.backup_job (org_id, backup_id, asked_at DESC) WHERE backup_id IS NOT NULL;
