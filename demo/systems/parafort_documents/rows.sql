INSERT INTO documents (id, business_id, title, kind, current_version, updated_at)
SELECT g, 1 + (g * 7) % 6000,
       (ARRAY['Articles of organisation','Operating agreement','Annual report','Receipt for the filing','Letter to the state'])[1 + g % 5] || ' ' ||
       (ARRAY['of the founding','for the first year','as amended','for the bank','signed'])[1 + g / 5 % 5] || ' no ' || g,
       (ARRAY['articles','agreement','report','receipt','letter'])[1 + g % 5], 1 + g % 2, now() - g * interval '50 minutes'
  FROM generate_series(1, 8000) g;
ALTER TABLE documents ALTER COLUMN id RESTART WITH 8001;

INSERT INTO document_versions (document_id, version, bytes, sha256, body, made_at)
SELECT g, v, 4000 + (g * 97) % 60000, md5(g || '.' || v) || md5(v || '.' || g), repeat('The members agree as follows. ', 6) || md5(g::text), now() - g * interval '50 minutes'
  FROM generate_series(1, 8000) g, generate_series(1, 1 + g % 2) v;

INSERT INTO file_shares (document_id, shared_with, expires_at)
SELECT 1 + (g * 3) % 8000, 'adviser' || g % 300 || '@parafort.example', now() + (g % 30) * interval '1 day' FROM generate_series(1, 1500) g;

INSERT INTO ai_processing_results (document_id, model, summary, fields, confidence)
SELECT g, 'reader-' || 1 + g % 2, 'Names ' || 1 + g % 4 || ' members and one seat.', jsonb_build_object('members', 1 + g % 4, 'pages', 2 + g % 9), 0.6 + random() * 0.39
  FROM generate_series(1, 6000) g;
