-- Small secrets, sealed by Reeve before they come here: the key is never in this database. Organisation, kind and name are
-- authenticated with each value, so that no row can stand in for another.

CREATE TABLE main.secret (
    org_id     uuid NOT NULL REFERENCES main.organisation (id),
    kind       text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9-]{0,31}$'),
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    sealed     bytea NOT NULL CHECK (length(sealed) BETWEEN 49 AND 131072),
    -- Which key opens it; the same as inside the value, readable without opening.
    key_id     bytea NOT NULL CHECK (key_id = substring(sealed FROM 2 FOR 8)),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, kind, name)
);
