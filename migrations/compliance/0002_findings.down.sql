DROP TABLE compliance.finding;
DROP TABLE compliance.evidence;
DROP TABLE compliance.scan;
