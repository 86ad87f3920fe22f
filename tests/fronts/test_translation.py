"""Every word of the window is translated: with a translator that changes all letters, none of ours stays as it was."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QTranslator, QUrl
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QTextBrowser,
    QWidget,
)

from oxide_desktop.core.errors import FailureKind, OxideError, ServiceError
from oxide_desktop.core.health import Depth, Health, Tier
from oxide_desktop.core.model import Candidate, Route, Skipped, TaskType
from oxide_desktop.core.receipts import FileReceipt, ReadStatus
from oxide_desktop.core.record import Attempt, AttemptStatus, TaskRecord, TaskStatus, Tokens
from oxide_desktop.fronts.desktop.language import speak_it
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.notifier import told
from oxide_desktop.fronts.desktop.pages.catalogue import PAGES
from oxide_desktop.fronts.desktop.widgets.ask_panel import AskPanel
from oxide_desktop.fronts.desktop.widgets.key_dialog import KeyDialog
from oxide_desktop.fronts.desktop.windows import dialogs
from oxide_desktop.fronts.desktop.wording import type_words
from tests.fakes.scripted_adapter import STALL
from tests.fronts.desk_house import DeskHouse, running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import House, stub

ROOT = Path(__file__).resolve().parents[2]


class OtherLetters(QTranslator):
    """Takes each text for known, and changes its letters: what others wrote stays as it is, even inside of ours."""

    def translate(self, context: str, text: str, disambiguation: str | None = None, count: int = -1) -> str:
        shifted = re.sub(r"%n|%\d|[A-Za-z]", lambda found: found[0] if found[0][0] == "%" else wide(found[0]), text)
        return f"⟦{shifted}⟧"

    def isEmpty(self) -> bool:  # noqa: N802 - Qt's name
        return False


def wide(letter: str) -> str:
    return chr(ord(letter) + 0xFEE0)


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    translator = OtherLetters()
    QCoreApplication.installTranslator(translator)
    with running_loop(qapp) as made:
        yield made
    QCoreApplication.removeTranslator(translator)


def of_kind(widget: QWidget) -> Iterator[str]:
    """What the widget itself shows."""
    for kind, ways in SHOWN.items():
        if isinstance(widget, kind):
            yield from (getattr(widget, way)() for way in ways)
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(number) for number in range(widget.count()))
    if isinstance(widget, QMenu):
        for action in widget.actions():
            yield from (action.text(), action.toolTip())


SHOWN = {
    QWidget: ("toolTip", "accessibleName", "accessibleDescription", "windowTitle"),
    QLabel: ("text",),
    QAbstractButton: ("text",),
    QLineEdit: ("placeholderText",),
    QPlainTextEdit: ("placeholderText",),
    QTextBrowser: ("toPlainText",),
    QAbstractSpinBox: ("text", "specialValueText"),
    QMenu: ("title",),
}


def untranslated(widget: QWidget) -> set[str]:
    """Texts with letters of ours that no translator has seen."""
    return {text for item in (widget, *widget.findChildren(QWidget)) for text in of_kind(item) if is_ours(text)}


def is_ours(text: str) -> bool:
    """Whether there are letters in it that are neither translated nor others'."""
    return bool(re.search(r"[A-Za-z]", re.sub(OTHERS, "", text)))


# What is nobody's word to translate: names, what a person typed, keys of files, formats, proper names; and sentences of
# the engine with names in them, which stay as they are (CONTRIBUTING).
OTHERS = (
    r"the file \S+ which only you can read, since this system has no keyring|"
    r"\b[0-9a-f]{8}\b|"
    r"stub|other|Aprompt\w*|Ananswer|Amodel|Aproject|Anerror|\d{4}-task|Oxide|Claude Code|config\.yaml|/\S+"
    r"|service:qwen type:coding failed today|DEBUG|INFO|WARNING|ERROR|plays what it is told|(?<=⟧)[A-Z]$"
)


def past(number: int, **values: object) -> TaskRecord:
    asked = time.time() - 4_000 * number
    attempt = Attempt(
        service="other", started_at=asked, first_chunk_at=asked + 1, ended_at=asked + 2, status=AttemptStatus.COMPLETED,
        tokens=Tokens(10, 20), left_machine=True, cost=0.01, model="Amodel",
    )  # fmt: skip
    given = {
        "id": f"{number:04d}-task",
        "status": TaskStatus.COMPLETED,
        "prompt": f"Aprompt{number}",
        "created_at": asked,
        "source": "mcp",
        "service": "stub",
        "model": "Amodel",
        "task_type": "code_review",
        "result": "Ananswer",
        "attempts": (attempt,),
        "duration": 2.0,
        "tokens": Tokens(10, 20, estimated=True),
        "cost": 0.02,
        "route": Route((Candidate("stub", 1.0), Candidate("other", 0.5)), (Skipped("other", "signed out"),)),
    }
    return TaskRecord(**{**given, **values})


PAST = (
    past(1),
    past(2, status=TaskStatus.FAILED, error="Anerror", result=None),
    past(3, status=TaskStatus.CANCELLED, replay_of="0001-task"),
    past(4, receipt=(FileReceipt("/a/b.py", ReadStatus.READ, "", "stub"),), source="cli"),
)


# What each page shows once it has been filled.
LAST = {
    "ask": "stub",
    "history": "Ananswer",
    "rules": "“Aprompt1”",
    "services": "0.04",
    "dashboard": "".join(map(wide, "off")),
    "settings": "keys.json",
    "welcome": ".claude.json",
}


async def walk(house: PagesHouse, page: str, last: str) -> set[str]:
    """What is untranslated once the page has been filled."""
    made = house.go_to(page)
    await house.until(lambda: any(last in text for item in made.findChildren(QWidget) for text in of_kind(item)))
    return untranslated(house.window)


@pytest.mark.parametrize("page", [entry.name for entry in PAGES])
def test_no_word_of_ours_on_a_page_is_left_untranslated(loop: Loop, qapp: QApplication, tmp_path: Path, page: str):
    async def person(house: PagesHouse) -> None:
        await house.add(*PAST)
        await house.engine.correct("0001-task", TaskType.BUG_SEARCH)
        await house.engine.check_services(Depth.PROBE)
        assert await walk(house, page, LAST[page]) == set()

    with_pages(loop, qapp, tmp_path, person, stub(["Ananswer"]), stub(name="other"))


def test_no_word_of_an_answer_or_of_a_failure_is_left_untranslated(loop: Loop):
    refused = ServiceError(FailureKind.INVALID, "Anerror", "Anerror.", "Anerror")
    house = House(stub(["Ananswer"], [refused], [STALL]))

    async def person(desk: DeskHouse) -> None:
        window, menu = desk.app.window, desk.app.tray.menu
        desk.panel.prompt.setPlainText("Aprompt")
        await desk.until(desk.panel.route.text)
        assert untranslated(window) == set()
        for _ in range(2):
            await desk.ask("Aprompt")
            await desk.ended()
            desk.panel.why_button.setChecked(True)
            desk.panel.failure.fold.setChecked(True)
            assert untranslated(window) == set()
        await desk.ask("Aprompt")
        await house.adapters["stub"].stalled.wait()
        await desk.until(lambda: "stub" in desk.panel.state.text())
        menu.aboutToShow.emit()
        assert untranslated(menu) == set()
        assert not is_ours(desk.app.tray.icon.toolTip())
        desk.app.tray.quit_wanted.emit()
        (box,) = [item for item in QApplication.allWidgets() if isinstance(item, QMessageBox)]
        assert untranslated(box) == set()
        box.close()
        assert untranslated(desk.app.ask_window) == set()

    loop.run_until_complete(DeskHouse(house).use(person))


def test_no_word_of_what_is_asked_in_a_window_of_its_own_is_left_untranslated(loop: Loop):
    asked = [
        dialogs.ask_before_opening(None, QUrl("/Anaddress")),
        dialogs.tell_fatal(OxideError("Anerror", "Anerror", "Anerror"), lambda: None),
        KeyDialog("stub", None),
    ]
    for box in asked:
        assert untranslated(box) == set()
        box.close()


@pytest.mark.parametrize("records", [[past(1)], [past(2, status=TaskStatus.FAILED, error="Anerror")], list(PAST)])
def test_no_word_of_a_notification_is_left_untranslated(loop: Loop, records: list[TaskRecord]):
    assert not is_ours(" ".join(told(records)))


def test_no_word_about_a_service_that_fails_is_left_untranslated(loop: Loop, qapp: QApplication, tmp_path: Path):
    failing = stub(["Ananswer"])

    async def person(house: PagesHouse) -> None:
        for number, (tier, lacking) in enumerate(((None, Tier.INSTALLED), (Tier.STARTS, Tier.AUTHENTICATED))):
            why = f"Anerror {number}"
            failing.health = Health(service="stub", tier=tier, failing=lacking, message=why, fix=why)
            await house.engine.check_services(Depth.PROBE)
            assert await walk(house, "services", "".join(map(wide, "Anerror")) + f" {number}") == set()
            assert await walk(house, "welcome", LAST["welcome"]) == set()

    with_pages(loop, qapp, tmp_path, person, failing)


def test_no_word_of_a_rule_that_is_tried_or_of_a_search_is_left_untranslated(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        await house.add(*PAST)
        page = house.go_to("rules")
        row = page.rows[TaskType.CODE_REVIEW]
        await house.until(row.choice.count)
        row.choice.setCurrentIndex(row.choice.findData("other"))
        row.choice.activated.emit(row.choice.currentIndex())
        await house.until(lambda: any(letter.isdigit() for letter in row.verdict.text()))
        assert untranslated(house.window) == set()
        house.go_to("history").search.setText("status:00")
        house.window.page("history")._search()
        assert not house.window.page("history").hint.isHidden()
        assert untranslated(house.window) == set()

    with_pages(loop, qapp, tmp_path, person, stub(["Ananswer"]), stub(name="other"))


@pytest.fixture
def translations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translations", ROOT / "installers" / "translations.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_language_is_collected_translated_compiled_and_spoken(
    qapp: QApplication, tmp_path: Path, translations: ModuleType
):
    file = tmp_path / "oxide_de.ts"
    assert translations.write(file, "de") > 400
    text = file.read_text("utf-8")
    for source, translation in (("History", "Verlauf"), ("Stop", "Anhalten"), ("code review", "Durchsicht")):
        empty = f'<source>{source}</source>\n      <translation type="unfinished" />'
        assert empty in text
        text = text.replace(empty, f"<source>{source}</source><translation>{translation}</translation>")
    file.write_text(text, "utf-8")
    assert "<translation>Verlauf</translation>" in (translations.write(file, "de"), file.read_text("utf-8"))[1]
    subprocess.run([Path(sys.executable).with_name("pyside6-lrelease"), "-silent", file], check=True, timeout=60)

    assert not speak_it(qapp, [tmp_path], QLocale("fr_FR"))
    assert speak_it(qapp, [tmp_path / "none", tmp_path], QLocale("de_AT"))
    try:
        assert QCoreApplication.translate("Pages", "History") == "Verlauf"
        assert AskPanel.tr("Stop") == "Anhalten"
        assert type_words("code_review") == "Durchsicht"
        assert QCoreApplication.translate("Pages", "Rules") == "Rules"
        assert QCoreApplication.translate("QPlatformTheme", "Cancel") != "Cancel"  # Qt's own part
    finally:
        for translator in qapp.findChildren(QTranslator):
            QCoreApplication.removeTranslator(translator)
            translator.deleteLater()
