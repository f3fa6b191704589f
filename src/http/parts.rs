//! Lists in parts: which place each item has, how many are answered at once, and where the next part begins.

use super::params::Params;
use super::problem::Problem;

/// The parameters of every list.
pub(super) const LIMIT: &str = "limit";
pub(super) const CURSOR: &str = "cursor";

const DEFAULT_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1000;

/// What an item is ordered by and found again by: up to six names, the first of which says most.
pub(super) type Key<'a> = [&'a str; 6];

/// How many items are asked for, and after which one.
#[derive(Debug)]
pub(super) struct Asked {
    limit: usize,
    after: Option<[String; 6]>,
}

impl Asked {
    /// Reads `limit` and `cursor`.
    pub(super) fn read(params: &Params) -> Result<Self, Problem> {
        let unknown = || Problem::bad("`cursor`: write the `next_cursor` of an earlier answer of this path");
        let after = params.text(CURSOR).map(|text| decoded(text).ok_or_else(unknown)).transpose()?;
        Ok(Self { limit: limit(params)?, after })
    }
}

/// How many items are asked for.
pub(super) fn limit(params: &Params) -> Result<usize, Problem> {
    let limit = params.parsed::<usize>(LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    if (1..=LARGEST_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad(format!("`limit`: write a number from 1 to {LARGEST_LIMIT}")))
    }
}

/// A part of a list.
#[derive(Debug)]
pub(super) struct Part<T> {
    pub(super) items: Vec<T>,
    pub(super) next_cursor: Option<String>,
    /// All that the filters admit, on every part.
    pub(super) total: usize,
}

/// The part of `items` that is asked for, in the order of their keys. A cursor names a place in that order and no
/// number: items that come or go between two parts neither hide nor repeat others.
pub(super) fn part<'a, T>(
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> Key<'a>,
    asked: &Asked,
) -> Part<T> {
    let mut all: Vec<(Key<'a>, T)> = items.map(|item| (key(&item), item)).collect();
    all.sort_by_key(|(key, _)| *key);
    let total = all.len();
    let begin = match &asked.after {
        None => 0,
        Some(after) => {
            let after = after.each_ref().map(String::as_str);
            all.partition_point(|(key, _)| *key <= after)
        }
    };
    let left = total - begin;
    let mut items: Vec<(Key<'a>, T)> = all.drain(begin..).take(asked.limit).collect();
    let next_cursor = (left > items.len()).then(|| items.last().map(|(key, _)| encoded(key))).flatten();
    Part { items: items.drain(..).map(|(_, item)| item).collect(), next_cursor, total }
}

/// A key as a text without meaning: names may hold whatever a parameter would have to escape.
fn encoded(key: &Key<'_>) -> String {
    let text = serde_json::json!(key).to_string();
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decoded(text: &str) -> Option<[String; 6]> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect();
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(limit: usize, cursor: Option<String>) -> Asked {
        let mut pairs = vec![(LIMIT, limit.to_string())];
        pairs.extend(cursor.map(|cursor| (CURSOR, cursor)));
        Asked::read(&Params::of_pairs(&pairs)).unwrap()
    }

    fn walk<'a>(items: &[&'a str], limit: usize) -> Vec<&'a str> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let next = part(items.iter().copied(), |item| [item, "", "", "", "", ""], &asked(limit, cursor));
            assert_eq!(next.total, items.len());
            assert!(next.items.len() <= limit);
            found.extend(next.items);
            cursor = next.next_cursor;
            if cursor.is_none() {
                return found;
            }
        }
    }

    #[test]
    fn the_parts_of_a_list_are_the_whole_of_it_in_order() {
        let items = ["b", "a\"]", "ü", "c", "", "d"];
        for limit in 1..8 {
            assert_eq!(walk(&items, limit), ["", "a\"]", "b", "c", "d", "ü"], "{limit}");
        }
        assert_eq!(walk(&[], 3), Vec::<&str>::new());
    }

    #[test]
    fn what_comes_or_goes_between_two_parts_hides_and_repeats_nothing() {
        let one = |item: &&'static str| [*item, "", "", "", "", ""];
        let first = part(["a", "b", "c", "d"].into_iter(), one, &asked(2, None));
        let then = part(["0", "a", "c", "c2", "d"].into_iter(), one, &asked(9, first.next_cursor));
        assert_eq!((first.items, then.items), (vec!["a", "b"], vec!["c", "c2", "d"]));
    }

    #[test]
    fn an_invented_cursor_and_a_limit_out_of_bounds_are_refused() {
        for (name, value) in [
            (CURSOR, "zz"),
            (CURSOR, "5b5d"),
            (CURSOR, "5"),
            (CURSOR, "ü"),
            (LIMIT, "0"),
            (LIMIT, "1001"),
            (LIMIT, "-1"),
            (LIMIT, "x"),
        ] {
            let problem = Asked::read(&Params::of_pairs(&[(name, value.to_owned())])).unwrap_err();
            assert!(problem.detail.contains(&format!("`{name}`")), "{name}={value}: {}", problem.detail);
        }
    }
}
