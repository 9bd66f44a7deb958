-- weight 5: the dashboard of one agency
SELECT total_contacts, customers, new_contacts, running_campaigns FROM user_dashboard_metrics
 WHERE user_id = (SELECT md5('user:' || 1 + floor(random() * 20)::int)::uuid);

-- weight 4: a search
SELECT * FROM search_contacts((SELECT md5('user:' || 1 + floor(random() * 20)::int)::uuid),
    (SELECT (ARRAY['fontaine1','kofi.dubois','Mira Gran','saltmarsh','Oona'])[1 + floor(random() * 5)::int]));

-- weight 3: the newest customers
SELECT email, score FROM contacts WHERE user_id = (SELECT md5('user:' || 1 + floor(random() * 20)::int)::uuid) AND status = 'customer'
 ORDER BY score DESC LIMIT 10;

-- weight 2: the newest contacts
SELECT email, status FROM contacts WHERE user_id = (SELECT md5('user:' || 1 + floor(random() * 20)::int)::uuid) ORDER BY created_at DESC LIMIT 20;

-- weight 3: a contact is judged anew
UPDATE contacts SET score = (score + 7) % 101, updated_at = now() WHERE id = (SELECT md5('contact:' || 1 + floor(random() * 15000)::int)::uuid);

-- weight 2: one writes in
INSERT INTO contacts (user_id, email, first_name, last_name, company)
SELECT md5('user:' || 1 + floor(random() * 20)::int)::uuid, 'visitor.' || left(md5(random()::text), 12) || '@web.example', 'Vera', 'Visitor', 'Web form';

-- weight 3: something is done with one
INSERT INTO activities (contact_id, kind) SELECT md5('contact:' || 1 + floor(random() * 15000)::int)::uuid, 'call';

-- weight 2: their story
SELECT kind, happened_at FROM activities WHERE contact_id = (SELECT md5('contact:' || 1 + floor(random() * 15000)::int)::uuid) ORDER BY happened_at DESC;

-- weight 1: who changed them
SELECT action, changed_by, changed_at FROM audit_log WHERE row_id = (SELECT md5('contact:' || 1 + floor(random() * 15000)::int)::uuid) ORDER BY changed_at DESC;

-- weight 1: a letter goes out
UPDATE campaigns SET sent = (sent + 10) % 100000, opened = (opened + 3) % 30000 WHERE id = (SELECT md5('campaign:' || 1 + floor(random() * 400)::int)::uuid);

-- every 30 s: the dashboard is counted anew
SELECT refresh_dashboard();

-- every 30 s: what happened in the last hour
SELECT kind, count(*) FROM activities WHERE happened_at > now() - interval '1 hour' GROUP BY 1;

-- every 60 s: what the sample wrote goes again
SELECT retire();
