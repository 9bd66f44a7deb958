//! Tables of the made-up estate.

use super::{HOSTILE, wave};
use reeve_model::{
    Reading, Unit, UnixMs,
    health::Chart,
    series::Trend,
    table::{
        Column, ForeignKey, IndexFault, IndexStats, SchemaGroup, TableDefinition, TableDetail, TableFault, TableKind, TablePage,
        TableQuery, TableRef, TableRow, TableSort, TableStats, Upkeep,
    },
};

const SCHEMAS: [(&str, usize); 8] =
    [("core", 50), ("finance", 35), ("health", 30), ("saas", 25), ("travel", 40), ("security", 30), ("education", 25), ("ai_ml", 64)];
const STEMS: [&str; 12] = [
    "accounts",
    "sessions",
    "invoices",
    "ledger_entries",
    "bookings",
    "trips",
    "event_log",
    "messages",
    "audit_entries",
    "preferences",
    "embeddings",
    "model_runs",
];

pub fn rows(now: UnixMs) -> Vec<TableRow> {
    let mut all = Vec::new();
    for (schema, count) in SCHEMAS {
        for i in 0..count {
            let n = all.len() as i64;
            let stem = STEMS[(i * 5 + n as usize) % STEMS.len()];
            let table = if i < STEMS.len() {
                STEMS[i].to_owned()
            } else {
                format!("{stem}_{}", ["archive", "daily", "links", "drafts", "shares"][i % 5].to_owned() + &"x".repeat(i / 12))
            };
            all.push(row(now, n, schema, &table));
        }
    }
    all[3].stats.locked = true;
    all[7].stats.name = HOSTILE.into();
    all[11].stats.heap_bytes = None;
    all[11].stats.locked = true;
    all[2].stats.autovacuum_off = true;
    all[2].upkeep = Some(Upkeep { sentence: "Vacuum does not keep up with it.".into(), next: "VACUUM it.".into() });
    all[20].stats.kind = TableKind::Partitioned;
    all
}

fn row(now: UnixMs, n: i64, schema: &str, table: &str) -> TableRow {
    let rows = (90_000 / (n % 37 + 1) + n * 13) % 90_000;
    let heap = rows * 96 + 8192;
    let fault = |fault: IndexFault, sentence: String| TableFault { fault, sentence };
    let faults = match n % 19 {
        2 => vec![fault(
            IndexFault::MissingForForeignKey,
            format!("No index leads with account_id, the foreign key to core.accounts of {table}."),
        )],
        5 => vec![fault(IndexFault::Unused, format!("{table}_state_idx was never used and costs each write."))],
        9 => vec![
            fault(IndexFault::Invalid, format!("{table}_title_idx is invalid: its build failed.")),
            fault(IndexFault::Duplicate, format!("{table}_email_idx1 does the same work as {table}_email_idx.")),
        ],
        _ => vec![],
    };
    TableRow {
        upkeep: None,
        database: "findawise".into(),
        stats: TableStats {
            oid: 16_000 + n as u32,
            schema: schema.into(),
            name: table.into(),
            kind: TableKind::Table,
            parent: None,
            locked: false,
            rows_estimate: (n % 41 != 0).then_some(rows as f64),
            heap_bytes: Some(heap),
            index_bytes: Some(heap / 3 + 16_384),
            toast_bytes: Some(if n % 4 == 0 { heap / 5 } else { 0 }),
            live_rows: rows,
            dead_rows: rows * (n % 11) / 100,
            modified_since_analyze: n * 7,
            inserted: rows + 900,
            updated: rows / 2,
            hot_updated: rows / 3,
            deleted: 900,
            seq_scans: n * 31 % 4100,
            seq_rows_read: n * 91_000,
            index_scans: n * 8191 % 2_000_000,
            blocks_hit: 90_000 + n * 1000,
            blocks_read: n * 40,
            last_vacuum: (n % 5 != 0).then(|| now.plus_ms(-(n + 1) * 400_000)),
            last_analyze: (n % 5 != 1).then(|| now.plus_ms(-(n + 1) * 300_000)),
            xid_age: Some(18_230_117 - n),
            has_primary_key: true,
            autovacuum_off: false,
            bloat_estimate_ratio: (n % 3 != 0).then_some(0.04 + (n % 9) as f64 / 30.0),
        },
        growth_bytes: (n % 6 != 5).then_some((n % 7 - 2).max(0) * 8192 * (n % 5)),
        faults,
    }
}

pub fn page(now: UnixMs, query: &TableQuery) -> TablePage {
    let all = rows(now);
    let schemas = SCHEMAS
        .iter()
        .map(|(s, _)| {
            let of: Vec<_> = all.iter().filter(|r| r.stats.schema == *s).collect();
            SchemaGroup {
                database: "findawise".into(),
                schema: (*s).into(),
                tables: of.len() as u32,
                bytes: of.iter().filter_map(|r| r.stats.total_bytes()).sum(),
                rows: of.iter().filter_map(|r| r.stats.rows_estimate).sum(),
                faulty: of.iter().filter(|r| !r.faults.is_empty()).count() as u32,
            }
        })
        .collect();
    let total = all.len() as u32;
    let wanted = |r: &TableRow| {
        query.schema.as_ref().is_none_or(|s| *s == r.stats.schema)
            && query.database.as_ref().is_none_or(|d| *d == r.database)
            && query
                .search
                .as_ref()
                .is_none_or(|s| format!("{}.{}", r.stats.schema, r.stats.name).to_lowercase().contains(&s.to_lowercase()))
            && query.fault.is_none_or(|f| r.faults.iter().any(|x| x.fault == f))
    };
    let mut kept: Vec<_> = all.into_iter().filter(wanted).collect();
    match query.sort {
        TableSort::Name => kept.sort_by_key(|r| (r.stats.schema.clone(), r.stats.name.clone())),
        TableSort::Growth => kept.sort_by_key(|r| -r.growth_bytes.unwrap_or(i64::MIN + 1)),
        TableSort::Health => kept.sort_by_key(|r| -(r.faults.len() as i64)),
        _ => kept.sort_by_key(|r| -r.stats.total_bytes().unwrap_or(0)),
    }
    if query.reverse {
        kept.reverse();
    }
    let matching = kept.len() as u32;
    let limit = if query.limit == 0 { 50 } else { query.limit };
    let items: Vec<_> = kept.into_iter().skip(query.offset as usize).take(limit as usize).collect();
    let end = query.offset + items.len() as u32;
    TablePage {
        at: now,
        read: Reading::known((), now.plus_ms(-3000)),
        items,
        matching,
        total,
        databases: vec!["findawise".into()],
        schemas,
        growth_window_s: 3600.0,
        next: (end < matching).then_some(end),
    }
}

pub fn detail(now: UnixMs, table: &TableRef) -> Option<TableDetail> {
    let row =
        rows(now).into_iter().find(|r| r.stats.schema == table.schema && r.stats.name == table.table && r.database == table.database)?;
    let index = |oid, name: &str, columns: &[&str], scans, primary, valid| IndexStats {
        oid,
        table_oid: row.stats.oid,
        name: name.into(),
        bytes: Some(412_000 + i64::from(oid)),
        scans,
        unique: primary,
        primary,
        constraint: primary,
        valid,
        signature: columns.join(","),
        columns: columns.iter().map(|c| (*c).into()).collect(),
    };
    let column = |name: &str, data_type: &str, nullable, default: Option<&str>| Column {
        name: name.into(),
        data_type: data_type.into(),
        nullable,
        default: default.map(Into::into),
        primary: name == "id",
    };
    let key = |name: &str, other: &str, outgoing, indexed| ForeignKey {
        name: name.into(),
        columns: vec!["account_id".into()],
        other_table: other.into(),
        referenced_columns: vec!["id".into()],
        outgoing,
        indexed,
    };
    let line = |title: &str, base: f64, seed| Trend { title: title.into(), points: wave(now, 60, 60, base, base / 20.0, seed) };
    Some(TableDetail {
        at: now,
        table: table.clone(),
        read: Reading::known((), now.plus_ms(-3000)),
        indexes: vec![
            index(1, "accounts_pkey", &["id"], 1_204_881, true, true),
            index(2, "accounts_email_idx", &["lower(email)"], 88_120, false, true),
            index(3, "accounts_email_idx1", &["lower(email)"], 0, false, true),
            index(4, "accounts_title_idx", &["title"], 0, false, false),
        ],
        definition: Reading::known(
            TableDefinition {
                columns: vec![
                    column("id", "bigint", false, Some("nextval('core.accounts_id_seq'::regclass)")),
                    column("email", "text", false, None),
                    column("title", "character varying(120)", true, None),
                    column("created_at", "timestamp with time zone", false, Some("now()")),
                ],
                foreign_keys: vec![
                    key("invoices_account_id_fkey", "finance.invoices", false, true),
                    key("accounts_owner_fkey", "core.sessions", true, false),
                ],
                index_definitions: vec![(
                    "accounts_email_idx".into(),
                    "CREATE INDEX accounts_email_idx ON core.accounts USING btree (lower(email))".into(),
                )],
            },
            now.plus_ms(-120_000),
        ),
        charts: vec![
            Chart { id: "size".into(), title: "Size".into(), unit: Unit::Bytes, lines: vec![line("total", 12e6, 2)] },
            Chart {
                id: "rows".into(),
                title: "Rows".into(),
                unit: Unit::Count,
                lines: vec![line("live", 88_000.0, 3), line("dead", 3000.0, 4)],
            },
        ],
        row,
    })
}
