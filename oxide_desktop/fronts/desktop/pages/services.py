"""The Services page: a card each, how far it works and what mends it, and the programs that Oxide runs for them."""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QWidget

from oxide_desktop.core.children import ChildInfo
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.health import Depth, Health
from oxide_desktop.core.record import TaskRecord
from oxide_desktop.fronts.desktop.desk import Desk
from oxide_desktop.fronts.desktop.pages.base import WIDEST, Page
from oxide_desktop.fronts.desktop.sentences import tr
from oxide_desktop.fronts.desktop.service_actions import ServiceActions
from oxide_desktop.fronts.desktop.widgets.basics import button, label
from oxide_desktop.fronts.desktop.widgets.children import ChildrenList
from oxide_desktop.fronts.desktop.widgets.confirm import confirm
from oxide_desktop.fronts.desktop.widgets.scrolling import ScrollingColumn
from oxide_desktop.fronts.desktop.widgets.service_card import ServiceCard

CHILDREN_EVERY_MS = 3_000


class ServicesPage(Page):
    """What is shown is what was last found; nothing but Test asks a service anything that costs."""

    widest = WIDEST

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, QCoreApplication.translate("Pages", "Services"), parent)
        self.check_button = button(self.tr("Check now"), self.check)
        self.top.addWidget(self.check_button)
        self.cards: dict[str, ServiceCard] = {}
        self.children_list = ChildrenList()
        self.children_list.kill_wanted.connect(self._kill)
        self.children_list.task_wanted.connect(desk.open_task)
        area = ScrollingColumn(gap=12)
        off = []
        for status in desk.orchestrator.services():
            if status.settings.enabled:
                card = ServiceCard(desk.theme, status)
                self.cards[card.name] = card
                ServiceActions(desk, card, self)
                area.column.addWidget(card)
            else:
                off.append(status.settings.name)
        if off:
            area.column.addWidget(label(self.tr("Switched off: %1").replace("%1", ", ".join(off)), "faint", wrap=True))
        area.column.addWidget(self.children_list)
        self.body.addWidget(area, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(CHILDREN_EVERY_MS)
        self._timer.timeout.connect(self._look_at_children)
        desk.bridge.service_changed.connect(self._service_changed)
        desk.bridge.task_ended.connect(self._task_ended)

    # -- coming and going --------------------------------------------------------------------------

    def came_up(self) -> None:
        """Show what is known, and look briefly at what nobody has looked at."""
        self._show_known()
        self.desk.run(self._look(Depth.GLANCE), "glance at services")
        for name in self.cards:
            self.desk.run(self._figures(name), "figures of services")
        self._look_at_children()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """What nobody sees need not be counted."""
        self._timer.stop()
        super().hideEvent(event)

    # -- looking -----------------------------------------------------------------------------------

    def check(self) -> None:
        """Look at all of them now, as far as it costs nothing."""
        self.check_button.setEnabled(False)
        self.check_button.setText(self.tr("Checking…"))
        self.desk.run(self._look(Depth.PROBE), "check services")

    async def _look(self, depth: Depth) -> None:
        try:
            await self.desk.orchestrator.check_services(depth)
        finally:
            self.check_button.setEnabled(True)
            self.check_button.setText(self.tr("Check now"))
            self._show_known()

    def _show_known(self) -> None:
        for status in self.desk.orchestrator.services():
            if card := self.cards.get(status.settings.name):
                card.show_status(status)

    async def _figures(self, name: str) -> None:
        card = self.cards[name]
        card.show_use(await self.desk.orchestrator.todays_use(name))
        card.show_speed(await self.desk.orchestrator.speed_of(name))

    def _service_changed(self, _health: Health) -> None:
        self._show_known()

    def _task_ended(self, record: TaskRecord) -> None:
        for name in {item.service for item in record.attempts} & self.cards.keys():
            if self.isVisible():
                self.desk.run(self._figures(name), "figures of services")

    # -- children ----------------------------------------------------------------------------------

    def _look_at_children(self) -> None:
        self.desk.run(self._children(), "children")

    async def _children(self) -> None:
        found = await asyncio.to_thread(self.desk.orchestrator.spawner.children)
        self.children_list.show_children(found)

    def _kill(self, child: ChildInfo) -> None:
        confirm(
            self,
            tr("End %1?").replace("%1", child.purpose),
            self.tr("The program and everything it has started is ended at once. A task that it works for fails."),
            self.tr("End it"),
            lambda: self.desk.run(self._end(child), "end child"),
        )

    async def _end(self, child: ChildInfo) -> None:
        if not await self.desk.orchestrator.spawner.kill(child.pid):
            raise OxideError(tr("%1 had ended already").replace("%1", child.purpose))
        await self._children()
