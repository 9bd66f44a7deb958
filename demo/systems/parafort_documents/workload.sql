-- weight 5: the documents of one business
SELECT d.id, d.title, d.kind, v.bytes FROM documents d JOIN document_versions v ON v.document_id = d.id AND v.version = d.current_version
 WHERE d.business_id = (SELECT 1 + floor(random() * 6000)::int);

-- weight 3: a document is read
SELECT v.body, r.summary FROM document_versions v LEFT JOIN ai_processing_results r USING (document_id)
 WHERE v.document_id = (SELECT 1 + floor(random() * 8000)::int);

-- weight 2: one is found by its words
SELECT id, title FROM documents WHERE words @@ (SELECT to_tsquery('simple', 'annual & ' || 1 + floor(random() * 8000)::int)) LIMIT 10;

-- weight 2: a new version
WITH next AS (UPDATE documents SET current_version = current_version + 1, updated_at = now() WHERE id = (SELECT 1 + floor(random() * 8000)::int)
              RETURNING id, current_version)
INSERT INTO document_versions (document_id, version, bytes, sha256, body)
SELECT id, current_version, 5000, md5(id::text) || md5(current_version::text), 'The members agree anew. ' || md5(random()::text) FROM next
ON CONFLICT DO NOTHING;

-- weight 2: it is read by a model
UPDATE ai_processing_results SET confidence = 0.6 + random() * 0.39, processed_at = now() WHERE document_id = (SELECT 1 + floor(random() * 6000)::int);

-- weight 1: one is shared
INSERT INTO file_shares (document_id, shared_with, expires_at)
SELECT 1 + floor(random() * 8000)::int, 'adviser@parafort.example', now() + interval '20 minutes';

-- every 20 s: shares that have ended
DELETE FROM file_shares WHERE expires_at < now();

-- every 60 s: versions that two newer ones follow
DELETE FROM document_versions v USING documents d WHERE d.id = v.document_id AND v.version < d.current_version - 2;
