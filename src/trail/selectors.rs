//! Event selectors of a trail: whether it logs an event. Pure.

use std::collections::BTreeSet;

/// Which events a trail logs, in one of the two forms that AWS has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selectors {
    /// Basic ones: an event that one of them selects is logged.
    Basic(Vec<Basic>),
    /// Advanced ones: the same; a selector selects what all of its fields hold for.
    Advanced(Vec<Vec<Field>>),
}

/// A basic event selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basic {
    /// Whether it selects calls that only read.
    pub reads: bool,
    /// Whether it selects calls that write.
    pub writes: bool,
    /// Whether it selects management events at all.
    pub management: bool,
    /// Event sources whose management events it leaves out.
    pub excluded: BTreeSet<String>,
}

/// A field of an advanced event selector with its conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field's name: `eventCategory`, `readOnly`, `eventSource`, …
    pub name: String,
    /// What it must be.
    pub conditions: Vec<(Operator, Vec<String>)>,
}

/// How a field is compared. Of the first three one value suffices, of the others none may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own words")]
pub enum Operator {
    Equals,
    StartsWith,
    EndsWith,
    NotEquals,
    NotStartsWith,
    NotEndsWith,
}

/// A management event that should be logged: any call of a service that reads or writes.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its source, such as `iam.amazonaws.com`.
    pub source: &'a str,
    /// Whether the calls only read.
    pub reads: bool,
}

/// Whether a trail logs all events that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
    /// All of them.
    All,
    /// None, for this reason.
    None(Lack),
    /// Those alone for which a condition on this field holds.
    Some(String),
    /// Several selectors have conditions; together they may select all.
    Undecided,
}

/// Why an event is not logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// No selector selects management events.
    Management,
    /// None selects calls that write, or that read.
    Kind,
    /// The event's source is left out.
    Source,
}

impl Selectors {
    /// Whether all events that are wanted are logged.
    pub fn logs(&self, wanted: &Wanted<'_>) -> Logged {
        match self {
            Self::Basic(all) => basic(all, wanted),
            Self::Advanced(all) => advanced(all, wanted),
        }
    }
}

fn basic(all: &[Basic], wanted: &Wanted<'_>) -> Logged {
    let kind = |selector: &&Basic| if wanted.reads { selector.reads } else { selector.writes };
    let management: Vec<&Basic> = all.iter().filter(|selector| selector.management).collect();
    let of_kind: Vec<&&Basic> = management.iter().filter(|selector| kind(selector)).collect();
    match () {
        () if management.is_empty() => Logged::None(Lack::Management),
        () if of_kind.is_empty() => Logged::None(Lack::Kind),
        () if of_kind.iter().all(|selector| selector.excluded.contains(wanted.source)) => {
            Logged::None(Lack::Source)
        }
        () => Logged::All,
    }
}

fn advanced(all: &[Vec<Field>], wanted: &Wanted<'_>) -> Logged {
    let mut lack = Lack::Management;
    let mut partial = Vec::new();
    for selector in all {
        match select(selector, wanted) {
            Logged::All => return Logged::All,
            // The one that comes nearest says most.
            Logged::None(why) => lack = lack.max(why),
            Logged::Some(field) => partial.push(field),
            Logged::Undecided => return Logged::Undecided,
        }
    }
    match partial.len() {
        0 => Logged::None(lack),
        1 => Logged::Some(partial.remove(0)),
        _ => Logged::Undecided,
    }
}

/// What one advanced selector does with the event.
fn select(fields: &[Field], wanted: &Wanted<'_>) -> Logged {
    let holds = |name: &str, actual: &str| fields.iter().filter(|f| f.name == name).all(|f| f.holds(actual));
    let known = ["eventCategory", "readOnly", "eventSource", "eventType"];
    let categories: Vec<&Field> = fields.iter().filter(|field| field.name == "eventCategory").collect();
    let other = fields.iter().find(|field| !known.contains(&field.name.as_str()));
    match () {
        () if categories.is_empty() || !holds("eventCategory", "Management") => {
            Logged::None(Lack::Management)
        }
        () if !holds("readOnly", if wanted.reads { "true" } else { "false" }) => Logged::None(Lack::Kind),
        () if !holds("eventType", "AwsApiCall") => Logged::None(Lack::Kind),
        () if !holds("eventSource", wanted.source) => Logged::None(Lack::Source),
        () => other.map_or(Logged::All, |field| Logged::Some(field.name.clone())),
    }
}

impl Field {
    fn holds(&self, actual: &str) -> bool {
        let mut asked = false;
        let mut found = false;
        for (operator, values) in &self.conditions {
            let hit = values.iter().any(|value| operator.hits(actual, value));
            if operator.denies() {
                if hit {
                    return false;
                }
            } else {
                asked = true;
                found |= hit;
            }
        }
        found || !asked
    }
}

impl Operator {
    fn denies(self) -> bool {
        matches!(self, Self::NotEquals | Self::NotStartsWith | Self::NotEndsWith)
    }

    fn hits(self, actual: &str, value: &str) -> bool {
        match self {
            Self::Equals | Self::NotEquals => actual == value,
            Self::StartsWith | Self::NotStartsWith => actual.starts_with(value),
            Self::EndsWith | Self::NotEndsWith => actual.ends_with(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IAM: Wanted<'static> = Wanted { source: "iam.amazonaws.com", reads: false };

    fn basic_one(reads: bool, writes: bool, management: bool, excluded: &[&str]) -> Selectors {
        let excluded = excluded.iter().map(|source| (*source).to_owned()).collect();
        Selectors::Basic(vec![Basic { reads, writes, management, excluded }])
    }

    fn field(name: &str, operator: Operator, values: &[&str]) -> Field {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Field { name: name.to_owned(), conditions: vec![(operator, values)] }
    }

    fn management(more: Vec<Field>) -> Vec<Field> {
        let mut fields = vec![field("eventCategory", Operator::Equals, &["Management"])];
        fields.extend(more);
        fields
    }

    #[test]
    fn basic_selectors_log_management_writes_unless_their_source_is_excluded() {
        assert_eq!(basic_one(true, true, true, &[]).logs(&IAM), Logged::All);
        assert_eq!(basic_one(false, true, true, &["kms.amazonaws.com"]).logs(&IAM), Logged::All);
        assert_eq!(basic_one(true, false, true, &[]).logs(&IAM), Logged::None(Lack::Kind));
        assert_eq!(basic_one(true, true, false, &[]).logs(&IAM), Logged::None(Lack::Management));
        let kms = Wanted { source: "kms.amazonaws.com", reads: false };
        assert_eq!(
            basic_one(true, true, true, &["kms.amazonaws.com"]).logs(&kms),
            Logged::None(Lack::Source)
        );
        assert_eq!(
            basic_one(false, true, true, &[]).logs(&Wanted { reads: true, ..IAM }),
            Logged::None(Lack::Kind)
        );
    }

    #[test]
    fn one_basic_selector_that_selects_suffices() {
        let both = Selectors::Basic(vec![
            Basic { reads: true, writes: false, management: true, excluded: BTreeSet::new() },
            Basic { reads: false, writes: true, management: true, excluded: BTreeSet::new() },
        ]);
        assert_eq!(both.logs(&IAM), Logged::All);
    }

    #[test]
    fn advanced_selectors_hold_field_by_field() {
        let advanced = |all: Vec<Vec<Field>>| Selectors::Advanced(all).logs(&IAM);
        let read_only = |value: &str| field("readOnly", Operator::Equals, &[value]);
        let data = vec![field("eventCategory", Operator::Equals, &["Data"])];
        assert_eq!(advanced(vec![management(vec![])]), Logged::All);
        assert_eq!(advanced(vec![management(vec![read_only("false")])]), Logged::All);
        assert_eq!(advanced(vec![management(vec![read_only("true")])]), Logged::None(Lack::Kind));
        assert_eq!(advanced(vec![data.clone()]), Logged::None(Lack::Management));
        assert_eq!(advanced(vec![data, management(vec![])]), Logged::All);
        let without = |source: &str| field("eventSource", Operator::NotEquals, &[source]);
        assert_eq!(advanced(vec![management(vec![without("kms.amazonaws.com")])]), Logged::All);
        assert_eq!(
            advanced(vec![management(vec![without("iam.amazonaws.com")])]),
            Logged::None(Lack::Source)
        );
        let only = |source: &str| field("eventSource", Operator::StartsWith, &[source]);
        assert_eq!(advanced(vec![management(vec![only("s3.")])]), Logged::None(Lack::Source));
        assert_eq!(advanced(vec![management(vec![only("iam.")])]), Logged::All);
        let calls = field("eventType", Operator::Equals, &["AwsServiceEvent"]);
        assert_eq!(advanced(vec![management(vec![calls])]), Logged::None(Lack::Kind));
        assert_eq!(advanced(vec![]), Logged::None(Lack::Management));
    }

    #[test]
    fn a_condition_on_another_field_selects_some_and_several_of_them_may_select_all() {
        let named = |operator| management(vec![field("eventName", operator, &["Create"])]);
        let some = Selectors::Advanced(vec![named(Operator::StartsWith)]);
        assert_eq!(some.logs(&IAM), Logged::Some("eventName".to_owned()));
        let both = Selectors::Advanced(vec![named(Operator::StartsWith), named(Operator::NotStartsWith)]);
        assert_eq!(both.logs(&IAM), Logged::Undecided);
        // Whatever others leave out, one that selects all suffices.
        let all = Selectors::Advanced(vec![named(Operator::StartsWith), management(vec![])]);
        assert_eq!(all.logs(&IAM), Logged::All);
    }
}
