#![allow(clippy::unwrap_used)]

use super::{chunk, clock, round};
use proptest::prelude::*;

/// Equal to the bit: `==` would take -0.0 for 0.0.
fn same(a: &[Option<f64>], b: &[Option<f64>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.map(f64::to_bits) == b.map(f64::to_bits))
}

fn there_and_back(slots: &[Option<f64>]) -> usize {
    let bytes = chunk::encode(slots).unwrap();
    let back = chunk::decode(&bytes, slots.len()).unwrap();
    assert!(same(slots, &back), "{slots:?} came back as {back:?}");
    bytes.len()
}

/// Values as they occur: counters, gauges, decimals, any double.
fn values() -> impl Strategy<Value = Vec<Option<f64>>> {
    let finite = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |v| v.is_finite());
    let edge = prop::sample::select(vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        0.3,
        1e-3,
        1e300,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        i64::MIN as f64,
        i64::MAX as f64,
        9_007_199_254_740_993.0,
        -9_007_199_254_740_993.0,
    ]);
    let one = prop_oneof![
        any::<i64>().prop_map(|n| n as f64),
        (-1000i64..1000).prop_map(|n| n as f64),
        (-100_000i64..100_000).prop_map(|n| n as f64 / 1000.0),
        finite,
        edge,
    ];
    let whole = prop::collection::vec(prop::option::weighted(0.9, one), 0..400);
    let counter = (any::<i32>(), prop::collection::vec(prop::option::weighted(0.95, 0i64..5000), 0..400)).prop_map(|(start, steps)| {
        let mut total = i64::from(start);
        steps
            .into_iter()
            .map(|s| {
                s.map(|s| {
                    total += s;
                    total as f64
                })
            })
            .collect()
    });
    let steps = (0usize..300, 0usize..300, any::<i32>(), any::<i32>())
        .prop_map(|(a, b, x, y)| [vec![Some(f64::from(x)); a], vec![Some(f64::from(y) / 100.0); b]].concat());
    prop_oneof![whole, counter, steps]
}

proptest! {
    #[test]
    fn b4_a_chunk_comes_back_bit_for_bit(slots in values()) {
        there_and_back(&slots);
    }

    #[test]
    fn b4_a_round_comes_back_bit_for_bit(slots in values(), ids in prop::collection::btree_set(any::<i32>(), 0..400)) {
        let samples: Vec<(i32, f64)> = ids.into_iter().zip(slots.into_iter().flatten()).collect();
        let back = round::decode(&round::encode(&samples).unwrap()).unwrap();
        prop_assert_eq!(samples.len(), back.len());
        for (a, b) in samples.iter().zip(&back) {
            prop_assert_eq!((a.0, a.1.to_bits()), (b.0, b.1.to_bits()));
        }
    }

    #[test]
    fn b4_a_clock_comes_back(moments in prop::collection::btree_set(any::<i64>(), 0..400)) {
        let moments: Vec<i64> = moments.into_iter().collect();
        prop_assert_eq!(clock::decode(&clock::encode(&moments)).unwrap(), moments);
    }

    #[test]
    fn b4_damaged_bytes_are_refused_not_believed(bytes in prop::collection::vec(any::<u8>(), 0..200), moments in 0usize..400) {
        // Any answer is fine but a panic, endless work, or a value that is no number.
        if let Ok(slots) = chunk::decode(&bytes, moments) {
            prop_assert!(slots.iter().flatten().all(|v| v.is_finite()));
        }
        if let Ok(samples) = round::decode(&bytes) {
            prop_assert!(samples.iter().all(|(_, v)| v.is_finite()));
        }
        let _ = clock::decode(&bytes);
    }
}

#[test]
fn b4_what_is_not_finite_is_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(chunk::encode(&[Some(1.0), Some(value)]).is_err());
        assert!(round::encode(&[(1, value)]).is_err());
    }
}

#[test]
fn b4_edges_come_back() {
    there_and_back(&[]);
    there_and_back(&[None]);
    there_and_back(&[None, Some(-0.0), None]);
    there_and_back(&[Some(i64::MIN as f64), Some(i64::MAX as f64), Some(0.0), Some(-0.0)]);
    there_and_back(&[Some(i64::MIN as f64), Some(i64::MAX as f64), Some(i64::MIN as f64), Some(0.0)]);
    there_and_back(&[Some(f64::MAX), Some(f64::MIN), Some(5e-324)]);
}

#[test]
fn b4_what_changes_little_costs_little() {
    assert!(there_and_back(&vec![Some(1e15); 3600]) <= 10);
    assert!(there_and_back(&(0..3600).map(|i| Some(f64::from(i * 250))).collect::<Vec<_>>()) <= 8);
    let jump: Vec<_> = (0..240).map(|i| Some(if i < 100 { 7e9 } else { 7e9 + 8192.0 })).collect();
    assert!(there_and_back(&jump) <= 14);
    let regular: Vec<i64> = (0..240).map(|i| 1_790_000_000_000 + i * 15_000).collect();
    assert!(clock::encode(&regular).len() <= 14);
}
