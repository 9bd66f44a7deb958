-- Rights with a reach, sessions that know where they began, tokens, invitations, and the outbox of the audit trail.

-- A role held for a scope: everything, environment:…, tag:… or target:…
CREATE TABLE main.binding (
    org_id     uuid NOT NULL REFERENCES main.organisation (id),
    account_id uuid NOT NULL REFERENCES main.account (id) ON DELETE CASCADE,
    role       text NOT NULL CHECK (role IN ('admin', 'operator', 'security_officer', 'viewer')),
    scope      text NOT NULL CHECK (scope ~ '^(everything|environment:(dev|staging|prod)|tag:.{1,63}|target:.{1,63})$'),
    PRIMARY KEY (account_id, role, scope)
);
CREATE INDEX binding_admins ON main.binding (org_id) WHERE role = 'admin' AND scope = 'everything';

-- A word that names no role granted nothing before and grants nothing now.
INSERT INTO main.binding (org_id, account_id, role, scope)
    SELECT DISTINCT org_id, id, word, 'everything' FROM main.account CROSS JOIN LATERAL unnest(roles) AS word
    WHERE word IN ('admin', 'operator', 'security_officer', 'viewer');

ALTER TABLE main.account DROP COLUMN roles;
ALTER TABLE main.account ADD COLUMN last_sign_in timestamptz;

-- Somebody must be left who can give rights: the last enabled account that is admin for everything can't lose that role, be
-- disabled or be removed (its roles go with it). Two transactions that each take away one of the last two would both still see
-- the other one: so each waits here for the other and looks when it is alone. A transaction that only sees the moment of its
-- beginning would look at the past.
CREATE FUNCTION main.keep_an_admin() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'account' THEN
        IF NOT EXISTS (SELECT FROM main.binding WHERE account_id = OLD.id AND role = 'admin' AND scope = 'everything') THEN
            RETURN NULL;
        END IF;
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'The rights of an admin can only be changed in a read committed transaction.'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM pg_advisory_xact_lock(7233687, 1);
    IF NOT EXISTS (
        SELECT FROM main.binding b JOIN main.account a ON a.id = b.account_id
        WHERE b.org_id = OLD.org_id AND b.role = 'admin' AND b.scope = 'everything' AND a.disabled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'The last admin for everything must stay.' USING ERRCODE = 'check_violation', CONSTRAINT = 'last_admin';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION main.keep_an_admin() FROM PUBLIC;

CREATE CONSTRAINT TRIGGER last_admin AFTER DELETE OR UPDATE ON main.binding
    FOR EACH ROW WHEN (OLD.role = 'admin' AND OLD.scope = 'everything') EXECUTE FUNCTION main.keep_an_admin();
CREATE CONSTRAINT TRIGGER last_admin AFTER UPDATE ON main.account
    FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) EXECUTE FUNCTION main.keep_an_admin();

-- Where and with what a sign-in began, and when it ends if nobody uses it. expires_at stays its end in any case.
ALTER TABLE main.auth_session
    ADD COLUMN address      text NOT NULL DEFAULT '',
    ADD COLUMN agent        text NOT NULL DEFAULT '',
    ADD COLUMN idle_ends_at timestamptz;

-- From where an account signed in before: who comes from there is not shut out by the wrong passwords of others.
CREATE TABLE main.known_address (
    org_id     uuid NOT NULL REFERENCES main.organisation (id),
    account_id uuid NOT NULL REFERENCES main.account (id) ON DELETE CASCADE,
    address    text NOT NULL CHECK (address <> ''),
    last_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, address)
);
CREATE INDEX known_address_newest ON main.known_address (org_id, last_at);

-- Each is used once and then names its successor. Only digests: who reads this table can't use what it describes.
CREATE TABLE main.refresh_token (
    digest      bytea PRIMARY KEY CHECK (length(digest) = 32),
    org_id      uuid NOT NULL REFERENCES main.organisation (id),
    sid         uuid NOT NULL REFERENCES main.auth_session (sid) ON DELETE CASCADE,
    generation  integer NOT NULL CHECK (generation > 0),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    -- Of whoever used it.
    fingerprint bytea,
    successor   bytea CHECK (length(successor) = 32),
    -- Of a token that was used twice at once one use alone makes the next generation.
    UNIQUE (sid, generation),
    CHECK ((used_at IS NULL) = (fingerprint IS NULL) AND (used_at IS NULL) = (successor IS NULL))
);

CREATE TABLE main.api_token (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES main.organisation (id),
    account_id uuid NOT NULL REFERENCES main.account (id) ON DELETE CASCADE,
    digest     bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    scopes     text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    last_used  timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_token_account ON main.api_token (account_id);

-- A link that makes an account with these roles, or sets a new password for one that exists. Works once.
CREATE TABLE main.invite (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL REFERENCES main.organisation (id),
    digest       bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    email        text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    bindings     text[] NOT NULL DEFAULT '{}',
    account_id   uuid REFERENCES main.account (id) ON DELETE CASCADE,
    made_by      uuid NOT NULL REFERENCES main.account (id),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz,
    withdrawn_at timestamptz,
    CHECK ((account_id IS NULL) = (cardinality(bindings) > 0)),
    CHECK (used_at IS NULL OR withdrawn_at IS NULL)
);
CREATE INDEX invite_open ON main.invite (org_id, email) WHERE used_at IS NULL AND withdrawn_at IS NULL;

-- What happened and is not yet sealed in the log. An event is written by the transaction of the change it tells of, as its last
-- statement and under a lock, so that ids are given in the order in which transactions commit: who reads up to an id has missed
-- none before it.
CREATE TABLE main.audit_outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    org_id   uuid NOT NULL REFERENCES main.organisation (id),
    -- The log takes no other: better refused here than stuck on its way.
    at       timestamptz NOT NULL CHECK (at BETWEEN '1970-01-01 00:00Z' AND '9000-01-01 00:00Z'),
    body     jsonb NOT NULL
);

-- The end of each log as last known here: a log that was cut off or written anew can't hide it as long as this is another database.
CREATE TABLE main.audit_head (
    org_id uuid NOT NULL REFERENCES main.organisation (id),
    log    uuid NOT NULL,
    seq    bigint NOT NULL CHECK (seq > 0),
    hash   bytea NOT NULL CHECK (length(hash) = 32),
    at     timestamptz NOT NULL,
    PRIMARY KEY (org_id, log)
);
