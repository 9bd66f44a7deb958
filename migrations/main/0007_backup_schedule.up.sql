-- What is to be done with a database again and again. The jobs that come of it are in backup_job, as all others.

CREATE TABLE main.backup_schedule (
    id        uuid PRIMARY KEY,
    org_id    uuid NOT NULL REFERENCES main.organisation (id),
    target    text NOT NULL CHECK (length(target) BETWEEN 1 AND 63),
    database  text NOT NULL CHECK (octet_length(database) BETWEEN 1 AND 63),
    what      text NOT NULL CHECK (what IN ('backup', 'drill')),
    cron      text NOT NULL CHECK (octet_length(cron) BETWEEN 9 AND 100),
    time_zone text NOT NULL CHECK (octet_length(time_zone) BETWEEN 1 AND 100),
    enabled   boolean NOT NULL DEFAULT true,
    -- Who set it as it is, by e-mail, and when.
    set_by    text NOT NULL,
    set_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Due moments up to this one are done with. Moved on in the transaction that asks for the job, so that none runs twice.
    last_due  timestamptz NOT NULL,
    last_job  uuid REFERENCES main.backup_job (id),
    -- Why the last due moment asked for nothing.
    last_note text,
    UNIQUE (org_id, target, database, what)
);
