//! What runs beside the visitors: a report every few seconds, and trimming, so that the estate doesn't grow for ever.

use tokio_postgres::{Client, Error};

use super::session::{Outcome, Shared};

/// After this many reports one table is trimmed.
const TRIM_EVERY: usize = 3;

/// Questions of people who look at the whole: joins and aggregates of some ten milliseconds.
const REPORTS: &[&str] = &[
    "SELECT c.name, count(*), sum(t.amount) FROM finance.transactions t JOIN finance.transaction_categories c ON c.id = t.category_id \
     WHERE t.booked_at > now() - interval '30 days' GROUP BY c.name ORDER BY 3 DESC LIMIT 10",
    "SELECT date_trunc('day', occurred_at) AS day, count(DISTINCT user_id) FROM core.events \
     WHERE occurred_at > now() - interval '14 days' GROUP BY 1 ORDER BY 1",
    "SELECT y.name, h.stars, round(avg(r.rating), 2) FROM travel.hotel_reviews r JOIN travel.hotels h ON h.id = r.hotel_id \
     JOIN travel.cities y ON y.id = h.city_id GROUP BY y.name, h.stars HAVING count(*) > 3 ORDER BY 3 DESC LIMIT 20",
    "SELECT m.name, l.outcome, count(*), avg(l.latency_ms) FROM ai_ml.inference_logs l JOIN ai_ml.model_deployments d ON d.id = l.deployment_id \
     JOIN ai_ml.model_versions v ON v.id = d.version_id JOIN ai_ml.models m ON m.id = v.model_id \
     WHERE l.requested_at > now() - interval '60 days' GROUP BY m.name, l.outcome ORDER BY 3 DESC LIMIT 20",
    "SELECT s.name, count(*) FILTER (WHERE e.state = 'completed'), count(*) FROM education.enrolments e \
     JOIN education.courses c ON c.id = e.course_id JOIN education.subjects s ON s.id = c.subject_id GROUP BY s.name ORDER BY 3 DESC",
    "SELECT t.name, count(*), rank() OVER (ORDER BY count(*) DESC) FROM saas.tool_clicks k JOIN saas.tools t ON t.id = k.tool_id \
     WHERE NOT k.is_bot AND k.clicked_at > now() - interval '90 days' GROUP BY t.name ORDER BY 2 DESC LIMIT 25",
    "SELECT k.code, d.severity, count(*) FROM security.threat_events d JOIN security.assets a ON a.id = d.asset_id \
     JOIN security.asset_classes k ON k.id = a.class_id GROUP BY k.code, d.severity ORDER BY 3 DESC",
];

/// Tables the visitors add to, and the indexed moment their oldest rows are found by. What refers to these rows can
/// do without them.
const TRIMMED: &[(&str, &str)] = &[
    ("core.page_views", "viewed_at"),
    ("core.events", "occurred_at"),
    ("finance.transactions", "booked_at"),
    ("education.xp_events", "awarded_at"),
    ("travel.booking_events", "happened_at"),
    ("health.metric_readings", "measured_at"),
    ("ai_ml.inference_logs", "requested_at"),
    ("security.login_attempts", "attempted_at"),
];

/// The next report, or the next trimming.
pub(super) async fn one(shared: &Shared, client: &mut Client, turn: usize) -> Result<Outcome, Error> {
    if turn.is_multiple_of(TRIM_EVERY)
        && let Some((table, moment)) = TRIMMED.get(turn / TRIM_EVERY % TRIMMED.len())
    {
        return trim(shared, client, table, moment).await;
    }
    let report = REPORTS.get(turn % REPORTS.len()).copied().unwrap_or("SELECT");
    client.query(report, &[]).await?;
    Ok(Outcome::Commit)
}

/// Deletes the oldest rows beyond a tenth more than were loaded, at most 5,000 at a time.
async fn trim(shared: &Shared, client: &Client, table: &str, moment: &str) -> Result<Outcome, Error> {
    let keep = shared.estate.table(table).map_or(0, |table| (table.rows + table.rows / 10) as i64);
    // The server's own count: `count(*)` would read the smallest index, and that may be a planted unused one.
    let live = "SELECT coalesce(max(n_live_tup), 0) FROM pg_stat_user_tables WHERE schemaname || '.' || relname = $1";
    let rows: i64 = client.query_one(live, &[&table]).await?.try_get(0)?;
    let surplus = (rows - keep).clamp(0, 5000);
    if surplus > 0 {
        let delete = format!("DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} ORDER BY {moment} LIMIT $1))");
        client.execute(&delete, &[&surplus]).await?;
    }
    Ok(Outcome::Commit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Estate;
    use crate::ddl::indexed_columns;

    #[test]
    fn i1_trimmed_tables_can_lose_rows_and_have_an_indexed_moment() {
        let estate = Estate::findawise().unwrap();
        for (name, moment) in TRIMMED {
            let table = estate.table(name).unwrap_or_else(|| panic!("there is no table {name}"));
            assert!(indexed_columns(table).any(|column| column == *moment), "{name}.{moment} has no index");
            let held = estate.tables().flat_map(|other| other.references()).any(|(column, target)| target == *name && !column.nullable);
            assert!(!held, "something can't do without {name}");
        }
    }
}
