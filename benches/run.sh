#!/bin/sh
# Measures everything and leaves a table each in target/bench/*.json and *.md. Takes an hour on two processors, which
# should have nothing else to do. Arguments go to every measurement, such as `--large 1000`.
set -eu
cd "$(dirname "$0")/.."
python=$(python3 tests/emulator/install.py)
mkdir -p target/bench
cargo bench --locked --bench passes --no-run
for one in calls process audit http cold install regions passes; do
    echo "measuring: $one" >&2
    cargo bench --quiet --locked --bench passes -- --only "$one" --python "$python" --json "target/bench/$one.json" "$@" \
        > "target/bench/$one.md"
    cat "target/bench/$one.md"
done
