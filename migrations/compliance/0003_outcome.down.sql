ALTER TABLE compliance.scan DROP COLUMN outcome;
DROP TABLE compliance.outcome;
