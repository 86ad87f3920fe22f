"""A service that reads: it names every file that it was given, so that a test can tell who read what."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable

from oxide_desktop.core.health import ServiceInfo
from oxide_desktop.core.model import Locality
from oxide_desktop.core.ports import Call, Output, Started, Usage
from tests.fakes.scripted_adapter import ScriptedAdapter, service

_FILE = re.compile(r"^File: (\S+)( \(lines \d+-\d+\))?$", re.MULTILINE)


class ReadingAdapter(ScriptedAdapter):
    """Answers shares with a reference to each file, and merges with `merged: ` and what `merges` makes of the prompt.

    Attributes:
        trouble: Called with each call before it is answered; may wait, and may raise.
        most_at_once: The most calls that were in flight together.
    """

    def __init__(
        self,
        name: str,
        *,
        window: int | None = None,
        locality: Locality = Locality.LOCAL,
        last_resort: bool = False,
        **values: object,
    ) -> None:
        super().__init__(service(name, locality=locality, **values), window=window)
        self.trouble: Callable[[Call], object] = lambda call: None
        self.merges: Callable[[str], str] = lambda prompt: " ".join(re.findall(r"\S+:1\b", prompt))
        self.most_at_once = 0
        self._at_once = 0
        self._last_resort = last_resort

    @property
    def info(self) -> ServiceInfo:
        known = super().info
        return ServiceInfo(
            name=known.name,
            kind=known.kind,
            description=known.description,
            locality=known.locality,
            max_context_tokens=known.max_context_tokens,
            capabilities=known.capabilities,
            last_resort=self._last_resort,
        )

    @property
    def shares(self) -> list[list[str]]:
        """The files of each call that was given any."""
        return [files for call in self.calls if (files := files_of(call.prompt))]

    @property
    def merging(self) -> list[str]:
        """The prompts of the calls that were to merge."""
        return [call.prompt for call in self.calls if "--- Part 1 of" in call.prompt]

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        self.calls.append(call)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield Started("reader-1")
            await asyncio.sleep(0)
            if asyncio.iscoroutine(waited := self.trouble(call)):
                await waited
            if "--- Part 1 of" in call.prompt:
                yield f"merged: {self.merges(call.prompt)}"
            else:
                yield "".join(f"{path}:1 is seen by {self.settings.name}. " for path in files_of(call.prompt))
            yield Usage(10, 2)
        finally:
            self._at_once -= 1
            self.closed += 1


def files_of(prompt: str) -> list[str]:
    """The paths of the files in a prompt."""
    return [match[1] for match in _FILE.finditer(prompt)]
