-- weight 6: a founder and their businesses
SELECT u.full_name, b.legal_name, b.status, s.status, p.name FROM users u
  JOIN business_entities b ON b.owner_id = u.id LEFT JOIN subscriptions s ON s.business_id = b.id LEFT JOIN subscription_plans p ON p.id = s.plan_id
 WHERE u.id = (SELECT 1 + floor(random() * 4000)::int);

-- weight 3: a filing moves on
UPDATE business_entities SET status = CASE status WHEN 'forming' THEN 'active' ELSE status END, updated_at = now()
 WHERE id = (SELECT 1 + floor(random() * 6000)::int);

-- weight 3: somebody is seen
UPDATE users SET last_seen_at = now() WHERE id = (SELECT 1 + floor(random() * 4000)::int);

-- weight 2: somebody signs in
INSERT INTO auth_sessions (user_id, token_hash, expires_at)
SELECT 1 + floor(random() * 4000)::int, md5(random()::text) || md5(clock_timestamp()::text), now() + interval '20 minutes';

-- weight 2: by e-mail, as a sign-in does
SELECT id, role FROM users WHERE email = (SELECT 'founder' || 1 + floor(random() * 4000)::int || '@parafort.example');

-- weight 1: a payment comes in
UPDATE subscriptions SET status = 'active', renews_on = current_date + 30
 WHERE business_id = (SELECT 1 + floor(random() * 6000)::int) AND status IN ('trial', 'past_due');

-- weight 1: a token is checked
SELECT user_id FROM auth_sessions WHERE token_hash = (SELECT md5('session' || n) || md5('token' || n) FROM (SELECT 1 + floor(random() * 500)::int AS n) pick);

-- weight 1: an agent goes through what is being formed in a state
SELECT id, legal_name FROM business_entities
 WHERE state = (SELECT (ARRAY['DE','WY','CA','NY','TX','FL','WA','NV'])[1 + floor(random() * 8)::int]) AND status = 'forming' LIMIT 20;

-- every 30 s: what renews today
SELECT id, business_id FROM subscriptions WHERE renews_on = current_date AND status <> 'cancelled';

-- every 20 s: sessions that have ended
DELETE FROM auth_sessions WHERE expires_at < now();

-- replica weight 4: a dashboard, read where reading costs the founders nothing
SELECT b.state, b.status, count(*) FROM business_entities b WHERE b.state = (SELECT (ARRAY['DE','WY','CA','NY'])[1 + floor(random() * 4)::int]) GROUP BY 1, 2;

-- replica weight 4: one business
SELECT b.legal_name, u.full_name FROM business_entities b JOIN users u ON u.id = b.owner_id WHERE b.id = (SELECT 1 + floor(random() * 6000)::int);

-- replica weight 1: what renews this week
SELECT p.name, count(*), sum(p.monthly_price) FROM subscriptions s JOIN subscription_plans p ON p.id = s.plan_id
 WHERE s.renews_on BETWEEN current_date AND current_date + 7 AND s.status <> 'cancelled' GROUP BY 1;
