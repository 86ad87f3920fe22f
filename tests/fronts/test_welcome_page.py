"""The first page: found here, connect Claude Code, ask a first question."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.fronts.desktop.first_run import is_first_run
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.pages.welcome import WelcomePage
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import stub


@pytest.fixture
def loop(qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loop]:
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    with running_loop(qapp) as made:
        yield made


def page_of(house: PagesHouse) -> WelcomePage:
    page = house.go_to("welcome")
    assert isinstance(page, WelcomePage)
    return page


def test_what_is_here_is_listed_with_how_far_it_works(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = page_of(house)
        await house.until(lambda: page._services["stub"][0].word == "running")
        assert list(page._services) == ["stub"]
        assert page.accessibleName() == "Welcome to Oxide"

    with_pages(loop, qapp, tmp_path, person, stub(), stub(name="off", enabled=False))


def test_claude_code_is_connected_by_one_button_after_the_change_was_shown(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    file = tmp_path / ".claude.json"
    file.write_text('{"theme": "dark"}')

    async def person(house: PagesHouse) -> None:
        step = page_of(house).connect_step
        await house.until(lambda: "oxide-mcp" in step.change.toPlainText())
        assert str(file) in step.state.text()
        assert file.read_text() == '{"theme": "dark"}'
        step.connect_button.click()
        await house.until(lambda: step.state.text().startswith("✓ Connected."))
        written = json.loads(file.read_text())
        assert written["theme"] == "dark"
        assert written["mcpServers"]["oxide"]["env"] == {"OXIDE_HOME": str(tmp_path)}
        assert step.connect_button.isHidden()
        step.look()
        await house.until(lambda: step.state.text().startswith("✓ Connected, in "))
        step.undo_button.click()
        await house.until(step.connect_button.isVisible)
        assert json.loads(file.read_text()) == {"theme": "dark"}

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_file_of_claude_code_that_cannot_be_changed_is_left_alone(loop: Loop, qapp: QApplication, tmp_path: Path):
    (tmp_path / ".claude.json").write_text("{ // mine\n}")

    async def person(house: PagesHouse) -> None:
        step = page_of(house).connect_step
        await house.until(lambda: "is left as it is" in step.state.text())
        step.connect_button.click()
        await house.until(lambda: step.state.text().startswith("✕"))
        assert step.connect_button.isEnabled()
        assert (tmp_path / ".claude.json").read_text() == "{ // mine\n}"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_connection_is_proved_by_starting_what_claude_code_starts(
    loop: Loop, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    program = tmp_path / "oxide-mcp"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    if 'id' not in asked:\n"
        "        continue\n"
        "    if asked['method'] == 'initialize':\n"
        "        found = {'protocolVersion': '2025-06-18', 'capabilities': {},\n"
        "                 'serverInfo': {'name': 'oxide', 'version': '1'}}\n"
        "    else:\n"
        "        found = {'tools': [{'name': 'route_task', 'inputSchema': {}}]}\n"
        "    print(json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': found}), flush=True)\n"
    )
    program.chmod(0o755)
    entry = {"type": "stdio", "command": str(program), "args": []}
    (tmp_path / ".claude.json").write_text(json.dumps({"mcpServers": {"oxide": entry}}))

    async def person(house: PagesHouse) -> None:
        step = page_of(house).connect_step
        await house.until(step.prove_button.isVisible)
        step.prove_button.click()
        await house.until(lambda: step.state.text().endswith("with 1 tool."))

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_connection_that_starts_something_else_is_not_proved(loop: Loop, qapp: QApplication, tmp_path: Path):
    program = tmp_path / "oxide-mcp"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    (tmp_path / ".claude.json").write_text(json.dumps({"mcpServers": {"oxide": {"command": str(program)}}}))

    async def person(house: PagesHouse) -> None:
        step = page_of(house).connect_step
        await house.until(step.prove_button.isVisible)
        step.prove_button.click()
        await house.until(lambda: "not tried" in step.state.text())
        assert not (tmp_path / "started").exists()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_first_question_is_answered_on_the_page(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = page_of(house)
        page.question.setText("What is 2+2?")
        QTest.keyClick(page.question, Qt.Key.Key_Return)
        await house.until(lambda: page.state.text().startswith("✓ stub"))
        assert page.answer.toPlainText() == "Four."
        assert "because" in page.state.text()
        page.show_button.click()
        assert house.window.current == "history"

    with_pages(loop, qapp, tmp_path, person, stub(["**Four**."]))


def test_a_first_question_that_fails_says_why_and_can_be_asked_again(loop: Loop, qapp: QApplication, tmp_path: Path):
    broken = ServiceError(FailureKind.AUTH, "stub is signed out", "401.", "Sign in.")

    async def person(house: PagesHouse) -> None:
        page = page_of(house)
        page.ask_button.click()
        await house.until(lambda: "signed out" in page.state.text())
        assert page.ask_button.isEnabled()

    with_pages(loop, qapp, tmp_path, person, stub([broken]))


def test_each_step_can_be_skipped_and_taken_up_again(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = page_of(house)
        page.ask.skip_button.click()
        assert page.ask.body.isHidden()
        page.ask.skip_button.click()
        assert not page.ask.body.isHidden()
        page.start_button.click()
        assert house.window.current == "ask"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_it_is_the_first_time_until_something_was_set_or_asked(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        assert await is_first_run(house.engine)
        page = page_of(house)
        page.ask_button.click()
        await house.until(lambda: page.state.text().startswith("✓"))
        assert not await is_first_run(house.engine)
        await house.engine.clear_history()
        assert await is_first_run(house.engine)
        (tmp_path / "config.yaml").write_text("# mine\n")
        assert not await is_first_run(house.engine)

    with_pages(loop, qapp, tmp_path, person, stub())


def test_the_way_to_connect_leads_to_that_step(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        house.desk.show_page("welcome/connect")
        page = house.window.page("welcome")
        await house.until(lambda: house.window.focusWidget() is page.connect_step.connect_button)
        page.connect_step.connect_button.click()
        await house.until(lambda: house.window.focusWidget() is page.connect_step.prove_button)
        assert "`" not in page.connect_step.state.text()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_the_first_window_is_no_larger_than_the_screen(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        room = house.window.screen().availableSize()
        assert house.window.size().boundedTo(room) == house.window.size()

    with_pages(loop, qapp, tmp_path, person, stub())
