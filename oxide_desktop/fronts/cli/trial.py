"""What a rule would have changed, as text: the tasks it would have moved, and those it would not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from oxide_desktop.core.simulate import CAVEATS
from oxide_desktop.fronts.cli.output import age, columns, out, paint, short_id, table
from oxide_desktop.fronts.cli.text import one_line, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_desktop.core.simulate import RuleTrial, UnmovedTask


def show_trial(trial: RuleTrial) -> None:
    """Print the tasks that would have moved, and the sentence that sums it up."""
    rows = [
        [short_id(task.id), age(task.created_at), *map(one_line, (task.from_service, task.to_service, task.prompt))]
        for task in trial.moved
    ]
    if rows:
        for line in table(["ID", "WHEN", "FROM", "TO", "PROMPT"], rows):
            out(line)
        out()
    sentence = f"{trial.task_type.value} → {one_line(trial.service)} {trial.sentence}."
    for line in wrap(sentence, columns()):
        out(paint(line, bold=True))
    in_part = sum(bool(task.in_part) for task in trial.moved)
    if in_part:
        out(f"{_tasks(in_part)} of these only in part: files are held back, or cut to fit.")
    if trial.already_there:
        out(f"{_tasks(trial.already_there)} went there anyway.")
    _show_others("would have stayed", trial.decided_otherwise)
    _show_others("could not have gone there", trial.could_not)
    _show_others("cannot be judged", trial.unknown)
    for caveat in CAVEATS:
        for line in wrap(caveat, columns()):
            out(paint(line, dim=True))


def _show_others(what: str, tasks: Sequence[UnmovedTask]) -> None:
    """How many, and by which reasons, the most frequent ones first."""
    for reason, count in Counter(task.reason for task in tasks).most_common():
        for line in wrap(one_line(f"{_tasks(count)} {what}: {reason}."), columns()):
            out(line)


def _tasks(count: int) -> str:
    return f"{count:,} task{'' if count == 1 else 's'}"
