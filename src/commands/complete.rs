//! `completions` and `man`: what a package installs beside the program.

use clap::CommandFactory;

use super::say;
use crate::cli::args::Cli;
use crate::cli::exit::Outcome;
use crate::cli::operate::CompletionsArgs;

/// Prints the script that completes our commands in a shell.
pub(super) fn completions(arguments: &CompletionsArgs) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "orgwatch", &mut script);
    say(&String::from_utf8(script)?)?;
    Ok(Outcome::Done)
}

/// Prints the manual page, with every command in it.
pub(super) fn man() -> anyhow::Result<Outcome> {
    say(&manual()?)?;
    Ok(Outcome::Done)
}

fn manual() -> anyhow::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for of_command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let mut part = Vec::new();
        let man = clap_mangen::Man::new(of_command.clone());
        man.render_name_section(&mut part)?;
        man.render_synopsis_section(&mut part)?;
        man.render_options_section(&mut part)?;
        let name = of_command.get_name().to_uppercase();
        // A section of its own, with what would be sections of a page of its own below it.
        page.extend(format!(".SH \"ORGWATCH {name}\"\n").bytes());
        page.extend(String::from_utf8(part)?.replace("\n.SH ", "\n.SS ").bytes());
    }
    Ok(String::from_utf8(page)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_the_manual_and_in_the_completions() {
        let manual = manual().unwrap();
        let mut script = Vec::new();
        clap_complete::generate(clap_complete::Shell::Bash, &mut Cli::command(), "orgwatch", &mut script);
        let script = String::from_utf8(script).unwrap();
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            assert!(manual.contains(&format!("ORGWATCH {}", name.to_uppercase())), "{name}");
            assert!(script.contains(name), "{name}");
        }
    }
}
