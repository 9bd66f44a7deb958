-- FutureSync: what people want to become and what they do for it each day. Each sees only their own rows: row-level security by the
-- session's setting futuresync.user_id. What is removed stays for a while (deleted_at); events and the audit log are partitioned by month.

CREATE TYPE vision_category AS ENUM ('health', 'career', 'relationships', 'personal-growth');
CREATE TYPE action_status AS ENUM ('pending', 'in_progress', 'completed', 'skipped');

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL,
    password_hash text,
    display_name text NOT NULL,
    timezone text NOT NULL DEFAULT 'UTC',
    locale text NOT NULL DEFAULT 'en',
    role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'coach', 'admin')),
    onboarding_completed boolean NOT NULL DEFAULT false,
    trial_ends_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX users_email_live_key ON users (email) WHERE deleted_at IS NULL;

CREATE TABLE visions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    category vision_category NOT NULL,
    title text NOT NULL,
    description text,
    priority smallint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 1 AND 5),
    time_allocation_minutes integer NOT NULL DEFAULT 30,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX visions_user_id_idx ON visions (user_id);
CREATE INDEX visions_live_idx ON visions (user_id, priority) WHERE deleted_at IS NULL;

CREATE TABLE daily_actions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    vision_id uuid NOT NULL REFERENCES visions ON DELETE CASCADE,
    description text NOT NULL,
    estimated_time_minutes integer NOT NULL DEFAULT 15,
    status action_status NOT NULL DEFAULT 'pending',
    ai_generated boolean NOT NULL DEFAULT true,
    ai_reasoning text,
    imported boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX daily_actions_user_id_idx ON daily_actions (user_id);
CREATE INDEX daily_actions_vision_id_idx ON daily_actions (vision_id);
CREATE INDEX daily_actions_live_idx ON daily_actions (user_id, created_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX daily_actions_removed_idx ON daily_actions (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    email_domain text UNIQUE,
    plan text NOT NULL DEFAULT 'team' CHECK (plan IN ('team', 'business', 'enterprise')),
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE organization_members (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'manager', 'member')),
    invited_by uuid REFERENCES users ON DELETE SET NULL,
    joined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX organization_members_user_id_idx ON organization_members (user_id);
CREATE INDEX organization_members_invited_by_idx ON organization_members (invited_by);

CREATE TABLE user_progress (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    current_streak integer NOT NULL DEFAULT 0,
    longest_streak integer NOT NULL DEFAULT 0,
    actions_completed integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);

CREATE TABLE achievements (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    code text NOT NULL,
    earned_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, code)
);

CREATE TABLE analytics_events (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL DEFAULT now(),
    imported boolean NOT NULL DEFAULT false,
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX analytics_events_user_id_idx ON analytics_events (user_id, occurred_at);
CREATE INDEX analytics_events_occurred_at_idx ON analytics_events (occurred_at);

CREATE TABLE audit_log (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid REFERENCES users ON DELETE SET NULL,
    action text NOT NULL,
    object_type text NOT NULL,
    object_id uuid,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    imported boolean NOT NULL DEFAULT false,
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX audit_log_user_id_idx ON audit_log (user_id, occurred_at);
CREATE INDEX audit_log_occurred_at_idx ON audit_log (occurred_at);

-- The months around now, two to each side, for both tables; months that ended over half a year ago go. Called at each start and again and
-- again, so that inserts work for ever. Answers how many were made.
CREATE FUNCTION keep_partitions() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    month timestamp;
    parent text;
    name text;
    old regclass;
    made integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['analytics_events', 'audit_log'] LOOP
        FOR step IN -2..2 LOOP
            month := this_month + step * interval '1 month';
            name := parent || to_char(month, '_YYYY_MM');
            IF to_regclass('public.' || name) IS NULL THEN
                EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)', name, parent,
                    month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
                made := made + 1;
            END IF;
        END LOOP;
        FOR old IN SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                    WHERE i.inhparent = format('public.%s', parent)::regclass
                      AND right(c.relname, 7) < to_char(this_month - interval '6 months', 'YYYY_MM') LOOP
            EXECUTE format('DROP TABLE %s', old);
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- What the workload wrote over an hour ago is removed, softly where people could want it back, and what was removed ten minutes ago is gone.
CREATE FUNCTION retire() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM public.daily_actions WHERE deleted_at < now() - interval '10 minutes' AND NOT imported;
    UPDATE public.daily_actions SET deleted_at = now() WHERE NOT imported AND deleted_at IS NULL AND created_at < now() - interval '1 hour';
    DELETE FROM public.analytics_events WHERE NOT imported AND occurred_at < now() - interval '1 hour';
    DELETE FROM public.audit_log WHERE NOT imported AND occurred_at < now() - interval '1 hour';
$$;

-- Who is asking. Nobody has said so: no row.
CREATE FUNCTION current_user_id() RETURNS uuid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('futuresync.user_id', true), '')::uuid
$$;

-- Asked as the owner: a policy that read organization_members itself would ask itself for ever.
CREATE FUNCTION current_organizations() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT organization_id FROM public.organization_members
     WHERE user_id = nullif(current_setting('futuresync.user_id', true), '')::uuid
$$;

REVOKE EXECUTE ON FUNCTION keep_partitions(), retire(), current_user_id(), current_organizations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_partitions(), retire(), current_user_id(), current_organizations() TO futuresync_app;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE visions ENABLE ROW LEVEL SECURITY;
ALTER TABLE daily_actions ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organization_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_progress ENABLE ROW LEVEL SECURITY;
ALTER TABLE achievements ENABLE ROW LEVEL SECURITY;
ALTER TABLE analytics_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON users TO futuresync_app USING (id = (SELECT current_user_id()));
CREATE POLICY own ON visions TO futuresync_app USING (user_id = (SELECT current_user_id()));
CREATE POLICY own ON daily_actions TO futuresync_app USING (user_id = (SELECT current_user_id()));
CREATE POLICY own ON user_progress TO futuresync_app USING (user_id = (SELECT current_user_id()));
CREATE POLICY own ON achievements TO futuresync_app USING (user_id = (SELECT current_user_id()));
CREATE POLICY own ON analytics_events TO futuresync_app USING (user_id = (SELECT current_user_id()));
CREATE POLICY own ON audit_log TO futuresync_app USING (user_id = (SELECT current_user_id()));
CREATE POLICY of_members ON organizations TO futuresync_app USING (id IN (SELECT current_organizations()));
CREATE POLICY of_members ON organization_members FOR SELECT TO futuresync_app USING (organization_id IN (SELECT current_organizations()));

GRANT SELECT, UPDATE ON users TO futuresync_app;
GRANT SELECT, INSERT, UPDATE ON visions, daily_actions, user_progress TO futuresync_app;
GRANT SELECT ON organizations, organization_members TO futuresync_app;
GRANT SELECT, INSERT ON achievements, analytics_events, audit_log TO futuresync_app;
