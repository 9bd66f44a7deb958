-- weight 6: today of one person
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
SELECT a.description, a.status, v.title FROM daily_actions a JOIN visions v ON v.id = a.vision_id
 WHERE a.user_id = current_user_id() AND a.deleted_at IS NULL ORDER BY a.created_at DESC LIMIT 10;

-- weight 3: their visions by importance
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
SELECT title, category FROM visions WHERE user_id = current_user_id() AND deleted_at IS NULL ORDER BY priority;

-- weight 3: an action is planned
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
INSERT INTO daily_actions (user_id, vision_id, description, ai_reasoning)
SELECT user_id, id, 'Ten minutes for: ' || title, 'Small and every day.' FROM visions
 WHERE user_id = current_user_id() AND deleted_at IS NULL ORDER BY priority LIMIT 1;

-- weight 3: one is done
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
UPDATE daily_actions SET status = CASE status WHEN 'completed' THEN 'pending' ELSE 'completed' END::action_status
 WHERE id = (SELECT id FROM daily_actions WHERE user_id = current_user_id() AND deleted_at IS NULL ORDER BY created_at DESC LIMIT 1);
UPDATE user_progress SET actions_completed = (actions_completed + 1) % 10000, updated_at = now() WHERE user_id = current_user_id();

-- weight 1: one is removed, softly
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
UPDATE daily_actions SET deleted_at = now()
 WHERE id = (SELECT id FROM daily_actions WHERE user_id = current_user_id() AND deleted_at IS NULL AND NOT imported ORDER BY created_at DESC LIMIT 1);

-- weight 1: what one person has removed and may want back
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
SELECT description, deleted_at FROM daily_actions WHERE user_id = current_user_id() AND deleted_at IS NOT NULL;

-- weight 4: an event and its trace
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
INSERT INTO analytics_events (user_id, name, properties) VALUES (current_user_id(), 'opened', '{"screen": "today"}');
INSERT INTO audit_log (user_id, action, object_type) VALUES (current_user_id(), 'changed', 'daily_action');

-- weight 2: what one person did this week
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 2000)::int), true);
SELECT name, count(*) FROM analytics_events WHERE user_id = current_user_id() AND occurred_at > now() - interval '7 days' GROUP BY 1;
SELECT action, occurred_at FROM audit_log WHERE user_id = current_user_id() ORDER BY occurred_at DESC LIMIT 20;

-- weight 2: the team of one person
SELECT set_config('futuresync.user_id', md5('user:' || 1 + floor(random() * 1200)::int), true);
SELECT o.name, m.role, count(*) FROM organizations o JOIN organization_members m ON m.organization_id = o.id GROUP BY 1, 2;

-- weight 1: who they are
SELECT set_config('futuresync.user_id', md5('user:' || n), true), set_config('futuresync.email', 'dreamer' || n || '@futuresync.example', true)
  FROM (SELECT 1 + floor(random() * 2000)::int AS n) pick;
SELECT display_name, role FROM users WHERE email = current_setting('futuresync.email') AND deleted_at IS NULL;

-- every 600 s: partitions for the months around now
SELECT keep_partitions();

-- every 60 s: what the sample wrote goes again
SELECT retire();
