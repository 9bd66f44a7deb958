//! Measures search, check and relay of the audit trail: a year with a million events (or as many as asked for), sealed as Reeve seals
//! them, in a private PostgreSQL.
//!
//! `cargo run --release -p reeve-store --example audit_million [events]`
#![allow(clippy::cast_precision_loss, clippy::unwrap_used)]

use reeve_adapter::{Endpoint, RoleConfig, RolePools};
use reeve_cluster::testing::TestCluster;
use reeve_model::{
    Binding, Origin, Role, UnixMs,
    audit::{AuditEvent, AuditQuery, Outcome},
};
use reeve_store::{
    Domain, Store,
    accounts::{DEFAULT_ORG, NewAccount},
    audit::{head, seal, verify},
    migrate,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{error::Error, time::Instant};
use time::OffsetDateTime;
use uuid::Uuid;

const MONTH_MS: i64 = 30 * 86_400_000;

/// A small generator, so that each run measures the same data.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// What a control room writes: many sign-ins and looks, few changes, a flood of wrong passwords by made-up people, rare alarms.
fn event(n: i64, at: UnixMs, dice: &mut Dice) -> AuditEvent {
    let kind = dice.roll(100_000);
    let (verb, noun) = match kind {
        0..10 => ("restore", "backup"),
        10..1_000 => ("change", "account"),
        1_000..5_000 => ("create", "token"),
        5_000..20_000 => ("export", "audit"),
        20_000..60_000 => ("view", "table"),
        _ => ("sign_in", "session"),
    };
    // Something that was only done in the first month of the year.
    let verb = if n % 1000 < 5 && dice.roll(3) == 0 { "migrate" } else { verb };
    let stranger = verb == "sign_in" && dice.roll(20) == 0;
    let person = dice.roll(40);
    let outcome = match dice.roll(20_000) {
        0..2 => Outcome::Alarm,
        2..200 => Outcome::Failed,
        _ if stranger || dice.roll(50) == 0 => Outcome::Refused,
        _ => Outcome::Done,
    };
    AuditEvent {
        id: Uuid::from_u64_pair(dice.roll(u64::MAX), n.unsigned_abs()).to_string(),
        org: DEFAULT_ORG.to_string(),
        at,
        account: (!stranger).then(|| Uuid::from_u128(u128::from(person) + 100).to_string()),
        actor: if stranger { format!("guess{}@elsewhere.net", dice.roll(3000)) } else { format!("person{person}@example.org") },
        via: "session".to_owned(),
        verb: verb.to_owned(),
        noun: noun.to_owned(),
        resource: match noun {
            "table" => format!("orders-{}.public.table_{}", dice.roll(20), dice.roll(400)),
            "account" => format!("person{}@example.org", dice.roll(40)),
            "session" => String::new(),
            _ => format!("{noun}-{}", dice.roll(5000)),
        },
        outcome,
        origin: Origin {
            address: format!("10.{}.{}.{}", dice.roll(4), dice.roll(256), dice.roll(256)).parse().ok(),
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            request: Uuid::from_u64_pair(dice.roll(u64::MAX), dice.roll(u64::MAX)).to_string(),
        },
        before: (verb == "change").then(|| r#"{"bindings":["viewer@everything"]}"#.to_owned()),
        after: (verb == "change").then(|| r#"{"bindings":["viewer@everything","operator@environment:dev"]}"#.to_owned()),
        count: 1,
    }
}

/// A year of the log, straight into its table: the relay seals with the moment that is now.
async fn fill(c: &mut PgConnection, events: i64, begin: UnixMs) -> Result<(), Box<dyn Error>> {
    for month in 0..13 {
        let sql = format!(
            "DO $$ DECLARE m timestamptz := date_trunc('month', now()) - {month} * interval '1 month'; BEGIN
               EXECUTE format('CREATE TABLE IF NOT EXISTS compliance.%I PARTITION OF compliance.audit_log FOR VALUES FROM (%L) TO (%L)',
                 'audit_log_' || to_char(m, 'YYYYMM'), m, m + interval '1 month'); END $$"
        );
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *c).await?;
    }
    let mut hash = seal::beginning(head::log_id(c).await?, DEFAULT_ORG);
    let (mut dice, mut sealed) = (Dice(42), 0);
    for first in (1..=events).step_by(5000) {
        let mut lines = Vec::new();
        for seq in first..(first + 5000).min(events + 1) {
            let at = begin.plus_ms((12 * MONTH_MS) / events * seq);
            let mut event = event(seq, at, &mut dice);
            if event.verb == "migrate" && seq > events / 12 {
                "view".clone_into(&mut event.verb);
            }
            // Now and then the log was away for a while.
            let late = if seq % 50_000 < 200 { 4 * 3_600_000 } else { 2000 };
            sealed = sealed.max((at.0 + late) * 1000);
            let salt = [u8::try_from(seq % 251)?; 32];
            let leaf = seal::leaf(&salt, &event);
            hash = seal::hash(&hash, seq, sealed, &leaf);
            lines.push((seq, sealed, event, salt, leaf, hash));
        }
        let time = |us: i64| OffsetDateTime::from_unix_timestamp_nanos(i128::from(us) * 1000).unwrap();
        let text = |f: &dyn Fn(&AuditEvent) -> Option<String>| lines.iter().map(|l| f(&l.2)).collect::<Vec<_>>();
        sqlx::query(
            "INSERT INTO compliance.audit_log (seq, sealed_at, org_id, id, at, account, actor, via, verb, noun, resource, outcome, address,
               agent, request, before, after, count, salt, leaf, hash)
             SELECT seq, sealed_at, '00000000-0000-0000-0000-000000000001', id::uuid, at, account::uuid, actor, 'session', verb, noun, resource,
               outcome, address::inet, agent, request, before, after, 1, salt, leaf, hash
             FROM unnest($1::int8[], $2::timestamptz[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[],
               $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bytea[], $17::bytea[],
               $18::bytea[]) AS e (seq, sealed_at, id, at, account, actor, verb, noun, resource, outcome, address, agent, request, before,
               after, salt, leaf, hash)",
        )
        .bind(lines.iter().map(|l| l.0).collect::<Vec<_>>())
        .bind(lines.iter().map(|l| time(l.1)).collect::<Vec<_>>())
        .bind(text(&|e| Some(e.id.clone())))
        .bind(lines.iter().map(|l| time(l.2.at.0 * 1000)).collect::<Vec<_>>())
        .bind(text(&|e| e.account.clone()))
        .bind(text(&|e| Some(e.actor.clone())))
        .bind(text(&|e| Some(e.verb.clone())))
        .bind(text(&|e| Some(e.noun.clone())))
        .bind(text(&|e| Some(e.resource.clone())))
        .bind(text(&|e| Some(e.outcome.word().to_owned())))
        .bind(text(&|e| e.origin.address.map(|a| a.to_string())))
        .bind(text(&|e| Some(e.origin.agent.clone())))
        .bind(text(&|e| Some(e.origin.request.clone())))
        .bind(text(&|e| e.before.clone()))
        .bind(text(&|e| e.after.clone()))
        .bind(lines.iter().map(|l| l.3.to_vec()).collect::<Vec<_>>())
        .bind(lines.iter().map(|l| l.4.to_vec()).collect::<Vec<_>>())
        .bind(lines.iter().map(|l| l.5.to_vec()).collect::<Vec<_>>())
        .execute(&mut *c)
        .await?;
    }
    sqlx::raw_sql("INSERT INTO compliance.audit_actor SELECT DISTINCT org_id, actor FROM compliance.audit_log").execute(&mut *c).await?;
    sqlx::raw_sql("INSERT INTO compliance.audit_kind SELECT DISTINCT org_id, verb, noun FROM compliance.audit_log")
        .execute(&mut *c)
        .await?;
    sqlx::raw_sql("ANALYZE compliance.audit_log; ANALYZE compliance.audit_actor; ANALYZE compliance.audit_kind").execute(c).await?;
    Ok(())
}

fn shapes(begin: UnixMs) -> Vec<(&'static str, AuditQuery)> {
    let some = |text: &str| Some(text.to_owned());
    let q = AuditQuery::default;
    let month = |n: i64| Some(begin.plus_ms(n * MONTH_MS));
    vec![
        ("newest", q()),
        ("verb, frequent", AuditQuery { verb: some("sign_in"), ..q() }),
        ("verb, rare (0.01 %)", AuditQuery { verb: some("restore"), ..q() }),
        ("verb, only in the first month", AuditQuery { verb: some("migrate"), ..q() }),
        ("verb, none", AuditQuery { verb: some("nothing"), ..q() }),
        ("noun, 1 %", AuditQuery { noun: some("account"), ..q() }),
        ("noun, frequent", AuditQuery { noun: some("table"), ..q() }),
        ("outcome alarm", AuditQuery { outcome: Some(Outcome::Alarm), ..q() }),
        ("outcome refused", AuditQuery { outcome: Some(Outcome::Refused), ..q() }),
        ("actor, one", AuditQuery { actor: some("PERSON7@"), ..q() }),
        ("actor, rare", AuditQuery { actor: some("guess77@"), ..q() }),
        ("actor, 40", AuditQuery { actor: some("@example.org"), ..q() }),
        ("actor, 3000 rare", AuditQuery { actor: some("guess"), ..q() }),
        ("actor, all", AuditQuery { actor: some("e"), ..q() }),
        ("actor, none", AuditQuery { actor: some("nobody"), ..q() }),
        ("actor, account id", AuditQuery { actor: Some(Uuid::from_u128(107).to_string()), ..q() }),
        ("resource, one", AuditQuery { resource: some("orders-3.public.table_17"), ..q() }),
        ("resource, 2 %", AuditQuery { resource: some("orders-3."), ..q() }),
        ("resource, frequent", AuditQuery { resource: some("o"), ..q() }),
        ("resource, none", AuditQuery { resource: some("zzz"), ..q() }),
        ("from: last month", AuditQuery { from: month(11), ..q() }),
        ("to: first month", AuditQuery { to: month(1), ..q() }),
        ("to: in the middle", AuditQuery { to: month(6), ..q() }),
        ("from and to: an hour", AuditQuery { from: month(4), to: month(4).map(|m| m.plus_ms(3_600_000)), ..q() }),
        ("to and verb, rare", AuditQuery { to: month(3), verb: some("restore"), ..q() }),
        ("to and actor", AuditQuery { to: month(3), actor: some("person7@"), ..q() }),
        ("actor and verb, rare", AuditQuery { actor: some("person7@"), verb: some("restore"), ..q() }),
        ("actor and alarm", AuditQuery { actor: some("person7@"), outcome: Some(Outcome::Alarm), ..q() }),
        ("verb and noun, never together", AuditQuery { verb: some("sign_in"), noun: some("table"), ..q() }),
        ("verb and outcome, rare", AuditQuery { verb: some("change"), outcome: Some(Outcome::Failed), ..q() }),
        ("resource and refused", AuditQuery { resource: some("orders-3."), outcome: Some(Outcome::Refused), ..q() }),
        ("account and first month", AuditQuery { actor: Some(Uuid::from_u128(107).to_string()), to: month(1), ..q() }),
        ("500 of a page", AuditQuery { limit: 500, verb: some("view"), ..q() }),
    ]
}

/// What its event costs a change: roles set through the store, and by the same statements without an event, turn by turn. Commits are
/// waited for here, as they are in earnest.
async fn changes(c: &mut PgConnection, store: &Store) -> Result<(), Box<dyn Error>> {
    const TIMES: u32 = 500;
    let id = Uuid::from_u128(0xacc);
    let new = NewAccount {
        id,
        org: DEFAULT_ORG,
        email: "changed@example.org".to_owned(),
        display_name: "Changed".to_owned(),
        password_hash: "none".to_owned(),
        bindings: vec![Binding::everywhere(Role::Viewer)],
    };
    let mut dice = Dice(11);
    store.create_account(new, event(1, UnixMs::now(), &mut dice)).await?;
    sqlx::raw_sql("ALTER SYSTEM SET synchronous_commit = on").execute(&mut *c).await?;
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut *c).await?;
    let (mut with, mut without) = (0.0, 0.0);
    for n in 0..TIMES {
        let role = if n % 2 == 0 { Role::Operator } else { Role::Viewer };
        let told = event(i64::from(n), UnixMs::now(), &mut dice);
        let start = Instant::now();
        store.set_bindings(id, vec![Binding::everywhere(role)], told).await?;
        with += start.elapsed().as_secs_f64();

        let other = if n % 2 == 0 { "viewer" } else { "operator" };
        let start = Instant::now();
        let mut step = c.begin().await?;
        sqlx::query("UPDATE main.account SET epoch = epoch + 1 WHERE id = $1").bind(id).execute(&mut *step).await?;
        sqlx::query("INSERT INTO main.binding VALUES ($1, $2, $3, 'everything') ON CONFLICT DO NOTHING")
            .bind(DEFAULT_ORG)
            .bind(id)
            .bind(other)
            .execute(&mut *step)
            .await?;
        sqlx::query("DELETE FROM main.binding WHERE account_id = $1 AND role <> $2").bind(id).bind(other).execute(&mut *step).await?;
        step.commit().await?;
        without += start.elapsed().as_secs_f64();
    }
    let ms = |seconds: f64| seconds * 1000.0 / f64::from(TIMES);
    println!("a change of roles: {:.2} ms with its event, {:.2} ms for the same statements without one", ms(with), ms(without));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let events: i64 = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let cluster = TestCluster::start(&[("shared_buffers", "128MB"), ("max_wal_size", "4GB"), ("synchronous_commit", "off")]).await?;
    let mut c = PgConnection::connect(&cluster.url("postgres")).await?;
    for domain in Domain::ALL {
        migrate::up(&mut c, domain, "postgres").await?;
    }
    let pools = RolePools::new(RoleConfig::main_only(Endpoint::parse(&cluster.url("postgres"))?))?;
    let store = Store::new(pools, DEFAULT_ORG);
    let begin = UnixMs::now().plus_ms(-12 * MONTH_MS);
    let start = Instant::now();
    fill(&mut c, events, begin).await?;
    println!("filled {events} events in {:.0} s", start.elapsed().as_secs_f64());
    let sizes: (i64, i64) = sqlx::query_as(
        "SELECT sum(pg_table_size(inhrelid))::int8, sum(pg_indexes_size(inhrelid))::int8 FROM pg_inherits
         WHERE inhparent = 'compliance.audit_log'::regclass",
    )
    .fetch_one(&mut c)
    .await?;
    println!("bytes per event: {:.0} and {:.0} of indexes", sizes.0 as f64 / events as f64, sizes.1 as f64 / events as f64);

    println!("{:34} {:>9} {:>9} {:>9}  found", "search", "first ms", "then ms", "page 2 ms");
    for (name, query) in shapes(begin) {
        let mut times = Vec::new();
        let mut page = None;
        for _ in 0..4 {
            let start = Instant::now();
            page = Some(store.search_audit(query.clone()).await?);
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        let Some(page) = page else { continue };
        let then = times[1..].iter().copied().fold(f64::INFINITY, f64::min);
        let second = match &page.next {
            Some(next) => {
                let start = Instant::now();
                store.search_audit(AuditQuery { cursor: Some(next.clone()), ..query }).await?;
                format!("{:.1}", start.elapsed().as_secs_f64() * 1000.0)
            }
            None => "-".to_owned(),
        };
        println!(
            "{name:34} {:9.1} {then:9.1} {second:>9}  {}{}",
            times[0],
            page.items.len(),
            if page.next.is_some() { " and more" } else { "" }
        );
    }

    let start = Instant::now();
    let verdict = verify(&mut c, DEFAULT_ORG, &[]).await?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "checked {} entries in {seconds:.1} s, {:.0} a second, {} problems",
        verdict.checked,
        events as f64 / seconds,
        verdict.problems.len()
    );

    changes(&mut c, &store).await?;

    let mut dice = Dice(7);
    let waiting: Vec<AuditEvent> = (0..20_000).map(|n| event(-n, UnixMs::now(), &mut dice)).collect();
    let start = Instant::now();
    store.write_audit(waiting).await?;
    println!("wrote 20000 events in {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    while store.relay_audit(500).await?.waiting > 0 {}
    println!("relayed them in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
