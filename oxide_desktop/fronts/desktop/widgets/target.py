"""Who is to answer: the router's choice, or a service and a model of the person's own; and what kind of task it is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from oxide_desktop.core.health import ServiceStatus
from oxide_desktop.core.model import Preferences, TaskType
from oxide_desktop.fronts.desktop.tokens import tokens
from oxide_desktop.fronts.desktop.widgets.basics import add_menu, empty
from oxide_desktop.fronts.desktop.wording import type_words

_MOST_MODELS = 30


class TargetButton(QPushButton):
    """Signals `changed` when the person chooses."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoDefault(False)
        self._wishes = Preferences()
        self._menu = QMenu(self)
        self._group: QActionGroup | None = None
        self.setMenu(self._menu)
        self.show_services(())

    @property
    def wishes(self) -> Preferences:
        """What the person insists on."""
        return self._wishes

    def choose(self, wishes: Preferences) -> None:
        """Insist on this."""
        self._wishes = wishes
        self._show()
        self.changed.emit()

    def show_services(self, services: Sequence[ServiceStatus]) -> None:
        """Offer these, as they were last seen."""
        empty(self._menu)
        if self._group is not None:
            self._group.deleteLater()
        self._group = group = QActionGroup(self._menu)
        self._choice(self._menu, group, self.tr("Auto: the best that is allowed and able"), None, None)
        self._menu.addSeparator()
        for status in services:
            if status.settings.enabled:
                self._offer(group, status)
        if services:
            self._menu.addSeparator()
            self._offer_types()
        self._show()

    def _offer(self, group: QActionGroup, status: ServiceStatus) -> None:
        name, health = status.settings.name, status.health
        sign = tokens().states["completed" if status.healthy else "attention" if health else "queued"].sign
        models = health.models[:_MOST_MODELS] if health else ()
        if len(models) < 2:  # noqa: PLR2004 - one model is no choice
            self._choice(self._menu, group, f"{sign}  {name}", name, None)
            return
        below = add_menu(self._menu, f"{sign}  {name}".replace("&", "&&"))
        self._choice(below, group, self.tr("Its usual model"), name, None)
        below.addSeparator()
        for model in models:
            self._choice(below, group, model, name, model)

    def _choice(self, menu: QMenu, group: QActionGroup, text: str, service: str | None, model: str | None) -> None:
        action = QAction(text.replace("&", "&&"), menu, checkable=True)
        action.setChecked((service, model) == (self._wishes.preferred_service, self._wishes.model))
        action.triggered.connect(
            lambda: self.choose(Preferences(service, self._wishes.task_type, model))  # the type is another choice
        )
        group.addAction(action)
        menu.addAction(action)

    def _offer_types(self) -> None:
        below = add_menu(self._menu, self.tr("As a task of type"))
        group = QActionGroup(below)
        for wanted in (None, *TaskType):
            text = type_words(wanted) if wanted else self.tr("As the prompt shows")
            action = QAction(text, below, checkable=True)
            action.setChecked(wanted is self._wishes.task_type)
            action.triggered.connect(
                lambda _=False, wanted=wanted: self.choose(
                    Preferences(self._wishes.preferred_service, wanted, self._wishes.model)
                )
            )
            group.addAction(action)
            below.addAction(action)

    def _show(self) -> None:
        wishes = self._wishes
        chosen = wishes.preferred_service or self.tr("Auto")
        parts = [chosen, wishes.model or "", type_words(wishes.task_type)]
        text = " · ".join(part for part in parts if part)
        self.setText(f"{text}  ▾".replace("&", "&&"))
        self.setAccessibleName(self.tr("Service and model: %1").replace("%1", text))
