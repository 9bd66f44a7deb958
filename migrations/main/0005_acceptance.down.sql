DROP TABLE main.acceptance;
