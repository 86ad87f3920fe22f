"""A real Chromium without a screen, driven as a person would: looks, clicks, types. DevTools' protocol, no more."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from websockets.asyncio.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
LIMIT_S = 20.0
ANSWER_LIMIT_S = 40.0
_FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--hide-scrollbars",
)
_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38, " ": 32}


# Where the mouse has to go, once it is there and has come to rest, and nothing lies over it.
_MOST_CLICKS = 3
_PLACE_OF = """async (selector, text, limit) => {
    const end = performance.now() + limit;
    const frame = () => new Promise((next) => setTimeout(next, 16));
    while (performance.now() < end) {
        const all = [...document.querySelectorAll(selector)];
        const it = all.find((one) => one.getClientRects().length && (one.innerText ?? '').includes(text));
        if (it) {
            it.scrollIntoView({block: 'center', behavior: 'instant'});
            const before = it.getBoundingClientRect();
            await frame();
            const box = it.getBoundingClientRect();
            const place = [box.x + box.width / 2, box.y + box.height / 2];
            const rests = before.x === box.x && before.y === box.y;
            if (rests && it.contains(document.elementFromPoint(...place))) {
                window.pressedByPerson = false;
                it.addEventListener('pointerdown', () => { window.pressedByPerson = true; }, {once: true});
                return place;
            }
        }
        await frame();
    }
    throw new Error('not there');
}"""


def browser_program() -> str | None:
    """Where a Chromium is, `None` if there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class ScriptError(AssertionError):
    """A script in the page threw."""


class Page:
    """One tab.

    Attributes:
        problems: What the page's scripts threw, what the console calls errors, what its policy refused.
        failed: What could not be loaded, or was answered with an error.
        requested: The address of everything the page asked for.
    """

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context
        self.problems: list[str] = []
        self.failed: list[str] = []
        self.requested: list[str] = []

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        return await self._browser.call(method, params, self._session)

    def hear(self, method: str, params: dict[str, Any]) -> None:
        match method:
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.problems.append(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert"):
                self.problems.append(str([item.get("description") or item.get("value") for item in params["args"]]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                told = self.failed if params["entry"]["source"] == "network" else self.problems
                told.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])

    # -- looking -----------------------------------------------------------------------------------

    async def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        answer = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ScriptError(f"{details.get('exception', {}).get('description', details['text'])}\nin: {script}")
        return answer["result"].get("value")

    async def until(self, script: str, limit_s: float = LIMIT_S) -> Any:
        """Wait until an expression is true of the page; answers its value."""
        waiting = (
            "new Promise((found) => { const look = () => { let value; try { value = (" + script + "); }"
            " catch { value = null; } if (value) found(value); else setTimeout(look, 10); }; look(); })"
        )
        try:
            async with asyncio.timeout(limit_s):
                return await self.run(waiting)
        except TimeoutError:
            shown = await self.run("document.body.innerText")
            raise AssertionError(f"not so within {limit_s} s: {script}\nThe page:\n{shown}\n{self.problems}") from None

    async def text(self, selector: str = "body") -> str:
        return str(await self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    async def sees(self, text: str, selector: str = "body", limit_s: float = LIMIT_S) -> None:
        """Wait until a text is visible."""
        where = json.dumps(selector)
        await self.until(
            f"[...document.querySelectorAll({where})].some((it) => it.innerText.includes({json.dumps(text)}))", limit_s
        )

    async def screenshot(self, path: Path, *, whole: bool = True) -> None:
        taken = await self.call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(taken["data"]))

    # -- doing -------------------------------------------------------------------------------------

    async def goto(self, url: str) -> None:
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def look_as(self, width: int, height: int, *, dark: bool = False, calm: bool = False) -> None:
        """A window of that size, in that scheme."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
        ]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def allow(self, permission: str, origin: str) -> None:
        """Say yes before the browser asks."""
        wish = {"permissions": [permission], "origin": origin, "browserContextId": self._context}
        await self._browser.call("Browser.grantPermissions", wish)

    async def click(self, selector: str, text: str = "") -> None:
        """Click on what is to be seen there, with the mouse; who misses since it moved just then clicks again."""
        for _ in range(_MOST_CLICKS):
            box = await self.run(
                f"({_PLACE_OF})({json.dumps(selector)}, {json.dumps(text)}, {LIMIT_S * 1000}).catch(() => null)"
            )
            assert box, f"nothing to click at {selector} {text!r}:\n{await self.text()}"
            for kind in ("mousePressed", "mouseReleased"):
                await self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
            if not await self.run("window.pressedByPerson === false"):
                return

    async def type(self, selector: str, text: str) -> None:
        """Put the focus there and type, after what stands there was taken away."""
        await self.until(f"!!document.querySelector({json.dumps(selector)})")
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.run("document.activeElement.select?.()")
        await self.call("Input.insertText", text=text)

    async def press(self, key: str, *, control: bool = False, shift: bool = False) -> None:
        modifiers = 2 * control + 8 * shift
        code = _KEYS.get(key, ord(key[0].upper()))
        text = {"Enter": "\r", " ": " "}.get(key)
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        down = {"type": "keyDown", "text": text} if text and not control else {"type": "rawKeyDown"}
        await self.call("Input.dispatchKeyEvent", **common, **down)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    async def choose(self, selector: str, value: str) -> None:
        """Choose in a select, as the keyboard would."""
        place = json.dumps(selector)
        await self.until(f"[...document.querySelector({place}).options].some((it) => it.value === {json.dumps(value)})")
        await self.run(
            f"(() => {{ const it = document.querySelector({place}); it.focus(); it.value = {json.dumps(value)};"
            " it.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )


class Browser:
    """A running Chromium."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    async def listen(self) -> None:
        """Hand on what the browser says, until it ends."""
        async for message in self._connection:
            said = json.loads(message)
            if "id" in said:
                answer = self._answers.pop(said["id"])
                if not answer.done():  # nobody waits for it any more
                    answer.set_result(said)
            elif page := self._pages.get(said.get("sessionId", "")):
                page.hear(said["method"], said["params"])

    async def call(self, method: str, params: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await self._connection.send(json.dumps(message | ({"sessionId": session} if session else {})))
                said = await answer
        except TimeoutError:
            raise AssertionError(f"Chromium did not answer {method} {params}") from None
        assert "error" not in said, f"{method}: {said['error']}"
        return dict(said["result"])

    @asynccontextmanager
    async def page(self) -> AsyncIterator[Page]:
        """A tab of its own, with cookies of its own, of 1280 by 800."""
        context = (await self.call("Target.createBrowserContext", {}))["browserContextId"]
        where = {"url": "about:blank", "browserContextId": context}
        target = (await self.call("Target.createTarget", where))["targetId"]
        attached = await self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"], context)
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.call(f"{domain}.enable")
        await page.look_as(1280, 800)
        try:
            yield page
        finally:
            del self._pages[attached["sessionId"]]
            await self.call("Target.disposeBrowserContext", {"browserContextId": context})


@contextmanager
def running_chromium(profile: Path) -> Iterator[str]:
    """A Chromium with an empty profile, ended at the end with all that it started; where it is to be talked to."""
    program = browser_program()
    assert program, "no Chromium is installed"
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # as root there is no sandbox to be had
    process = subprocess.Popen(
        [program, *_FLAGS, *as_root, f"--user-data-dir={profile}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(profile), "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        start_new_session=True,
    )
    try:
        address = _address(process.stderr)
        draining = threading.Thread(target=process.stderr.read)  # a full pipe would stop it
        draining.start()
        yield address
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        draining.join()
        process.stderr.close()


def _address(stderr: IO[str]) -> str:
    for line in stderr:
        if "DevTools listening on " in line:
            return line.split("listening on ")[1].strip()
    raise AssertionError("Chromium ended before it listened")


@asynccontextmanager
async def browser_at(address: str) -> AsyncIterator[Browser]:
    """A running Chromium, for as long as one test needs it."""
    async with connect(address, max_size=None, compression=None, proxy=None) as connection:
        browser = Browser(connection)
        listening = asyncio.create_task(browser.listen())
        try:
            yield browser
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
