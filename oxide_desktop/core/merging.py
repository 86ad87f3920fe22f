"""What the parts of an analysis are asked, and how their answers become one that keeps every `path:line`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from oxide_desktop.core.tokens import estimate_tokens

_REFERENCE = re.compile(r"[\w.@+~/\\-]*\w\.?\w*:\d+")
_MOST_NAMED = 300
_MERGE_TOKENS = 200  # the words around the parts


@dataclass(frozen=True, slots=True)
class Part:
    """One answer to one share of the files.

    Attributes:
        held: Whether it tells of files that must stay on this machine.
    """

    service: str
    paths: tuple[str, ...]
    text: str
    held: bool = False


def share_prompt(prompt: str, files: int, total: int) -> str:
    """What a service is asked about its share."""
    if files >= total:
        return prompt
    return (
        f"{prompt}\n\n"
        f"Below are {files:,} of {total:,} files; the others are read separately and the answers are merged. "
        "Answer for these files only. Name every place as path:line."
    )


def merge_prompt(prompt: str, parts: Sequence[Part]) -> str:
    """What a service is asked that makes one answer of several."""
    answers = "\n".join(
        f"--- Part {number} of {len(parts)}, on {_names(part.paths)} ---\n{part.text.strip()}\n"
        for number, part in enumerate(parts, start=1)
    )
    return (
        f"{prompt}\n\n"
        f"The files were read in {len(parts)} parts. The answers to the parts follow. Write the one answer to the "
        "question above: merge what agrees, say where parts disagree, leave nothing of weight out, and keep every "
        f"path:line reference as it stands.\n\n{answers}"
    )


def merge_need(prompt: str, parts: Sequence[Part]) -> int:
    """Tokens that merging these takes."""
    return estimate_tokens(merge_prompt(prompt, parts)) + _MERGE_TOKENS


def batches(prompt: str, parts: Sequence[Part], room_tokens: int) -> list[list[Part]]:
    """The parts in batches that can be merged at once; one that fits with no other stands alone."""
    found: list[list[Part]] = []
    for part in parts:
        if found and merge_need(prompt, [*found[-1], part]) <= room_tokens:
            found[-1].append(part)
        else:
            found.append([part])
    return found


def one_after_another(parts: Sequence[Part]) -> str:
    """The parts as they are, each under what it is about."""
    if len(parts) == 1:
        return parts[0].text
    return "\n\n".join(f"## {part.service}: {_names(part.paths)}\n\n{part.text.strip()}" for part in parts)


def side_by_side(parts: Sequence[Part]) -> str:
    """The answers of several services to the same question, each under its service."""
    if len(parts) == 1:
        return parts[0].text
    return "\n\n".join(f"## {part.service}\n\n{part.text.strip()}" for part in parts)


def lost_references(parts: Sequence[Part], merged: str, paths: Collection[str]) -> list[str]:
    """Every `path:line` of a known file that the parts name and the merged answer does not."""
    ends = {path.rsplit("/", 1)[-1] for path in paths}
    there = set(_REFERENCE.findall(merged))
    named = dict.fromkeys(reference for part in parts for reference in _REFERENCE.findall(part.text))
    known = [reference for reference in named if _file_name(reference) in ends]
    return [reference for reference in known if reference not in there]


def also_named(references: Sequence[str]) -> str:
    """The sentence that brings lost references back."""
    shown = ", ".join(references[:_MOST_NAMED])
    more = f" and {len(references) - _MOST_NAMED:,} more" if len(references) > _MOST_NAMED else ""
    return f"\n\nAlso named in the parts: {shown}{more}.\n"


def _file_name(reference: str) -> str:
    return reference.rsplit(":", 1)[0].replace("\\", "/").rsplit("/", 1)[-1]


def _names(paths: Sequence[str], most: int = 4) -> str:
    more = f" and {len(paths) - most:,} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
