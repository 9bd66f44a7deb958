-- What persons vouch for, where no database can show it. A person's decision, as an accepted risk is: it stands in main, with its event.

CREATE TABLE main.attestation (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL REFERENCES main.organisation (id),
    kind        text NOT NULL CHECK (kind IN ('control', 'clause')),
    -- Of a control; a clause is about all that Reeve watches.
    target      text COLLATE "C",
    subject     text COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 100),
    account_id  uuid NOT NULL REFERENCES main.account (id),
    attested_by text NOT NULL,
    statement   text NOT NULL CHECK (length(statement) BETWEEN 10 AND 2000),
    -- Where the proof lies, or its digest.
    document    text NOT NULL CHECK (length(document) <= 500),
    at          timestamptz NOT NULL,
    expires     timestamptz NOT NULL,
    ended_at    timestamptz,
    ended_by    text,
    CHECK ((kind = 'control') = (target IS NOT NULL)),
    CONSTRAINT word_ends CHECK (expires > at AND expires <= at + interval '8760 hours'),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
-- One at a time.
CREATE UNIQUE INDEX attestation_present ON main.attestation (org_id, kind, coalesce(target, ''), subject) WHERE ended_at IS NULL;
CREATE INDEX attestation_newest ON main.attestation (org_id, at DESC);
