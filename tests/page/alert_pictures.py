#!/usr/bin/env python3
"""Draws the messages of docs/alerts.md as a mail program and a chat program show them, into docs/images.

    python3 tests/page/alert_pictures.py

The messages are those of the document, which a test holds to what the product compiles; the frames around them are drawn
here. Needs chromium; standard library only.
"""

import html
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/alerts.md"
IMAGES = ROOT / "docs/images"

STYLE = """
:root { color-scheme: light }
body { margin: 0; padding: 24px; background: #eef1f5; color: #1c2430; font: 15px/1.5 system-ui, sans-serif }
article { background: #fff; border: 1px solid #d3dae3; border-radius: 8px; overflow-wrap: anywhere }
header { padding: 14px 20px; border-bottom: 1px solid #d3dae3 } header b { font-size: 17px }
header span { color: #566375 } pre { margin: 0; padding: 16px 20px; white-space: pre-wrap; font: 13px/1.6 monospace }
.chat { padding: 16px 20px } .card { border-left: 4px solid #c0362c; padding-left: 14px } a { color: #1b5fb4 }
h1 { font-size: 16px; margin: 0 0 6px } p { margin: 0 }
"""


def block(heading: str, language: str) -> str:
    """The first block of the section."""
    section = re.search(rf"^### {heading}\n(.*?)^##", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    found = section and re.search(rf"```{language}\n(.*?)```", section[1], re.DOTALL)
    if not found:
        sys.exit(f"{DOCUMENT.name} has no {language} block under {heading}")
    return found[1]


def linked(text: str) -> str:
    return re.sub(r'https://[^\s"]+', lambda url: f'<a href="#">{url[0]}</a>', html.escape(text, quote=False))


def mail() -> str:
    return (
        "<article><header><b>AWS Notification Message</b><br><span>AWS Notifications "
        "&lt;no-reply@sns.amazonaws.com&gt; to security@example.com</span></header>"
        f"<pre>{linked(block('text', 'text'))}</pre></article>"
    )


def chat() -> str:
    content = json.loads(block("chat", "json"))["content"]
    lines = linked(content["description"]).replace("\n", "<br>")
    lines = re.sub(r"\*([^*]+)\*", r"<b>\1</b>", lines)
    steps = "".join(f"<li>{linked(step)}</li>" for step in content["nextSteps"])
    return (
        f'<article class="chat"><div class="card"><h1>{html.escape(content["title"])}</h1><p>{lines}</p>'
        f"<p><b>Next steps</b></p><ul>{steps}</ul></div></article>"
    )


def draw(name: str, body: str, height: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{body}')
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}",
             f"--window-size=900,{height}", f"--screenshot={IMAGES / name}", page.as_uri()],
            check=True, capture_output=True,
        )
    print(IMAGES / name)


draw("alert-text.png", mail(), 368)
draw("alert-chat.png", chat(), 368)
