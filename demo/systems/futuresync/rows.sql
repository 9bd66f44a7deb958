SELECT keep_partitions();

INSERT INTO users (id, email, password_hash, display_name, timezone, locale, role, onboarding_completed, trial_ends_at, created_at, deleted_at)
SELECT md5('user:' || g)::uuid, 'dreamer' || g || '@futuresync.example', CASE WHEN g % 3 > 0 THEN '$argon2id$' || md5('hash' || g) END,
       (ARRAY['Ada','Bela','Caio','Dana','Emil','Fatou','Goran','Hana','Iris','Jonas','Kofi'])[1 + g % 11] || ' ' || chr(65 + g % 26) || '.',
       (ARRAY['UTC','Europe/Berlin','America/New_York','Asia/Tokyo'])[1 + g % 4], (ARRAY['en','de','fr','ja'])[1 + g % 4],
       CASE WHEN g % 500 = 0 THEN 'admin' WHEN g % 60 = 0 THEN 'coach' ELSE 'user' END, g % 8 <> 0, now() + (g % 14) * interval '1 day',
       now() - g * interval '3 hours', CASE WHEN g % 40 = 0 THEN now() - (g % 30) * interval '1 day' END
  FROM generate_series(1, 2000) g;

INSERT INTO visions (id, user_id, category, title, description, priority, time_allocation_minutes, created_at, deleted_at)
SELECT md5('vision:' || g || '.' || n)::uuid, md5('user:' || g)::uuid, (enum_range(NULL::vision_category))[n],
       (ARRAY['Run a half marathon','Lead a team','Have time for friends','Write every day'])[n], 'In five years this is who I am.',
       n, 15 * n, now() - g * interval '3 hours', CASE WHEN (g + n) % 15 = 0 THEN now() - interval '3 days' END
  FROM generate_series(1, 2000) g, generate_series(1, 3) n;

INSERT INTO daily_actions (id, user_id, vision_id, description, estimated_time_minutes, status, ai_generated, ai_reasoning, imported, created_at, deleted_at)
SELECT md5('action:' || g || '.' || d)::uuid, md5('user:' || g)::uuid, md5('vision:' || g || '.' || 1 + d % 3)::uuid,
       (ARRAY['Twenty minutes outside','Ask one person for advice','Call a friend','Write half a page'])[1 + (g + d) % 4], 10 + d % 4 * 5,
       (enum_range(NULL::action_status))[1 + (g * d) % 4], d % 5 <> 0, 'Small and every day.', true,
       now() - d * interval '1 day' - (g % 600) * interval '1 minute', CASE WHEN (g + d) % 25 = 0 THEN now() - interval '2 days' END
  FROM generate_series(1, 2000) g, generate_series(0, 9) d;

INSERT INTO organizations (id, name, email_domain, plan, settings)
SELECT md5('organization:' || g)::uuid, (ARRAY['Alder','Birch','Cedar','Dune','Ember'])[1 + g % 5] || ' ' || (ARRAY['Labs','Group','Works'])[1 + g % 3] || ' ' || g,
       'org' || g || '.example', (ARRAY['team','business','enterprise'])[1 + g % 3], jsonb_build_object('colour', '#' || left(md5(g::text), 6))
  FROM generate_series(1, 60) g;

INSERT INTO organization_members (organization_id, user_id, role, invited_by)
SELECT md5('organization:' || 1 + g % 60)::uuid, md5('user:' || g)::uuid, CASE WHEN g <= 60 THEN 'owner' WHEN g % 10 = 0 THEN 'manager' ELSE 'member' END,
       CASE WHEN g > 60 THEN md5('user:' || CASE g % 60 WHEN 0 THEN 60 ELSE g % 60 END)::uuid END
  FROM generate_series(1, 1200) g;

INSERT INTO user_progress (user_id, current_streak, longest_streak, actions_completed)
SELECT md5('user:' || g)::uuid, g % 20, g % 20 + g % 70, g % 400 FROM generate_series(1, 2000) g;

INSERT INTO achievements (user_id, code, earned_at)
SELECT md5('user:' || g)::uuid, code, now() - (g % 90) * interval '1 day'
  FROM generate_series(1, 2000) g, unnest(ARRAY['first-week','first-month','hundred-actions']) WITH ORDINALITY AS a (code, n) WHERE g % (n + 1) = 0;

INSERT INTO analytics_events (user_id, name, properties, occurred_at, imported)
SELECT md5('user:' || 1 + (g * 7) % 2000)::uuid, (ARRAY['opened','planned','completed','shared'])[1 + g % 4], jsonb_build_object('screen', 'today', 'n', g % 50),
       now() - g * interval '4 minutes', true
  FROM generate_series(1, 20000) g;

INSERT INTO audit_log (user_id, action, object_type, object_id, occurred_at, imported)
SELECT md5('user:' || 1 + (g * 11) % 2000)::uuid, (ARRAY['created','changed','removed'])[1 + g % 3], 'vision', md5('vision:' || 1 + g % 2000 || '.1')::uuid,
       now() - g * interval '10 minutes', true
  FROM generate_series(1, 8000) g;
