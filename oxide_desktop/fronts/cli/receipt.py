"""The receipt of an analysis, and how far it has come, as lines for people."""

from __future__ import annotations

from collections import Counter

from oxide_desktop.core.events import AnalysisProgress
from oxide_desktop.core.receipts import FileReceipt, ReadStatus, skip_notes
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.cli.output import mark, paint, say, seconds
from oxide_desktop.fronts.cli.text import one_line

_MOST_LINES = 12


def say_receipt(record: TaskRecord) -> None:
    """How many files were read and by whom, and what of them was cut or skipped."""
    lacking = [line for line in _lacking(record.receipt) if line not in record.notes]  # those were said
    for line in lacking[:_MOST_LINES]:
        say(paint(one_line(line), dim=True))
    if len(lacking) > _MOST_LINES:
        more = f"{len(lacking) - _MOST_LINES:,} more lines like these: oxide history show {record.id[:8]} --json"
        say(paint(more, dim=True))
    counts = Counter(_best_of_each(record.receipt).values())
    words = [f"{counts[status]:,} {status.value}" for status in ReadStatus if counts[status]]
    readers = Counter(item.service for item in record.receipt if item.service and item.status is not ReadStatus.SKIPPED)
    by = ", ".join(f"{service} {count:,}" for service, count in readers.most_common())
    took = f" ({seconds(record.duration)})" if record.duration is not None else ""
    say(f"{mark(record.status.value)} {', '.join(words) or 'no file'}{f' · {by}' if by else ''}{took}")
    if record.result and record.status is not TaskStatus.COMPLETED:
        say(f"The answers that had come are kept: oxide history show {record.id[:8]}")


def _best_of_each(receipt: tuple[FileReceipt, ...]) -> dict[str, ReadStatus]:
    """What the service that read most of a file made of it; in a broadcast several had it."""
    order = list(ReadStatus)
    best: dict[str, ReadStatus] = {}
    for item in receipt:
        best[item.path] = min(best.get(item.path, item.status), item.status, key=order.index)
    return best


def _lacking(receipt: tuple[FileReceipt, ...]) -> list[str]:
    cut = [f"{item.path} was {item.reason}." for item in receipt if item.status is ReadStatus.TRUNCATED]
    return [*cut, *skip_notes([item for item in receipt if item.status is ReadStatus.SKIPPED])]


def progress_text(progress: AnalysisProgress, waited: str) -> str:
    """`● 120 of 200 files, 5 being asked, 20 s, about 14 s left`."""
    left = f", about {seconds(progress.left_s)} left" if progress.left_s and progress.parts_running else ""
    if progress.files_done >= progress.files_total and not progress.parts_running:
        return f"● merging {progress.parts_done:,} answers, {waited}"
    done = f"{progress.files_done:,} of {progress.files_total:,} files"
    return f"● {done}, {progress.parts_running} being asked, {waited}{left}"
