//! What organizational units are called, for people. Pure; nothing is decided by a name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::ids::OuId;

/// Names of roots and units, as far as they were read.
pub type Names = BTreeMap<OuId, String>;

/// After so long names are read again: units are rarely called something else.
const LASTS: SignedDuration = SignedDuration::from_hours(6);
/// How soon it is asked again below a unit where something is not named, or could not be read.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// So many calls at most for all names; of larger organizations those nearest to the root.
const MOST: usize = 500;

/// Whose names are asked for with one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Those of the roots.
    Roots,
    /// Those of the units directly below this one.
    Below(OuId),
}

/// The names, and what was asked for them when.
#[derive(Debug, Default)]
pub struct Book {
    names: Arc<Names>,
    asked: BTreeMap<Question, Timestamp>,
}

impl Book {
    /// The names that are known.
    pub fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names)
    }

    /// What is to be asked so that the units on these paths, each from its root down, have names; from the top down.
    pub fn due<'a>(&self, paths: impl IntoIterator<Item = &'a [OuId]>, now: Timestamp) -> Vec<Question> {
        let mut questions: BTreeMap<(usize, Question), bool> = BTreeMap::new();
        let mut seen: BTreeSet<&[OuId]> = BTreeSet::new();
        for path in paths {
            if !seen.insert(path) {
                continue;
            }
            for (depth, unit) in path.iter().enumerate() {
                let question = match depth.checked_sub(1).and_then(|above| path.get(above)) {
                    Some(above) => Question::Below(above.clone()),
                    None => Question::Roots,
                };
                *questions.entry((depth, question)).or_default() |= !self.names.contains_key(unit);
            }
        }
        let is_due = |(question, unnamed): &(Question, bool)| {
            let lasts = if *unnamed { AGAIN } else { LASTS };
            self.asked.get(question).is_none_or(|asked| now.duration_since(*asked) >= lasts)
        };
        let nearest = questions.into_iter().take(MOST).map(|((_, question), unnamed)| (question, unnamed));
        nearest.filter(is_due).map(|(question, _)| question).collect()
    }

    /// Takes an answer over.
    pub fn take(&mut self, question: Question, named: Vec<(OuId, String)>, now: Timestamp) {
        self.asked.insert(question, now);
        if named.iter().any(|(unit, name)| self.names.get(unit) != Some(name)) {
            Arc::make_mut(&mut self.names).extend(named);
        }
    }

    /// Notes that there was no answer; what was known stays.
    pub fn failed(&mut self, question: Question, now: Timestamp) {
        self.asked.insert(question, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::at;

    fn unit(text: &str) -> OuId {
        text.parse().unwrap()
    }

    fn path(ids: &[&str]) -> Vec<OuId> {
        ids.iter().map(|id| unit(id)).collect()
    }

    fn due(book: &Book, paths: &[Vec<OuId>], second: i64) -> Vec<Question> {
        book.due(paths.iter().map(Vec::as_slice), at(second))
    }

    #[test]
    fn each_unit_with_others_below_it_is_asked_once_from_the_top_down() {
        let (root, one, two) = ("r-ab12", "ou-ab12-00000001", "ou-ab12-00000002");
        let paths = [path(&[root, one, two]), path(&[root, one]), path(&[root]), path(&[root, one, two])];
        let mut book = Book::default();
        let all = [Question::Roots, Question::Below(unit(root)), Question::Below(unit(one))];
        assert_eq!(due(&book, &paths, 0), all);
        let [roots, below_root, below_one] = all;
        book.take(roots.clone(), vec![(unit(root), "Root".to_owned())], at(0));
        book.take(below_root.clone(), vec![(unit(one), "Workloads".to_owned())], at(0));
        book.failed(below_one.clone(), at(0));
        assert_eq!(due(&book, &paths, 599), []);
        assert_eq!(
            due(&book, &paths, 600),
            std::slice::from_ref(&below_one),
            "nobody said what it is called"
        );
        book.take(below_one.clone(), vec![(unit(two), "Production".to_owned())], at(600));
        assert_eq!(due(&book, &paths, 6 * 3_600 - 1), []);
        assert_eq!(due(&book, &paths, 6 * 3_600), [roots, below_root]);
        book.failed(below_one, at(7 * 3_600));
        assert_eq!(book.names()[&unit(two)], "Production", "what was known stays");
    }

    #[test]
    fn a_great_organization_is_asked_no_more_than_it_may_be() {
        let deep = |n: usize| path(&["r-ab12", &format!("ou-ab12-{n:08}"), &format!("ou-ab12-1{n:08}")]);
        let paths: Vec<Vec<OuId>> = (0..2_000).map(deep).collect();
        let questions = due(&Book::default(), &paths, 0);
        assert_eq!((questions.len(), &questions[0]), (MOST, &Question::Roots));
    }
}
