-- The audit trail: what main's outbox held, in its final order, sealed. Each entry's leaf is a salted digest of its event, each hash
-- binds the entry to all before it. An organisation has a chain of its own in each database that holds a log.

-- Tells one log from another: a chain begins with it, and heads recorded elsewhere name it.
CREATE TABLE compliance.audit_origin (
    id uuid PRIMARY KEY
);
INSERT INTO compliance.audit_origin (id) VALUES (gen_random_uuid());

-- What an event says can be erased by law: its columns and the salt become null together. The leaf then tells nothing, and the
-- chain still holds. before and after are text and not jsonb: the leaf is over their exact bytes.
CREATE TABLE compliance.audit_log (
    seq       bigint NOT NULL CHECK (seq > 0),
    -- Never goes back as seq goes on.
    sealed_at timestamptz NOT NULL CHECK (sealed_at BETWEEN '1970-01-01 00:00Z' AND '9000-01-01 00:00Z'),
    org_id    uuid NOT NULL,
    id        uuid,
    at        timestamptz CHECK (at BETWEEN '1970-01-01 00:00Z' AND '9000-01-01 00:00Z'),
    account   uuid,
    actor     text COLLATE "C",
    via       text COLLATE "C",
    verb      text COLLATE "C",
    noun      text COLLATE "C",
    resource  text COLLATE "C",
    outcome   text COLLATE "C" CHECK (outcome IN ('done', 'refused', 'failed', 'alarm')),
    address   inet,
    agent     text,
    request   text,
    before    text,
    after     text,
    count     integer CHECK (count >= 0),
    salt      bytea CHECK (length(salt) = 32),
    leaf      bytea NOT NULL CHECK (length(leaf) = 32),
    hash      bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (org_id, sealed_at, seq)
) PARTITION BY RANGE (sealed_at);

-- One per filter of the search, each in the order of its pages: the first page of a rare word is found without a sort.
CREATE INDEX audit_log_actor ON compliance.audit_log (org_id, actor, sealed_at, seq);
CREATE INDEX audit_log_account ON compliance.audit_log (org_id, account, sealed_at, seq) WHERE account IS NOT NULL;
CREATE INDEX audit_log_kind ON compliance.audit_log (org_id, verb, noun, sealed_at, seq);
CREATE INDEX audit_log_outcome ON compliance.audit_log (org_id, outcome, sealed_at, seq);
CREATE INDEX audit_log_resource ON compliance.audit_log (org_id, resource);
-- Events are sealed within seconds: "before a day" can stop looking soon after that day. Those that waited longer are looked for here.
CREATE INDEX audit_log_late ON compliance.audit_log (org_id, sealed_at, seq, at) WHERE sealed_at - at > interval '1 hour';
-- An event is sealed once, however often it is handed over.
CREATE INDEX audit_log_event ON compliance.audit_log (id);

-- Who is in the log, to find a part of a name without reading the log. What is erased there must be erased here.
CREATE TABLE compliance.audit_actor (
    org_id uuid NOT NULL,
    actor  text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, actor)
);

-- What was ever done to what: a verb or a noun alone is looked for by these pairs, and pairs that never were are not looked for at all.
CREATE TABLE compliance.audit_kind (
    org_id uuid NOT NULL,
    verb   text COLLATE "C" NOT NULL,
    noun   text COLLATE "C" NOT NULL,
    PRIMARY KEY (org_id, verb, noun)
);

-- Nobody changes or removes an entry, its owner included, but for an erasure: all that an event says and its salt become null,
-- its place and proofs stay.
CREATE FUNCTION compliance.keep_entries() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.seq, NEW.sealed_at, NEW.org_id, NEW.leaf, NEW.hash) = (OLD.seq, OLD.sealed_at, OLD.org_id, OLD.leaf, OLD.hash)
            AND jsonb_strip_nulls(to_jsonb(NEW) - ARRAY['seq', 'sealed_at', 'org_id', 'leaf', 'hash']) = '{}'
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'An entry of the audit trail is neither changed nor removed.' USING ERRCODE = 'insufficient_privilege';
END
$$;
REVOKE ALL ON FUNCTION compliance.keep_entries() FROM PUBLIC;
CREATE TRIGGER keep_entries BEFORE UPDATE OR DELETE ON compliance.audit_log
    FOR EACH ROW EXECUTE FUNCTION compliance.keep_entries();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON compliance.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION compliance.keep_entries();

-- The runtime login can't create tables. This makes the partitions of this month and the next (UTC), if they are missing.
CREATE FUNCTION compliance.ensure_partitions() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    name  text;
BEGIN
    FOR month IN SELECT date_trunc('month', now()) + ahead * interval '1 month' FROM generate_series(0, 1) AS ahead LOOP
        name := format('audit_log_%s', to_char(month, 'YYYYMM'));
        CONTINUE WHEN to_regclass(format('compliance.%I', name)) IS NOT NULL;
        -- Two callers at once would both find it missing.
        PERFORM pg_advisory_xact_lock(7233681, 2);
        CONTINUE WHEN to_regclass(format('compliance.%I', name)) IS NOT NULL;
        -- Attached and not created in place: that waits for no reader and makes none wait.
        EXECUTE format('CREATE TABLE compliance.%I (LIKE compliance.audit_log INCLUDING CONSTRAINTS)', name);
        EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON compliance.%I FOR EACH STATEMENT EXECUTE FUNCTION compliance.keep_entries()',
            name);
        EXECUTE format('ALTER TABLE compliance.audit_log ATTACH PARTITION compliance.%I FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION compliance.ensure_partitions() FROM PUBLIC;
