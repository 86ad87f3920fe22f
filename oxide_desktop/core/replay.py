"""Asking again what a record says was asked: the same request, on another service if one is named."""

from __future__ import annotations

from pathlib import Path

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.folders import working_folder
from oxide_desktop.core.model import Preferences, Request, Source
from oxide_desktop.core.record import TaskRecord


def request_again(record: TaskRecord, source: Source, service: str | None = None) -> Request:
    """The request of a record. Its files are read anew, and the privacy lanes judge them anew.

    Args:
        record: What was asked then.
        source: Who asks now.
        service: Ask this one and no other. A model that was asked for is then left out: it was another service's.

    Raises:
        UsageError: The record does not hold what a request needs, or is part of an analysis. What merges an analysis
            may tell of files that must stay here, which only the analysis knows.
    """
    if record.parent:
        raise UsageError(
            "A part of an analysis is not asked again alone",
            f"Task {record.id} belongs to the analysis {record.parent}.",
            f"Ask the whole again: `oxide history replay {record.parent}`.",
        )
    wishes = dict(record.preferences)
    if service:
        if service != record.service:
            wishes.pop("model", None)
        wishes["preferred_service"] = service
    return Request(
        prompt=record.prompt,
        files=record.files,
        preferences=Preferences.parse(wishes),
        source=source,
        cwd=Path(record.cwd) if record.cwd else working_folder(),
        roots=tuple(map(Path, record.roots)) if record.roots is not None else None,
        piped=record.piped,
        analysis=record.analysis,
        replay_of=record.id,
    )
