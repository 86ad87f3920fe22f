"""A session bus with the parts of a desktop on it: a tray host, a notification service, a portal for settings."""
# ruff: noqa: F722, F821, N802, PLR0917 - D-Bus signatures stand where annotations do

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from dbus_fast import BusType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal


@contextmanager
def session_bus() -> Iterator[str]:
    """A bus of its own; its address."""
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.kill()


async def connect(address: str) -> MessageBus:
    return await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect()


class Notifications(ServiceInterface):
    """Keeps what it is asked to show."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.Notifications")
        self.shown: dict[int, tuple[str, str]] = {}
        self.log: list[tuple[str, str]] = []

    @dbus_method()
    def GetCapabilities(self) -> "as":
        return ["body", "body-markup", "actions"]

    @dbus_method()
    def Notify(
        self, app: "s", replaces: "u", icon: "s", title: "s", body: "s", actions: "as", hints: "a{sv}", limit: "i"
    ) -> "u":
        number = replaces or len(self.log) + 1
        self.shown[number] = (title, body)
        self.log.append((title, body))
        return number

    @dbus_method()
    def CloseNotification(self, number: "u") -> None:
        self.shown.pop(number, None)
        self.NotificationClosed(number, 3)

    @dbus_signal()
    def ActionInvoked(self, number: "u", action: "s") -> "us":
        return [number, action]

    @dbus_signal()
    def NotificationClosed(self, number: "u", reason: "u") -> "uu":
        return [number, reason]


class TrayHost(ServiceInterface):
    """Shows the icons that register."""

    def __init__(self) -> None:
        super().__init__("org.kde.StatusNotifierWatcher")
        self.items: list[str] = []
        self.came = asyncio.Event()

    @dbus_method()
    def RegisterStatusNotifierItem(self, service: "s") -> None:
        self.items.append(service)
        self.came.set()
        self.StatusNotifierItemRegistered(service)

    @dbus_method()
    def RegisterStatusNotifierHost(self, service: "s") -> None:
        pass

    @dbus_property(access=PropertyAccess.READ)
    def RegisteredStatusNotifierItems(self) -> "as":
        return self.items

    @dbus_property(access=PropertyAccess.READ)
    def IsStatusNotifierHostRegistered(self) -> "b":
        return True

    @dbus_property(access=PropertyAccess.READ)
    def ProtocolVersion(self) -> "i":
        return 0

    @dbus_signal()
    def StatusNotifierItemRegistered(self, service: "s") -> "s":
        return service

    @dbus_signal()
    def StatusNotifierHostRegistered(self) -> None:
        pass


class Portal(ServiceInterface):
    """Says whether the desktop is dark (1) or light (2)."""

    def __init__(self, scheme: int) -> None:
        super().__init__("org.freedesktop.portal.Settings")
        self.scheme = scheme

    @dbus_method()
    def Read(self, namespace: "s", key: "s") -> "v":
        return Variant("v", Variant("u", self.scheme))

    @dbus_signal()
    def SettingChanged(self, namespace: "s", key: "s", value: "v") -> "ssv":
        return [namespace, key, value]

    def change(self, scheme: int) -> None:
        self.scheme = scheme
        self.SettingChanged("org.freedesktop.appearance", "color-scheme", Variant("u", scheme))


async def read_menu(bus: MessageBus, item: str) -> tuple[object, dict[str, int], dict[str, dict[str, Variant]]]:
    """The tray icon of `item` as a host sees it: its menu's interface, the entries' numbers and their properties."""
    found = bus.get_proxy_object(item, "/StatusNotifierItem", await bus.introspect(item, "/StatusNotifierItem"))
    path = await found.get_interface("org.kde.StatusNotifierItem").get_menu()
    menu = bus.get_proxy_object(item, path, await bus.introspect(item, path)).get_interface("com.canonical.dbusmenu")
    _, layout = await menu.call_get_layout(0, -1, [])
    entries = [entry.value for entry in layout[2] if "label" in entry.value[1]]
    numbers = {entry[1]["label"].value.replace("_", ""): entry[0] for entry in entries}
    return menu, numbers, {entry[1]["label"].value.replace("_", ""): entry[1] for entry in entries}
