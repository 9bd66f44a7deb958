-- History of samples. A round (all figures of one topic of one target at one moment) is written as one row; when its hour is
-- over, the rounds of that hour become one chunk per series and are removed in the same transaction. Reading unites both.
--
-- Hours are counted from 1970-01-01 00:00 UTC. Samples belong to a series, a series to a target, a target to an organisation:
-- the organisation is kept there and not repeated in each row of 100 bytes.

-- Tells one history from another: ids of series must not be carried from one database to the next.
CREATE TABLE analytics.origin (
    id uuid PRIMARY KEY
);
INSERT INTO analytics.origin (id) VALUES (gen_random_uuid());

CREATE TABLE analytics.target (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id uuid NOT NULL,
    name   text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    UNIQUE (org_id, name)
);

-- The dictionary: names are long and few, samples are short and many.
CREATE TABLE analytics.series (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target_id integer NOT NULL REFERENCES analytics.target (id),
    topic     smallint NOT NULL,
    metric    text NOT NULL,
    object    text NOT NULL,
    UNIQUE (target_id, metric, object, topic)
);

CREATE TABLE analytics.round (
    target_id integer NOT NULL,
    topic     smallint NOT NULL,
    at        timestamptz NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (target_id, topic, at)
) PARTITION BY RANGE (at);

-- The moments of an hour's rounds, once for all series of the topic.
CREATE TABLE analytics.clock (
    target_id integer NOT NULL,
    topic     smallint NOT NULL,
    hour      integer NOT NULL,
    times     bytea NOT NULL,
    PRIMARY KEY (target_id, topic, hour)
) PARTITION BY RANGE (hour);

CREATE TABLE analytics.chunk (
    series_id integer NOT NULL,
    hour      integer NOT NULL,
    body      bytea NOT NULL,
    PRIMARY KEY (series_id, hour)
) PARTITION BY RANGE (hour);

-- The runtime login can't create or drop tables. These two functions do it on its behalf, for these three tables and nothing else.

-- Makes the partitions that hold the moment, if they are missing: three hours of rounds, one day (UTC) of clocks and chunks.
CREATE FUNCTION analytics.ensure_partitions(moment timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    hours   bigint := floor(extract(epoch FROM moment) / 3600);
    third   bigint := hours - ((hours % 3) + 3) % 3;
    day     bigint := hours - ((hours % 24) + 24) % 24;
    name    text;
    compact text;
BEGIN
    IF moment > now() + interval '2 days' THEN
        RAISE EXCEPTION 'No partition is made for %, more than two days ahead: check the clocks.', moment;
    END IF;
    -- Two callers at once would both find it missing.
    PERFORM pg_advisory_xact_lock(7233681, 1);
    name := format('round_%s', to_char(to_timestamp(third * 3600), 'YYYYMMDD_HH24'));
    IF to_regclass(format('analytics.%I', name)) IS NULL THEN
        EXECUTE format('CREATE TABLE analytics.%I PARTITION OF analytics.round FOR VALUES FROM (%L) TO (%L)',
            name, to_timestamp(third * 3600), to_timestamp((third + 3) * 3600));
        -- lz4 costs a fraction of pglz; a server built without it keeps pglz.
        IF EXISTS (SELECT FROM pg_settings WHERE pg_settings.name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)) THEN
            EXECUTE format('ALTER TABLE analytics.%I ALTER COLUMN body SET COMPRESSION lz4', name);
        END IF;
        -- Rounds live for hours and leave with their partition: no vacuum needed before that.
        EXECUTE format('ALTER TABLE analytics.%I SET (autovacuum_vacuum_scale_factor = 1.0)', name);
    END IF;
    name := format('clock_%s', to_char(to_timestamp(day * 3600), 'YYYYMMDD'));
    IF to_regclass(format('analytics.%I', name)) IS NULL THEN
        EXECUTE format('CREATE TABLE analytics.%I PARTITION OF analytics.clock FOR VALUES FROM (%L) TO (%L)', name, day, day + 24);
    END IF;
    name := format('chunk_%s', to_char(to_timestamp(day * 3600), 'YYYYMMDD'));
    IF to_regclass(format('analytics.%I', name)) IS NULL THEN
        EXECUTE format('CREATE TABLE analytics.%I PARTITION OF analytics.chunk FOR VALUES FROM (%L) TO (%L)', name, day, day + 24);
    END IF;
END
$$;

-- Drops what is over: partitions of rounds that ended before rounds_before and hold no row any more, and partitions of clocks
-- and chunks that ended before keep_from. Never touches the last 24 hours. Answers the names of what it dropped.
CREATE FUNCTION analytics.drop_partitions(keep_from timestamptz, rounds_before timestamptz) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    part      record;
    upper_end timestamptz;
    filled    boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(7233681, 1);
    -- A reader that takes its time must not make writers queue behind this drop; the next call tries again.
    SET LOCAL lock_timeout = '2s';
    keep_from := least(keep_from, now() - interval '24 hours');
    FOR part IN
        SELECT child.oid, child.relname::text AS name, parent.relname::text AS parent
        FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
        WHERE parent.oid IN ('analytics.round'::regclass, 'analytics.clock'::regclass, 'analytics.chunk'::regclass)
        ORDER BY child.relname
    LOOP
        IF part.parent = 'round' THEN
            upper_end := to_timestamp(substr(part.name, 7), 'YYYYMMDD_HH24') + interval '3 hours';
            CONTINUE WHEN upper_end > rounds_before;
            IF upper_end > keep_from THEN
                -- Nobody may add a row between the look and the drop. The parent first, as writers do.
                LOCK TABLE ONLY analytics.round IN ACCESS EXCLUSIVE MODE;
                EXECUTE format('SELECT EXISTS (SELECT FROM analytics.%I)', part.name) INTO filled;
                CONTINUE WHEN filled;
            END IF;
        ELSE
            upper_end := to_timestamp(substr(part.name, 7), 'YYYYMMDD') + interval '1 day';
            CONTINUE WHEN upper_end > keep_from;
        END IF;
        EXECUTE format('DROP TABLE analytics.%I', part.name);
        RETURN NEXT part.name;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION analytics.ensure_partitions(timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION analytics.drop_partitions(timestamptz, timestamptz) FROM PUBLIC;
