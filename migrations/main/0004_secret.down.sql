DROP TABLE main.secret;
