//! What the documents show of the program's output, held against what it prints.
//!
//! In a page of [`PAGES`], a block of the kind `console` is a shell session: each line that begins with `$ ` is run, in the
//! order of the page, and what follows it is what it must print. The files that the commands read are in
//! `tests/documented/<page>`; a page whose commands read none has no such folder.

use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The pages whose commands ask nobody but this machine.
const PAGES: [&str; 3] = ["alerts", "patterns", "presets"];

#[test]
fn the_documents_show_what_the_program_prints() {
    for page in PAGES {
        let text = std::fs::read_to_string(format!("{ROOT}/docs/{page}.md")).expect("the page is there");
        let shown: Vec<(&str, String)> = blocks(&text).flat_map(commands).collect();
        assert!(!shown.is_empty(), "docs/{page}.md shows no command any more");
        for (command, output) in shown {
            assert_eq!(run(page, command), output, "docs/{page}.md: {command}");
        }
    }
}

fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next())
}

/// The commands of a block, each with the output that is shown of it.
fn commands(block: &str) -> impl Iterator<Item = (&str, String)> {
    let each = block.strip_prefix("$ ").expect("a session begins with a command").split("\n$ ");
    each.map(|one| {
        let (command, output) = one.split_once('\n').unwrap_or((one, ""));
        (command, output.trim_end().to_owned())
    })
}

fn run(page: &str, command: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_orgwatch")).parent().expect("it is in a folder");
    let files = Path::new(ROOT).join("tests/documented");
    // A page that reads no file has no folder: nothing but files is in a clone.
    let folder = Some(files.join(page)).filter(|of_page| of_page.is_dir()).unwrap_or(files);
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()))
        .output()
        .expect("there is a shell");
    String::from_utf8(output.stdout).expect("programs write UTF-8").trim_end().to_owned()
}
