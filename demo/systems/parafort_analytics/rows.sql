INSERT INTO activity_log (id, user_id, business_id, action, details, happened_at)
SELECT g, 1 + (g * 29) % 4000, 1 + (g * 31) % 6000, (ARRAY['viewed','edited','filed','paid','downloaded'])[1 + g % 5],
       jsonb_build_object('screen', (ARRAY['dashboard','documents','filings'])[1 + g % 3], 'ms', g % 900), now() - g * interval '2 minutes'
  FROM generate_series(1, 20000) g;
ALTER TABLE activity_log ALTER COLUMN id RESTART WITH 20001;

INSERT INTO business_metrics (business_id, day, visits, documents_viewed, revenue)
SELECT b, current_date - d, (b * d) % 90, (b + d) % 12, (random() * 400)::numeric(12, 2) FROM generate_series(1, 600) b, generate_series(0, 29) d;

INSERT INTO performance_metrics (id, endpoint, duration_ms, measured_at)
SELECT g, (ARRAY['/api/business','/api/documents','/api/filings','/api/session'])[1 + g % 4], 5 + 200 * random() * random(), now() - g * interval '5 minutes'
  FROM generate_series(1, 8000) g;
ALTER TABLE performance_metrics ALTER COLUMN id RESTART WITH 8001;

INSERT INTO revenue_monthly (month, plan, subscriptions, revenue)
SELECT (date_trunc('month', now()) - m * interval '1 month')::date, plan, 1000 - m * 20 + n * 50, (1000 - m * 20) * price
  FROM generate_series(0, 23) m, (VALUES ('Silver', 19, 1), ('Gold', 49, 2), ('Platinum', 129, 3)) plans (plan, price, n);
