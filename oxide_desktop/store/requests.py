"""What each service was sent lately, by all processes together: counted for quotas, whatever is deleted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import apsw

from oxide_desktop.core.quota import Limit, ServiceUse, UsedUp
from oxide_desktop.store.database import transaction
from oxide_desktop.store.rows import microseconds

KEPT_S = 2 * 86_400


def used_up(connection: apsw.Connection, service: str, limits: Sequence[Limit]) -> UsedUp | None:
    """The limit that a service has come to, the one that lasts longest; `None` if it may be asked."""
    found = [item for limit in limits if (item := _used_up(connection, service, limit))]
    return max(found, key=lambda item: item.free_at, default=None)


def reserve(connection: apsw.Connection, service: str, started_at: float, limits: Sequence[Limit]) -> UsedUp | None:
    """Count a request unless a limit is reached; with nobody in between, so that all processes together keep it."""
    with transaction(connection):
        found = used_up(connection, service, limits)
        if found is None:
            connection.execute(
                "INSERT OR IGNORE INTO requests (service, started) VALUES (?, ?)", (service, microseconds(started_at))
            )
        return found


def use_since(connection: apsw.Connection, service: str, since: float) -> ServiceUse:
    """What a service was sent from a moment on."""
    read = (
        "SELECT count(*), coalesce(sum(input), 0), coalesce(sum(output), 0), sum(cost) "
        "FROM requests WHERE service = ? AND started >= ?"
    )
    found: list[tuple[Any, ...]] = connection.execute(read, (service, microseconds(since))).fetchall()
    return ServiceUse(*found[0])


def forget_old(connection: apsw.Connection) -> None:
    """Remove what no quota counts any more."""
    with transaction(connection):
        connection.execute("DELETE FROM requests WHERE started < ?", (microseconds(time.time() - KEPT_S),))


def _used_up(connection: apsw.Connection, service: str, limit: Limit) -> UsedUp | None:
    since = microseconds(limit.since)
    where = "FROM requests WHERE service = ? AND started > ?"
    last_too_many: int | None = connection.execute(
        f"SELECT started {where} ORDER BY started DESC LIMIT 1 OFFSET ?",
        (service, since, limit.most - 1),
    ).get
    if last_too_many is None:
        return None
    count: int = connection.execute(f"SELECT count(*) {where}", (service, since)).get
    return limit.used_up(count, last_too_many / 1e6)
