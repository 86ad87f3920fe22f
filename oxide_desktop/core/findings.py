"""What an analysis has found so far: the answers to its shares, what became of each file, and how far it has come."""

from __future__ import annotations

import time
from collections.abc import Sequence

from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.events import AnalysisProgress
from oxide_desktop.core.merging import Part
from oxide_desktop.core.receipts import FileReceipt, ReadStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.sharding import Piece


class Findings:
    """Collects.

    Args:
        paths: Every file that is to be read, in the order of the receipt.

    Attributes:
        parts: The answers, in the order in which they came.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths
        self._began = time.monotonic()
        self._of_file: dict[str, list[FileReceipt]] = {path: [] for path in paths}
        self.parts: list[Part] = []

    def take(self, pieces: Sequence[Piece], service: str, share: RunningTask) -> None:
        """A share was answered."""
        by_name = {item.path: item for item in share.receipt}
        read = []
        for piece in pieces:
            found = by_name[piece.file.path]
            self._of_file[piece.path].append(FileReceipt(piece.path, found.status, found.reason, service, share.id))
            if found.status is not ReadStatus.SKIPPED:
                read.append(piece)
        paths = tuple(dict.fromkeys(piece.file.path for piece in read))
        self.parts.append(Part(service, paths, share.record.result or "", held=any(piece.held for piece in read)))

    def refuse(self, pieces: Sequence[Piece], service: str, reason: str, share: RunningTask | None) -> None:
        """A service that was to read them all read none."""
        task_id = share.id if share else None
        for piece in pieces:
            self._of_file[piece.path].append(FileReceipt(piece.path, ReadStatus.SKIPPED, reason, service, task_id))

    def give_up(self, piece: Piece, reason: str) -> None:
        """Nobody reads it."""
        self._of_file[piece.path].append(FileReceipt(piece.path, ReadStatus.SKIPPED, reason))

    def stop(self) -> None:
        """Nobody goes on reading."""
        for path, items in self._of_file.items():
            if not items:
                items.append(FileReceipt(path, ReadStatus.SKIPPED, "stopped before it was read"))

    def receipt(self, skipped: Sequence[FileReceipt], *, each_service: bool = False) -> tuple[FileReceipt, ...]:
        """One entry for each file, or for each file on each service; those that were not even opened come last."""
        found = [items if each_service else [_joined(items)] for items in self._of_file.values() if items]
        return (*(item for items in found for item in items), *skipped)

    def nothing_read(self) -> ServiceError:
        """What to raise where there is no answer at all."""
        reasons = dict.fromkeys(item.reason for items in self._of_file.values() for item in items)
        return ServiceError(
            FailureKind.TRANSIENT,
            "Nothing could be read",
            " ".join(f"{reason}." for reason in reasons),
            "Run `oxide doctor` to see what each service needs.",
        )

    def progress(self, task_id: str, running: int, waiting: set[str]) -> AnalysisProgress:
        """How far it has come; the rest is taken to go as fast as what is done."""
        total = len(self._paths)
        done = sum(bool(items) and path not in waiting for path, items in self._of_file.items())
        passed_s = time.monotonic() - self._began
        left_s = passed_s * (total - done) / done if done else None
        return AnalysisProgress(task_id, done, total, len(self.parts), running, left_s)


def _joined(receipts: Sequence[FileReceipt]) -> FileReceipt:
    """One receipt for the pieces of a file: it is read only if all of them are."""
    worst = max(receipts, key=lambda item: list(ReadStatus).index(item.status))
    if len(receipts) == 1:
        return worst
    read = [item for item in receipts if item.status is not ReadStatus.SKIPPED]
    services = ", ".join(dict.fromkeys(item.service for item in read if item.service)) or None
    if worst.status is ReadStatus.SKIPPED and read:
        reason = f"{len(read)} of its {len(receipts)} parts were read; the others: {worst.reason}"
        return FileReceipt(worst.path, ReadStatus.TRUNCATED, reason, services, read[0].task_id)
    return FileReceipt(worst.path, worst.status, worst.reason, services, worst.task_id)
