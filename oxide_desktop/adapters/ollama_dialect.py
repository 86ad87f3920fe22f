"""What a stream of Ollama's chat says: text, token counts, how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from oxide_desktop.adapters.counts import usage_of
from oxide_desktop.adapters.http_errors import Peer, empty, ended_early, garbage, no_text, refused_in_stream
from oxide_desktop.core.ports import ANSWER_CUT, Note, Output, Usage

# Estimates are on the high side by up to a third; a prompt of which the server read less than half was cut.
CUT_BELOW = 0.5
CUT_AT_LEAST_TOKENS = 1000


class Chat:
    """Reads one answer, line by line."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._begun = False
        self._visible = False
        self._last: Mapping[str, Any] | None = None

    @property
    def done(self) -> bool:
        """Whether the server has said that nothing more will come."""
        return self._last is not None

    @property
    def usage(self) -> Usage | None:
        """What the server has counted; it tells at the end."""
        last = self._last or {}
        usage = usage_of(last.get("prompt_eval_count"), last.get("eval_count"))
        return usage if usage and usage.output_tokens else None

    def read(self, lines: Sequence[str]) -> str:
        """The visible text in some lines of the stream.

        Raises:
            ServiceError: The service reports a failure, or what it sends cannot be read.
        """
        try:
            texts = [self._data(json.loads(line)) for line in lines if line]
        except (ValueError, TypeError, AttributeError) as error:
            raise garbage(self._peer, "Its stream is not what Ollama sends.") from error
        self._begun = self._begun or bool(texts)
        return "".join(texts)

    def _data(self, data: Mapping[str, Any]) -> str:
        if error := data.get("error"):
            raise refused_in_stream(self._peer, error)
        if data.get("done"):
            self._last = data
        # What a model thinks before it answers comes as `thinking` and is no part of the answer.
        text = (data.get("message") or {}).get("content") or ""
        self._visible = self._visible or bool(text)
        return str(text)

    def conclude(self, estimate: int) -> list[Output]:
        """What there is to say when the stream has ended.

        Raises:
            ServiceError: It ended before the answer did, or there was no answer.
        """
        if self._last is None:
            raise ended_early(self._peer) if self._begun else empty(self._peer)
        at_limit = self._last.get("done_reason") == "length"
        if not self._visible:
            raise no_text(self._peer, at_limit=at_limit)
        usage = self.usage
        read = usage.input_tokens if usage else 0
        outputs: list[Output] = [usage] if usage else []
        if read and estimate >= CUT_AT_LEAST_TOKENS and read < estimate * CUT_BELOW:
            outputs.append(Note(f"Ollama read {read} tokens of a prompt of about {estimate}: it has probably cut it."))
        if at_limit:
            outputs.append(ANSWER_CUT)
        return outputs
