"""The programs that Oxide runs for services: what, for which task, since when, how large, and a way to end each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from oxide_desktop.core.children import ChildInfo
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.tokens import spacing
from oxide_desktop.fronts.desktop.widgets.basics import button, hairline, label, row, set_kind
from oxide_desktop.fronts.desktop.wording import age, size

_ID_CHARS = 8


class ChildrenList(QWidget):
    """Signals what the person wants; which there are is told to it.

    Signals:
        kill_wanted: A `ChildInfo` that should be ended.
        task_wanted: The task, by its id, that one of them works for.
    """

    kill_wanted = Signal(object)
    task_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary = label(kind="strong")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, spacing("within"), 0, 0)
        self._column.setSpacing(spacing("step"))
        self._column.addWidget(self.summary)
        self.rows: list[QWidget] = []
        self._shown: tuple[object, ...] = ()
        self.show_children(())

    def show_children(self, children: Sequence[ChildInfo]) -> None:
        """Those that run now. Rows stay while nothing changes, so that no button goes away under a hand."""
        memory = sum(child.memory_bytes for child in children)
        self.summary.setText(
            tr("%n program(s) running · %1", len(children)).replace("%1", size(memory))
            if children
            else self.tr("No programs running")
        )
        set_kind(self.summary, "strong" if children else "faint")
        shown = tuple((child.pid, len(child.tree), age(child.started_at)) for child in children)
        if shown == self._shown:
            return
        self._shown = shown
        for old in self.rows:
            self._column.removeWidget(old)
            old.deleteLater()
        self.rows = [self._row(child) for child in children]
        for new in self.rows:
            self._column.addWidget(new)

    def _row(self, child: ChildInfo) -> QWidget:
        made = QWidget()
        facts = [age(child.started_at), size(child.memory_bytes), tr("process %1").replace("%1", str(child.pid))]
        if len(child.tree) > 1:
            facts.append(tr("%1 processes below it").replace("%1", str(len(child.tree) - 1)))
        about = label(" · ".join(facts), "faint", wrap=True)
        tree = "\n".join(f"{pid}  {name}" for pid, name in child.tree)
        about.setToolTip("\n".join(part for part in (" ".join(child.argv), tree) if part))
        parts: list[QWidget | None] = [label(child.purpose), about]
        if child.task_id:
            short = child.task_id[:_ID_CHARS]
            parts.append(
                button(tr("task %1").replace("%1", short), lambda: self.task_wanted.emit(child.task_id), "link")
            )
        name = tr("End %1, process %2").replace("%1", child.purpose).replace("%2", str(child.pid))
        parts.append(button(self.tr("End…"), lambda: self.kill_wanted.emit(child), "link", name=name))
        line = row(*parts)
        line.setStretch(1, 1)
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(hairline())
        column.addLayout(line)
        return made
