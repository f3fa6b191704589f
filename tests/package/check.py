#!/usr/bin/env python3
"""Looks at what the crates are made of when they are published, and at the oldest Rust that they promise to build with.

    tests/package/check.py

Packages both crates without building them, and fails where cargo warns, where a file that the source includes is not in
the package, or where something is in it that no user of a crate needs. Then every dependency must name a `rust-version`
that is none later than ours, or none at all; that none of our own code needs a later one is clippy's lint
`incompatible_msrv`. Whether it builds with that version only a build with it tells: .github/workflows/ci.yml has one.

Standard library only.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# By crate: its folder, and files without which it is of no use.
CRATES = {
    "orgwatch": (ROOT, ["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "src/main.rs", "config/example.toml", "deploy/iam/member-role-policy.json"]),
    "orgwatch-sim": (ROOT / "sim", ["Cargo.toml", "LICENSE", "README.md", "src/main.rs", "src/lib.rs"]),
}
# What belongs to the work on a crate and not into it, or is nobody's.
JUNK = re.compile(r"(^|/)(\.ci|\.github|target|fuzz|__pycache__|node_modules|\.env)(/|$)|\.(png|pyc|rej|swp|db)$|~$")
INCLUDED = re.compile(r'include_(?:str|bytes)!\(\s*"([^"]+)"|template\(path\s*=\s*"([^"]+)"|template\([^)]*path = "([^"]+)"')
LARGEST = 10 * 1024 * 1024


def cargo(*arguments: str) -> subprocess.CompletedProcess:
    """Runs cargo in the project."""
    command = ["cargo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def files_of(crate: str) -> list[str]:
    """The files that cargo would put into the package of a crate."""
    listed = cargo("package", "--locked", "--list", "--allow-dirty", "--package", crate)
    if listed.returncode:
        sys.exit(f"cargo package --list --package {crate}:\n{listed.stderr}")
    return listed.stdout.splitlines()


def included(folder: Path, files: list[str]) -> set[str]:
    """The files that the crate's source reads when it is built."""
    wanted = set()
    for name in files:
        if not name.startswith("src/") or not name.endswith(".rs") or "/tests" in name:
            continue
        path = folder / name
        # Tests that stand below the code are not built by users.
        text = path.read_text().split("#[cfg(test)]\nmod tests {")[0]
        for literal, template, other in INCLUDED.findall(text):
            if literal:
                wanted.add(str((path.parent / literal).resolve().relative_to(folder)))
            else:
                wanted.add(f"templates/{template or other}")
    return wanted


def contents() -> list[str]:
    """What is wrong with the files of the packages."""
    wrong = []
    for crate, (folder, needed) in CRATES.items():
        files = files_of(crate)
        wanted = included(folder, files) | set(needed)
        wrong += [f"{crate}: {name} is needed and not in the package" for name in sorted(wanted - set(files))]
        wrong += [f"{crate}: {name} is in the package, and nobody needs it" for name in files if JUNK.search(name)]
        print(f"{crate}: {len(files)} files, {len(wanted)} of them are needed for building it and looked for")
    return wrong


def packaging() -> list[str]:
    """What cargo says when it packages both."""
    made = cargo("package", "--locked", "--workspace", "--no-verify", "--allow-dirty")
    # That nothing names a repository is no defect of the files.
    warnings = [line for line in made.stderr.splitlines() if line.startswith(("warning", "error"))]
    warnings = [line for line in warnings if "documentation, homepage or repository" not in line]
    if made.returncode:
        return [f"cargo package: {made.stderr}"]
    wrong = [f"cargo package: {line}" for line in warnings]
    for crate in CRATES:
        for archive in (ROOT / "target/package").glob(f"{crate}-[0-9]*.crate"):
            size = archive.stat().st_size
            print(f"{archive.name}: {size} bytes")
            if size > LARGEST:
                wrong.append(f"{archive.name} has {size} bytes, and a registry takes {LARGEST}")
    return wrong


def version(text: str) -> tuple[int, ...]:
    """`1.94` as numbers that can be compared."""
    return tuple(int(part) for part in f"{text}.0.0".split(".")[:3])


def oldest_rust() -> list[str]:
    """Dependencies that promise less than we do."""
    metadata = cargo("metadata", "--locked", "--format-version", "1")
    packages = json.loads(metadata.stdout)["packages"]
    ours = next(package["rust_version"] for package in packages if package["name"] == "orgwatch")
    silent = sum(1 for package in packages if not package["rust_version"])
    later = [p for p in packages if p["rust_version"] and version(p["rust_version"]) > version(ours)]
    print(f"Rust {ours}: {len(packages)} packages, of which {silent} name no version of their own")
    return [f"{p['name']} {p['version']} needs Rust {p['rust_version']}, and we promise {ours}" for p in later]


def main() -> int:
    wrong = contents() + packaging() + oldest_rust()
    for line in wrong:
        print(f"FAILED: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
