"""Asking an adapter in tests: everything it yields, sorted."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from oxide_desktop.core.errors import ServiceError
from oxide_desktop.core.ports import Adapter, Call, Note, Output, Started, Usage


@dataclass
class Heard:
    """What came of one call.

    Attributes:
        outputs: All of it, in order.
        error: How it ended, if badly.
    """

    outputs: list[Output] = field(default_factory=list)
    error: ServiceError | None = None

    @property
    def text(self) -> str:
        return "".join(output for output in self.outputs if isinstance(output, str))

    @property
    def notes(self) -> list[str]:
        return [output.text for output in self.outputs if isinstance(output, Note)]

    @property
    def usage(self) -> Usage | None:
        return next((output for output in self.outputs if isinstance(output, Usage)), None)

    @property
    def model(self) -> str | None:
        assert isinstance(self.outputs[0], Started)
        assert sum(isinstance(output, Started) for output in self.outputs) == 1
        return self.outputs[0].model


def question(prompt: str = "What is 2+2?", **more: object) -> Call:
    return Call(**{"task_id": "test", "prompt": prompt, **more})


async def ask(adapter: Adapter, call: Call | None = None) -> Heard:
    """Ask to the end. Only a `ServiceError` may leave an adapter, so only that is caught."""
    heard = Heard()
    try:
        async with aclosing(adapter.execute(call or question())) as outputs:
            async for output in outputs:
                heard.outputs.append(output)
    except ServiceError as error:
        heard.error = error
    return heard
