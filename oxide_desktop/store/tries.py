"""The attempts of the last tasks, for the router's experience."""

from __future__ import annotations

from typing import Any

import apsw

from oxide_desktop.core.experience import Try

# What the request or the person was the reason for says nothing about the service.
_READ = """
WITH recent AS (
    SELECT id, service, task_type, CASE WHEN json_valid(details) THEN details ELSE '{}' END AS details
    FROM tasks ORDER BY seq DESC LIMIT ?
), again AS (
    SELECT json_extract(details, '$.replay_of') AS id, service FROM recent
    WHERE json_extract(details, '$.replay_of') IS NOT NULL
)
SELECT recent.task_type, attempt.value ->> '$.service', attempt.value ->> '$.status',
       (attempt.value ->> '$.first_chunk_at') - (attempt.value ->> '$.started_at'),
       EXISTS (SELECT 1 FROM again WHERE again.id = recent.id AND again.service IS NOT recent.service)
FROM recent, json_each(recent.details, '$.attempts') AS attempt
WHERE recent.task_type IS NOT NULL AND attempt.value ->> '$.service' IS NOT NULL
  AND attempt.value ->> '$.status' IN ('completed', 'failed', 'partial')
  AND coalesce(attempt.value ->> '$.kind', '') NOT IN ('invalid', 'held', 'policy', 'context', 'quota')
"""


def tries(connection: apsw.Connection, last: int) -> list[Try]:
    """What the attempts of the last tasks came to."""
    rows: list[tuple[Any, ...]] = connection.execute(_READ, (last,)).fetchall()
    return [
        Try(
            task_type=task_type,
            service=service,
            answered=status == "completed",
            first_text_s=float(first_s) if isinstance(first_s, int | float) else None,
            asked_again=bool(asked_again),
        )
        for task_type, service, status, first_s, asked_again in rows
    ]
