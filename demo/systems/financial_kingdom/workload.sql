-- weight 6: a kingdom is looked at
SELECT u.username, k.tier, k.xp, k.virtual_balance FROM users u JOIN kingdom_state k ON k.user_id = u.id
 WHERE u.id = (SELECT 1 + floor(random() * 3000)::int);

-- weight 5: the last month of one portfolio, by the day
SELECT date_trunc('day', taken_at) AS day, avg(total_value)::numeric(14, 2) AS value, max(day_change) AS best
  FROM portfolio_snapshots
 WHERE account_id = (SELECT 1 + floor(random() * 500)::int) AND taken_at > now() - interval '30 days' GROUP BY 1 ORDER BY 1;

-- weight 4: a portfolio is valued
INSERT INTO portfolio_snapshots (account_id, total_value, cash, day_change)
SELECT account_id, total_value * (0.995 + random() * 0.01)::numeric, cash, (random() * 80 - 40)::numeric(14, 2)
  FROM portfolio_snapshots WHERE account_id = (SELECT 1 + floor(random() * 500)::int) ORDER BY taken_at DESC LIMIT 1
ON CONFLICT DO NOTHING;

-- weight 3: a lesson goes on
UPDATE educational_progress SET completed_percent = least(100, completed_percent + 3) % 100, seconds_spent = (seconds_spent + 30) % 100000
 WHERE user_id = (SELECT 1 + floor(random() * 3000)::int)
   AND module = (SELECT (ARRAY['saving','interest','stocks','bonds','diversification'])[1 + floor(random() * 5)::int]);

-- weight 3: experience is earned
UPDATE kingdom_state SET xp = (xp + 10) % 1000000, learning_streak = (learning_streak + 1) % 400, updated_at = now()
 WHERE user_id = (SELECT 1 + floor(random() * 3000)::int);

-- weight 2: friends and what they have reached
SELECT f.friend_id, count(a.*) AS reached FROM social_connections f LEFT JOIN user_achievements a ON a.user_id = f.friend_id
 WHERE f.user_id = (SELECT 1 + floor(random() * 3000)::int) AND f.status = 'accepted' GROUP BY 1;

-- weight 2: somebody signs in
INSERT INTO user_sessions (user_id, token_hash, device, expires_at)
SELECT 1 + floor(random() * 3000)::int, md5(random()::text) || md5(clock_timestamp()::text), 'Firefox', now() + interval '30 minutes';

-- weight 1: by e-mail, as a sign-in does
SELECT id, password_hash FROM users WHERE username = (SELECT 'knight' || 1 + floor(random() * 3000)::int);

-- weight 1: a session is checked
SELECT user_id, expires_at FROM user_sessions WHERE token_hash = (SELECT md5('session' || n) || md5('token' || n) FROM (SELECT 1 + floor(random() * 2000)::int AS n) pick);

-- weight 1: how far a module is among all
SELECT count(*), avg(completed_percent) FROM educational_progress WHERE module = 'bonds' AND completed_percent >= 90;

-- weight 1: the leaders of a tier
SELECT user_id, xp FROM kingdom_state WHERE tier = 3 ORDER BY xp DESC LIMIT 20;

-- every 20 s: sessions that have ended
DELETE FROM user_sessions WHERE expires_at < now();

-- every 30 s: live values older than an hour
DELETE FROM portfolio_snapshots WHERE live AND taken_at < now() - interval '1 hour';

-- every 60 s: the market as a whole
SELECT date_trunc('hour', taken_at) AS hour, sum(total_value) AS total FROM portfolio_snapshots WHERE taken_at > now() - interval '1 day' GROUP BY 1;
