"""The web view as axe-core sees it: every page, light and dark, wide and on a phone (`make test-axe`)."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.settings import Quota
from tests.fakes.browser import Page, browser_at, running_chromium
from tests.fakes.scripted_adapter import STALL
from tests.fronts.web_house import Web, served, stub

pytestmark = [pytest.mark.axe, pytest.mark.browser]

PLACE = os.environ.get("OXIDE_TEST_AXE")
ANSWER = """\
## Findings

1. `a.py:2` **leaks**
2. see [there](https://example.org)

```py
x = 1
```

|a|b|
|-|-|
|1|2|

> so
"""
PAGES = ("ask", "analyze", "history", "rules", "services", "dashboard", "settings")
LOOKS = ((1280, 800, False), (1280, 800, True), (360, 740, False), (360, 740, True))
RUN = """axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map((it) => {
    const where = it.nodes.slice(0, 4).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? ''));
    return [it.impact, it.id, it.help, where];
}))"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address


async def lived_in(web: Web) -> dict[str, object]:
    """A house in which things have happened; answers a task that two services were asked for."""
    await web.house.check_services(Depth.PROBE)
    task = await web.ended(await web.ask("Review this."))
    await web.ended(await web.ask("What is 2+2?", preferences={"preferred_service": "broken"}))
    await web.ask("Write a poem.", preferences={"preferred_service": "slow"})
    await web.post("/api/routing/rules", {"task_type": "general", "service": "good"})
    return task


async def faults(page: Page) -> list[object]:
    return [item for item in await page.run(RUN) if item[0] in ("serious", "critical")]


@pytest.mark.parametrize(("width", "height", "dark"), LOOKS)
async def test_axe_finds_no_serious_fault_on_any_page(
    chromium: str, tmp_path: Path, width: int, height: int, dark: bool
) -> None:
    assert PLACE, "run by make test-axe"
    axe = (Path(PLACE) / "axe.min.js").read_text(encoding="utf-8")
    broken = stub([ServiceError(FailureKind.QUOTA, "It is used up", "The quota is.", "Wait.")], name="broken")
    signed_out = stub(name="out")
    signed_out.health = dataclasses.replace(
        signed_out.health, failing=Tier.AUTHENTICATED, message="Signed out.", fix="Add a key."
    )
    good = stub([ANSWER], name="good", quota=Quota(per_day=10))
    services = (broken, good, stub(["so far", STALL], name="slow"), signed_out, stub(name="off", enabled=False))
    found: dict[str, object] = {}
    async with served(tmp_path, *services) as web, browser_at(chromium) as browser, browser.page() as page:
        task = await lived_in(web)
        await page.goto(web.front.launch_link())
        await page.until("document.querySelector('#prompt')")
        await page.run(axe + "; 1")
        await page.look_as(width, height, dark=dark, calm=True)
        for path in (*PAGES, f"history/{task['id']}"):
            await go_to(page, path)
            if serious := await faults(page):
                found[path] = serious
    assert found == {}, json.dumps(found, indent=1)


async def go_to(page: Page, path: str) -> None:
    """A page, with what opens on it opened."""
    await page.run(f"location.hash = '#/{path}'")
    name = path.partition("/")[0]
    await page.until(f"document.querySelector('.page.{name}').innerText.length > 60")
    if name == "rules":
        await page.choose("tr[data-type=quick_query] select", "good")
        await page.sees("would have moved", ".trial")
    elif name == "services":
        await page.until("[...document.querySelectorAll('.card:not(.off) .use')].every((it) => it.textContent)")
        await page.click("[data-service=good] summary")
        await page.sees("scripted-1", "[data-service=good]")
    elif name == "settings":
        await page.until("document.querySelector('.keys form')")
    elif name == "ask":
        await page.type("#prompt", "Review that.")
        await page.choose("select[aria-label=Service]", "good")
        await page.click("button.primary", "Ask")
        await page.sees("done", ".state-line")
        await page.click("button[data-act=why]")
        await page.click("summary", "Try on…")
    elif path != name:
        await page.sees("Attempts", ".why")
