"""API keys: in the system's keyring, or, where there is none, in a file that only its owner can read.

A keyring cannot list what it holds, so the file has every name in either case: `{"NAME": null}` for a key in the
keyring, `{"NAME": "the key"}` for one that had to stay in the file.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from oxide_desktop.config.masking import hide
from oxide_desktop.config.paths import Paths
from oxide_desktop.config.private_files import PRIVATE_FILE_MODE, private_folder, write_atomically
from oxide_desktop.config.references import KEYRING, expand
from oxide_desktop.core.errors import NotFoundError, OxideError, UsageError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "oxide-desktop"
LOOK_UP_TIMEOUT_S = 5.0
CHANGE_TIMEOUT_S = 30.0
"""Longer, since whoever changes a key is there to answer when the keyring asks for its password."""
LOCK_TIMEOUT_S = 5.0

_OTHERS = 0o077
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")

T = TypeVar("T")
_Keys = dict[str, str | None]


class KeyStore:
    """The keys of one person. `resolve` is for coroutines; the rest waits for the keyring, within bounds."""

    def __init__(
        self,
        paths: Paths,
        *,
        look_up_timeout_s: float = LOOK_UP_TIMEOUT_S,
        change_timeout_s: float = CHANGE_TIMEOUT_S,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
    ) -> None:
        self._file = paths.keys_file
        self._rests_file = paths.rests_file
        self._look_up_timeout_s = look_up_timeout_s
        self._change_timeout_s = change_timeout_s
        self._lock_timeout_s = lock_timeout_s

    @property
    def place(self) -> str:
        """Where keys are kept, and why, in words that go after "kept in"."""
        try:
            name = _within(self._look_up_timeout_s, _backend_name)
        except UsageError as error:
            return f"the keyring of the system, which cannot be used now ({error.message.rstrip('.')})"
        if name:
            return f"the keyring of the system ({name})"
        return f"the file {self._file}, which only you can read, since this system has no keyring"

    async def resolve(self, reference: str) -> str:
        """The key itself: a literal as it is, `keyring:NAME` looked up, `${NAME}` from the environment.

        Raises:
            NotFoundError: There is no such key.
            UsageError: The keyring does not give it in time.
        """
        if reference.startswith(KEYRING):
            name = reference.removeprefix(KEYRING)
            looking = _in_thread(lambda: self._look_up(name))
            try:
                async with asyncio.timeout(self._look_up_timeout_s):
                    value = await asyncio.wrap_future(looking)
            except TimeoutError:
                raise _no_answer(self._look_up_timeout_s) from None
        else:
            value = _filled_in(reference)
        hide(value)
        return value

    def names(self) -> tuple[str, ...]:
        """Names of the keys that were stored here, sorted.

        Raises:
            UsageError: The file of names is damaged.
        """
        return tuple(sorted(self._read()))

    def set(self, name: str, value: str) -> None:
        """Keep a key, in place of the one that had this name.

        Raises:
            UsageError: It is no name or no key, or it cannot be kept.
        """
        value = value.strip()
        if not _NAME.fullmatch(name):
            raise UsageError("Bad name", f"{name!r} cannot be the name of a key.", "Use letters, digits and '_'.")
        if not value or not value.isprintable():
            raise UsageError("Bad key", f"What was given for {name} is empty, or no key.", "Copy the key again.")
        in_keyring = _within(self._change_timeout_s, lambda: _keep(name, value))
        with self._changing() as keys:
            keys[name] = None if in_keyring else value

    def remove(self, name: str) -> None:
        """Forget a key.

        Raises:
            NotFoundError: There is none of that name.
            UsageError: The keyring does not let it go.
        """
        known = self._read()
        in_file = bool(known.get(name))
        if not in_file and not _within(self._change_timeout_s, lambda: _forget(name)) and name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise NotFoundError("No such key", f"No key named {name} is stored.", f"Stored are: {names}.")
        with self._changing() as keys:
            keys.pop(name, None)

    def _look_up(self, name: str) -> str:
        value = self._read().get(name) or _from_keyring(name)
        if value is None:
            raise NotFoundError("No such key", f"No key named {name} is stored.", f"Run `oxide keys set {name}`.")
        return value

    def _read(self) -> _Keys:
        try:
            mode = self._file.stat().st_mode
            if not stat.S_ISREG(mode):  # a pipe would hold us for ever
                raise self._unusable(f"{self._file} is not a file.")
            if mode & _OTHERS and os.name != "nt":
                self._file.chmod(PRIVATE_FILE_MODE)  # somebody has copied or opened it: keys are for their owner
            keys = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(f"{self._file} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            raise self._unusable(f"{self._file} is damaged: {error}.") from error
        if not isinstance(keys, dict) or not all(value is None or isinstance(value, str) for value in keys.values()):
            raise self._unusable(f"{self._file} is damaged: it does not hold names with keys.")
        return keys

    def _unusable(self, message: str) -> UsageError:
        return UsageError("The keys cannot be used", message, f"Mend or remove {self._file}, then set the keys again.")

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Keys]:
        """What is stored, to be changed inside the block; on the disk when it ends."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - takes 50 ms, and looking up needs no lock

        try:
            private_folder(self._file.parent)
            with FileLock(self._file.with_suffix(".lock"), timeout=self._lock_timeout_s):
                keys = self._read()
                yield keys
                write_atomically(self._file, (json.dumps(keys, indent=2, sort_keys=True) + "\n").encode())
                self._rests_file.unlink(missing_ok=True)  # a new key may be that of an account with room
        except Timeout:
            message = f"{self._file} has been locked for {self._lock_timeout_s:g} seconds."
            raise UsageError("Another Oxide is changing the keys", message, "Wait a moment, then try again.") from None
        except OSError as error:
            message = f"{self._file} cannot be written: {error.strerror}."
            raise UsageError("The key cannot be kept", message, "Make room, or give yourself write access.") from error


def _filled_in(reference: str) -> str:
    done = expand(reference, os.environ)
    if done.unset:
        name = done.unset[0]
        hint = f"Set it where Oxide is started, or run `oxide keys set {name}` and write `{KEYRING}{name}`."
        raise NotFoundError("No such key", f"The environment variable {name} is not set.", hint)
    return done.text


def _backend() -> KeyringBackend | None:
    """The system's keyring, `None` if there is none or it has been switched off."""
    import keyring  # noqa: PLC0415 - takes 130 ms, and as long again to find a backend
    from keyring.backends import fail, null  # noqa: PLC0415 - see above

    backend = keyring.get_keyring()
    return None if isinstance(backend, fail.Keyring | null.Keyring) else backend


def _backend_name() -> str | None:
    backend = _backend()
    return str(backend.name) if backend else None


def _from_keyring(name: str) -> str | None:
    backend = _backend()
    return backend.get_password(SERVICE, name) if backend else None


def _keep(name: str, value: str) -> bool:
    """Give a key to the keyring; answers whether there is one."""
    backend = _backend()
    if backend:
        backend.set_password(SERVICE, name, value)
    return backend is not None


def _forget(name: str) -> bool:
    """Take a key out of the keyring; answers whether it was there."""
    backend = _backend()
    if backend is None or backend.get_password(SERVICE, name) is None:
        return False
    backend.delete_password(SERVICE, name)
    return True


def _within(timeout_s: float, work: Callable[[], T]) -> T:
    """What `work` answers, if it does so in time.

    Raises:
        UsageError: It does not, or the keyring refuses.
    """
    try:
        return _in_thread(work).result(timeout_s)
    except TimeoutError:
        raise _no_answer(timeout_s) from None


def _in_thread(work: Callable[[], T]) -> Future[T]:
    """Run `work`, which may block for ever in a keyring's prompt, where neither caller nor exit has to wait for it.

    A pool's threads would not do: Python waits for them when it ends.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            value = work()
        except OxideError as error:
            future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own
            future.set_exception(_refused(error))
        else:
            future.set_result(value)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, name="keyring", daemon=True).start()
    return future


# What keyring's backends raise where a prompt for the keyring's password was put away.
_LOCKED = {"InitError", "KeyringLocked"}


def _refused(error: Exception) -> UsageError:
    if _LOCKED & {kind.__name__ for kind in type(error).__mro__}:
        message = f"It was not unlocked: {str(error).rstrip('.!')}."
        hint = "Try again, and give the keyring's own password when it is asked for."
        return UsageError("The keyring of the system is locked", message, hint)
    message = f"It answered {type(error).__name__}: {error}."
    return UsageError("The keyring of the system refused", message, "Unlock it, then try again.")


def _no_answer(timeout_s: float) -> UsageError:
    message = f"It said nothing for {timeout_s:g} seconds; it may be locked and ask for its password."
    return UsageError("The keyring of the system does not answer", message, "Unlock it, then try again.")
