-- Who may use Reeve. Every row that can belong to a tenant names its organisation from the start.

CREATE TABLE main.organisation (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO main.organisation (id, name) VALUES ('00000000-0000-0000-0000-000000000001', 'Default');

CREATE TABLE main.account (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES main.organisation (id),
    email         text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    display_name  text NOT NULL,
    password_hash text NOT NULL,
    roles         text[] NOT NULL DEFAULT '{}',
    -- Raised when the password or the rights change: tokens of an earlier epoch are refused.
    epoch         integer NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz,
    UNIQUE (org_id, email)
);

-- A sign-in, by browser or by token. The row stays after its end until it is purged, so that "ended" can be told from "never was".
CREATE TABLE main.auth_session (
    sid        uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES main.organisation (id),
    account_id uuid NOT NULL REFERENCES main.account (id) ON DELETE CASCADE,
    via        text NOT NULL CHECK (via IN ('session', 'bearer', 'local')),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX auth_session_account ON main.auth_session (account_id);
CREATE INDEX auth_session_expires ON main.auth_session (expires_at);

-- Browser sessions as the web layer keeps them. Only a digest of the cookie's value is stored: who reads this table can't sign in with it.
CREATE TABLE main.web_session (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 32),
    record     bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX web_session_expires ON main.web_session (expires_at);

-- Keys that sign access tokens. The newest that has not retired signs; those before it still verify until they retire.
CREATE TABLE main.signing_key (
    kid         text PRIMARY KEY CHECK (kid <> ''),
    private_key bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    retire_at   timestamptz NOT NULL
);
