-- What is known of the targets: the registry as last configured, and how their verdicts changed.

CREATE TABLE main.target (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES main.organisation (id),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    kind          text NOT NULL,
    environment   text NOT NULL CHECK (environment IN ('dev', 'staging', 'prod')),
    address       text NOT NULL,
    tags          text[] NOT NULL DEFAULT '{}',
    registered_at timestamptz NOT NULL DEFAULT now(),
    -- Set while the target is no longer in the configuration; its past stays readable.
    retired_at    timestamptz,
    UNIQUE (org_id, name)
);

-- Append-only: the runtime login may read and add, never change or remove.
CREATE TABLE main.verdict_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES main.organisation (id),
    target_id  integer NOT NULL REFERENCES main.target (id),
    status     text NOT NULL CHECK (status IN ('healthy', 'unknown', 'degraded', 'critical')),
    score      double precision CHECK (score BETWEEN 0 AND 100),
    since      timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX verdict_change_newest ON main.verdict_change (target_id, id DESC);
