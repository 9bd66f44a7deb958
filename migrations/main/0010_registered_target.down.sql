ALTER TABLE main.target DROP COLUMN region, DROP COLUMN owner;
DROP TABLE main.registered_target;
