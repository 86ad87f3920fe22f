"""The Settings page: the person's own file, changed carefully, and keys that are never shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit

from oxide_desktop.config.login_start import starts_at_login
from oxide_desktop.config.settings import load_config, to_plain
from oxide_desktop.core.settings import Settings
from oxide_desktop.fronts.desktop.loop import Loop
from oxide_desktop.fronts.desktop.pages.settings import SettingsPage
from oxide_desktop.fronts.desktop.setting_list import GROUPS
from oxide_desktop.fronts.desktop.widgets.key_dialog import KeyDialog
from tests.fronts.desk_house import running_loop
from tests.fronts.pages_house import PagesHouse, with_pages
from tests.unit.test_orchestrator import stub

MINE = "# mine\nweb:\n  port: 8100 # not the usual one\n"


@pytest.fixture
def loop(qapp: QApplication, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loop]:
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    (tmp_path / "config.yaml").write_text(MINE)
    with running_loop(qapp) as made:
        yield made


async def page_of(house: PagesHouse) -> SettingsPage:
    page = house.go_to("settings")
    await house.until(lambda: page.keys.rows)
    return page


def texts(page: SettingsPage) -> list[str]:
    """What the list of keys says."""
    return [item.text() for row in page.keys.rows for item in row.findChildren(QLabel)]


def type_in(field: QLineEdit, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_every_setting_that_is_offered_exists_and_has_a_line_of_help():
    plain = to_plain(Settings())
    for group in GROUPS:
        for setting in group.settings:
            inner = plain
            for key in setting.path:
                assert key in inner, setting.key
                inner = inner[key]
            assert setting.help.endswith(".")


def test_a_change_is_written_and_the_rest_of_the_file_stays(loop: Loop, qapp: QApplication, tmp_path: Path):
    file = tmp_path / "config.yaml"

    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        port = page.rows["web.port"]
        assert port.control.text() == "8100"
        type_in(port.control, "8200")
        await house.until(lambda: "8200" in file.read_text())
        assert file.read_text() == MINE.replace("8100", "8200")
        await house.until(lambda: page.saved.text() == "Saved. It holds from the next start of Oxide on.")
        page.rows["notifications.completed"].control.click()
        await house.until(lambda: not load_config(file).notifications.completed)
        page.rows["execution.timeout_seconds"].control.setText("")
        page.rows["execution.timeout_seconds"].control.editingFinished.emit()
        await house.until(lambda: "timeout_seconds: null" in file.read_text())
        await house.until(lambda: page.rows["execution.timeout_seconds"].control.text() == "600")

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_value_that_is_not_allowed_is_refused_beside_its_field(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        port = page.rows["web.port"]
        for wrong in ("99999", "soon"):
            type_in(port.control, wrong)
            await house.until(lambda wrong=wrong: wrong in port.problem.text())
            assert "config.yaml" not in port.problem.text()
            assert port.control.text() == wrong  # to be mended, not to be typed again
        assert (tmp_path / "config.yaml").read_text() == MINE
        type_in(port.control, "8300")
        await house.until(port.problem.isHidden)
        type_in(port.control, "99999")
        await house.until(lambda: not port.problem.isHidden())
        house.go_to("history")
        house.go_to("settings")
        await house.until(lambda: port.control.text() == "8300" and port.problem.isHidden())

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_list_is_written_when_it_is_left(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        globs = page.rows["privacy.local_only"].control
        assert isinstance(globs, QPlainTextEdit)
        globs.setFocus()
        globs.setPlainText("**/.env\n\n clients/** \n")
        page.search.setFocus()
        file = tmp_path / "config.yaml"
        await house.until(lambda: load_config(file).privacy.local_only == ("**/.env", "clients/**"))
        await house.until(lambda: "What holds more back holds at once" in page.saved.text())

    with_pages(loop, qapp, tmp_path, person, stub())


def test_what_stands_in_a_field_when_the_app_ends_is_written(loop: Loop, qapp: QApplication, tmp_path: Path):
    file = tmp_path / "config.yaml"

    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        globs = page.rows["privacy.local_only"].control
        assert isinstance(globs, QPlainTextEdit)
        page.rows["web.port"].control.setText("8400")
        globs.setFocus()
        globs.setPlainText("clients/**")

    with_pages(loop, qapp, tmp_path, person, stub())
    assert load_config(file).privacy.local_only == ("clients/**",)
    changed = MINE.replace("8100", "8400")
    assert file.read_text() == changed + "privacy:\n  local_only: [clients/**]\n"  # and nothing besides


def test_a_choice_is_written_and_scrolling_past_changes_nothing(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        level = page.rows["logging.level"].control
        level.setCurrentText("DEBUG")
        level.activated.emit(0)
        await house.until(lambda: load_config(tmp_path / "config.yaml").logging.level == "DEBUG")

    with_pages(loop, qapp, tmp_path, person, stub())


def test_the_search_leaves_what_is_meant(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        QTest.keyClicks(page.search, "web PORT")
        assert [key for key, row in page.rows.items() if row.isVisible()] == ["web.port"]
        assert not page.keys.isVisible()
        page.search.clear()
        assert page.keys.isVisible()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_login_start_is_an_entry_of_the_system(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        switch = page.rows["login"].control
        assert not switch.isChecked()
        QTest.keyClick(switch, Qt.Key.Key_Space)
        await house.until(starts_at_login)
        QTest.keyClick(switch, Qt.Key.Key_Space)
        await house.until(lambda: not starts_at_login())
        (tmp_path / "xdg").rename(tmp_path / "gone")
        (tmp_path / "xdg").write_text("no folder")
        QTest.keyClick(switch, Qt.Key.Key_Space)
        await house.until(page.rows["login"].problem.text)
        assert not switch.isChecked()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_keys_are_told_by_name_only(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        page.keys.set_wanted.emit("MINE")
        (dialog,) = page.findChildren(KeyDialog)
        QTest.keyClicks(dialog.key, "sk-secret")
        QTest.keyClick(dialog.key, Qt.Key.Key_Return)
        await house.until(lambda: texts(page) == ["MINE", "✓ stored"])
        assert "sk-secret" in (tmp_path / "keys.json").read_text()
        page.keys.remove_wanted.emit("MINE")
        await house.agree()
        await house.until(lambda: texts(page) == ["MINE", "⚠ missing"])

    with_pages(loop, qapp, tmp_path, person, stub(api_key="keyring:MINE"))


def test_a_key_that_only_a_services_environment_names_is_listed(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        assert texts(await page_of(house)) == ["MINE", "⚠ missing"]

    with_pages(loop, qapp, tmp_path, person, stub(env={"TOKEN": "keyring:MINE"}))


def test_a_file_that_cannot_be_used_is_told_of(loop: Loop, qapp: QApplication, tmp_path: Path):
    (tmp_path / "config.yaml").write_text("web: {prot: 1}\n")

    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        assert "prot" in page.note.text()
        assert page.rows["web.port"].control.text() == "0"
        page.welcome_button.click()
        assert house.window.current == "welcome"

    with_pages(loop, qapp, tmp_path, person, stub())


def test_a_search_without_a_match_says_so_and_is_over_when_one_comes_back(
    loop: Loop, qapp: QApplication, tmp_path: Path
):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        page.search.setText("zzz")
        assert page.nothing.isVisible()
        page.search.setText("first page")
        assert page.welcome_button.isVisible()
        assert page.nothing.isHidden()
        house.go_to("ask")
        house.go_to("settings")
        assert not page.search.text()
        assert page.rows["web.port"].isVisible()

    with_pages(loop, qapp, tmp_path, person, stub())


def test_what_is_saved_is_told_without_moving_anything(loop: Loop, qapp: QApplication, tmp_path: Path):
    async def person(house: PagesHouse) -> None:
        page = await page_of(house)
        row = page.rows["notifications.completed"]
        before = row.mapTo(page, QPoint(0, 0))
        row.control.click()
        await house.until(page.saved.text)
        QApplication.processEvents()
        assert row.mapTo(page, QPoint(0, 0)) == before

    with_pages(loop, qapp, tmp_path, person, stub())
