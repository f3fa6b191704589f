#!/usr/bin/env bash
# Shows orgwatch at work, from nothing but Rust and Python: an emulated AWS organization of 30
# accounts is covered, then kept covered while you try to break it.
set -euo pipefail
cd "$(dirname "$0")"

serve=true
case "${1:-}" in
    '') ;;
    --no-serve) serve=false ;;
    *)
        echo "usage: ./quickstart.sh [--no-serve]    --no-serve: end when the organization is covered"
        [[ "$1" == --help || "$1" == -h ]] && exit 0
        exit 64
        ;;
esac

if [[ -t 1 && -z "${NO_COLOR:-}" ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

command -v cargo >/dev/null || fail "cargo is missing; install Rust from https://rustup.rs"
command -v python3 >/dev/null || fail "python3 is missing; install Python 3.11 or newer"

step "Building orgwatch (the first time takes some minutes)"
# Together with the tests: cargo would otherwise build the AWS crates once more for them.
cargo build --locked --bin orgwatch --test integration
orgwatch=${CARGO_TARGET_DIR:-target}/debug/orgwatch

step "Getting the AWS emulator"
python=$(python3 tests/emulator/install.py)

mkdir -p target/quickstart
dir=$(mktemp -d "$PWD/target/quickstart/XXXXXX")
emulator='' daemon=''
end() {
    trap - EXIT INT TERM
    # The daemon first, so that it ends while there still is something to talk to.
    for process in $daemon $emulator; do
        kill "$process" 2>/dev/null && wait "$process" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap end EXIT
trap 'echo; exit 0' INT TERM

# Runs the rest of its arguments every tenth of a second until they succeed; $1 is whom we wait for.
wait_for() {
    local process=$1
    shift
    until "$@" 2>/dev/null; do
        kill -0 "$process" 2>/dev/null || return 1
        sleep 0.1
    done
}

step "Starting it with an organization of 30 accounts"
"$python" tests/emulator/serve.py --quiet >"$dir/endpoint" 2>"$dir/emulator.log" &
emulator=$!
wait_for "$emulator" grep -q http "$dir/endpoint" ||
    fail "the emulator did not start: $(cat "$dir/emulator.log")"
endpoint=$(cat "$dir/endpoint")
"$python" tests/emulator/seed.py --endpoint "$endpoint" --accounts 30 --json >"$dir/organization.json"

# Prints what the organization has at a path, e.g. `seeded accounts 5 id`.
seeded() {
    "$python" - "$dir/organization.json" "$@" <<'PYTHON'
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    value = value[int(key) if isinstance(value, list) else key]
print(value)
PYTHON
}
management=$(seeded management_account_id) central=$(seeded central_account_id)
port=$("$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')

cat >"$dir/orgwatch.toml" <<TOML
[organization]
id = "$(seeded organization_id)"
reader_role_arn = "arn:aws:iam::$management:role/OrganizationAccountAccessRole"
management_role_arn = "arn:aws:iam::$management:role/OrganizationAccountAccessRole"
exclude_tags = { orgwatch = "off" }
poll_interval = "5s"
# AWS would refuse this many; the emulator does not.
max_calls_per_second = 100

[member]
role_name = "OrganizationAccountAccessRole"

[central]
account_id = "$central"

[[alert]]
name = "iam-changes"
subscriptions = [{ protocol = "email", endpoint = "security@example.com" }]

[reconcile]
mode = "enforce"
resync_interval = "5s"
settle_time = "1s"

[http]
bind = "127.0.0.1:$port"
TOML

# A clean environment: nothing here may reach a real AWS account.
environment=(
    HOME="$dir" PATH="$PATH" TERM="${TERM:-dumb}" ${NO_COLOR:+NO_COLOR="$NO_COLOR"}
    AWS_ENDPOINT_URL="$endpoint" AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
    AWS_ACCESS_KEY_ID="$(seeded central_credentials access_key_id)"
    AWS_SECRET_ACCESS_KEY="$(seeded central_credentials secret_access_key)"
    AWS_SESSION_TOKEN="$(seeded central_credentials session_token)"
)
run() { env -i "${environment[@]}" "$orgwatch" --config "$dir/orgwatch.toml" "$@"; }

step "orgwatch apply"
run apply --yes

if ! $serve; then
    step "orgwatch status"
    run status
    exit
fi

step "orgwatch serve"
env -i "${environment[@]}" "$orgwatch" --config "$dir/orgwatch.toml" serve >"$dir/orgwatch.log" 2>&1 &
daemon=$!
page=http://127.0.0.1:$port
wait_for "$daemon" "$python" -c "import urllib.request as u; u.urlopen('$page/readyz')" ||
    fail "orgwatch did not get ready: $(tail -n 5 "$dir/orgwatch.log")"

emulate="${python#"$PWD"/} tests/emulator"
cat <<TEXT

The organization is covered. Open ${bold}$page/${plain} and try, from another terminal:

  a rule is disabled, and comes back within seconds
    $emulate/drift.py --endpoint $endpoint --account $(seeded accounts 5 id) rule-disabled

  an account joins the organization, and is covered within seconds
    $emulate/seed.py --endpoint $endpoint --add newcomer

  the central bus is opened to another organization, for a moment
    $emulate/drift.py --endpoint $endpoint --account $central bus-policy

More: $page/api/v1/coverage, what it writes is in ${dir#"$PWD"/}/orgwatch.log, more drifts: drift.py --help.
Ctrl-C ends everything.
TEXT
wait "$daemon" || fail "orgwatch ended: $(tail -n 5 "$dir/orgwatch.log")"
