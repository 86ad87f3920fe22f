"""The Services page: how far each service works, what mends it, and the programs that run for them."""

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path

import pytest
import yaml
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from oxide_desktop.core.children import ChildSpec
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Health, Tier
from oxide_desktop.core.model import Locality, Request, Source
from oxide_desktop.core.servers import ModelInfo, PullProgress, ServerStart
from oxide_desktop.core.settings import Price, Quota
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.pages.services import ServicesPage
from oxide_desktop.fronts.desktop.widgets.key_dialog import KeyDialog
from oxide_desktop.runtime.processes import GuardedSpawner
from tests.fakes.scripted_adapter import ScriptedAdapter, service
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import stub


@pytest.fixture
def loop(qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loop]:
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path))
    with running_loop(qapp) as made:
        yield made


def found(name: str, tier: Tier | None, failing: Tier | None = None, message: str = "", fix: str = "") -> Health:
    return Health(
        service=name, tier=tier, failing=failing, message=message, fix=fix, version="1.2",
        models=("small", "big"), recommended_model="big", checked_at=time.time(),
    )  # fmt: skip


class Shelf(ScriptedAdapter):
    """An Ollama that is down until it is started, and fetches models in steps."""

    startable = True

    def __init__(self) -> None:
        super().__init__(service("ollama_local", kind="ollama", base_url="http://localhost:11434"))
        self.health = found("ollama_local", Tier.INSTALLED, Tier.STARTS, "It does not run.", "Start it.")
        self.refuses = False
        self.gate = asyncio.Event()
        self.stopped = False

    async def start(self, *, insist: bool = False) -> ServerStart:
        if self.refuses:
            raise ServiceError(FailureKind.MISSING, "Ollama cannot be started", "No room.")
        self.health = found("ollama_local", Tier.AUTHENTICATED)
        return ServerStart(started=True, ours=True, note="It ends with Oxide.")

    async def recover(self) -> bool:
        return False

    async def models(self) -> Sequence[ModelInfo]:
        return [ModelInfo("small")]

    async def pull(self, model: str) -> AsyncGenerator[PullProgress, None]:
        if model == "nonsense":
            raise ServiceError(FailureKind.INVALID, "There is no such model", "nonsense.")
        try:
            yield PullProgress("pulling manifest")
            yield PullProgress("pulling layer", 2 << 20, 8 << 20)
            await self.gate.wait()
            yield PullProgress("success", 8 << 20, 8 << 20)
        finally:
            self.stopped = True


def page_of(house: PagesHouse) -> ServicesPage:
    page = house.go_to("services")
    assert isinstance(page, ServicesPage)
    return page


def test_a_card_tells_how_far_a_service_works_and_what_mends_it(loop: Loop, qapp: QApplication, tmp_path: Path):
    good, bad = stub(name="good"), stub(name="bad", kind="gemini", locality=Locality.CLOUD)
    good.health = found("good", Tier.ANSWERS)
    bad.health = found("bad", Tier.STARTS, Tier.AUTHENTICATED, "Signed out.", "Use a key.")

    async def person(house: PagesHouse) -> None:
        page = page_of(house)
        page.check_button.click()
        await house.until(lambda: page.cards["bad"].trouble.text() == "⚠ Signed out.")
        assert page.cards["bad"].remedy.text() == "Use a key."
        assert page.cards["bad"].fix_button.text() == "Add key…"
        assert page.cards["bad"].dots.accessibleName() == "signed out: 2 of 4 steps shown"
        assert not page.cards["bad"].test_button.isEnabled()
        assert page.cards["good"].dots.word == "answering"
        assert page.cards["good"].trouble.isHidden() or not page.cards["good"].trouble.isVisible()
        assert "big · 2 models" in page.cards["good"].about.text()
        page.grab()

    with_pages(loop, qapp, tmp_path, person, good, bad)


def test_speed_and_todays_requests_come_from_the_history(loop: Loop, qapp: QApplication, tmp_path: Path):
    adapter = stub(["Four."], name="qwen", quota=Quota(per_day=10), price=Price(input=1.0, output=1.0))

    async def person(house: PagesHouse) -> None:
        page = page_of(house)
        card = page.cards["qwen"]
        await house.until(lambda: card.quota_words.text() == "0 of 10 requests today")
        task = await house.engine.submit(Request(prompt="What is 2+2?", source=Source.PYTHON, cwd=tmp_path))
        await task.finished()
        await house.until(lambda: card.quota_words.text() == "1 of 10 requests today")
        await house.until(lambda: "to first text" in card.figures.text())
        assert card.quota.value() == 1

    with_pages(loop, qapp, tmp_path, person, adapter)


def test_a_test_asks_a_real_question_and_says_how_it_went(loop: Loop, qapp: QApplication, tmp_path: Path):
    adapter = stub(name="qwen")
    adapter.health = found("qwen", Tier.ANSWERS)

    async def person(house: PagesHouse) -> None:
        card = page_of(house).cards["qwen"]
        card.test_button.click()
        await house.until(lambda: card.said.text().startswith("✓ It answered in "))
        adapter.health = found("qwen", Tier.AUTHENTICATED, Tier.ANSWERS, "It said nothing.")
        card.test_button.click()
        await house.until(lambda: card.trouble.text() == "⚠ It said nothing.")
        assert card.said.text() == ""
        assert card.fix_button.text() == "Try again"
        adapter.health = found("qwen", Tier.ANSWERS)
        card.fix_button.click()
        await house.until(lambda: card.dots.word == "answering")

    with_pages(loop, qapp, tmp_path, person, adapter)


def test_ollama_is_started_by_its_button(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        card = page_of(house).cards["ollama_local"]
        await house.until(lambda: card.fix_button.text() == "Start Ollama" and card.fix_button.isEnabled())
        shelf.refuses = True
        card.fix_button.click()
        await house.until(lambda: "cannot be started" in card.said.text())
        shelf.refuses = False
        await house.until(card.fix_button.isEnabled)
        card.fix_button.click()
        await house.until(lambda: card.said.text() == "It ends with Oxide.")
        assert card.dots.word == "ready"

    shelf = Shelf()
    with_pages(loop, qapp, tmp_path, person, shelf)


def test_a_model_is_pulled_with_its_progress_shown_and_can_be_stopped(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        card = page_of(house).cards["ollama_local"]
        card.pull_button.click()
        line = card.pull
        QTest.keyClicks(line.model, "qwen2.5-coder:7b\r")
        await house.until(lambda: line.words.text() == "pulling layer · 2 MB of 8 MB")
        assert line.bar.value() == line.bar.maximum() // 4
        line.stop_button.click()
        await house.until(lambda: line.words.text().startswith("Stopped."))
        assert shelf.stopped
        shelf.gate.set()
        line.pull_button.click()
        await house.until(lambda: line.words.text() == "✓ qwen2.5-coder:7b is there.")
        line.model.setText("nonsense")
        line.pull_button.click()
        await house.until(lambda: "no such model" in line.words.text())

    shelf = Shelf()
    with_pages(loop, qapp, tmp_path, person, shelf)


def test_a_key_goes_where_keys_are_kept_and_the_settings_name_it(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        card = page_of(house).cards["gemini"]
        card.key_button.click()
        (dialog,) = house.window.findChildren(KeyDialog)
        await house.until(lambda: "only you can read" in dialog.place.text())
        assert not dialog.save_button.isEnabled()
        QTest.keyClicks(dialog.key, "sk-something")
        dialog.save_button.click()
        await house.until(lambda: card.said.text().startswith("✓ The key is kept."))
        assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == {
            "services": {"gemini": {"api_key": "keyring:gemini"}}
        }
        assert "sk-something" in (tmp_path / "keys.json").read_text()

    with_pages(loop, qapp, tmp_path, person, stub(name="gemini", kind="gemini"))


def test_a_key_that_the_settings_name_already_is_used_at_once(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        card = page_of(house).cards["gemini"]
        card.key_wanted.emit()
        (dialog,) = house.window.findChildren(KeyDialog)
        dialog.given.emit("sk-something")
        dialog.reject()
        await house.until(lambda: card.said.text() == "✓ The key is kept.")
        assert '"MINE": "sk-something"' in (tmp_path / "keys.json").read_text()
        assert not (tmp_path / "config.yaml").exists()

    with_pages(loop, qapp, tmp_path, person, stub(name="gemini", kind="gemini", api_key="keyring:MINE"))


def test_a_key_that_cannot_be_kept_stays_in_its_dialog_and_one_that_is_kept_can_be_removed(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        card = page_of(house).cards["gemini"]
        (tmp_path / "keys.json").mkdir()
        card.key_wanted.emit()
        (dialog,) = house.window.findChildren(KeyDialog)
        QTest.keyClicks(dialog.key, "sk-something")
        dialog.save_button.click()
        await house.until(lambda: "keys.json is not a file" in dialog.problem.text())
        assert (dialog.key.text(), dialog.remove_button.isHidden()) == ("sk-something", True)
        (tmp_path / "keys.json").rmdir()
        dialog.save_button.click()
        await house.until(lambda: card.said.text() == "✓ The key is kept.")
        await house.until(lambda: not house.window.findChildren(KeyDialog))
        card.key_wanted.emit()
        (dialog,) = house.window.findChildren(KeyDialog)
        await house.until(lambda: not dialog.stored.isHidden())
        dialog.remove_button.click()
        await house.agree()
        await house.until(lambda: card.said.text() == "The key is removed.")
        assert "sk-something" not in (tmp_path / "keys.json").read_text()

    with_pages(loop, qapp, tmp_path, person, stub(name="gemini", kind="gemini", api_key="keyring:MINE"))


def test_programs_are_listed_and_ended_only_after_a_question(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        spawner = GuardedSpawner(tmp_path / "run", run_id=uuid.uuid4().hex)
        house.engine.spawner = spawner
        argv = [sys.executable, "-c", "import time; time.sleep(600)"]
        async with await spawner.spawn(ChildSpec(argv=argv, purpose="a sleeper", task_id="0123456789")) as child:
            page = page_of(house)
            shown = page.children_list
            await house.until(lambda: shown.rows)
            assert shown.summary.text().startswith("1 program running · ")
            wanted: list[str] = []
            house.desk.task_wanted.connect(wanted.append)
            shown.task_wanted.emit("0123456789")
            assert wanted == ["0123456789"]
            shown.kill_wanted.emit(spawner.children()[0])
            await house.agree()
            await child.wait()
            await house.until(lambda: not shown.rows)
            assert shown.summary.text() == "No programs running"
            house.window.show_page("rules")
            assert not page._timer.isActive()
        await spawner.aclose()

    with_pages(loop, qapp, tmp_path, person, stub())
