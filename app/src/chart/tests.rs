use super::*;
use reeve_model::{
    Unit, UnixMs,
    health::Chart,
    series::{Point, Trend},
};

fn points(values: &[(i64, f64)]) -> Vec<Point> {
    values.iter().map(|(s, value)| Point { at: UnixMs(1_795_226_400_000 + s * 1000), value: *value }).collect()
}

fn chart(lines: Vec<Trend>) -> Chart {
    Chart { id: "connections".into(), title: "Connections".into(), unit: Unit::Count, lines }
}

#[test]
fn b4_a_chart_is_classed_svg_with_words_and_a_gap_stays_a_gap() {
    let values = [(0, 3.0), (60, 5.0), (120, 4.0), (1800, 9.0), (1860, 8.0)];
    let svg = draw(&chart(vec![Trend { title: "active".into(), points: points(&values) }])).expect("five points make a chart");
    insta::assert_snapshot!(svg.replace("><", ">\n<"));
    assert!(!svg.contains("style=") && !svg.contains("rgb") && !svg.contains('#'), "colours belong to the style sheet");
    assert_eq!(svg.matches(r#"class="line s0""#).count(), 2, "the gap splits the line");
}

#[test]
fn b4_names_in_charts_are_text() {
    let hostile = "\"><script>alert(1)</script>\u{1}";
    let mut chart = chart(vec![Trend { title: hostile.into(), points: points(&[(0, 1.0), (1, 2.0)]) }]);
    chart.title = hostile.into();
    chart.id = hostile.into();
    let svg = draw(&chart).expect("two points make a chart");
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;") && !svg.contains('\u{1}'));
}

#[test]
fn b4_nothing_to_draw_draws_nothing() {
    assert_eq!(draw(&chart(vec![])), None);
    assert_eq!(draw(&chart(vec![Trend { title: "a".into(), points: points(&[(0, 1.0)]) }])), None);
    assert_eq!(draw(&chart(vec![Trend { title: "a".into(), points: points(&[(0, f64::NAN), (1, f64::NAN)]) }])), None);
}

#[test]
fn sparklines_of_a_column_share_one_scale() {
    let (low, high) = (points(&[(0, 0.0), (10, 5.0)]), points(&[(0, 0.0), (10, 10.0)]));
    let extent = Extent::of(low.iter().chain(&high));
    assert_eq!(spark_path(&high, extent), "M1.0 18.5L87.0 1.5");
    assert_eq!(spark_path(&low, extent), "M1.0 18.5L87.0 10.0");
    assert_eq!(spark_path(&low[..1], extent), "", "one point is no line");
    let gap = points(&[(0, 1.0), (1, 1.0), (2, 1.0), (60, 1.0), (61, 1.0)]);
    assert_eq!(spark_path(&gap, Extent::of(&gap)).matches('M').count(), 2);
}
