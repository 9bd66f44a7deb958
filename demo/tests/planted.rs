//! Reads the catalogues of a loaded and used estate: the planted faults are there, and no others (SPEC I1).
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use reeve_demo::faults::{Kind, of_kind};
use reeve_demo::{Workload, WorkloadOptions, load};
use secrecy::ExposeSecret;
use support::{connect, list, prepared, until};
use tokio_postgres::Client;

/// Indexes with what the questions below need to know of them.
const INDEXES: &str = "
    WITH i AS (
        SELECT x.indexrelid, x.indrelid, x.indisunique, x.indisvalid, x.indkey, x.indclass, x.indcollation,
               s.schemaname || '.' || s.relname || '.' || s.indexrelname AS name, s.idx_scan,
               EXISTS (SELECT FROM pg_constraint c WHERE c.contype = 'f' AND c.conrelid = x.indrelid AND c.conkey[1] = x.indkey[0]) AS for_key,
               EXISTS (SELECT FROM pg_index o WHERE o.indrelid = x.indrelid AND o.indexrelid <> x.indexrelid AND o.indkey = x.indkey
                          AND o.indisvalid AND x.indisvalid) AS twin
          FROM pg_index x JOIN pg_stat_user_indexes s USING (indexrelid))
";

fn planted(kind: Kind) -> Vec<String> {
    let mut objects: Vec<String> = of_kind(kind).map(|fault| fault.object.to_owned()).collect();
    objects.sort();
    objects
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_planted_faults_and_no_others() {
    let (cluster, logins) = prepared().await;
    load(logins.owner_url.expose_secret(), |_| {}).await.unwrap();
    let client = connect(&cluster.url("findawise")).await.unwrap();

    catalogue_faults(&client).await;
    let mut options = WorkloadOptions::default();
    (options.rate, options.seed) = (3000.0, Some(299));
    let workload = Workload::start(&logins.app_url, &options).unwrap();
    let unused = format!("{INDEXES} SELECT name FROM i WHERE idx_scan = 0 AND indisvalid AND NOT indisunique AND NOT for_key AND NOT twin");
    let mut last = Vec::new();
    let settled = tokio::time::timeout(Duration::from_secs(60), async {
        while last != planted(Kind::UnusedIndex) {
            tokio::time::sleep(Duration::from_millis(200)).await;
            last = list(&client, &unused).await;
        }
    });
    if settled.await.is_err() {
        panic!("after a minute of {:?} these are unused: {last:?}", workload.counters());
    }
    scans(&client).await;
    let counters = workload.stop().await;
    assert_eq!(counters.errors, 0, "{counters:?}");
    // After all that traffic the faults are still those.
    catalogue_faults(&client).await;
    // Last, because looking into the columns uses indexes itself.
    personal_columns(&client).await;
}

async fn catalogue_faults(client: &Client) {
    let missing = "SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c
                     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
                    WHERE c.contype = 'f' AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.conrelid AND x.indisvalid
                                                             AND x.indkey[0] = c.conkey[1])";
    assert_eq!(list(client, missing).await, planted(Kind::MissingFkIndex));
    // Of two equal indexes the later one is superfluous.
    let duplicate = format!(
        "{INDEXES} SELECT a.name FROM i a WHERE EXISTS (SELECT FROM i b WHERE b.indrelid = a.indrelid AND b.indkey = a.indkey
           AND b.indclass = a.indclass AND b.indcollation = a.indcollation AND b.indexrelid < a.indexrelid)"
    );
    assert_eq!(list(client, &duplicate).await, planted(Kind::DuplicateIndex));
    let invalid = format!("{INDEXES} SELECT name FROM i WHERE NOT indisvalid");
    assert_eq!(list(client, &invalid).await, planted(Kind::InvalidIndex));
    let keyless = "SELECT r.oid::regclass::text FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
                    WHERE r.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = r.oid AND c.contype = 'p')";
    assert_eq!(list(client, keyless).await, planted(Kind::NoPrimaryKey));
    let bloated = "SELECT schemaname || '.' || relname FROM pg_stat_user_tables
                    WHERE n_dead_tup > 1000 AND n_dead_tup >= 0.6 * (n_live_tup + n_dead_tup)";
    assert_eq!(list(client, bloated).await, planted(Kind::BloatedTable));
    let unattended = "SELECT oid::regclass::text FROM pg_class WHERE 'autovacuum_enabled=false' = ANY (reloptions)";
    assert_eq!(list(client, unattended).await, planted(Kind::BloatedTable));
    let near_end = "SELECT d.refobjid::regclass || '.' || a.attname FROM pg_sequence s
                      JOIN pg_depend d ON d.objid = s.seqrelid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
                      JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.atttypid = s.seqtypid
                     WHERE coalesce(pg_sequence_last_value(s.seqrelid), 0) > 0.9 * s.seqmax";
    assert_eq!(list(client, near_end).await, planted(Kind::SequenceNearEnd));
    let ahead = "SELECT (1.0 * pg_sequence_last_value('core.webhook_deliveries_id_seq') / 2147483647 BETWEEN 0.92 AND 0.921)::text";
    assert_eq!(list(client, ahead).await, ["true"]);
}

/// Looks at the values, not at the names: what looks personal must be listed, and what is listed must look personal.
async fn personal_columns(client: &Client) {
    let first_names = "(Ada|Bela|Caio|Dana|Emil|Fatou|Goran|Hana|Iris|Jonas|Kofi|Lena|Mira|Nils|Oona|Pavel|Quinn|Rosa|Sami|Tove|Uma|Vera|Wim|Ximena|Yara|Zeno)";
    let personal = format!(
        "^([a-z.]+[0-9]+@example[.]com|[+]1-555-01[0-9]+|000-[0-9]+-[0-9]+|Synthetic note:.*|XX00 TEST [0-9]+|TEST[0-9]+|.*Exampleville|{first_names} [A-Z][a-z]+)$"
    );
    let columns = "SELECT table_schema || '.' || table_name || '.' || column_name FROM information_schema.columns
                    WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'public') AND data_type IN ('text', 'inet', 'date')";
    let mut found = Vec::new();
    for column in list(client, columns).await {
        let (table, name) = column.rsplit_once('.').unwrap();
        let row = client
            .query_one(
                &format!(
                    "SELECT pg_typeof(min({name}))::text, count(*) FILTER (WHERE {name}::text ~ $1) * 2 > count(*), \
                     count(*) FILTER (WHERE {name}::text < '1990') * 4 > count(*) \
                     FROM (SELECT {name} FROM {table} WHERE {name} IS NOT NULL LIMIT 200) AS sample"
                ),
                &[&personal],
            )
            .await
            .unwrap_or_else(|error| panic!("{column}: {error:?}"));
        let (kind, looks, long_ago): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
        // Nothing but a person was born before 1990 here: the oldest dates of things are of 2002 or the founding years.
        if looks || kind == "inet" || (kind == "date" && long_ago) {
            found.push(column);
        }
    }
    assert_eq!(found, planted(Kind::PiiColumn));
}

/// The table that is read from end to end most often, by far, is the one whose column lacks an index.
async fn scans(client: &Client) {
    for fault in of_kind(Kind::MissingForScans) {
        let leads = format!(
            "SELECT x.indexrelid::regclass::text FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
              WHERE x.indrelid = '{}'::regclass AND a.attname = '{}'",
            fault.table(),
            fault.part()
        );
        assert_eq!(list(client, &leads).await, Vec::<String>::new());
    }
    let most = "SELECT schemaname || '.' || relname FROM pg_stat_user_tables WHERE pg_relation_size(relid) > 1000000
                 AND seq_scan > 30 AND seq_scan > 0.3 * (SELECT max(seq_scan) FROM pg_stat_user_tables WHERE pg_relation_size(relid) > 1000000)";
    let mut tables: Vec<&str> = of_kind(Kind::MissingForScans).map(|fault| fault.table()).collect();
    tables.sort_unstable();
    until("the planted table is the one that is scanned", Duration::from_secs(30), async || list(client, most).await == tables).await;
}
