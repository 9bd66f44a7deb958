INSERT INTO users (id, email, username, password_hash, first_name, last_name, email_verified, created_at, last_login_at)
SELECT g, lower(first) || '.' || lower(last) || g || '@kingdom.example', 'knight' || g, '$2b$12$' || md5('salt' || g) || left(md5('hash' || g), 21),
       first, last, g % 9 <> 0, now() - g * interval '4 hours', now() - random() * interval '30 days'
  FROM generate_series(1, 3000) g,
       LATERAL (SELECT (ARRAY['Ada','Bela','Caio','Dana','Emil','Fatou','Goran','Hana','Iris','Jonas','Kofi'])[1 + g % 11] AS first,
                       (ARRAY['Abara','Brandt','Castell','Dubois','Eriksen','Fontaine','Granger'])[1 + g / 11 % 7] AS last) names;
ALTER TABLE users ALTER COLUMN id RESTART WITH 3001;

INSERT INTO user_preferences (user_id, theme, currency, notifications)
SELECT g, (ARRAY['light','dark','system'])[1 + g % 3], (ARRAY['EUR','USD','GBP'])[1 + g % 3],
       jsonb_build_object('email', g % 2 = 0, 'push', g % 3 = 0, 'weekly_report', true)
  FROM generate_series(1, 3000) g;

INSERT INTO user_sessions (user_id, token_hash, device, created_at, expires_at)
SELECT 1 + g % 3000, md5('session' || g) || md5('token' || g), (ARRAY['iPhone','Android','Firefox','Chrome'])[1 + g % 4],
       now() - (g % 1440) * interval '1 minute', now() - (g % 1440) * interval '1 minute' + interval '24 hours'
  FROM generate_series(1, 2000) g;

INSERT INTO kingdom_state (user_id, tier, xp, learning_streak, virtual_balance, real_balance, buildings)
SELECT g, 1 + (g % 25 = 0)::int + (g % 4 = 0)::int + (g % 50 = 0)::int, (random() * 20000)::int, g % 90, 10000 + random() * 5000,
       CASE WHEN g % 4 = 0 THEN random() * 2000 ELSE 0 END, jsonb_build_array('castle', (ARRAY['market','library','vault'])[1 + g % 3])
  FROM generate_series(1, 3000) g;

INSERT INTO educational_progress (user_id, module, completed_percent, best_score, seconds_spent, completed_at)
SELECT u, m, CASE WHEN (u + n) % 3 = 0 THEN 100 ELSE (u * 7 + n * 13) % 100 END, 40 + (u + n) % 61, 300 + (u * n) % 5000,
       CASE WHEN (u + n) % 3 = 0 THEN now() - (u % 60) * interval '1 day' END
  FROM generate_series(1, 3000) u,
       unnest(ARRAY['saving','interest','stocks','bonds','diversification']) WITH ORDINALITY AS modules (m, n);

INSERT INTO achievements (code, title, xp_reward)
SELECT lower(replace(title, ' ', '-')), title, 50 * n
  FROM unnest(ARRAY['First coin','First trade','Seven days in a row','Thirty days in a row','Gate built','Market opened','Library filled',
                    'Vault closed','Ten friends','First real trade','Half diversified','Well diversified','Patient for a year','Debt repaid',
                    'Bond holder','Index believer','Good student','Top of the class','Teacher','King of the hill'])
       WITH ORDINALITY AS a (title, n);

INSERT INTO user_achievements (user_id, achievement_id, earned_at)
SELECT u, a, now() - (u % 300) * interval '1 day' FROM generate_series(1, 3000) u, generate_series(1, 20) a WHERE (u * 31 + a * 17) % 5 = 0;

INSERT INTO trading_accounts (id, user_id, broker, kind, status, opened_at)
SELECT g, 1 + (g * 7) % 3000, (ARRAY['Oak','Harbour','Northbank'])[1 + g % 3], CASE WHEN g % 4 = 0 THEN 'real' ELSE 'paper' END,
       CASE WHEN g % 40 = 0 THEN 'closed' WHEN g % 41 = 0 THEN 'pending' ELSE 'active' END, now() - (g % 400) * interval '1 day'
  FROM generate_series(1, 500) g;
ALTER TABLE trading_accounts ALTER COLUMN id RESTART WITH 501;

INSERT INTO portfolio_snapshots (account_id, taken_at, total_value, cash, day_change, live)
SELECT a, date_trunc('hour', now()) - t * interval '6 hours', 10000 + 3000 * sin(a + t / 40.0) + 10 * (200 - t), 500 + a % 700, 40 * cos(t / 3.0), false
  FROM generate_series(1, 500) a, generate_series(0, 119) t;

INSERT INTO social_connections (user_id, friend_id, status, since)
SELECT u, 1 + (u + step * 37) % 3000, CASE WHEN (u + step) % 7 = 0 THEN 'pending' ELSE 'accepted' END, now() - (u % 200) * interval '1 day'
  FROM generate_series(1, 3000) u, generate_series(1, 4) step;
