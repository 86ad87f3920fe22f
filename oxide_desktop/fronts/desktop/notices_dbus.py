"""Notifications of a Linux desktop, over its session bus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

SERVICE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
LIMIT_S = 3.0
_MATCH = f"type='signal',interface='{SERVICE}',path='{PATH}'"


class DBusNotices:
    """Shows notifications by key: one that is shown again under its key takes the place of the one before.

    Args:
        activated: Called with the key of one that was clicked.
        closed: Called with the key of one that is no longer shown, and was not withdrawn.
    """

    def __init__(self, activated: Callable[[str], None], closed: Callable[[str], None]) -> None:
        self._activated = activated
        self._closed = closed
        self._bus: MessageBus | None = None
        self._markup = False
        self._shown: dict[str, int] = {}
        self._opening = asyncio.Lock()
        self._showing = asyncio.Lock()

    async def show(self, key: str, title: str, body: str, action: str) -> bool:
        """Show one; `False` where this desktop shows none."""
        try:
            async with asyncio.timeout(LIMIT_S), self._showing:  # of two at once, one takes the other's place
                bus = await self._open()
                self._shown[key] = await self._notify(bus, key, title, body, action)
        except (OSError, TimeoutError, ImportError, _Refused, ValueError, EOFError) as error:
            log.info("no notification could be shown: %r", error)
            return False
        return True

    async def withdraw(self, key: str) -> None:
        """Take one away, if it is still shown."""
        number = self._shown.pop(key, None)
        if number is None or self._bus is None:
            return
        try:
            async with asyncio.timeout(LIMIT_S):
                await _call(self._bus, "CloseNotification", "u", [number])
        except (OSError, TimeoutError, _Refused, EOFError) as error:
            log.info("a notification could not be taken away: %r", error)

    async def aclose(self) -> None:
        """Leave the bus."""
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None

    async def _open(self) -> MessageBus:
        async with self._opening:
            if self._bus is not None and self._bus.connected:
                return self._bus
            from dbus_fast.aio import MessageBus  # noqa: PLC0415 - only who notifies needs it

            bus = await MessageBus().connect()
            bus.add_message_handler(self._heard)
            try:
                await _call(bus, "AddMatch", "s", [_MATCH], bus_itself=True)
                capabilities = await _call(bus, "GetCapabilities", "", [])
            except BaseException:  # nobody else knows of this connection
                bus.disconnect()
                raise
            self._markup = "body-markup" in capabilities[0]
            self._bus = bus
            return bus

    async def _notify(self, bus: MessageBus, key: str, title: str, body: str, action: str) -> int:
        from dbus_fast import Variant  # noqa: PLC0415 - as above

        hints = {"desktop-entry": Variant("s", "oxide-desktop")}
        text = escape(body, quote=False) if self._markup else body
        replaces = self._shown.get(key, 0)
        values = ["Oxide", replaces, "oxide-desktop", title, text, ["default", action], hints, -1]
        (number,) = await _call(bus, "Notify", "susssasa{sv}i", values)
        return int(number)

    def _heard(self, message: Message) -> None:
        if message.interface != SERVICE or message.member not in ("ActionInvoked", "NotificationClosed"):
            return
        keys = [key for key, number in self._shown.items() if number == message.body[0]]
        for key in keys:
            if message.member == "ActionInvoked":
                self._activated(key)
            else:
                self._shown.pop(key, None)
                self._closed(key)


class _Refused(Exception):
    """The bus, or the service behind it, said no."""


async def _call(
    bus: MessageBus, member: str, signature: str, body: list[Any], *, bus_itself: bool = False
) -> list[Any]:
    from dbus_fast import Message, MessageType  # noqa: PLC0415 - as above

    there = ("org.freedesktop.DBus", "/org/freedesktop/DBus") if bus_itself else (SERVICE, PATH)
    message = Message(
        destination=there[0], path=there[1], interface=there[0], member=member, signature=signature, body=body
    )
    reply = await bus.call(message)
    if reply is None or reply.message_type is MessageType.ERROR:
        raise _Refused(f"{member}: {reply.error_name if reply else 'no answer'}")
    return list(reply.body)
