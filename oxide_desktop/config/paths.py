"""Where Oxide's files are, and where those are that it is shipped with."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from oxide_desktop.core.errors import Bug, UsageError

PRIVATE_MODE = 0o700
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Paths:
    """All of Oxide's files of one person. `home` is absolute; nothing exists before `prepare`."""

    home: Path

    @classmethod
    def from_environment(cls) -> Paths:
        """The home that `OXIDE_HOME` names, else `~/.oxide`.

        Raises:
            UsageError: The person has no home directory, or it is relative to a folder that is gone.
        """
        given = os.environ.get("OXIDE_HOME") or "~/.oxide"
        try:
            home = Path(given).expanduser().absolute()
            home.is_dir()  # a name that no system takes is refused here
        except FileNotFoundError:  # relative to a current folder that has been deleted
            raise UsageError(
                "There is no place for Oxide's files",
                f"OXIDE_HOME is {given}, which begins in the current folder, and that is gone.",
                "Go to another folder, or set OXIDE_HOME to an absolute path.",
            ) from None
        except RuntimeError:
            raise UsageError(
                "There is no place for Oxide's files",
                f"The home directory that {given} begins with is not known.",
                "Set OXIDE_HOME to a directory of yours.",
            ) from None
        except OSError as error:
            raise _no_place(given, error) from error
        return cls(home)

    @property
    def config_file(self) -> Path:
        """The person's own settings; need not exist."""
        return self.home / "config.yaml"

    @property
    def database(self) -> Path:
        """The history."""
        return self.home / "oxide.db"

    @property
    def rules_file(self) -> Path:
        """The person's own assignments of types to services."""
        return self.home / "routing_rules.json"

    @property
    def keys_file(self) -> Path:
        """Names of stored API keys; the keys themselves only where the system has no keyring."""
        return self.home / "keys.json"

    @property
    def ancestor_tasks(self) -> Path:
        """An ancestor's history, which is read once and never changed."""
        return self.home / "tasks.json"

    @property
    def backups(self) -> Path:
        """Daily copies of the history."""
        return self.home / "backups"

    @property
    def quarantine(self) -> Path:
        """Where damaged files are put aside."""
        return self.home / "quarantine"

    @property
    def updates_file(self) -> Path:
        """What was last found out about newer versions."""
        return self.home / "updates.json"

    @property
    def run_dir(self) -> Path:
        """What belongs to the running app; nobody else may enter."""
        return self.home / "run"

    @property
    def socket(self) -> Path:
        """The name of the local socket; `ipc.channel` knows where one is whose name the system finds too long."""
        return self.run_dir / "oxide.sock"

    @property
    def lock(self) -> Path:
        """Held by the one app that runs."""
        return self.run_dir / "oxide.lock"

    @property
    def token_file(self) -> Path:
        """The token of the HTTP API."""
        return self.run_dir / "token"

    @property
    def web_file(self) -> Path:
        """Where the HTTP API listens."""
        return self.run_dir / "web.json"

    @property
    def rests_file(self) -> Path:
        """Until when services take nothing more, as they said."""
        return self.run_dir / "resting.json"

    @property
    def is_read_only(self) -> bool:
        """Whether the home is there, and this person may look into it and no more."""
        return self.home.is_dir() and not os.access(self.home, os.W_OK)

    def prepare(self) -> None:
        """Make the home and `run_dir`, and close `run_dir` to everyone else; a home that is read-only is left as it is.

        Raises:
            UsageError: They cannot be made, or belong to somebody else.
        """
        if self.is_read_only:  # looking is possible, and who wants to write is told then
            return
        try:
            if not self.home.is_dir():
                self.home.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
            _make_private(self.run_dir)
        except OSError as error:
            raise _no_place(error.filename or str(self.home), error) from error


def _no_place(where: str, error: OSError) -> UsageError:
    return UsageError(
        "There is no place for Oxide's files",
        f"{where}: {error.strerror}.",
        "Give yourself write access to it, or set OXIDE_HOME to a directory of yours.",
    )


def _make_private(directory: Path) -> None:
    """Make a directory that only this person can enter, or close the one that is there.

    Raises:
        OSError: It cannot be made, is something else, or belongs to somebody else.
    """
    directory.mkdir(mode=PRIVATE_MODE, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(0, "is not a directory itself", str(directory))
    if sys.platform != "win32" and stat.S_IMODE(found.st_mode) != PRIVATE_MODE:
        directory.chmod(PRIVATE_MODE)  # refused by the system where it is somebody else's


def resource(*parts: str) -> Path:
    """A file that Oxide is shipped with, such as `resource("config", "default.yaml")`.

    Raises:
        Bug: It was not shipped.
    """
    path = shipped_root(_PACKAGE, getattr(sys, "_MEIPASS", None)).joinpath(*parts)
    if not path.exists():
        raise Bug("The installation is incomplete", f"{path} is missing.", "Install Oxide again.")
    return path


def shipped_root(package: Path, bundle: str | None) -> Path:
    """The directory that holds `config/` and `resources/`: the bundle's, the installed package's, or the work tree."""
    if bundle:
        return Path(bundle)
    shipped = package / "_shipped"
    return shipped if shipped.is_dir() else package.parent
