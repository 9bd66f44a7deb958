-- weight 5: a click is kept
INSERT INTO activity_log (user_id, business_id, action, details)
SELECT 1 + floor(random() * 4000)::int, 1 + floor(random() * 6000)::int, 'viewed', '{"screen": "dashboard"}';

-- weight 4: a request is timed
INSERT INTO performance_metrics (endpoint, duration_ms) SELECT '/api/business', 5 + 200 * random() * random();

-- weight 3: the last steps of one founder
SELECT action, details, happened_at FROM activity_log WHERE user_id = (SELECT 1 + floor(random() * 4000)::int) ORDER BY happened_at DESC LIMIT 20;

-- weight 3: a visit is counted
INSERT INTO business_metrics AS m (business_id, day, visits) SELECT 1 + floor(random() * 600)::int, current_date, 1
ON CONFLICT (business_id, day) DO UPDATE SET visits = m.visits + 1;

-- weight 1: how fast requests were in the last hours
SELECT endpoint, percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95, count(*) FROM performance_metrics
 WHERE measured_at > now() - interval '6 hours' GROUP BY 1;

-- every 15 s: the month as a report shows it
SELECT day, sum(visits), sum(revenue) FROM business_metrics WHERE day > current_date - 7 GROUP BY 1 ORDER BY 1;

-- every 15 s: what was done in the last day
SELECT action, count(*), count(DISTINCT user_id) FROM activity_log WHERE happened_at > now() - interval '1 day' GROUP BY 1;

-- every 30 s: live clicks older than an hour
DELETE FROM activity_log WHERE id > 20000 AND happened_at < now() - interval '1 hour';

-- every 30 s: live timings older than an hour
DELETE FROM performance_metrics WHERE id > 8000 AND measured_at < now() - interval '1 hour';

-- every 60 s: a year's revenue
SELECT month, sum(revenue) FROM revenue_monthly WHERE month > current_date - 365 GROUP BY 1 ORDER BY 1;
