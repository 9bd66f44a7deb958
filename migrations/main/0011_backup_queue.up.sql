-- Home of the queue that backup jobs go through. What is in it is made by the library that owns it, right after this. An owner who may not
-- create schemas can be given an empty one of this name beforehand; the table is here so that the library does not ask for more.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'queue') THEN
        CREATE SCHEMA queue;
    END IF;
END
$$;

CREATE TABLE queue.migrations (
    id int PRIMARY KEY,
    ts timestamptz NOT NULL DEFAULT now(),
    breaking boolean NOT NULL DEFAULT false
);
