INSERT INTO regulatory_filings (id, business_id, kind, status, due_on, submitted_at)
SELECT g, 1 + (g * 11) % 6000, (ARRAY['boir','annual_report','franchise_tax','registered_agent'])[1 + g % 4],
       (ARRAY['accepted','accepted','submitted','due','accepted','rejected'])[1 + g % 6], current_date + (g % 400) - 200,
       CASE WHEN g % 6 <> 3 THEN now() - (g % 300) * interval '1 day' END
  FROM generate_series(1, 6000) g;
ALTER TABLE regulatory_filings ALTER COLUMN id RESTART WITH 6001;

INSERT INTO beneficial_owners (filing_id, full_name, birth_date, share_percent)
SELECT g, (ARRAY['Ada','Bela','Caio','Dana','Emil'])[1 + g % 5] || ' ' || (ARRAY['Abara','Brandt','Castell','Dubois'])[1 + g / 5 % 4],
       date '1960-01-01' + (g * 17) % 14000, CASE n WHEN 1 THEN 60 ELSE 40 END
  FROM generate_series(4, 6000, 4) g, generate_series(1, 2) n;

INSERT INTO legal_documents (filing_id, name, sha256, received_at)
SELECT g, 'confirmation-' || g || '.pdf', md5(g::text) || md5('x' || g), now() - (g % 300) * interval '1 day' FROM generate_series(1, 3000) g;

INSERT INTO audit_trail (id, filing_id, what, who, at)
SELECT g, 1 + g % 6000, (ARRAY['opened','changed','submitted'])[1 + g % 3], 'agent' || g % 12, now() - g * interval '7 minutes'
  FROM generate_series(1, 9000) g;
ALTER TABLE audit_trail ALTER COLUMN id RESTART WITH 9001;
