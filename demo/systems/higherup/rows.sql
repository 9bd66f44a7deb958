-- What is there from the start was changed by nobody.
ALTER TABLE contacts DISABLE TRIGGER audit;
ALTER TABLE campaigns DISABLE TRIGGER audit;

INSERT INTO users (id, email, agency, plan, created_at)
SELECT md5('user:' || g)::uuid, 'agency' || g || '@higherup.example', (ARRAY['Alder','Birch','Cedar','Dune','Ember'])[1 + g % 5] || ' Media ' || g,
       (ARRAY['starter','growth','agency'])[1 + g % 3], now() - g * interval '20 days'
  FROM generate_series(1, 20) g;

INSERT INTO contacts (id, user_id, email, first_name, last_name, company, status, score, created_at)
SELECT md5('contact:' || g)::uuid, md5('user:' || 1 + g % 20)::uuid, lower(first) || '.' || lower(last) || g || '@' || lower(company) || '.example', first, last, company,
       (ARRAY['lead','lead','qualified','customer','lost'])[1 + g % 5], (g * 37) % 101, now() - g * interval '10 minutes'
  FROM generate_series(1, 15000) g,
       LATERAL (SELECT (ARRAY['Ada','Bela','Caio','Dana','Emil','Fatou','Goran','Hana','Iris','Jonas','Kofi','Lena','Mira','Nils','Oona','Pavel','Quinn'])[1 + g % 17] AS first,
                       (ARRAY['Abara','Brandt','Castell','Dubois','Eriksen','Fontaine','Granger','Hoffmann','Ishikawa'])[1 + g % 9] AS last,
                       (ARRAY['Northwind','Larkspur','Saltmarsh','Foxglove','Brightwater','Stonecrop'])[1 + g % 6] AS company) words;

INSERT INTO campaigns (id, user_id, name, status, sent, opened, started_at)
SELECT md5('campaign:' || g)::uuid, md5('user:' || 1 + g % 20)::uuid, (ARRAY['Spring letter','Win back','Welcome','Webinar'])[1 + g % 4] || ' ' || g,
       (ARRAY['running','ended','draft'])[1 + g % 3], 100 * (g % 30), 31 * (g % 30), now() - (g % 200) * interval '1 day'
  FROM generate_series(1, 400) g;

INSERT INTO activities (id, contact_id, kind, happened_at)
SELECT g, md5('contact:' || 1 + (g * 7) % 15000)::uuid, (ARRAY['email','call','meeting','visit'])[1 + g % 4], now() - g * interval '6 minutes'
  FROM generate_series(1, 15000) g;
ALTER TABLE activities ALTER COLUMN id RESTART WITH 15001;

INSERT INTO audit_log (id, table_name, row_id, action, before, after, changed_by, changed_at)
SELECT g, 'contacts', md5('contact:' || 1 + g % 15000)::uuid, 'UPDATE', '{"status": "lead"}', '{"status": "qualified"}', 'higherup_app', now() - g * interval '15 minutes'
  FROM generate_series(1, 4000) g;
ALTER TABLE audit_log ALTER COLUMN id RESTART WITH 4001;

ALTER TABLE contacts ENABLE TRIGGER audit;
ALTER TABLE campaigns ENABLE TRIGGER audit;
REFRESH MATERIALIZED VIEW user_dashboard_metrics;
