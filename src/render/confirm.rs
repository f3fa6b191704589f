//! The question before something is changed on a terminal.

use std::io::{self, BufRead, Write};

use super::phrase::count;
use super::summary::PlanSummary;

/// Asks `question` and answers whether the reply was exactly `yes`. The end of the input is a no.
pub fn confirm(question: &str, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<bool> {
    write!(output, "\n{question}\n  Only \"yes\" is accepted.\n\n  Answer: ")?;
    output.flush()?;
    let mut reply = String::new();
    input.read_line(&mut reply)?;
    Ok(reply.trim() == "yes")
}

/// What `apply` asks once its plan has been shown.
pub fn apply_question(plan: &PlanSummary) -> String {
    format!("Make {}?", changes(plan))
}

/// What `teardown` asks once its plan has been shown.
pub fn teardown_question(plan: &PlanSummary, delete_data: bool) -> String {
    let data = if delete_data {
        " Archives and waiting dead letters go too and cannot be brought back."
    } else {
        ""
    };
    format!("Make {}? Changes of IAM will alert nobody there any more.{data}", changes(plan))
}

fn changes(plan: &PlanSummary) -> String {
    let these = if plan.changes() == 1 {
        "this change".to_owned()
    } else {
        format!("these {} changes", plan.changes())
    };
    format!("{these} in {}", count(plan.accounts, "account"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> (bool, String) {
        let mut asked = Vec::new();
        let agreed = confirm("Make this change in 1 account?", &mut text.as_bytes(), &mut asked).unwrap();
        (agreed, String::from_utf8(asked).unwrap())
    }

    #[test]
    fn only_yes_is_a_yes() {
        assert!(reply("yes\n").0);
        assert!(reply("yes\r\n").0);
        for no in ["", "\n", "y\n", "Yes\n", "YES\n", "yes please\n", "no\nyes\n"] {
            assert!(!reply(no).0, "{no:?}");
        }
    }

    #[test]
    fn the_question_says_what_counts_as_an_answer() {
        insta::assert_snapshot!(reply("no\n").1, @r#"
        Make this change in 1 account?
          Only "yes" is accepted.

          Answer:
        "#);
    }

    #[test]
    fn the_question_names_how_much_is_changed() {
        let plan = PlanSummary { create: 90, update: 3, accounts: 31, ..PlanSummary::default() };
        insta::assert_snapshot!(apply_question(&plan), @"Make these 93 changes in 31 accounts?");
        let one = PlanSummary { delete: 1, accounts: 1, ..PlanSummary::default() };
        insta::assert_snapshot!(teardown_question(&one, true), @"Make this change in 1 account? Changes of IAM will alert nobody there any more. Archives and waiting dead letters go too and cannot be brought back.");
    }
}
