//! What visitors do: short transactions over the busy tables, and reads all over the estate.
//!
//! No statement here may filter or sort by the columns of a planted unused index.

use tokio_postgres::{Client, Error};

use super::rng::Rng;
use super::session::{Outcome, Shared};

/// Out of a hundred visits, how many do what: a visit whose share is used up makes room for the next line.
const SHARES: &[(u64, Visit)] = &[
    (28, Visit::Browse),
    (12, Visit::Pay),
    (10, Visit::Learn),
    (7, Visit::Book),
    (6, Visit::FindBooking),
    (9, Visit::AskModel),
    (7, Visit::Measure),
    (4, Visit::SignIn),
    (17, Visit::LookUp),
];

#[derive(Debug, Clone, Copy)]
enum Visit {
    Browse,
    Pay,
    Learn,
    Book,
    FindBooking,
    AskModel,
    Measure,
    SignIn,
    LookUp,
}

/// One visit, chosen by the shares.
pub(super) async fn one(shared: &Shared, client: &mut Client, rng: &mut Rng) -> Result<Outcome, Error> {
    let total = SHARES.iter().map(|(share, _)| share).sum();
    let mut left = rng.below(total);
    for (share, visit) in SHARES {
        if left < *share {
            return go(*visit, shared, client, rng).await;
        }
        left -= share;
    }
    go(Visit::LookUp, shared, client, rng).await
}

async fn go(visit: Visit, shared: &Shared, client: &mut Client, rng: &mut Rng) -> Result<Outcome, Error> {
    let mut visitor = Visitor { shared, rng };
    match visit {
        Visit::Browse => visitor.browse(client).await,
        Visit::Pay => visitor.pay(client).await,
        Visit::Learn => visitor.learn(client).await,
        Visit::Book => visitor.book(client).await,
        Visit::FindBooking => visitor.find_booking(client).await,
        Visit::AskModel => visitor.ask_model(client).await,
        Visit::Measure => visitor.measure(client).await,
        Visit::SignIn => visitor.sign_in(client).await,
        Visit::LookUp => shared.reads.next(client, visitor.rng).await.map(|()| Outcome::Commit),
    }
}

struct Visitor<'a> {
    shared: &'a Shared,
    rng: &'a mut Rng,
}

impl Visitor<'_> {
    /// The id of some row of a table; rows that were loaded stay.
    fn some(&mut self, table: &str) -> i64 {
        let rows = self.shared.estate.table(table).map_or(1, |table| table.rows);
        1 + self.rng.below(rows) as i64
    }

    /// An amount with two decimals, as text: the server makes a numeric of it.
    fn amount(&mut self, most: u64) -> String {
        format!("{}.{:02}", self.rng.below(most), self.rng.below(100))
    }

    /// A page is viewed, an event recorded, the session touched.
    async fn browse(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let (session, user) = (self.some("core.sessions"), self.some("core.users"));
        let page = self.rng.one_of(&["home", "pricing", "tools", "trips", "lessons", "portfolio", "sleep"]);
        let transaction = client.transaction().await?;
        let view = "INSERT INTO core.page_views (session_id, path, duration, scroll_pct) VALUES ($1, $2, $3, 40)";
        transaction.execute(view, &[&session, &page, &(self.rng.below(300) as i32)]).await?;
        let event = "INSERT INTO core.events (user_id, session_id, name, properties) \
                     VALUES ($1, $2, 'page_viewed', jsonb_build_object('page', $3::text))";
        transaction.execute(event, &[&user, &session, &page]).await?;
        transaction.execute("UPDATE core.sessions SET last_seen_at = now() WHERE id = $1", &[&session]).await?;
        transaction.commit().await?;
        Ok(Outcome::Commit)
    }

    /// Money is spent, unless there isn't enough of it.
    async fn pay(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let account = self.some("finance.accounts");
        let (category, merchant) = (self.some("finance.transaction_categories"), self.some("finance.merchants"));
        let amount = self.amount(90);
        let transaction = client.transaction().await?;
        let enough = "SELECT balance >= $2::text::numeric FROM finance.accounts WHERE id = $1 FOR NO KEY UPDATE";
        let row = transaction.query_one(enough, &[&account, &amount]).await?;
        if !row.try_get::<_, bool>(0)? {
            transaction.rollback().await?;
            // Payday, so that the estate doesn't run out of money over the weeks.
            let payday = "UPDATE finance.accounts SET balance = balance + 2000 WHERE id = $1";
            client.execute(payday, &[&account]).await?;
            return Ok(Outcome::Rollback);
        }
        let book = "INSERT INTO finance.transactions (account_id, category_id, merchant_id, amount, memo) \
                    VALUES ($1, $2, $3, $4::text::numeric, 'Card payment')";
        transaction.execute(book, &[&account, &category, &merchant, &amount]).await?;
        let take = "UPDATE finance.accounts SET balance = balance - $2::text::numeric WHERE id = $1";
        transaction.execute(take, &[&account, &amount]).await?;
        if self.rng.below(12) == 0 {
            // Cancelled on the last page.
            transaction.rollback().await?;
            return Ok(Outcome::Rollback);
        }
        transaction.commit().await?;
        Ok(Outcome::Commit)
    }

    /// A lesson is finished and points are awarded.
    async fn learn(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let (learner, rule) = (self.some("education.learners"), self.some("education.xp_rules"));
        let (progress, points) = (self.some("education.lesson_progress"), self.rng.below(50) as i32);
        let transaction = client.transaction().await?;
        let award = "INSERT INTO education.xp_events (learner_id, rule_id, points) VALUES ($1, $2, $3)";
        transaction.execute(award, &[&learner, &rule, &points]).await?;
        let total = "UPDATE education.learners SET xp_total = xp_total + $2 WHERE id = $1";
        transaction.execute(total, &[&learner, &points]).await?;
        let finished = "UPDATE education.lesson_progress SET state = 'completed', updated_at = now() WHERE id = $1";
        transaction.execute(finished, &[&progress]).await?;
        transaction.commit().await?;
        Ok(Outcome::Commit)
    }

    /// A booking changes; now and then there is a new one.
    async fn book(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let transaction = client.transaction().await?;
        let booking = if self.rng.below(40) == 0 {
            let (traveller, partner) = (self.some("travel.travellers"), self.some("travel.travel_partners"));
            let (code, total) = (format!("NEW-{:08}", self.rng.below(100_000_000)), self.amount(3000));
            let new = "INSERT INTO travel.bookings (traveller_id, partner_id, confirmation_code, total) \
                       VALUES ($1, $2, $3, $4::text::numeric) RETURNING id";
            transaction.query_one(new, &[&traveller, &partner, &code, &total]).await?.try_get(0)?
        } else {
            let booking = self.some("travel.bookings");
            let state = self.rng.one_of(&["held", "confirmed", "confirmed", "cancelled"]);
            transaction.execute("UPDATE travel.bookings SET state = $2 WHERE id = $1", &[&booking, &state]).await?;
            booking
        };
        let event = "INSERT INTO travel.booking_events (booking_id, kind, actor) VALUES ($1, 'changed', 'traveller')";
        transaction.execute(event, &[&booking]).await?;
        transaction.commit().await?;
        Ok(Outcome::Commit)
    }

    /// A traveller types the confirmation code: no index helps (the planted scans).
    async fn find_booking(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let code = format!("BOO-{:04X}{:06}", self.rng.below(0x1_0000), self.rng.below(12_000));
        let find = "SELECT id, state, total FROM travel.bookings WHERE confirmation_code = $1";
        client.query(find, &[&code]).await?;
        Ok(Outcome::Commit)
    }

    /// A model answers.
    async fn ask_model(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let (deployment, user) = (self.some("ai_ml.model_deployments"), self.some("core.users"));
        let (prompt, answer) = (20 + self.rng.below(900) as i32, 10 + self.rng.below(700) as i32);
        let outcome = self.rng.one_of(&["ok", "ok", "ok", "ok", "ok", "refused", "error", "timeout"]);
        let log = "INSERT INTO ai_ml.inference_logs (deployment_id, user_id, prompt_tokens, completion_tokens, latency_ms, outcome, cost) \
                   VALUES ($1, $2, $3, $4, $5, $6, 0.02)";
        let latency = 40 + self.rng.below(1400) as i32;
        client.execute(log, &[&deployment, &user, &prompt, &answer, &latency, &outcome]).await?;
        Ok(Outcome::Commit)
    }

    /// A watch sends a reading.
    async fn measure(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let (profile, kind) = (self.some("health.member_profiles"), self.some("health.metric_kinds"));
        let value = self.amount(180);
        let reading = "INSERT INTO health.metric_readings (profile_id, kind_id, value) VALUES ($1, $2, $3::text::numeric)";
        client.execute(reading, &[&profile, &kind, &value]).await?;
        Ok(Outcome::Commit)
    }

    /// Somebody signs in by e-mail address; the attempt is recorded.
    async fn sign_in(&mut self, client: &mut Client) -> Result<Outcome, Error> {
        let user = self.some("core.users");
        let transaction = client.transaction().await?;
        let by_id = "SELECT email FROM core.users WHERE id = $1";
        let email: String = transaction.query_one(by_id, &[&user]).await?.try_get(0)?;
        let by_email = "SELECT id, status FROM core.users WHERE email = $1";
        transaction.query_one(by_email, &[&email]).await?;
        let good = self.rng.below(10) > 0;
        let reason = if good { "ok" } else { "bad_password" };
        let attempt = "INSERT INTO security.login_attempts (user_id, source_ip, succeeded, reason, user_agent) \
                       VALUES ($1, '203.0.113.7', $2, $3, 'Firefox on Linux')";
        transaction.execute(attempt, &[&user, &good, &reason]).await?;
        transaction.commit().await?;
        Ok(Outcome::Commit)
    }
}
