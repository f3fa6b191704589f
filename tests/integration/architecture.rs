//! Which part may know what, held against the source itself.

use std::path::{Path, PathBuf};

use orgwatch::config::Adopt;
use orgwatch::kinds::KINDS;

/// Parts that know no client, no runtime, no environment and no clock.
const PURE: [&str; 22] = [
    "compile",
    "compliance",
    "format",
    "model",
    "document",
    "diff",
    "guard",
    "world",
    "inventory",
    "judge",
    "planning",
    "preflight",
    "limits",
    "desired",
    "presets",
    "regions",
    "trail",
    "units",
    "pattern",
    "route",
    "spelling",
    "render",
];

/// A source file, less its tests.
struct Source {
    /// Its path below `src`.
    path: String,
    /// Without comments.
    code: String,
    /// With them.
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    assert!(files.len() > 80, "only {} files below {}", files.len(), root.display());
    let test_modules: Vec<PathBuf> = files.iter().flat_map(|file| test_modules(file)).collect();
    assert!(test_modules.len() > 10, "{test_modules:?}");
    let is_test = |file: &PathBuf| test_modules.iter().any(|module| file.starts_with(module));
    files
        .iter()
        .filter(|file| !is_test(&file.with_extension("")))
        .map(|file| {
            let text = read(file);
            let product = before_tests(&text);
            let code: Vec<&str> =
                product.iter().copied().filter(|line| !line.trim_start().starts_with("//")).collect();
            Source {
                path: file.strip_prefix(&root).expect("below src").display().to_string(),
                code: code.join("\n"),
                lines: product.len(),
            }
        })
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The files and folders, without extension, of the modules that a file declares for tests alone.
fn test_modules(file: &Path) -> Vec<PathBuf> {
    let is_root = ["mod", "lib", "main"].iter().any(|stem| file.file_stem().is_some_and(|s| s == *stem));
    let folder = if is_root { file.parent().expect("a folder").to_owned() } else { file.with_extension("") };
    let text = read(file);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].strip_suffix(';')?.split_once("mod ").map(|(_, name)| folder.join(name)));
    declared.collect()
}

/// The lines of a file that stand before its tests.
fn before_tests(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].trim() == "#[cfg(test)]" && pair[1].contains("mod ") && pair[1].trim_end().ends_with('{')
    });
    lines.truncate(tests.unwrap_or(lines.len()));
    lines
}

/// Files of these parts that mention one of `forbidden`.
fn mentions(part: impl Fn(&str) -> bool, forbidden: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for Source { path, code, .. } in sources().iter().filter(|source| part(&source.path)) {
        for (number, line) in code.lines().enumerate() {
            found.extend(
                forbidden
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("src/{path}: {word} near line {}: {}", number + 1, line.trim())),
            );
        }
    }
    found
}

fn below(path: &str, part: &str) -> bool {
    path == format!("{part}.rs") || path.starts_with(&format!("{part}/"))
}

#[test]
fn pure_parts_know_no_client_no_runtime_no_environment_and_no_clock() {
    let all = sources();
    for part in PURE {
        assert!(all.iter().any(|source| below(&source.path, part)), "there is no {part}");
    }
    let forbidden = [
        "aws_sdk",
        "aws_config",
        "aws_smithy",
        "axum",
        "tokio",
        "std::env",
        "Timestamp::now",
        "SystemTime",
        "rand::",
    ];
    let pure = |path: &str| PURE.iter().any(|part| below(path, part));
    assert_eq!(mentions(pure, &forbidden), Vec::<String>::new());
}

#[test]
fn http_reads_snapshots_and_never_asks_aws() {
    let forbidden = ["crate::aws", "crate::kinds", "aws_sdk"];
    assert_eq!(mentions(|path| below(path, "http"), &forbidden), Vec::<String>::new());
}

#[test]
fn only_one_file_knows_partitions_and_their_regions() {
    let others = |path: &str| path != "model/partition.rs";
    assert_eq!(mentions(others, &["arn:aws:", "arn:aws-", "us-east-1"]), Vec::<String>::new());
}

#[test]
fn no_file_is_longer_than_five_hundred_lines_before_its_tests() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines > 500)
        .map(|source| format!("src/{}: {}", source.path, source.lines))
        .collect();
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn what_ships_has_no_simulator() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dependencies = |features: &[&str]| {
        let mut tree = std::process::Command::new(env!("CARGO"));
        tree.args(["tree", "--locked", "--offline", "--package", "orgwatch", "--edges", "normal"])
            .args(["--prefix", "none"])
            .args(features)
            .current_dir(root);
        let output = tree.output().unwrap_or_else(|error| panic!("{tree:?}: {error}"));
        assert!(output.status.success(), "{tree:?}: {}", String::from_utf8_lossy(&output.stderr));
        let names = String::from_utf8(output.stdout).expect("names are UTF-8");
        names
            .lines()
            .filter_map(|line| line.split(' ').next().map(ToOwned::to_owned))
            .collect::<Vec<String>>()
    };
    let simulator = "orgwatch-sim".to_owned();
    assert!(!dependencies(&[]).contains(&simulator), "the default build has the simulator");
    // Else the name would be wrong, and nothing would be shown above.
    assert!(dependencies(&["--features", "demo"]).contains(&simulator));
}

#[test]
fn only_the_demo_knows_the_simulator() {
    let others = |path: &str| !below(path, "commands/demo");
    assert_eq!(mentions(others, &["orgwatch_sim"]), Vec::<String>::new());
}

#[test]
fn every_kind_is_managed_and_can_be_adopted() {
    let kinds = sources().iter().map(|source| source.code.matches("impl Kind for ").count()).sum::<usize>();
    assert_eq!(kinds, KINDS.len());
    // These are looked at and never written, so there is nothing to take over.
    for kind in KINDS.iter().filter(|kind| !["delivery_role", "kms_key", "log_group"].contains(&kind.name()))
    {
        let adopt = format!("{}:333333333333/us-east-1/some-name", kind.name());
        let parsed: Adopt = adopt.parse().unwrap_or_else(|e| panic!("{adopt}: {e}"));
        assert_eq!((parsed.kind.as_str(), parsed.to_string()), (kind.name(), adopt.clone()));
    }
    assert!("no_such_kind:333333333333/us-east-1/some-name".parse::<Adopt>().is_err());
}
