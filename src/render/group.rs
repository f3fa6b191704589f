//! Equal things over many accounts, told once.

use std::collections::BTreeMap;

use super::style::{Page, Tone};
use crate::model::ids::AccountId;
use crate::model::target::{Side, TargetKey};

/// What the account's own id is shown as in a text that holds for several accounts.
pub(super) const ACCOUNT: &str = "<account>";

/// One thing, and the targets of which it is true.
pub(super) struct Group<'a, T> {
    pub(super) item: &'a T,
    pub(super) targets: Vec<&'a TargetKey>,
}

/// Collects equal items of one side and Region in the order of their first appearance. Two are equal when
/// their `identity` is, after each target's own account id has been taken out of it.
pub(super) fn grouped<'a, T>(
    items: impl IntoIterator<Item = (&'a TargetKey, &'a T)>,
    identity: impl Fn(&T) -> String,
) -> Vec<Group<'a, T>> {
    let mut groups: Vec<Group<'a, T>> = Vec::new();
    let mut known = BTreeMap::new();
    for (target, item) in items {
        let identity = identity(item).replace(target.account.as_str(), ACCOUNT);
        let index = *known.entry((target.side, &target.region, identity)).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => group.targets.push(target),
            None => groups.push(Group { item, targets: vec![target] }),
        }
    }
    groups
}

impl<T> Group<'_, T> {
    /// Writes where the item is; `expand` names every account.
    pub(super) fn put_place(&self, page: &mut Page, indent: usize, expand: bool) {
        let accounts: Vec<&AccountId> = self.targets.iter().map(|t| &t.account).collect();
        match (self.targets.as_slice(), accounts.as_slice()) {
            ([TargetKey { side: Side::Central, account, region }], _) => {
                page.line(indent, Tone::Faint, format!("in the central account {account}, {region}"));
            }
            ([TargetKey { account, region, .. }], _) => {
                page.line(indent, Tone::Faint, format!("in account {account}, {region}"));
            }
            ([TargetKey { region, .. }, ..], all) if expand => {
                page.line(indent, Tone::Faint, format!("in {} accounts, {region}:", all.len()));
                for account in all {
                    page.line(indent + 2, Tone::Faint, account);
                }
            }
            ([TargetKey { region, .. }, ..], all) => {
                let text = format!("in {} accounts, {region}: {}", all.len(), some_of(all));
                page.prose(indent, Tone::Faint, text);
            }
            ([], _) => {}
        }
    }

    /// Writes with `body` what holds for every account of the group, which has no one id then.
    pub(super) fn put_body(&self, page: &mut Page, body: impl FnOnce(&mut Page)) {
        let own = self.targets.first().filter(|_| self.targets.len() > 1).map(|t| t.account.to_string());
        page.stand_in(own.map(|id| (id, ACCOUNT)));
        body(page);
        page.stand_in(None);
    }
}

/// `A, B and C`, or of more than three `A, B and 26 more`.
pub(super) fn some_of(accounts: &[&AccountId]) -> String {
    match accounts {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., last] if first.len() < 3 => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            format!("{} and {last}", first.join(", "))
        }
        [one, two, more @ ..] => format!("{one}, {two} and {} more", more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixtures::{account, central, member};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn grouping_never_loses_or_invents_an_account(kinds in prop::collection::vec(0..4_u8, 0..40)) {
            let items: Vec<(TargetKey, String)> = kinds
                .iter()
                .enumerate()
                .map(|(n, kind)| (member(n), format!("kind {kind} of {}", account(n))))
                .collect();
            let groups = grouped(items.iter().map(|(t, i)| (t, i)), String::clone);

            let mut seen: Vec<&AccountId> = groups.iter().flat_map(|g| &g.targets).map(|t| &t.account).collect();
            seen.sort();
            prop_assert_eq!(seen, items.iter().map(|(t, _)| &t.account).collect::<Vec<_>>());

            let distinct: std::collections::BTreeSet<u8> = kinds.iter().copied().collect();
            prop_assert_eq!(groups.len(), distinct.len());
        }
    }

    #[test]
    fn another_accounts_id_in_a_value_keeps_two_items_apart() {
        let (a, b) = (member(0), member(1));
        let (to_a, to_b) = (format!("sends to {}", a.account), format!("sends to {}", b.account));
        assert_eq!(grouped([(&a, &to_a), (&b, &to_b)], String::clone).len(), 1, "each names itself");
        assert_eq!(grouped([(&a, &to_a), (&b, &to_a)], String::clone).len(), 2, "both name one account");
    }

    #[test]
    fn the_two_sides_of_one_account_are_kept_apart() {
        let (receiving, sending) = (central(), TargetKey { side: Side::Member, ..central() });
        let same = "a queue".to_owned();
        assert_eq!(grouped([(&receiving, &same), (&sending, &same)], String::clone).len(), 2);
    }

    #[test]
    fn up_to_three_accounts_are_named_and_of_more_the_first_two() {
        let ids: Vec<AccountId> = (0..5).map(account).collect();
        let ids: Vec<&AccountId> = ids.iter().collect();
        insta::assert_snapshot!(
            [1, 2, 3, 4, 5].map(|n| some_of(&ids[..n])).join("\n"),
            @r"
        333333333333
        333333333333 and 334444444444
        333333333333, 334444444444 and 335555555555
        333333333333, 334444444444 and 2 more
        333333333333, 334444444444 and 3 more
        "
        );
    }
}
