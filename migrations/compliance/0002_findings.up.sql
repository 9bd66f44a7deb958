-- What scans found. Targets are named: their registry stands in main, which can be another database.

-- One line per scan, never changed. Its id is that of the audit event that was written before it and holds the same hash.
CREATE TABLE compliance.scan (
    id             uuid PRIMARY KEY,
    org_id         uuid NOT NULL,
    target         text COLLATE "C" NOT NULL,
    at             timestamptz NOT NULL,
    -- Results of different editions of the catalogue or of the method are not compared.
    catalogue      integer NOT NULL,
    formula        integer NOT NULL,
    version        text NOT NULL,
    role           text NOT NULL,
    -- Null: nothing could be judged.
    proven         double precision CHECK (proven BETWEEN 0 AND 100),
    upper          double precision CHECK (upper BETWEEN 0 AND 100),
    passed         integer NOT NULL CHECK (passed >= 0),
    failed         integer NOT NULL CHECK (failed >= 0),
    unknown        integer NOT NULL CHECK (unknown >= 0),
    not_applicable integer NOT NULL CHECK (not_applicable >= 0),
    findings       integer NOT NULL CHECK (findings >= 0),
    evidence_hash  bytea NOT NULL CHECK (length(evidence_hash) = 32)
);
CREATE INDEX scan_of ON compliance.scan (org_id, target, at);

-- What the newest scan of each target read, so that a restart shows it with its age.
CREATE TABLE compliance.evidence (
    org_id uuid NOT NULL,
    target text COLLATE "C" NOT NULL,
    scan   uuid NOT NULL REFERENCES compliance.scan (id),
    at     timestamptz NOT NULL,
    body   jsonb NOT NULL,
    PRIMARY KEY (org_id, target)
);

-- Each finding with its life. That its risk is accepted stands in main.
CREATE TABLE compliance.finding (
    org_id      uuid NOT NULL,
    fingerprint text COLLATE "C" NOT NULL CHECK (length(fingerprint) BETWEEN 16 AND 128),
    target      text COLLATE "C" NOT NULL,
    control     text COLLATE "C" NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    title       text NOT NULL,
    database    text,
    object      text NOT NULL,
    sentence    text NOT NULL,
    fix         text NOT NULL,
    undo        text NOT NULL,
    lock        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'fixed', 'regressed')),
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL CHECK (last_seen >= first_seen),
    PRIMARY KEY (org_id, fingerprint)
);
CREATE INDEX finding_of ON compliance.finding (org_id, target, state);
