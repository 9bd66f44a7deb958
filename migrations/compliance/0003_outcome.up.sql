-- What each scan found, so that any two can be compared. Most scans find what the one before them found: an outcome is kept once, under the
-- SHA-256 of its text, and never changed.
CREATE TABLE compliance.outcome (
    org_id uuid NOT NULL,
    hash   bytea NOT NULL CHECK (length(hash) = 32),
    body   jsonb NOT NULL,
    PRIMARY KEY (org_id, hash)
);

-- Null for scans before this: they are not compared.
ALTER TABLE compliance.scan
    ADD COLUMN outcome bytea,
    ADD FOREIGN KEY (org_id, outcome) REFERENCES compliance.outcome (org_id, hash);
