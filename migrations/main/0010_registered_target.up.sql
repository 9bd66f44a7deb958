-- Targets that were registered beside the configuration, by the command line. The address of each is the secret target/NAME. One of the
-- same name in the configuration wins; what is watched stands in main.target, whichever way it came.

CREATE TABLE main.registered_target (
    org_id      uuid NOT NULL REFERENCES main.organisation (id),
    name        text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    kind        text NOT NULL CHECK (kind = 'postgres'),
    environment text NOT NULL CHECK (environment IN ('dev', 'staging', 'prod')),
    region      text CHECK (length(region) BETWEEN 1 AND 100),
    owner       text CHECK (length(owner) BETWEEN 1 AND 100),
    tags        text[] NOT NULL DEFAULT '{}',
    -- Only these databases are watched; none: all.
    databases   text[] NOT NULL DEFAULT '{}',
    -- The audit event of the newest change. Whoever changes it says which one they saw, so that nobody's change is lost unseen.
    event_id    uuid NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, name)
);

ALTER TABLE main.target ADD COLUMN region text, ADD COLUMN owner text;
