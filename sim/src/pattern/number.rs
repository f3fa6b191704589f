//! Numbers as the engine compares them: by value, where a double holds exactly what is written.

use serde_json::Number;

/// Up to here each whole number is a double of its own.
const EXACT: u64 = 1 << 53;

/// The double that a number stands for; `None` when it is written with more digits than a double keeps (AWS: such a
/// number is compared by its text alone).
pub(super) fn comparable(written: &str) -> Option<f64> {
    let value: f64 = written.parse().ok()?;
    // A zero without a sign: -0 and 0 are the same number.
    let value = if value == 0.0 { 0.0 } else { value };
    (value.is_finite() && decimal(written)? == decimal(&format!("{value:e}"))?).then_some(value)
}

/// The double that a number of an event stands for.
pub(super) fn comparable_number(number: &Number) -> Option<f64> {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) if whole.unsigned_abs() <= EXACT => number.as_f64(),
        (None, None) => number.as_f64().map(|value| if value == 0.0 { 0.0 } else { value }),
        _ => comparable(&number.to_string()),
    }
}

/// A number as sign, digits without zeros at either end, and the exponent of the first digit.
fn decimal(written: &str) -> Option<(bool, String, i64)> {
    let (negative, rest) = written.strip_prefix('-').map_or((false, written), |rest| (true, rest));
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.trim_start_matches('+').parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let leading = i64::try_from(digits.len() - significant.len()).ok()?;
    let point = i64::try_from(whole.len()).ok()?;
    Some((
        negative,
        significant.trim_end_matches('0').to_owned(),
        exponent.checked_add(point)?.checked_sub(leading)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value_however_they_are_written() {
        for written in ["300", "300.0", "3.0e2", "3E+2", "0.3e3"] {
            assert_eq!(comparable(written), Some(300.0), "{written}");
        }
        assert_eq!(comparable("-0.0"), comparable("0"));
    }

    #[test]
    fn a_number_with_more_digits_than_a_double_keeps_is_not_comparable() {
        assert_eq!(comparable("9007199254740993"), None);
        assert_eq!(comparable("0.1000000000000000055"), None);
        assert_eq!(comparable("1e999"), None);
        assert_eq!(comparable("123456789012"), Some(123_456_789_012.0));
    }
}
