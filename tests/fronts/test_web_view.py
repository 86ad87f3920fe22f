"""The web view in a real browser, used as a person uses it: asked, found, set, tested, and met by hostile text."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Health, Tier
from oxide_desktop.core.ports import Call, Output, TaskFilter
from oxide_desktop.fronts.web import server
from oxide_desktop.fronts.web.limits import Limits
from tests.fakes.browser import Browser, Page, browser_at, browser_program, running_chromium
from tests.fakes.scripted_adapter import STALL, ScriptedAdapter, service
from tests.fronts.front_house import front_house
from tests.fronts.web_house import Web, served, stub

pytestmark = pytest.mark.browser
PAGES = ("ask", "analyze", "history", "rules", "services", "dashboard", "settings")


class Paced(ScriptedAdapter):
    """Answers in two halves, the second one when it is told to."""

    def __init__(self, first: str, second: str, name: str = "paced") -> None:
        super().__init__(service(name))
        self.halves = (first, second)
        self.go_on = asyncio.Event()

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        yield self.halves[0]
        await self.go_on.wait()
        yield self.halves[1]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if browser_program() is None:
        pytest.skip("needs chromium (make test installs it as root on Debian)")
    with running_chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with browser_at(chromium) as found:
        yield found


@asynccontextmanager
async def opened(browser: Browser, web: Web, path: str = "ask", refused: str = "") -> AsyncIterator[Page]:
    """The view, let in by a launch link, at one of its pages. Nothing may go wrong in it but what is `refused`."""
    async with browser.page() as page:
        await page.goto(web.front.launch_link())
        await page.until("document.querySelector('main h1')")
        await page.run(f"location.hash = '#/{path}'")
        await page.until(f"document.querySelector('.page.{path}')")
        yield page
        assert page.problems == []
        assert [text for text in page.failed if not refused or refused not in text] == []
        assert {address.split("/")[2] for address in page.requested if "://" in address} == {
            f"127.0.0.1:{web.front.port}"
        }


# -- asking ------------------------------------------------------------------------------------------------------------


async def test_a_person_sees_where_it_will_go_asks_and_watches_the_answer_come(
    browser: Browser, tmp_path: Path
) -> None:
    paced = Paced("## Findings\n\nThe **first** ", "part.\n\n1. one\n2. two\n")
    async with served(tmp_path, paced) as web, opened(browser, web) as page:
        await page.sees("Nothing asked yet")
        await page.type("#prompt", "What does HTTP 421 mean?")
        await page.sees("will go to: quick query · paced", ".route")
        assert (await web.get("/api/tasks")).json()["total"] == 0

        await page.press("Enter", control=True)
        await page.sees("working", ".state-line")
        await page.sees("The first", ".answer")
        assert await page.run("document.querySelector('.answer h3').innerText") == "Findings"
        assert await page.run("document.querySelector('.task').getAttribute('aria-busy')") == "true"
        paced.go_on.set()
        await page.sees("done", ".state-line")
        assert await page.run("[...document.querySelectorAll('.answer li')].map((it) => it.innerText)") == [
            "one",
            "two",
        ]
        assert await page.run("document.querySelector('.answer strong').innerText") == "first"

        await page.click("button", "Why this service")
        await page.sees("set for quick query", ".why")
        await page.sees("1. paced", ".timeline")


HOLD_THE_FIRST_LOOK = """
    const real = window.fetch;
    window.fetch = async (address, options) => {
        const answer = await real(address, options);
        if (!window.letGo && /\\/api\\/tasks\\/[0-9a-f-]{36}$/.test(address)) {
            await new Promise((go) => { window.letGo = go; });
        }
        return answer;
    };
"""


async def test_an_answer_that_was_late_does_not_make_an_ended_task_work_again(browser: Browser, tmp_path: Path) -> None:
    paced = Paced("one ", "two")
    async with served(tmp_path, paced) as web, browser.page() as page:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=HOLD_THE_FIRST_LOOK)
        await page.goto(web.front.launch_link())
        await page.type("#prompt", "What is 2+2?")
        await page.click("button.primary", "Ask")
        await page.until("window.letGo")
        paced.go_on.set()
        await page.sees("done", ".state-line")
        await page.run("letGo(), new Promise((next) => setTimeout(() => setTimeout(next)))")
        await page.sees("done", ".state-line")
        assert "one two" in await page.text(".answer")
        assert "working" not in await page.text(".state-line")


async def test_a_tab_that_is_loaded_again_shows_what_was_typed_and_what_is_answered(
    browser: Browser, tmp_path: Path
) -> None:
    paced = Paced("the first half", ", the second")
    async with served(tmp_path, paced) as web, opened(browser, web) as page:
        await page.type("#prompt", "Write a poem.")
        await page.click("button.primary", "Ask")
        await page.sees("the first half", ".answer")
        await page.click("button.primary", "Ask")
        await page.sees("being answered already", "#said")
        await page.run("location.reload()")
        await page.until("document.readyState === 'complete' && !document.querySelector('#said.shown')")
        await page.sees("the first half", ".answer")
        assert await page.run("document.querySelector('#prompt').value") == "Write a poem."
        paced.go_on.set()
        await page.sees("the first half, the second", ".answer")
        assert (await web.get("/api/tasks")).json()["total"] == 1


async def test_what_turns_text_around_is_shown_in_prose_as_well(browser: Browser, tmp_path: Path) -> None:
    async with (
        served(tmp_path, stub(["run \u202egpj.exe\u202c now " + "`" * 100_000])) as web,
        opened(browser, web) as page,
    ):
        await page.type("#prompt", "How?")
        await page.click("button.primary", "Ask")
        await page.sees("run ⟨U+202E⟩gpj.exe", ".answer")


async def test_a_running_task_is_stopped(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub(["so far", STALL])) as web, opened(browser, web) as page:
        await page.type("#prompt", "Count for ever.")
        await page.click("button.primary", "Ask")
        await page.sees("so far", ".answer")
        await page.click("button", "Stop")
        await page.sees("cancelled", ".state-line")
        await page.sees("so far", ".answer")


async def test_files_and_choices_reach_the_engine_and_a_wrong_path_is_told_before_asking(
    browser: Browser, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("the needle")
    first, second = stub(name="first"), stub(name="second")
    async with served(tmp_path / "home", first, second) as web, opened(browser, web, refused="/api/explain") as page:
        await page.type("#prompt", "Review this.")
        await page.type("#path", str(tmp_path / "none.txt"))
        await page.press("Enter")
        await page.sees("none.txt", ".chips")
        await page.sees("none.txt", ".route")
        await page.click(".chip button")
        await page.type("#path", str(notes))
        await page.click("button", "Add file")
        await page.choose("select[aria-label=Service]", "second")
        await page.choose("select[aria-label=Type]", "code_review")
        await page.sees("code review · second", ".route")
        await page.click("button.primary", "Ask")
        await page.sees("done", ".state-line")
    assert not first.calls
    assert "the needle" in second.calls[0].prompt


async def test_an_answer_is_asked_for_again_on_another_service(browser: Browser, tmp_path: Path) -> None:
    broken = ServiceError(FailureKind.CRASHED, "first broke", "It ended early.", "Start it again.")
    async with served(tmp_path, stub([broken], name="first"), stub(["better"], name="second")) as web:
        async with opened(browser, web) as page:
            await page.type("#prompt", "What is 2+2?")
            await page.choose("select[aria-label=Service]", "first")
            await page.click("button.primary", "Ask")
            await page.sees("failed", ".state-line")
            await page.sees("first broke", ".problem")
            await page.click("summary", "Try on…")
            await page.click(".menu button", "second")
            await page.sees("better", ".answer")
            await page.sees("done", ".state-line")
        kept = (await web.house.history.list(TaskFilter(), 10)).tasks
    assert kept[0].replay_of == kept[1].id


async def test_an_empty_prompt_is_not_asked(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web, opened(browser, web) as page:
        await page.click("button.primary", "Ask")
        await page.sees("The prompt is empty.", ".problem")
        assert await page.run("document.activeElement.id") == "prompt"


HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\n\n"
    "[click me](javascript:document.title='owned') [data](data:text/html,<script>1</script>) "
    "[mixed](JaVaScRiPt:alert(1)) [good](https://example.org/a?b=1&c=2) <https://example.org/auto> "
    "![pixel](https://tracker.example/p.png) https://user:secret@example.org/x\n\n"
    "<svg onload=alert(1)> <iframe src='https://example.org'></iframe> <style>*{display:none}</style>\n\n"
    f"{'> ' * 500}deep\n\n{'- ' * 300}deeper\n\n{'*' * 3000}{'[' * 3000}{'`' * 999}\n\n"
    "| a | b |\n|---|---|\n| <b>x</b> | [y](javascript:1) |\n\n"
    f"|{' c |' * 3000}\n|{'---|' * 3000}\n" + f"|{' x |' * 3000}\n" * 3 + "\n"
    "مرحبا بالعالم\n\n`if (admin\u202e) { // \u2066`\n"
)


async def test_a_hostile_answer_is_only_text(browser: Browser, tmp_path: Path) -> None:
    hostile = stub([HOSTILE[start : start + 997] for start in range(0, len(HOSTILE), 997)])
    async with served(tmp_path, hostile) as web, opened(browser, web) as page:
        await page.type("#prompt", "What is 2+2?")
        await page.click("button.primary", "Ask")
        await page.sees("done", ".state-line")
        assert await page.run("document.title") == "Ask · Oxide"
        assert await page.run("document.querySelectorAll('.answer :is(img, script, iframe, style, svg)').length") == 0
        links = await page.run("[...document.querySelectorAll('.answer a')].map((it) => [it.href, it.rel, it.target])")
        assert [link[0] for link in links] == [
            "https://example.org/a?b=1&c=2",
            "https://example.org/auto",
            "https://tracker.example/p.png",
            "https://example.org/",  # which stands in the text of the iframe
        ]
        assert all("noopener" in rel and "noreferrer" in rel and target == "_blank" for _, rel, target in links)
        shown = await page.text(".answer")
        assert "<img src=x onerror=\"document.title='owned'\">" in shown
        assert "⟨U+202E⟩" in shown
        assert "\u202e" not in shown
        assert await page.run("document.documentElement.scrollWidth <= innerWidth")


async def test_an_answer_of_a_million_characters_leaves_the_page_usable(browser: Browser, tmp_path: Path) -> None:
    long = "All work and *no* play. " * 60_000
    async with served(tmp_path, stub([long, "THE END"])) as web, opened(browser, web) as page:
        await page.type("#prompt", "What is 2+2?")
        await page.click("button.primary", "Ask")
        await page.sees("done", ".state-line")
        await page.until("document.querySelector('.answer').textContent.endsWith('THE END')")
        await page.click("nav a", "Rules")
        await page.sees("Code Review")


async def test_every_piece_of_a_text_reads_the_same_however_it_was_cut(browser: Browser, tmp_path: Path) -> None:
    text = (
        "# A\n\npara *one*\nstill `one`\n\n- a\n- b\n  - c\n\n    more\n\n1. x\n2. y\n\n```py\ncode\n\n| no |\n```\n"
        "text | with bar\n\n| h | i |\n|--|:-:|\n| 1 | 2 |\n\n> q\n> r\n\n---\nend **b** [l](https://e.org)"
    )
    whole_and_cut = f"""(async () => {{
        const {{ AnswerView }} = await import('/web/js/answer.js');
        const text = {json.dumps(text)};
        const whole = new AnswerView(); whole.append(text); whole.finish();
        const found = [];
        for (const size of [1, 2, 3, 7, 50]) {{
            const cut = new AnswerView();
            for (let at = 0; at < text.length; at += size) {{ cut.append(text.slice(at, at + size)); cut.finish(); }}
            found.push([...cut.element.querySelectorAll('.done > *, .open > *')].map((it) => it.outerHTML).join(''));
        }}
        const same = [...whole.element.querySelectorAll('.done > *, .open > *')].map((it) => it.outerHTML).join('');
        return [same, found];
    }})()"""
    async with served(tmp_path, stub()) as web, opened(browser, web) as page:
        same, found = await page.run(whole_and_cut)
    assert "<table>" in same
    assert '<pre tabindex="0"' in same
    assert [item == same for item in found] == [True] * 5, (same, found)


# -- rules, history, services ------------------------------------------------------------------------------------------


async def test_a_rule_is_tried_saved_obeyed_and_taken_back(browser: Browser, tmp_path: Path) -> None:
    first, second = stub(["one"], name="first"), stub(["two"], name="second")
    async with served(tmp_path, first, second) as web:
        await web.ended(await web.ask("What is 2+2?"))
        async with opened(browser, web, "rules") as page:
            await page.choose("tr[data-type=quick_query] select", "second")
            await page.sees("would have moved 1 of the last 1 task", ".trial")
            assert (await web.get("/api/routing/rules")).json()["rules"] == []
            for failing, ready in ((Tier.STARTS, "1 of 2 ready"), (None, "2 of 2 ready")):
                second.health = dataclasses.replace(second.health, failing=failing)
                await web.house.check_services(Depth.PROBE)
                await page.sees(ready, "#status")
                assert "would have moved" in await page.text(".trial:not(:empty)"), "a decision was taken away"
            await page.click(".trial button", "Save")
            await page.sees("your rule", "tr[data-type=quick_query]")
            await page.sees("Simple Questions goes to second", "#said")

            await page.click("nav a", "Ask")
            await page.type("#prompt", "What is 3+3?")
            await page.sees('because: rule "quick_query → second"', ".route")
            await page.click("button.primary", "Ask")
            await page.sees("two", ".answer")

            await page.click("nav a", "Rules")
            await page.choose("tr[data-type=quick_query] select", "")
            await page.sees("Oxide will choose again", ".trial")
            await page.click(".trial button", "Save")
            await page.until("!document.querySelector('.rule-chip')")
        assert (await web.get("/api/routing/rules")).json()["rules"] == []


async def test_what_a_task_really_was_is_said_below_its_answer_and_forgotten_among_the_rules(
    browser: Browser, tmp_path: Path
) -> None:
    async with served(tmp_path, stub(["Four."])) as web, opened(browser, web) as page:
        await page.type("#prompt", "What is 2+2?")
        await page.click("button.primary", "Ask")
        await page.sees("done", ".state-line")
        await page.click(".task summary", "This was…")
        await page.until(
            "document.querySelector('.task .correction') && document.querySelector('.task details.menu[open]')"
        )
        await page.click(".task .choices button", "Documentation")
        await page.sees("You said that this was", ".correction")
        (made,) = (await web.get("/api/corrections")).json()["corrections"]
        assert (made["prompt"], made["said"]) == ("What is 2+2?", "documentation")

        await page.click("nav a", "Rules")
        await page.sees("quick query → documentation", ".corrections")
        await page.click(".corrections li button", "Forget")
        await page.sees("None yet", ".corrections")
        assert (await web.get("/api/corrections")).json()["corrections"] == []


async def test_a_task_is_found_by_typing_looked_at_replayed_and_deleted(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Paris."], name="one"), stub(["Rome."], name="two")) as web:
        for prompt in ("What is the capital of France?", "Write a poem about rust.", "Name a colour."):
            await web.ended(await web.ask(prompt))
        async with opened(browser, web, "history") as page:
            await page.sees("3 tasks")
            await page.type("#search", "service:one capital")
            await page.sees("1 of 3 tasks")
            assert await page.run("document.querySelectorAll('.row-link').length") == 1
            await page.click(".row-link", "capital of France")
            await page.sees("Paris.", ".detail")
            await page.sees("Attempts", ".why")
            await page.sees("set for quick query", ".why")
            await page.click(".detail summary", "Try on…")
            await page.click(".detail .menu button", "two")
            await page.sees("Rome.", ".detail")
            await page.sees("asks again what", ".detail")
            await page.click(".detail button", "Delete…")
            await page.click("dialog button", "Delete")
            await page.sees("The task is deleted.", "#said")
            await page.type("#search", "service:nobody")
            await page.sees("Nothing found")
            await page.type("#search", "type:poetry")
            await page.sees("There is no type 'poetry'")
        assert (await web.get("/api/tasks")).json()["total"] == 3


async def test_the_history_is_paged_and_shows_new_tasks_by_itself(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web:
        for number in range(31):
            await web.ended(await web.ask(f"What is {number}+1?"))
        async with opened(browser, web, "history") as page:
            await page.sees("1 to 30 of 31")
            await page.click("button", "Older")
            await page.sees("What is 0+1?")
            await page.click("button", "Newer")
            await page.sees("What is 30+1?")
            await web.ended(await web.ask("What is new?"))
            await page.sees("What is new?", ".tasks")


async def test_an_analysis_shows_its_receipt(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "b.bin").write_bytes(bytes(range(256)))
    async with served(tmp_path / "home", stub(["a.py:1 is fine."])) as web:
        wanted = {"prompt": "What does this do?", "files": [str(tmp_path / "*.*")]}
        asked = (await web.post("/api/analyze", wanted)).json()["task_id"]
        await web.ended(asked)
        async with opened(browser, web) as page:
            await page.run(f"location.hash = '#/history/{asked}'")
            await page.sees("Receipt: 1 read, 1 skipped", ".detail")
            await page.click(".receipt summary")
            await page.sees("b.bin", ".receipt")


async def test_files_are_analysed_from_the_page_by_those_that_take_part(browser: Browser, tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("x = 1\n")
    chosen, left = stub(["a.py:1 is fine."], name="chosen"), stub(["never"], name="left")
    async with served(tmp_path / "home", chosen, left) as web, opened(browser, web, "analyze") as page:
        await page.click("button.primary", "Analyze")
        await page.sees("Nothing to ask", ".problem")
        await page.type("#question", "What does this do?")
        await page.type("#paths", str(tmp_path / "*.py"))
        await page.click("input[value=left]")
        await page.click("button.primary", "Analyze")
        await page.sees("a.py:1 is fine.", ".answer")
        await page.sees("Receipt: 2 read", ".receipt")
    assert (bool(chosen.calls), left.calls) == (True, [])


async def test_the_history_is_exported_from_the_page(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Paris."])) as web:
        await web.ended(await web.ask())
        async with opened(browser, web, "history") as page:
            await page.click("button", "Export")
            await page.sees("saved as tasks.json")
            got = "import('/web/js/api.js').then(({ api }) => api.exported()).then((file) => file.text())"
            text = json.loads(await page.run(got))
    assert [task["result"] for task in text.values()] == ["Paris."]


async def test_a_service_shows_its_tiers_its_fix_and_answers_a_test(browser: Browser, tmp_path: Path) -> None:
    good, bad = stub(["Four."], name="good"), stub(name="bad")
    bad.health = Health(
        service="bad",
        tier=Tier.STARTS,
        failing=Tier.AUTHENTICATED,
        message="It is signed out.",
        fix="Add a key.",
        checked_at=1.0,
    )
    async with served(tmp_path, good, bad, stub(name="off", enabled=False)) as web:
        await web.house.check_services(Depth.PROBE)
        async with opened(browser, web, "services") as page:
            await page.sees("It is signed out.", "[data-service=bad]")
            await page.sees("Add a key.", "[data-service=bad]")
            await page.sees("signed out", "[data-service=bad] .tiers")
            assert await page.run("document.querySelectorAll('[data-service=bad] .dots .is-warn').length") == 2
            await page.sees("switched off", "[data-service=off]")
            await page.until("[...document.querySelectorAll('.card:not(.off) .use')].every((it) => it.textContent)")
            await page.click("[data-service=good] button", "Test")
            await page.sees("It answers", "[data-service=good]")
            await page.sees("“Four.”", "[data-service=good]")
            await page.sees("today: 1 request", "[data-service=good]")
            bad.health = dataclasses.replace(bad.health, failing=None, tier=Tier.ANSWERS)
            await page.click("button", "Check now")
            await page.sees("answering", "[data-service=bad]")
            await page.click("[data-service=good] summary")
            await page.sees("scripted-1", "[data-service=good]")
        assert len(good.calls) == 1


# -- dashboard, settings, the connection -------------------------------------------------------------------------------


async def test_the_dashboard_moves_by_itself(browser: Browser, tmp_path: Path) -> None:
    paced = Paced("first", "second")
    async with served(tmp_path, paced, limits=Limits(metrics_s=0.1)) as web, opened(browser, web, "dashboard") as page:
        await page.sees("No tasks yet")
        await page.until("document.querySelector('.chart .line').getAttribute('points').split(' ').length > 3")
        await web.ask("What is 2+2?")
        await page.sees("paced: quick query", ".tile")
        await page.sees("1 working", "#status")
        paced.go_on.set()
        await page.sees("1 task · 100 % done")
        await page.until("!document.querySelector('#status').innerText.includes('working')")


async def test_settings_show_what_holds_and_never_a_key(browser: Browser, tmp_path: Path) -> None:
    keyed, lost = stub(name="keyed", api_key="sk-secret-value"), stub(name="lost", api_key="keyring:absent")
    async with served(tmp_path, keyed, lost) as web, opened(browser, web, "settings") as page:
        await page.sees("privacy.scan_secrets")
        await page.sees(str(web.house.paths.config_file))
        await page.sees("missing", "[data-key=absent]")
        assert "sk-secret" not in await page.run("document.documentElement.outerHTML")
        await page.type("#find", "idle")
        await page.until("document.querySelectorAll('.setting:not([hidden])').length === 1")


async def test_a_key_is_kept_and_removed_in_the_settings_and_not_shown_again(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub(name="keyed", api_key="keyring:absent")) as web:
        async with opened(browser, web, "settings") as page:
            await page.click("[data-key=absent] button", "Set…")
            await page.type("[data-key=absent] input", "sk-typed-secret")
            await page.click("[data-key=absent] button", "Keep")
            await page.sees("kept", "[data-key=absent]")
            assert "sk-typed" not in await page.run("document.documentElement.outerHTML")
            assert await page.run("[...document.querySelectorAll('input[type=password]')].every((item) => !item.value)")
            await page.click("[data-key=absent] button", "Remove…")
            await page.click("dialog button", "Remove it")
            await page.sees("missing", "[data-key=absent]")
        assert (await web.get("/api/keys")).json()["keys"][0]["kept"] is False


async def test_notifications_are_this_browsers_choice(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web, opened(browser, web, "settings") as page:
        await page.sees("Notify when a task ends")
        assert await page.run("document.querySelector('#notify').checked") is False
        await page.allow("notifications", web.front.url)
        await page.click("label[for=notify]")
        await page.sees("A notification tells of tasks", "#said")
        await page.click("nav a", "Rules")
        await page.click("nav a", "Settings")
        await page.until("document.querySelector('#notify')?.checked")


async def test_the_page_comes_back_by_itself_when_oxide_does(browser: Browser, tmp_path: Path) -> None:
    async with front_house(tmp_path, stub(["late"])) as house, browser.page() as page:
        async with server.serve(house, house.paths, house.settings) as front:
            await page.goto(front.launch_link())
            await page.until("document.querySelector('#connection').hidden && document.querySelector('main h1')")
        await page.sees("Reconnecting to Oxide", "#connection")
        settings = dataclasses.replace(house.settings, web=dataclasses.replace(house.settings.web, port=front.port))
        async with server.serve(house, house.paths, settings) as again:
            assert again.port == front.port
            # The cookie ended with the server that gave it: the page says so, and how to get in again.
            await page.sees("This page is signed out")
            await page.goto(again.launch_link())
            await page.until("document.querySelector('#connection').hidden && document.querySelector('#prompt')")


REMEMBER_SOCKETS = """
    const Real = WebSocket;
    window.sockets = [];
    window.WebSocket = class extends Real { constructor(...given) { super(...given); sockets.push(this); } };
"""


async def test_a_dropped_socket_is_opened_again_and_what_was_missed_is_read(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Paris."])) as web, browser.page() as page:
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=REMEMBER_SOCKETS)
        await page.goto(web.front.launch_link())
        await page.run("location.hash = '#/history'")
        await page.sees("Nothing yet")
        await page.run("sockets[0].close()")
        await page.sees("Reconnecting to Oxide", "#connection")
        await web.ended(await web.ask("What is the capital of France?"))
        await page.sees("capital of France", ".tasks")
        await page.until("sockets.length === 2 && document.querySelector('#connection').hidden")
        assert page.problems == []


# -- for everyone ------------------------------------------------------------------------------------------------------


async def test_everything_can_be_reached_and_done_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub(["Paris."])) as web, opened(browser, web) as page:
        await page.run("document.querySelector('.skip').focus()")
        reached = []
        for _ in range(16):
            await page.press("Tab")
            reached.append(
                await page.run(
                    "document.activeElement.id || document.activeElement.dataset.page ||"
                    " document.activeElement.getAttribute('aria-label') || document.activeElement.innerText.trim()"
                )
            )
            seen = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            assert await page.run(seen), f"the focus is not to be seen on {reached[-1]}"
        order = [
            "ask",
            "history",
            "rules",
            "services",
            "dashboard",
            "settings",
            "prompt",
            "path",
            "Add file",
            "Service",
            "Type",
            "Model",
            "Ask",
        ]
        assert [item for item in reached if item in order] == order


async def test_every_page_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    wide = "x" * 400
    answer = f"`{wide}` {wide}\n\n```\n{wide}\n```\n"
    async with served(tmp_path, stub([answer], name="a-service-with-quite-a-long-name")) as web:
        asked = await web.ended(await web.ask(f"What is {wide}?"))
        async with opened(browser, web) as page:
            await page.look_as(360, 740)
            for path in (*PAGES, f"history/{asked['id']}"):
                await page.run(f"location.hash = '#/{path}'")
                name = path.partition("/")[0]
                await page.until(f"document.querySelector('.page.{name}').innerText.length > 40")
                assert await page.run("document.documentElement.scrollWidth") <= 360, path
            await page.sees("Attempts", ".why")


async def test_without_a_cookie_the_page_says_how_to_get_in(browser: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, stub()) as web, browser.page() as page:
        await page.goto(f"{web.front.url}/")
        text = await page.text()
        assert "oxide" in text.lower()
        assert "document.querySelector" not in text
