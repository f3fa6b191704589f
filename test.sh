#!/usr/bin/env bash
# Runs every check of the project. Needs Rust, a C compiler, make, Python 3.11 or newer with venv, promtool, OpenSSL and
# Chromium, and the network on the first run; .ci/run installs what is missing on Debian.
set -euo pipefail
cd "$(dirname "$0")"

DENY_VERSION=0.20.2
DENY=target/tools/bin/cargo-deny

if [[ -t 1 && -z "${NO_COLOR:-}" ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

step "formatting"
cargo fmt --all --check

# Both what ships and what the demo adds.
step "lints"
cargo clippy --locked -- -D warnings
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

step "dependencies: bans, licences, sources"
if [[ "$("$DENY" --version 2>/dev/null)" != "cargo-deny $DENY_VERSION" ]]; then
    echo "cargo-deny $DENY_VERSION is built into target/tools, once; that takes some minutes"
    cargo install cargo-deny --quiet --locked --force --version "$DENY_VERSION" \
        --root target/tools --target-dir target/tools/build
    rm -rf target/tools/build
fi
"$DENY" check bans licenses sources

step "what is published, and the oldest Rust that it promises"
python3 tests/package/check.py

step "what deploy/ hands out"
python3 tests/deploy/check.py

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features

step "tests of the documentation"
cargo test --locked --workspace --all-features --doc

# Unit tests are quick as they are, and building them optimised, as the safety properties must be, takes five times as long.
# The feature only adds; what differs without it is the command line, which the library's own tests look at.
plain=(--config 'profile.dev.package.orgwatch.opt-level=0')
step "unit tests"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --all-features --lib "${plain[@]}" --no-fail-fast
    cargo nextest run --locked --lib "${plain[@]}" --no-fail-fast -E 'test(cli::)'
else
    cargo test --locked --workspace --all-features --lib "${plain[@]}" --no-fail-fast
    cargo test --locked --lib "${plain[@]}" --no-fail-fast cli::
fi

step "stories, properties, conformance"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --all-features --bins --test '*' --no-fail-fast
else
    cargo test --locked --workspace --all-features --bins --test '*' --no-fail-fast
fi
