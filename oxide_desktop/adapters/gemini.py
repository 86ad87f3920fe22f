"""Gemini's command-line program, as a model and not as an agent. Tried with the version named below."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oxide_desktop.adapters import cli_errors
from oxide_desktop.adapters.agent_cli import (
    SYSTEM_PROMPT,
    AgentCli,
    Answer,
    Options,
    Place,
    SignIn,
    usage_in,
)
from oxide_desktop.adapters.cli_program import looked_up
from oxide_desktop.adapters.cli_settings import at, read_settings, read_variables
from oxide_desktop.core.ports import Call, Output, Started

API_KEY = "GEMINI_API_KEY"
DEFAULT_MODEL = "flash"  # without -m it asks a model which model to ask
BY_KEY, BY_GOOGLE, BY_VERTEX = "gemini-api-key", "oauth-personal", "vertex-ai"
CREDENTIALS = ("oauth_creds.json", "google_accounts.json", "gemini-credentials.json", "installation_id", ".env")
_PASSED_ON = (
    *("GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID", "GOOGLE_CLOUD_LOCATION"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"),
    *("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL", "GEMINI_FORCE_ENCRYPTED_FILE_STORAGE"),
)
_SETTINGS: Mapping[str, Any] = {
    "general": {
        "enableAutoUpdate": False,
        "enableAutoUpdateNotification": False,
        "maxAttempts": 1,  # whether to try again is not its business
        "retryFetchErrors": False,
        "checkpointing": {"enabled": False},
    },
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "tools": {"core": []},
    "skills": {"enabled": False},
    "hooksConfig": {"enabled": False},
    "experimental": {"enableAgents": False},
    "context": {"includeDirectoryTree": False, "fileFiltering": {"enableRecursiveFileSearch": False}},
    "ide": {"enabled": False},
}


class GeminiAdapter(AgentCli):
    """Asks through standard input and reads JSON lines. Implements `core.ports.Adapter`."""

    description = "Gemini CLI"
    install = "Install it: `npm install -g @google/gemini-cli`."
    sign_in = (
        "Set GEMINI_API_KEY, or store a key with `oxide keys set {service}` and set services.{service}.api_key to"
        " keyring:{service}, or sign in by running `gemini` in a terminal."
    )
    unsigned = "There is no API key for it and no sign-in of its own. Google no longer serves personal accounts in it."
    tested_version = "0.61.0"
    models = (DEFAULT_MODEL, "pro", "flash-lite")

    async def find_sign_in(self) -> SignIn:
        """A key from the settings or the environment, Vertex AI, or what the person's own program is signed in with.

        Raises:
            ServiceError: A key that is configured is not stored.
        """
        env = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
        if self.settings.base_url:
            env["GOOGLE_GEMINI_BASE_URL"] = self.settings.base_url
        if self.settings.api_key:
            key = await looked_up(self.settings.api_key, self.tools, self.teller)
            return SignIn("the key in the settings", {**env, API_KEY: key}, BY_KEY)
        if key := self.settings.env.get(API_KEY) or os.environ.get(API_KEY, ""):
            return SignIn(f"the key in {API_KEY}", {**env, API_KEY: key}, BY_KEY)
        if "true" in (env.get("GOOGLE_GENAI_USE_VERTEXAI"), self.settings.env.get("GOOGLE_GENAI_USE_VERTEXAI")):
            return SignIn("Vertex AI", env, BY_VERTEX)
        return _persons_own(env)

    def environment(self, place: Place) -> dict[str, str]:
        """What keeps it to its place, in one process."""
        return {
            "GEMINI_CLI_HOME": str(place.home),
            "GEMINI_SYSTEM_MD": str(place.home / ".gemini" / "system.md"),
            "GEMINI_CLI_TRUST_WORKSPACE": "true",  # an empty directory
            "GEMINI_CLI_NO_RELAUNCH": "true",
            "NO_BROWSER": "true",
            **{name: str(place.temporary) for name in ("TMPDIR", "TEMP", "TMP")},
        }

    def arguments(self, call: Call, place: Place, sign_in: SignIn, known: Options) -> list[str]:
        """Its options; puts its settings, the person's sign-in and the system prompt into the place.

        Raises:
            ServiceError: It is too old.
        """
        for option in ("--output-format", "stream-json"):
            if option not in known:
                raise self.too_old(option)
        _furnish(place.home / ".gemini", sign_in)
        model = call.model or self.settings.model or self.settings.default_model or DEFAULT_MODEL
        mode = ["--approval-mode", "plan"] if "plan" in known else []
        return ["--output-format", "stream-json", *mode, "--model", model]

    def answer(self, place: Place) -> Answer:
        """Who reads what it writes."""
        return GeminiAnswer(self.teller, place)


def _persons_own(env: Mapping[str, str]) -> SignIn:
    home = _persons_home()
    method = at(read_settings(home / "settings.json"), "security", "auth", "selectedType")
    signed = any((home / name).is_file() for name in CREDENTIALS[:3])
    if read_variables(home / ".env").get(API_KEY):
        return SignIn(f"the key in {home / '.env'}", env, BY_KEY)
    if method == BY_KEY:
        return SignIn("the key that the program keeps itself", env, BY_KEY)
    if method and (signed or method not in (BY_GOOGLE, BY_KEY)):
        return SignIn(f"the program's own ({method})", env, method)
    return SignIn("", env)


def _persons_home() -> Path:
    return Path(os.environ.get("GEMINI_CLI_HOME") or Path.home()) / ".gemini"


def _furnish(home: Path, sign_in: SignIn) -> None:
    home.mkdir(exist_ok=True)
    security = {"auth": {"selectedType": sign_in.method} if sign_in.method else {}, "disableYoloMode": True}
    (home / "settings.json").write_text(json.dumps({**_SETTINGS, "security": security}), encoding="utf-8")
    (home / "system.md").write_text(SYSTEM_PROMPT, encoding="utf-8")
    if API_KEY not in sign_in.env:
        for name in CREDENTIALS:
            if (file := _persons_home() / name).is_file():
                shutil.copyfile(file, home / name)


class GeminiAnswer(Answer):
    """Reads the program's JSON lines: `init`, `message`, `error`, `result`."""

    said = ""

    def take(self, event: Mapping[str, Any]) -> Iterator[Output]:
        """What an event means.

        Raises:
            ServiceError: The answer has failed.
        """
        kind = event.get("type")
        if kind == "init":
            yield Started(event.get("model"))
        elif kind == "message" and event.get("role") == "assistant" and event.get("content"):
            self.visible = True
            yield event["content"]
        elif kind == "error" and event.get("severity") == "error":
            self.said = str(event.get("message", ""))
        elif kind == "result":
            yield from usage_in(event.get("stats"))
            if event.get("status") != "success":
                raise cli_errors.failure(self.teller, str(at(event, "error", "message") or self.said))
            self.done = True
