"""What a stream of chat completions says: text, token counts, how it ended."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from oxide_desktop.adapters.counts import usage_of
from oxide_desktop.adapters.http_errors import Peer, empty, ended_early, garbage, held_back, no_text, refused_in_stream
from oxide_desktop.core.errors import ServiceError
from oxide_desktop.core.ports import ANSWER_CUT, Note, Output, Usage

_BESIDE_DATA = re.compile(r":|(?:event|id|retry)\b")
HELD_BACK = "The service's content rules ended the answer."


class Completion:
    """Reads one answer, line by line, or whole from a server that does not stream.

    Attributes:
        done: The service has said that nothing more will come.
        usage: What it has counted.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.done = False
        self._begun = False
        self._strange = False
        self._signs = False
        self._visible = False
        self._finish = ""
        self.usage: Usage | None = None

    def read(self, lines: Sequence[str]) -> str:
        """The visible text in some lines of the stream.

        Raises:
            ServiceError: The service reports a failure, or what it sends cannot be read.
        """
        try:
            return "".join([self._line(line) for line in lines])
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise garbage(self._peer, "Its stream is not what a chat completion looks like.") from error

    def take(self, whole: Mapping[str, Any]) -> str:
        """The visible text of an answer that came in one piece.

        Raises:
            ServiceError: It is an error, or cannot be read.
        """
        try:
            text = self._data(whole)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise garbage(self._peer, "Its answer is not what a chat completion looks like.") from error
        self.done = True
        return text

    def _line(self, line: str) -> str:
        if not line.startswith("data:"):
            if line.startswith("error:"):  # older llama.cpp servers
                raise refused_in_stream(self._peer, json.loads(line[6:]))
            self._note(line)
            return ""
        payload = line[5:].strip()
        if payload == "[DONE]":
            self.done = True
            return ""
        return self._data(json.loads(payload)) if payload else ""

    def _note(self, line: str) -> None:
        """The empty line between events, a comment, another field; or what belongs to no stream of events."""
        self._signs = self._signs or _BESIDE_DATA.match(line) is not None
        self._strange = self._strange or bool(line.strip() and not _BESIDE_DATA.match(line))

    def _data(self, data: Mapping[str, Any]) -> str:
        if error := data.get("error"):
            raise refused_in_stream(self._peer, error)
        usage = data.get("usage")
        if isinstance(usage, Mapping):
            self.usage = usage_of(usage.get("prompt_tokens"), usage.get("completion_tokens")) or self.usage
        choices = data.get("choices")
        if choices is None and usage is None:
            raise ValueError("neither choices nor usage")
        self._begun = True
        if not choices:
            return ""
        choice = choices[0]
        self._finish = choice.get("finish_reason") or self._finish
        # What a model thinks before it answers comes as `reasoning_content` and is no part of the answer.
        text = _text((choice.get("delta") or choice.get("message") or {}).get("content"))
        self._visible = self._visible or bool(text)
        return text

    def conclude(self) -> list[Output]:
        """What there is to say when the stream has ended.

        Raises:
            ServiceError: It ended before the answer did, or there was no answer.
        """
        if not (self.done or self._finish):
            raise self._unended()
        if not self._visible:
            raise self._nothing()
        outputs: list[Output] = [self.usage] if self.usage else []
        if self._finish == "length":
            outputs.append(ANSWER_CUT)
        elif self._finish == "content_filter":
            outputs.append(Note(HELD_BACK))
        return outputs

    def _unended(self) -> ServiceError:
        if self._begun or (self._signs and not self._strange):
            return ended_early(self._peer)
        if self._strange:
            return garbage(self._peer, "Its answer is not what a chat completion looks like.")
        return empty(self._peer)

    def _nothing(self) -> ServiceError:
        if self._finish == "content_filter":
            return held_back(self._peer)
        return no_text(self._peer, at_limit=self._finish == "length")


def _text(content: str | Sequence[Mapping[str, Any]] | None) -> str:
    """Content is a string, or with some services a list of parts."""
    if not content:
        return ""
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in content)
