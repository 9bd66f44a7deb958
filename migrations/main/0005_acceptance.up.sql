-- Risks that security officers accept. A person's decision, so it stands in main: it and its audit event are one transaction, and both
-- hold however many databases there are. The findings it is about stand in the compliance domain and are named by their fingerprint.

CREATE TABLE main.acceptance (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL REFERENCES main.organisation (id),
    fingerprint text COLLATE "C" NOT NULL CHECK (length(fingerprint) BETWEEN 16 AND 128),
    target      text NOT NULL,
    control     text NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info')),
    -- Who owns the risk, and who accepts it: two people.
    owner_id    uuid NOT NULL,
    owner       text NOT NULL,
    account_id  uuid NOT NULL,
    accepted_by text NOT NULL,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 10 AND 2000),
    at          timestamptz NOT NULL,
    expires     timestamptz NOT NULL,
    ended_at    timestamptz,
    ended_by    text,
    CONSTRAINT two_people CHECK (owner_id <> account_id),
    CONSTRAINT ends_in_time CHECK (expires > at AND expires <= at + CASE severity WHEN 'critical' THEN interval '2160 hours' ELSE interval '8760 hours' END),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
-- One at a time.
CREATE UNIQUE INDEX acceptance_present ON main.acceptance (org_id, fingerprint) WHERE ended_at IS NULL;
CREATE INDEX acceptance_of ON main.acceptance (org_id, fingerprint, at);
