"""Real keyring backends, chosen by `PYTHON_KEYRING_BACKEND=tests.fakes.keyrings.NAME`."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class FileKeyring(KeyringBackend):
    """Keeps passwords in the file that `FAKE_KEYRING_FILE` names."""

    priority = 5
    name = "fake FileKeyring"

    @property
    def _file(self) -> Path:
        return Path(os.environ["FAKE_KEYRING_FILE"])

    def _all(self) -> dict[str, str]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self._file.write_text(json.dumps({**self._all(), f"{service}/{username}": password}))

    def delete_password(self, service, username):
        kept = self._all()
        if kept.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("no such password")
        self._file.write_text(json.dumps(kept))


class BlockingKeyring(KeyringBackend):
    """Locked: it waits in its prompter until somebody sets `answered`."""

    priority = 5
    answered = threading.Event()

    def get_password(self, service, username):
        self.answered.wait()

    def set_password(self, service, username, password):
        self.answered.wait()

    def delete_password(self, service, username):
        self.answered.wait()


class RefusingKeyring(KeyringBackend):
    """Locked, and says so."""

    priority = 5

    def get_password(self, service, username, password=""):
        raise KeyringLocked("the collection is locked")

    set_password = delete_password = get_password
