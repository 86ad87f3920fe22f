"""What is wrong with settings that can be used: secrets that are not where they are looked for, and guesses."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from oxide_desktop.config.references import KEYRING
from oxide_desktop.config.schema import Secret
from oxide_desktop.config.secrets import KeyStore
from oxide_desktop.config.settings import read_config
from oxide_desktop.core.errors import ConfigProblem, NotFoundError, UsageError
from oxide_desktop.core.settings import Settings


@dataclasses.dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Attributes:
        problems: What keeps a service that is switched on from answering.
        remarks: What does no harm, or perhaps none.
    """

    settings: Settings
    problems: Sequence[ConfigProblem]
    remarks: Sequence[ConfigProblem]


async def inspect(keys: KeyStore, path: str | Path | None = None) -> Inspection:
    """Read the settings, and look for every secret that they name.

    Raises:
        ConfigError: They cannot be used.
    """
    settings, checker = read_config(path)
    problems: list[ConfigProblem] = []
    remarks = list(checker.remarks)
    for secret in checker.secrets:
        try:
            await keys.resolve(secret.text)
        except NotFoundError as error:
            (remarks if secret.dormant else problems).append(_missing(secret, error))
        except UsageError as error:  # the keyring is locked, or the file damaged: whether it is there is not known
            remarks.append(_told(secret, f"{error.title}: {error.message}"))
    return Inspection(settings, problems, remarks)


def _missing(secret: Secret, error: NotFoundError) -> ConfigProblem:
    if secret.text.startswith(KEYRING):
        name = secret.text.removeprefix(KEYRING)
        return _told(secret, f"no key named {name} is stored: run `oxide keys set {name}`")
    return _told(secret, f"{error.message} {error.hint}")


def _told(secret: Secret, message: str) -> ConfigProblem:
    return secret.place.problem(secret.key, message)
