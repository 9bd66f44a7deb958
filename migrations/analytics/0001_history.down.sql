DROP FUNCTION analytics.drop_partitions(timestamptz, timestamptz);
DROP FUNCTION analytics.ensure_partitions(timestamptz);
DROP TABLE analytics.chunk;
DROP TABLE analytics.clock;
DROP TABLE analytics.round;
DROP TABLE analytics.series;
DROP TABLE analytics.target;
DROP TABLE analytics.origin;
