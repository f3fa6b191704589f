"""The page in Debian's Chromium, as a person uses it: by eye, mouse, keyboard, and by what axe-core says of it."""

import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from daemon import OPERATOR, READER, RULE, Daemon, eventually

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
MEMBERS_OF_A_HOLD = 13


class Watch:
    """What must not happen in any page: a message in the console, an error, a request to somebody else."""

    def __init__(self, url: str):
        self.host = urlsplit(url).netloc
        self.wrong: list[str] = []
        self.requests = 0

    def over(self, page):
        page.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", self.request)
        return page

    def request(self, request):
        self.requests += 1
        if urlsplit(request.url).netloc != self.host:
            self.wrong.append(f"request to {request.url}")


@contextmanager
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def log_in(page, url: str, token: str):
    page.goto(url)
    # The browser puts the focus there by itself, and complains where somebody was quicker.
    expect(page.get_by_label("Token")).to_be_focused()
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")


def mark(page):
    """A page that is loaded anew loses this."""
    page.evaluate("window.sameDocument = true")


def is_same(page) -> bool:
    return page.evaluate("window.sameDocument === true")


def accessible(page, where: str):
    found = Axe().run(page)
    told = [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]}" for v in found.response["violations"]]
    assert not told, f"axe-core at {where}: {told}"
    assert found.response["passes"], f"axe-core looked at nothing at {where}"


def getting_in(page, url: str):
    page.goto(url)
    assert page.url == f"{url}/login", page.url
    expect(page.locator("#token")).to_be_focused()
    accessible(page, "/login")
    page.keyboard.type("a-token-that-nobody-has")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This token is not known.")
    log_in(page, url, OPERATOR)
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def filters(page, url: str, account: dict) -> float:
    """Types into the search, and answers how long the slowest answer took in the browser, in milliseconds."""
    page.goto(f"{url}/accounts")
    mark(page)
    title = page.locator("#list-title")
    before = title.inner_text()
    page.evaluate(
        """() => {
            window.took = [];
            const get = window.fetch;
            window.fetch = async (...all) => {
                const began = performance.now();
                const answer = await get(...all);
                const text = answer.text.bind(answer);
                answer.text = async () => {
                    const read = await text();
                    setTimeout(() => window.took.push(performance.now() - began), 0);
                    return read;
                };
                return answer;
            };
        }"""
    )
    page.get_by_label("Name or id").press_sequentially(account["id"][:8], delay=20)
    page.get_by_label("Name or id").press_sequentially(account["id"][8:], delay=20)
    expect(title).to_have_text("1 of " + before.split()[0] + " accounts")
    # The first letters may be enough to find it.
    page.wait_for_function("id => location.search.includes(`q=${id}`)", arg=account["id"])
    assert is_same(page), page.url
    page.get_by_label("Coverage").select_option(label=page.locator("#coverage option").nth(1).inner_text())
    page.wait_for_function("() => location.search.includes('coverage=')")
    took = eventually("answers were measured", lambda: page.evaluate("window.took"))
    page.goto(page.url)
    assert page.get_by_label("Name or id").input_value() == account["id"], "the address keeps what is asked for"
    page.get_by_role("link", name="show all").click()
    expect(title).to_have_text(before)
    return max(took)


def live(page, daemon: Daemon, account: dict):
    """Somebody disables a rule: the open page shows it, and shows that it was put right."""
    page.goto(daemon.url)
    expect(page.locator("#live-word")).to_have_text("Live")
    total = daemon.covered()["total"]
    big = page.locator("#hero .big")
    expect(big).to_have_text(f"{total - 1} of {total}")
    mark(page)
    daemon.ask("/api/v1/pause", {"scope": account["id"], "reason": "so that the drift can be looked at"})
    expect(page.locator("#waiting")).to_contain_text("so that the drift can be looked at")
    daemon.drift(account["id"], "rule-disabled")
    expect(big).to_have_text(f"{total - 2} of {total}", timeout=20_000)
    expect(page.locator("#wrong")).to_contain_text(account["name"])
    expect(page.locator("#said")).to_contain_text(f"{total - 2} of {total}")
    assert is_same(page), "it followed without being loaded anew"

    page.goto(f"{daemon.url}/accounts/{account['id']}")
    path = page.locator("#path")
    expect(path.locator(".hop.bad .hop-title")).to_have_text("Sender rule")
    expect(path).to_contain_text(f"orgwatch resume {account['id']}")
    row = page.locator("#resources .fields tr", has_text="state")
    expect(row.locator(".desired")).to_have_text("ENABLED")
    expect(row.locator(".observed")).to_have_text("DISABLED")
    accessible(page, "an account that drifts")
    mark(page)
    daemon.ask("/api/v1/resume", {"scope": account["id"]})
    expect(path.locator(".hop.bad")).to_have_count(0, timeout=20_000)
    expect(page.locator("#log")).to_contain_text(f"updated sender_rule {RULE}", timeout=20_000)
    expect(page.locator("#account")).to_contain_text("configured", timeout=20_000)
    assert is_same(page)


def hold(page, daemon: Daemon, accounts: list[dict], shots: Path | None):
    """More accounts differ than may be rewritten at once: a person lets the rest go, with the keyboard."""
    daemon.covered()
    page.goto(daemon.url)
    for account in accounts[:MEMBERS_OF_A_HOLD]:
        daemon.drift(account["id"], "rule-pattern")
    button = page.locator("#waiting").get_by_role("button", name="Release")
    expect(button).to_be_visible(timeout=40_000)
    expect(page.locator("#waiting")).to_contain_text("ChangedAccountsLimit")
    if shots:
        pictures(page, daemon.url, {"overview-hold": "/"}, shots)
    accessible(page, "an overview with a hold")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{daemon.url}/#waiting")
    expect(button).to_have_count(0, timeout=40_000)
    daemon.covered()
    page.goto(f"{daemon.url}/changes?what=operation")
    expect(page.locator("#list")).to_contain_text("operator: release ChangedAccountsLimit")


def keyboard(page, url: str):
    """Everything that can be acted on is reached by the tabulator, and seen to be."""
    for path in ["/", "/accounts"]:
        page.goto(url + path)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip", "the first stop leads to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id || location.hash") in ["main", "#main"]
        page.goto(url + path)
        wanted = page.evaluate(
            """[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
               .filter((one) => one.checkVisibility()).length"""
        )
        seen = 0
        for _ in range(wanted):
            page.keyboard.press("Tab")
            outline = page.evaluate(
                """() => { const style = getComputedStyle(document.activeElement);
                           return [style.outlineStyle, parseFloat(style.outlineWidth), document.activeElement.outerHTML]; }"""
            )
            assert outline[0] != "none" and outline[1] >= 1, f"{path}: the focus is not seen: {outline[2][:200]}"
            seen += 1
        assert seen == wanted and seen > 10, (seen, wanted)
    page.goto(url)
    toggle = page.locator("#live")
    toggle.focus()
    page.keyboard.press("Space")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#live-word")).to_have_text("Paused")


def pages(account: dict) -> dict[str, str]:
    return {
        "overview": "/",
        "accounts": "/accounts",
        "account": f"/accounts/{account['id']}",
        "central": "/central",
        "drift": "/drift",
        "changes": "/changes?what=all",
    }


def pictures(page, url: str, of: dict[str, str], shots: Path):
    """Each page in light and dark, wide and narrow."""
    for scheme in ["light", "dark"]:
        page.emulate_media(color_scheme=scheme)
        for name, size in SIZES.items():
            page.set_viewport_size(size)
            for what, path in of.items():
                page.goto(url + path)
                page.wait_for_timeout(300)
                page.screenshot(path=shots / f"{what}-{scheme}-{name}.png")
    page.set_viewport_size(SIZES["wide"])
    page.emulate_media(color_scheme="light")


def all_accessible(page, url: str, account: dict):
    for scheme in ["light", "dark"]:
        page.emulate_media(color_scheme=scheme)
        for name, size in SIZES.items():
            page.set_viewport_size(size)
            for what, path in pages(account).items():
                page.goto(url + path)
                accessible(page, f"{what}, {scheme}, {name}")
                over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert over <= 0, f"{what}, {scheme}, {name}: it is {over} px too wide"
    page.set_viewport_size(SIZES["wide"])


def without_scripts(chromium, watch: Watch, url: str, account: dict):
    context = chromium.new_context(java_script_enabled=False)
    page = watch.over(context.new_page())
    log_in(page, url, READER)
    expect(page.locator("#hero")).to_contain_text("covered")
    expect(page.locator("#live")).to_be_hidden()
    page.goto(f"{url}/accounts")
    page.get_by_label("Name or id").fill(account["id"])
    page.get_by_role("button", name="Find").click()
    page.wait_for_url(f"**/accounts?q={account['id']}*")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.locator("#list").get_by_role("link", name=account["name"]).click()
    expect(page.locator("#path")).to_contain_text("People")
    context.close()


def readers(chromium, watch: Watch, url: str):
    """Who may only read is shown everything and no button that acts."""
    context = chromium.new_context()
    page = watch.over(context.new_page())
    log_in(page, url, READER)
    expect(page.get_by_role("button", name="Release")).to_have_count(0)
    status = page.evaluate("fetch('/api/v1/reconcile', { method: 'POST' }).then((answer) => answer.status)")
    # A refused request is told in the console; it is the one that is asked for here.
    watch.wrong = [one for one in watch.wrong if "403" not in one]
    assert status == 403, status
    context.close()


def run(setting: dict, shots: Path | None):
    assert BROWSER, "no chromium on this machine"
    more = """
[reconcile]
mode = 'enforce'
resync_interval = '2s'
settle_time = '500ms'
iam_writes_per_second = 'off'
[reconcile.limits]
changed_accounts = '1%'
"""
    with Daemon(setting, more) as daemon, browser() as chromium:
        eventually("the topic is there", lambda: daemon.ask("/api/v1/central")["resources"])
        eventually("the mail is there", lambda: try_to_confirm(daemon))
        daemon.covered()
        items = daemon.ask("/api/v1/accounts?limit=1000")["items"]
        members = [one for one in items if one["id"] not in [setting["central"], setting["management"]]]
        url, watch = daemon.url, Watch(daemon.url)
        page = watch.over(chromium.new_context(viewport=SIZES["wide"]).new_page())
        getting_in(page, url)
        # The wrong token was refused with 401, which the console tells.
        watch.wrong = [one for one in watch.wrong if "401" not in one]
        took = filters(page, url, members[0])
        live(page, daemon, members[0])
        hold(page, daemon, members, shots)
        keyboard(page, url)
        all_accessible(page, url, members[0])
        if shots:
            pictures(page, url, pages(members[0]), shots)
        readers(chromium, watch, url)
        without_scripts(chromium, watch, url, members[1])
        page.goto(url)
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(f"{url}/login")
        page.goto(f"{url}/accounts")
        assert page.url == f"{url}/login", "who has left is asked again"
        assert not watch.wrong, watch.wrong
        print(f"{watch.requests} requests, all to {watch.host}; the slowest filter took {took:.0f} ms")


def try_to_confirm(daemon: Daemon) -> bool:
    try:
        daemon.confirm()
    except OSError:
        return False
    return True


def scale(setting: dict, accounts: int):
    """What the first look at so many accounts weighs, and how soon filters answer."""
    more = "[trail]\nrequired = false\n[reconcile]\nmode = 'observe'\n"
    with Daemon(setting, more) as daemon, browser() as chromium:
        wanted = lambda: daemon.ask("/api/v1/status")["last_resync"]
        eventually("all were looked at", wanted, 900)
        total = daemon.ask("/api/v1/status")["accounts"]["total"]
        assert total == accounts, total
        context = chromium.new_context(viewport=SIZES["wide"])
        page = Watch(daemon.url).over(context.new_page())
        log_in(page, daemon.url, OPERATOR)
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        weights: list[int] = []
        session.on("Network.loadingFinished", lambda one: weights.append(one["encodedDataLength"]))
        for path in ["/", "/accounts"]:
            weights.clear()
            page.goto(daemon.url + path)
            page.wait_for_timeout(500)
            print(f"{path} of {total} accounts: {len(weights)} answers, {sum(weights) / 1000:.1f} KB compressed")
            assert 0 < sum(weights) < 300_000, weights
        session.send("Network.setCacheDisabled", {"cacheDisabled": False})
        one = daemon.ask("/api/v1/accounts?limit=1")["items"][0]
        took = filters(page, daemon.url, one)
        print(f"the slowest filter over {total} accounts took {took:.0f} ms in the browser")
        print(f"resident memory of the daemon: {daemon.resident_mib():.0f} MiB")
