"""The credentials of the web front: its token's file, launch codes, browsers' sessions."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from oxide_desktop.fronts.web.access import LAUNCH_LIMIT_S, SESSIONS_LIMIT, Access, load_token


def test_a_launch_code_ends_with_its_minute() -> None:
    now = 1000.0
    access = Access("token", clock=lambda: now)
    early, late = access.launch_code(), access.launch_code()
    now += LAUNCH_LIMIT_S - 1
    assert access.redeem(early) is not None
    now += 1
    assert access.redeem(late) is None
    assert access.redeem("ä") is None


def test_only_so_many_browsers_stay_signed_in() -> None:
    access = Access("token")
    sessions = [access.redeem(access.launch_code()) for _ in range(SESSIONS_LIMIT + 1)]
    assert not access.is_browser(sessions[0].cookie.encode())
    assert not access.is_page(sessions[0].cookie.encode(), sessions[0].key.encode())
    for session in sessions[1:]:
        assert access.is_browser(session.cookie.encode())
        assert access.is_page(session.cookie.encode(), session.key.encode())


def test_the_tokens_file_is_private_from_its_first_moment(tmp_path: Path) -> None:
    token = load_token(tmp_path / "token")
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert (tmp_path / "token").read_text() == token


@pytest.mark.parametrize("content", ["", "short", "x" * 42, "has a space in it" * 4, "ä" * 50])
def test_what_is_no_token_is_replaced(tmp_path: Path, content: str) -> None:
    place = tmp_path / "token"
    place.write_text(content)
    place.chmod(0o600)
    assert load_token(place) != content
    assert load_token(place) == place.read_text()


def test_a_token_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "token"
    old = load_token(place)
    place.chmod(0o644)
    assert load_token(place) != old
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_link_in_the_tokens_place_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x" * 43)
    (tmp_path / "token").symlink_to(tmp_path / "elsewhere")
    assert load_token(tmp_path / "token") != "x" * 43
    assert (tmp_path / "elsewhere").read_text() == "x" * 43
