"""The Rules page: where each type of task goes, and what a rule would have changed before it is saved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from oxide_desktop.config.projects import ProjectFiles
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.model import TaskType
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.pages.base import WIDEST, Page
from oxide_desktop.fronts.desktop.saving import choose_file, write_text
from oxide_desktop.fronts.desktop.sentences import error_line
from oxide_desktop.fronts.desktop.widgets.basics import button, label
from oxide_desktop.fronts.desktop.widgets.confirm import confirm
from oxide_desktop.fronts.desktop.widgets.correction_list import CorrectionList
from oxide_desktop.fronts.desktop.widgets.rule_row import RuleRow
from oxide_desktop.fronts.desktop.widgets.scrolling import ScrollingColumn

# Projects are known by the tasks that came from them.
_TASKS_LOOKED_AT = 200
_MOST_FOLDERS = 30
Overrides = Mapping[TaskType, Mapping[str, str]]


class RulesPage(Page):
    """One row a type; nothing is saved before a person saves it."""

    widest = WIDEST

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, QCoreApplication.translate("Pages", "Rules"), parent)
        self.explained = label(
            self.tr("Without a rule each task goes where it scores best. A rule sends a type to one service first."),
            "soft",
            wrap=True,
        )
        self.problems = label(kind="warn", wrap=True)
        self.problems.setVisible(False)
        self.clear_button = button(self.tr("Make all automatic…"), self._clear, "link")
        self.top.addWidget(self.clear_button)
        self.rows = {task_type: RuleRow(desk.theme, task_type) for task_type in TaskType}
        area = ScrollingColumn(gap=0)
        for task_type, row in self.rows.items():
            row.tried.connect(lambda service, kind=task_type: self._try(kind, service))
            row.saved.connect(lambda service, kind=task_type: self._save(kind, service))
            area.column.addWidget(row)
        self.corrections = CorrectionList()
        self.corrections.taken_back.connect(self._take_back)
        self.corrections.all_taken_back.connect(self._take_all_back)
        self.corrections.export_wanted.connect(self._export)
        area.column.addWidget(self.corrections)
        self.body.addWidget(self.explained)
        self.body.addWidget(self.problems)
        self.body.addWidget(area, 1)
        desk.bridge.rules_changed.connect(self.look)
        desk.bridge.corrections_changed.connect(self.look)

    def came_up(self) -> None:
        """Read the rules again: other programs write to the same file."""
        self.look()

    def look(self) -> None:
        """Show what holds now."""
        self.desk.run(self._look(), "rules")

    async def _look(self) -> None:
        rules = self.desk.orchestrator.rules
        set_now, problems = await asyncio.to_thread(lambda: (rules.all(), rules.problems()))
        settings = self.desk.orchestrator.settings
        enabled = [name for name, service in settings.services.items() if service.enabled]
        for task_type, row in self.rows.items():
            routing = settings.routing.per_type.get(task_type)
            primary = routing.primary if routing and routing.primary in enabled else None
            row.show_target(set_now.get(task_type, ""), enabled, primary)
        self.clear_button.setEnabled(bool(set_now))
        self.problems.setText("\n".join(str(problem) for problem in problems))
        self.problems.setVisible(bool(problems))
        self.corrections.show_corrections(await self.desk.orchestrator.corrections())
        overrides = await self._overrides()
        for task_type, row in self.rows.items():
            row.show_overrides(overrides.get(task_type, {}))

    async def _overrides(self) -> Overrides:
        """What the projects of the newest tasks decide."""
        page = await self.desk.orchestrator.history.list(TaskFilter(), _TASKS_LOOKED_AT)
        folders = list(dict.fromkeys(Path(record.cwd) for record in page.tasks if record.cwd))[:_MOST_FOLDERS]
        services = tuple(self.desk.orchestrator.settings.services)
        return await asyncio.to_thread(_of_projects, ProjectFiles(services), folders)

    def _try(self, task_type: TaskType, service: str) -> None:
        if service:
            self.desk.run(self._tried(task_type, service), "try rule")

    async def _tried(self, task_type: TaskType, service: str) -> None:
        try:
            trial = await self.desk.orchestrator.try_rule(task_type, service)
        except OxideError as error:
            self.rows[task_type].show_error(error_line(error))
        else:
            self.rows[task_type].show_trial(trial)

    def _save(self, task_type: TaskType, service: str) -> None:
        engine = self.desk.orchestrator
        work = engine.set_rule(task_type, service) if service else engine.remove_rule(task_type.value)
        self.desk.run(work, "save rule")

    def _clear(self) -> None:
        confirm(
            self,
            self.tr("Make all types automatic?"),
            self.tr("Every rule of yours is removed. Rules of projects stay."),
            self.tr("Remove all rules"),
            lambda: self.desk.run(self.desk.orchestrator.clear_rules(), "clear rules"),
        )

    # -- what the person said of tasks -------------------------------------------------------------

    def _take_back(self, task_id: str) -> None:
        self.desk.run(self.desk.orchestrator.forget_correction(task_id), "take back")

    def _take_all_back(self) -> None:
        confirm(
            self,
            self.tr("Take back all that you said of tasks?"),
            self.tr(
                "Prompts like these are taken as the classifier finds them again. Export them first to keep a copy."
            ),
            self.tr("Take all back"),
            lambda: self.desk.run(self.desk.orchestrator.clear_corrections(), "take all back"),
        )

    def _export(self) -> None:
        choose_file(self.desk, self, self.tr("Export what you said of tasks"), "corrections.json", self._write)

    async def _write(self, path: Path) -> None:
        made = await self.desk.orchestrator.corrections()
        text = json.dumps({"corrections": [item.to_dict() for item in made]}, indent=2, ensure_ascii=False)
        await write_text(path, f"{text}\n")


def _of_projects(projects: ProjectFiles, folders: list[Path]) -> Overrides:
    """Per type, the files that decide it and where they send it. Blocks."""
    found: dict[TaskType, dict[str, str]] = {}
    for folder in folders:
        try:
            above = projects.above(folder)
        except OxideError:  # a file that cannot be used decides nothing; whoever asks from there is told
            continue
        for project in above:
            for task_type, service in project.rules.items():
                found.setdefault(task_type, {})[project.file.as_posix()] = service
    return found
