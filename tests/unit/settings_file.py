"""A person's file of settings, written and read."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from oxide_desktop.config.settings import load_config
from oxide_desktop.core.errors import ConfigError, ConfigProblem
from oxide_desktop.core.settings import ServiceSettings, Settings


class SettingsFile:
    """`config.yaml` in Oxide's home."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str | bytes) -> None:
        """Replace its content."""
        self.path.write_bytes(textwrap.dedent(text).encode() if isinstance(text, str) else text)

    def load(self, text: str) -> Settings:
        """The settings that this text comes to."""
        self.write(text)
        return load_config()

    def service(self, text: str) -> ServiceSettings:
        """The service that these lines make, named `mine`."""
        return self.load("services:\n  mine:\n" + textwrap.indent(textwrap.dedent(text), "    ")).services["mine"]

    def problems(self, text: str | bytes) -> list[str]:
        """`line key: message [allowed]` of everything that is refused."""
        self.write(text)
        found = refused()
        assert all(problem.file == str(self.path) for problem in found)
        return [
            f"{problem.line} {problem.key}: {problem.message}" + (f" [{problem.allowed}]" if problem.allowed else "")
            for problem in found
        ]

    def service_problems(self, text: str) -> list[str]:
        """The same, of the service `mine`, whose first line is line 3."""
        return self.problems("services:\n  mine:\n" + textwrap.indent(textwrap.dedent(text), "    "))


def refused() -> tuple[ConfigProblem, ...]:
    """All that is wrong with the person's settings."""
    try:
        load_config()
    except ConfigError as error:
        return tuple(error.problems)
    return ()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SettingsFile:
    """No file yet, in a home of its own."""
    monkeypatch.setenv("OXIDE_HOME", str(tmp_path))
    return SettingsFile(tmp_path / "config.yaml")
