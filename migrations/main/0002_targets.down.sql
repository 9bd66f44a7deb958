DROP TABLE main.verdict_change;
DROP TABLE main.target;
