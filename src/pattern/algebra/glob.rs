//! Texts with stars: what a literal, a prefix, a suffix and a wildcard of a pattern have in common.

/// A text in which `None` stands for any run of characters. Two stars never stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Glob(Vec<Option<char>>);

impl Glob {
    /// The text itself.
    pub(super) fn literal(text: &str) -> Self {
        Self(text.chars().map(Some).collect())
    }

    /// Every text that begins so.
    pub(super) fn prefix(text: &str) -> Self {
        Self(text.chars().map(Some).chain([None]).collect())
    }

    /// Every text that ends so.
    pub(super) fn suffix(text: &str) -> Self {
        Self([None].into_iter().chain(text.chars().map(Some)).collect())
    }

    /// The operand of `wildcard`, in which `\*` and `\\` stand for the characters themselves; nothing if EventBridge
    /// refuses it.
    pub(super) fn wildcard(text: &str) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '*' if tokens.last() == Some(&None) => return None,
                '*' => tokens.push(None),
                '\\' => tokens.push(Some(chars.next().filter(|c| matches!(c, '*' | '\\'))?)),
                c => tokens.push(Some(c)),
            }
        }
        Some(Self(tokens))
    }

    /// A text in which every `*` stands for any run of characters, as in IAM's policies.
    pub(super) fn starred(text: &str) -> Self {
        let mut tokens: Vec<Option<char>> = text.chars().map(|c| (c != '*').then_some(c)).collect();
        tokens.dedup_by(|a, b| a.is_none() && b.is_none());
        Self(tokens)
    }

    /// The text, if no other one is meant.
    pub(super) fn as_literal(&self) -> Option<String> {
        self.0.iter().copied().collect()
    }

    /// What every text begins with, if that is all that is asked of it.
    pub(super) fn as_prefix(&self) -> Option<String> {
        let (last, rest) = self.0.split_last()?;
        if last.is_none() { rest.iter().copied().collect() } else { None }
    }

    /// What every text ends with, if that is all that is asked of it.
    pub(super) fn as_suffix(&self) -> Option<String> {
        let (first, rest) = self.0.split_first()?;
        if first.is_none() { rest.iter().copied().collect() } else { None }
    }

    /// The operand of `wildcard` that means the same.
    pub(super) fn as_wildcard(&self) -> String {
        let mut text = String::new();
        for token in &self.0 {
            match token {
                None => text.push('*'),
                Some(c) => {
                    if matches!(c, '*' | '\\') {
                        text.push('\\');
                    }
                    text.push(*c);
                }
            }
        }
        text
    }

    /// The same with small letters, if all letters are those of English: for others AWS's way is not known.
    pub(super) fn lower(&self) -> Option<Self> {
        let small = |token: &Option<char>| match token {
            Some(c) if !c.is_ascii() => None,
            token => Some(token.map(|c| c.to_ascii_lowercase())),
        };
        self.0.iter().map(small).collect::<Option<_>>().map(Self)
    }

    /// Whether some text is meant by both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        // Most are told apart by how they begin.
        if matches!((a.first(), b.first()), (Some(Some(a)), Some(Some(b))) if a != b) {
            return false;
        }
        // reach[j]: the first i tokens of `a` and the first j of `b` may have stood for the same text.
        let mut reach = vec![false; b.len() + 1];
        for i in 0..=a.len() {
            let before = std::mem::replace(&mut reach, vec![false; b.len() + 1]);
            for j in 0..=b.len() {
                let from_a = i > 0 && before[j] && (a[i - 1].is_none() || (j > 0 && b[j - 1].is_none()));
                let from_b = j > 0 && reach[j - 1] && (b[j - 1].is_none() || (i > 0 && a[i - 1].is_none()));
                let from_both = i > 0 && j > 0 && before[j - 1] && a[i - 1] == b[j - 1];
                reach[j] = (i == 0 && j == 0) || from_a || from_b || from_both;
            }
        }
        reach[b.len()]
    }

    /// Whether `other` surely means everything that this means.
    pub(super) fn within(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        if matches!((a.first(), b.first()), (Some(a), Some(Some(b))) if *a != Some(*b)) {
            return false;
        }
        if b.iter().all(Option::is_some) {
            return a == b;
        }
        // A star of `other` takes any tokens, stars too; everything else is taken only by its like.
        let mut reach: Vec<bool> = (0..=b.len()).map(|j| b[..j].iter().all(Option::is_none)).collect();
        for token in a {
            let before = std::mem::replace(&mut reach, vec![false; b.len() + 1]);
            for j in 1..=b.len() {
                reach[j] = match b[j - 1] {
                    None => before[j] || before[j - 1] || reach[j - 1],
                    taken => before[j - 1] && *token == taken,
                };
            }
        }
        reach[b.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(glob: &Glob, text: &str) -> bool {
        Glob::literal(text).within(glob)
    }

    #[test]
    fn a_literal_a_prefix_a_suffix_and_a_wildcard_mean_what_they_say() {
        for (glob, yes, no) in [
            (Glob::literal("Put"), "Put", "PutX"),
            (Glob::prefix("Put"), "PutX", "XPut"),
            (Glob::suffix("Policy"), "PutPolicy", "PolicyX"),
            (Glob::starred("a*b*c"), "aXbXc", "aXcXb"),
            (Glob::wildcard(r"a\**").unwrap(), "a*x", "ax"),
        ] {
            assert!(matches(&glob, yes) && !matches(&glob, no), "{glob:?}");
            assert_eq!(Glob::wildcard(&glob.as_wildcard()), Some(glob));
        }
        assert_eq!(Glob::wildcard("a**"), None);
        assert_eq!(Glob::wildcard(r"a\x"), None);
    }

    proptest! {
        #[test]
        fn a_text_of_both_is_seen_and_one_within_the_other_has_no_text_outside(
            a in "[ab*]{0,4}", b in "[ab*]{0,4}", text in "[ab]{0,5}",
        ) {
            let (a, b) = (Glob::starred(&a), Glob::starred(&b));
            let (in_a, in_b) = (matches(&a, &text), matches(&b, &text));
            prop_assert!(!(in_a && in_b) || a.overlaps(&b));
            prop_assert!(!(a.within(&b) && in_a) || in_b);
            prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
        }
    }
}
