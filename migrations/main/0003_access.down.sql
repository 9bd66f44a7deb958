-- Roles that were held for less than everything have no place in the former shape: they are lost, never widened.
DROP TABLE main.audit_head;
DROP TABLE main.audit_outbox;
DROP TABLE main.invite;
DROP TABLE main.api_token;
DROP TABLE main.refresh_token;
DROP TABLE main.known_address;
ALTER TABLE main.auth_session DROP COLUMN address, DROP COLUMN agent, DROP COLUMN idle_ends_at;
ALTER TABLE main.account DROP COLUMN last_sign_in;
ALTER TABLE main.account ADD COLUMN roles text[] NOT NULL DEFAULT '{}';
UPDATE main.account a SET roles = ARRAY(
    SELECT role FROM main.binding b WHERE b.account_id = a.id AND b.scope = 'everything' ORDER BY role);
DROP TRIGGER last_admin ON main.account;
DROP TABLE main.binding;
DROP FUNCTION main.keep_an_admin();
