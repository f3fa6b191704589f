#!/usr/bin/env python3
"""Writes docs/configuration.md from config/example.toml, which names every key with its meaning and default.

    config/reference.py            writes it
    config/reference.py --check    writes nothing, and fails where it says something else

Standard library only.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "config" / "example.toml"
TARGET = ROOT / "docs" / "configuration.md"

HEAD = """\
<!-- Written by config/reference.py from config/example.toml: change that. -->
# Configuration

TOML, where `--config` or the variable `ORGWATCH_CONFIG` says, else in `config/orgwatch.toml`, else in
`/etc/orgwatch/orgwatch.toml`. Built-in defaults come first, then the file, then the environment: `ORGWATCH__SECTION__KEY` for
every key outside lists. `""` or `"off"` means none; paths are taken from the working directory. `orgwatch check` names every
problem at once, and a bad configuration ends every command that reads it with exit code 78 before anything is sent to AWS.

Only `central.account_id` must be set, and without an `[[alert]]` nobody is told. What is shown is the default, or an
example where a value has none. [config/example.toml](../config/example.toml) is the same as a file to copy.
"""

SECTION = re.compile(r"^(?P<off># )?\[(?P<list>\[)?(?P<name>[a-z_.]+)\]?\]$")
KEY = re.compile(r"^(?P<off># )?(?P<key>[a-z_]+) = (?P<value>.+)$")


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    out, comment, rows = [HEAD], [], []
    section, introduction = "", ""

    def flush() -> None:
        nonlocal rows
        if not rows:
            return
        out.append(f"\n## {section}\n" if section else "\n## At the top\n")
        if introduction:
            out.append(f"\n{introduction}\n")
        out.append("\n| key | default or example | meaning |\n|---|---|---|\n")
        out.extend(rows)
        rows = []

    lines = SOURCE.read_text().splitlines()
    # The file's own introduction ends at the first empty line.
    start = lines.index("") + 1
    for line in lines[start:]:
        if not line:
            comment = []
            continue
        if found := SECTION.match(line):
            name = f"[[{found['name']}]]" if found["list"] else f"[{found['name']}]"
            if f"`{name}`" == section:
                # A further example of the same list.
                comment = []
                continue
            flush()
            section, introduction = f"`{name}`", " ".join(comment)
            comment = []
        elif found := KEY.match(line):
            # Two keys may share what is said of them.
            meaning = " ".join(comment) or ("as above" if rows else "")
            rows.append(f"| `{found['key']}` | `{cell(found['value'])}` | {cell(meaning)} |\n")
            comment = []
        elif line.startswith("# "):
            comment.append(line[2:])
        else:
            sys.exit(f"{SOURCE}: not understood: {line}")
    flush()
    text = "".join(out)
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            print(f"{TARGET} is not what config/example.toml says. Run: config/reference.py", file=sys.stderr)
            return 1
        return 0
    if sys.argv[1:]:
        sys.exit(__doc__)
    TARGET.write_text(text)
    print(f"written: {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
