"""What a project's own `.oxide.yaml` decides: where tasks of a type go, and which of its files stay on this machine.

Such a file may come with a repository that nobody has looked through, so it can only hold back: its globs add to the
person's, and its rules never take a task from the person's machines to a cloud service.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from oxide_desktop.core.health import ServiceStatus
from oxide_desktop.core.model import Locality, Route, TaskType
from oxide_desktop.core.ports import Projects
from oxide_desktop.core.privacy import local_only_glob
from oxide_desktop.core.receipts import LOCAL_ONLY

PROJECT_LABEL = "project .oxide.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """One `.oxide.yaml`. Its globs mean the tree that it stands in, and one that begins with `/` that tree's top."""

    file: Path
    rules: Mapping[TaskType, str] = field(default_factory=dict)
    local_only: tuple[str, ...] = ()

    def hold_reason(self, path: Path) -> str | None:
        """Why a file below it may not go to a cloud service, `None` if it may."""
        name = "/" + path.relative_to(self.file.parent).as_posix()
        glob = local_only_glob((name,), self.local_only)
        return f"{LOCAL_ONLY}matches {glob} ({PROJECT_LABEL})" if glob else None


class ProjectLanes:
    """Which files their projects hold back, for one request: each folder is looked at once. Blocks."""

    def __init__(self, projects: Projects | None) -> None:
        self._projects = projects
        self._above: dict[Path, Sequence[ProjectSettings]] = {}

    def above(self, folder: Path) -> Sequence[ProjectSettings]:
        """The projects that a folder is in, the nearest first.

        Raises:
            ConfigError: One of their files cannot be used.
        """
        if self._projects is None:
            return ()
        if folder not in self._above:
            self._above[folder] = self._projects.above(folder)
        return self._above[folder]

    def hold_reason(self, *paths: Path) -> str | None:
        """Why a file may not go to a cloud service, by all absolute paths it is known by; `None` if it may.

        Raises:
            ConfigError: The settings of a project it is in cannot be used, so nobody knows.
        """
        for path in dict.fromkeys(paths):
            for project in self.above(path.parent):
                if reason := project.hold_reason(path):
                    return reason
        return None


def follow_project(
    project: ProjectSettings,
    task_type: TaskType,
    services: Sequence[ServiceStatus],
    own: Route,
    choose: Callable[[Mapping[TaskType, str], str], Route],
) -> tuple[Route, str]:
    """The route that a project's rule makes of the person's own, and a remark where it may not.

    Args:
        project: The nearest one above the caller's folder.
        task_type: What the task is.
        services: All configured ones.
        own: The route without the project.
        choose: The route under other rules, and where those come from.
    """
    wanted = project.rules.get(task_type)
    if wanted is None:
        return own, ""
    route = choose({task_type: wanted}, PROJECT_LABEL)
    if route.rule is None:
        return own, ""  # it cannot take the task now, and the route says why
    if _is_local(own.candidates[0].service, services) and not _is_local(wanted, services):
        return own, (
            f"The project's rule {route.rule} was not followed: the task stays on your machines, "
            "and a project's file may not send it to a cloud service."
        )
    return dataclasses.replace(route, rule_from=PROJECT_LABEL), ""


def _is_local(name: str, services: Sequence[ServiceStatus]) -> bool:
    status = next(status for status in services if status.settings.name == name)
    return status.info is not None and status.info.locality is Locality.LOCAL
