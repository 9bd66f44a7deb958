INSERT INTO users (id, email, full_name, phone, role, created_at, last_seen_at)
SELECT g, 'founder' || g || '@parafort.example',
       (ARRAY['Ada','Bela','Caio','Dana','Emil','Fatou','Goran','Hana','Iris','Jonas','Kofi'])[1 + g % 11] || ' ' ||
       (ARRAY['Abara','Brandt','Castell','Dubois','Eriksen','Fontaine','Granger'])[1 + g / 11 % 7],
       CASE WHEN g % 3 > 0 THEN '+1 555 01' || lpad((g % 10000)::text, 4, '0') END,
       CASE WHEN g % 97 = 0 THEN 'support' WHEN g % 31 = 0 THEN 'agent' ELSE 'owner' END,
       now() - g * interval '5 hours', now() - random() * interval '20 days'
  FROM generate_series(1, 4000) g;
ALTER TABLE users ALTER COLUMN id RESTART WITH 4001;

INSERT INTO business_entities (id, owner_id, legal_name, entity_type, state, status, formed_on)
SELECT g, 1 + (g * 13) % 4000,
       (ARRAY['Alder','Birch','Cedar','Dune','Ember','Fjord','Grove','Harbour'])[1 + g % 8] || ' ' ||
       (ARRAY['Bakery','Consulting','Design','Freight','Garden','Software','Tailors'])[1 + g / 8 % 7] || ' ' || g,
       (ARRAY['llc','llc','llc','corporation','partnership','nonprofit'])[1 + g % 6], (ARRAY['DE','WY','CA','NY','TX','FL','WA','NV'])[1 + g % 8],
       CASE WHEN g % 23 = 0 THEN 'forming' WHEN g % 37 = 0 THEN 'dissolved' ELSE 'active' END, current_date - g % 2000
  FROM generate_series(1, 6000) g;
ALTER TABLE business_entities ALTER COLUMN id RESTART WITH 6001;

INSERT INTO subscription_plans VALUES (1, 'Free', 0), (2, 'Silver', 19), (3, 'Gold', 49), (4, 'Platinum', 129);

INSERT INTO subscriptions (business_id, plan_id, status, renews_on)
SELECT g, 1 + (g % 3 = 0)::int + (g % 7 = 0)::int + (g % 21 = 0)::int,
       CASE WHEN g % 19 = 0 THEN 'cancelled' WHEN g % 29 = 0 THEN 'past_due' WHEN g % 17 = 0 THEN 'trial' ELSE 'active' END, current_date + g % 365
  FROM generate_series(1, 6000) g;

INSERT INTO auth_sessions (user_id, token_hash, expires_at)
SELECT 1 + g % 4000, md5('session' || g) || md5('token' || g), now() + (g % 60) * interval '1 minute' FROM generate_series(1, 500) g;
