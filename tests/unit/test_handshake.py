"""Proving that an MCP server answers, on little real servers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from oxide_desktop.config.handshake import Proof, prove
from oxide_desktop.core.errors import OxideError

SERVER = Path(__file__).parents[1] / "fakes" / "mcp_program.py"


def shake(manner: str, limit_s: float = 30.0) -> Proof:
    return prove([sys.executable, str(SERVER), manner], {}, Path.cwd(), limit_s)


@pytest.mark.parametrize("manner", ["good", "chatty"])
def test_a_server_that_answers_is_proved_with_its_tools(manner: str) -> None:
    proof = shake(manner)
    assert (proof.server, proof.version, proof.tools) == ("fake", "1", ("one", "two"))
    assert proof.duration_s > 0


@pytest.mark.parametrize(
    ("manner", "limit_s", "why"),
    [
        ("refusing", 30.0, "The settings are wrong."),
        ("dying", 30.0, "It ended without an answer: no module named oxide"),
        ("garbage", 30.0, "What it writes is not MCP."),
        ("silent", 0.5, r"It did not answer within 0\.5 s\."),
    ],
)
def test_one_that_does_not_is_told_with_why(manner: str, limit_s: float, why: str) -> None:
    with pytest.raises(OxideError, match=why):
        shake(manner, limit_s)


def test_a_program_that_is_not_there_or_cannot_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(OxideError, match=r"There is no program oxide-mcp-nowhere\."):
        prove(["oxide-mcp-nowhere"], {}, tmp_path)
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x00")
    with pytest.raises(OxideError, match="broken is not executable"):
        prove([str(broken)], {}, tmp_path)
    broken.chmod(0o755)
    with pytest.raises(OxideError, match="cannot be started"):
        prove([str(broken)], {}, tmp_path)
