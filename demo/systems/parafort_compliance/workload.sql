-- weight 4: the filings of one business
SELECT f.kind, f.status, f.due_on, count(d.*) FROM regulatory_filings f LEFT JOIN legal_documents d ON d.filing_id = f.id
 WHERE f.business_id = (SELECT 1 + floor(random() * 6000)::int) GROUP BY f.id;

-- weight 3: a filing changes its state, and the trail says so
WITH changed AS (UPDATE regulatory_filings SET status = CASE status WHEN 'rejected' THEN 'submitted' WHEN 'submitted' THEN 'accepted' ELSE status END
                  WHERE id = (SELECT 1 + floor(random() * 6000)::int) RETURNING id, status)
INSERT INTO audit_trail (filing_id, what) SELECT id, 'now ' || status FROM changed;

-- weight 3: who owns a business
SELECT full_name, share_percent FROM beneficial_owners WHERE filing_id = (SELECT 4 * (1 + floor(random() * 1500)::int));

-- weight 2: the trail of one filing
SELECT what, who, at FROM audit_trail WHERE filing_id = (SELECT 1 + floor(random() * 6000)::int) ORDER BY at DESC LIMIT 20;

-- weight 1: what is due soon
SELECT kind, count(*) FROM regulatory_filings WHERE status = 'due' AND due_on BETWEEN current_date AND current_date + 14 GROUP BY 1;

-- every 60 s: the sample's own part of the trail
SELECT retire_audit_trail();
