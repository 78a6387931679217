//! Node's own tables. Those of increments, truncations and intersections are left out: a server
//! neither makes versions nor compares ranges.

use std::fmt;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

impl fmt::Display for Range {
    /// Writes the normal form: what `new Range(text).range` is, and `*` where that is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("*");
        }
        for (index, comparators) in self.alternatives.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "||" })?;
            for (index, comparator) in comparators.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { " " })?;
                let Comparator::Bound(operator, version) = comparator else { continue };
                write!(f, "{}{version}", operator.text())?;
            }
        }
        Ok(())
    }
}

impl Operator {
    const fn text(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "",
        }
    }
}

fn rows(table: &str) -> Vec<Value> {
    let data = include_str!("../../tests/data/node-semver-ranges.json");
    let data: Value = serde_json::from_str(data).expect("JSON");
    let rows = data[table]["rows"].as_array().expect("rows").clone();
    assert!(!rows.is_empty(), "{table}");
    rows
}

/// The options of a row: `true`, or an object with what JavaScript takes for true.
fn options(row: &Value) -> Options {
    let is_true = |value: &Value| match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        // How the table writes a number that is none.
        Value::Object(object) => object.get("num").is_none_or(|number| number != "NaN"),
        _ => true,
    };
    match row.get(2) {
        Some(Value::Bool(loose)) => Options { loose: *loose, ..Options::default() },
        Some(object) => Options {
            loose: is_true(&object["loose"]),
            include_pre_release: is_true(&object["includePrerelease"]),
        },
        None => Options::default(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn version(text: &str, options: Options) -> NodeVersion {
    NodeVersion::parse(text, options.loose).unwrap_or_else(|| panic!("`{text}` is a version"))
}

#[test]
fn versions_compare_as_in_node() {
    for row in rows("comparisons") {
        let options = options(&row);
        let (higher, lower) = (version(text(&row[0]), options), version(text(&row[1]), options));
        assert_eq!(higher.cmp(&lower), std::cmp::Ordering::Greater, "{row}");
        assert_eq!(lower.cmp(&higher), std::cmp::Ordering::Less, "{row}");
    }
    for row in rows("equality") {
        let options = options(&row);
        assert_eq!(version(text(&row[0]), options), version(text(&row[1]), options), "{row}");
    }
}

#[test]
fn versions_are_valid_as_in_node() {
    for row in rows("valid-versions") {
        let parsed = version(text(&row[0]), Options::default());
        assert_eq!(serde_json::json!(parsed.numbers), serde_json::json!([row[1], row[2], row[3]]));
        let identifiers: Vec<Value> = parsed
            .pre_release
            .iter()
            .map(|identifier| match identifier {
                crate::node_version::Identifier::Number(number) => (*number).into(),
                crate::node_version::Identifier::Text(text) => text.as_str().into(),
            })
            .collect();
        assert_eq!(Value::from(identifiers), row[4], "{row}");
    }
    for row in rows("invalid-versions") {
        // Rows that pass something other than a text have no meaning here.
        let Some(text) = row[0].as_str() else { continue };
        assert_eq!(NodeVersion::parse(text, options(&row).loose), None, "{row}");
    }
}

#[test]
fn ranges_have_the_normal_form_that_node_gives_them() {
    let mut wrong = Vec::new();
    for row in rows("range-parse") {
        let range = Range::parse(text(&row[0]), options(&row)).map(|range| range.to_string());
        if range.as_deref() != row[1].as_str() {
            wrong.push(format!("{row} is {range:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ranges_are_satisfied_as_in_node() {
    let mut wrong = Vec::new();
    for (table, expected) in [("range-include", true), ("range-exclude", false)] {
        for row in rows(table) {
            let options = options(&row);
            let version = row[1].as_str().and_then(|text| NodeVersion::parse(text, options.loose));
            let range = Range::parse(text(&row[0]), options);
            let satisfied = range
                .zip(version)
                .is_some_and(|(range, version)| range.is_satisfied_by(&version, options));
            if satisfied != expected {
                wrong.push(format!("{table}: {row}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether `version` lies beyond all of `range`, as `functions/outside.js` says it.
fn is_outside(range: &Range, version: &NodeVersion, above: bool, options: Options) -> bool {
    if range.is_satisfied_by(version, options) {
        return false;
    }
    let beyond = |a: &NodeVersion, b: &NodeVersion| if above { a > b } else { a < b };
    let (open, open_or_equal) = match above {
        true => (Operator::Greater, Operator::GreaterOrEqual),
        false => (Operator::Less, Operator::LessOrEqual),
    };
    range.alternatives.iter().all(|comparators| {
        let bounds: Vec<_> = comparators
            .iter()
            .map(|comparator| match comparator {
                Comparator::Any => {
                    (Operator::GreaterOrEqual, NodeVersion::release([0; 3]).expect("it fits"))
                }
                Comparator::Bound(operator, bound) => (*operator, bound.clone()),
            })
            .collect();
        let (mut high, mut low) = (&bounds[0], &bounds[0]);
        for bound in &bounds {
            if beyond(&bound.1, &high.1) {
                high = bound;
            } else if beyond(&low.1, &bound.1) {
                low = bound;
            }
        }
        let is_open = high.0 == open || high.0 == open_or_equal;
        let is_short_of_low = beyond(&low.1, version);
        let is_at_low = *version == low.1;
        let is_within = match low.0 {
            operator if operator == Operator::Equal || operator == open => {
                is_short_of_low || is_at_low
            }
            operator => operator == open_or_equal && is_short_of_low,
        };
        !is_open && !is_within
    })
}

#[test]
fn versions_are_beyond_ranges_as_in_node() {
    let mut wrong = Vec::new();
    for (table, above, expected) in [
        ("version-gt-range", true, true),
        ("version-not-gt-range", true, false),
        ("version-lt-range", false, true),
        ("version-not-lt-range", false, false),
    ] {
        for row in rows(table) {
            let options = options(&row);
            let version = version(text(&row[1]), options);
            let outside = Range::parse(text(&row[0]), options)
                .map(|range| is_outside(&range, &version, above, options));
            if outside != Some(expected) {
                wrong.push(format!("{table}: {row} is {outside:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn hostile_ranges_take_no_time() {
    let started = std::time::Instant::now();
    for piece in [" ", "||", "1.2.3 ", "~> ", "> ", "=", "v", "*", "+a", "-", "1.", "x - ", "<=v "]
    {
        for length in [100, 4 << 10, 1 << 20] {
            let text = piece.repeat(length / piece.len());
            for loose in [true, false] {
                let options = Options { loose, include_pre_release: false };
                let _ = Range::parse(&text, options);
                let _ = Range::parse(&format!("1.2.3{text}1.2.3"), options);
            }
        }
    }
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn no_range_makes_it_panic(text in any::<String>()) {
        let _ = Range::parse(&text, Options::CLIENT);
        let _ = Range::parse(&text, Options::default());
    }

    #[test]
    fn a_normal_form_is_its_own(text in "[~^<>=v]{0,2} ?[0-9x*]{1,2}(\\.[0-9x*]){0,2}(-[a-z0-9.]{1,4})?( - | \\|\\| | )?[<>=]{0,2}[0-9.]{0,5}") {
        for options in [Options::CLIENT, Options::default()] {
            if let Some(range) = Range::parse(&text, options) {
                let again = Range::parse(&range.to_string(), options).expect("a normal form parses");
                prop_assert_eq!(again, range);
            }
        }
    }
}
