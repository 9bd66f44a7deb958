DROP TABLE main.signing_key;
DROP TABLE main.web_session;
DROP TABLE main.auth_session;
DROP TABLE main.account;
DROP TABLE main.organisation;
