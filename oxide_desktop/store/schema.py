"""The tables of the history, as steps that each lift a database by one version (`PRAGMA user_version`)."""

from __future__ import annotations

import apsw

from oxide_desktop.store.database import APPLICATION_ID, transaction

# `seq` is `created_at` in microseconds, moved up where it is taken: newest first is the order of the table itself,
# so that the latest tasks and the newest search results are read without sorting. `owner` is the process that a task
# still belongs to. Long texts come last: what is before them is read without them.
_TASKS = """
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    service TEXT,
    task_type TEXT,
    owner TEXT,
    created_at REAL NOT NULL,
    completed_at REAL,
    duration REAL,
    details TEXT NOT NULL,
    prompt TEXT NOT NULL,
    result TEXT
) STRICT;
CREATE INDEX tasks_by_status ON tasks (status);
CREATE INDEX tasks_by_service ON tasks (service);
CREATE INDEX tasks_by_type ON tasks (task_type);
CREATE INDEX tasks_by_owner ON tasks (owner) WHERE owner IS NOT NULL;
"""

# Counted as tasks come and go, since counting 100,000 rows for each list that is shown takes longer than the list.
# Microseconds are whole numbers: sums of them do not drift.
_TALLIES = """
CREATE TABLE tallies (
    status TEXT NOT NULL,
    service TEXT NOT NULL,
    task_type TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    timed INTEGER NOT NULL,
    microseconds INTEGER NOT NULL,
    PRIMARY KEY (status, service, task_type)
) STRICT, WITHOUT ROWID;
INSERT INTO tallies
SELECT status, coalesce(service, ''), coalesce(task_type, ''), count(*), count(duration),
       coalesce(sum(CAST(round(duration * 1e6) AS INTEGER)), 0)
FROM tasks GROUP BY 1, 2, 3;
CREATE TRIGGER tally_added AFTER INSERT ON tasks BEGIN
    INSERT INTO tallies VALUES (
        new.status, coalesce(new.service, ''), coalesce(new.task_type, ''), 1, new.duration IS NOT NULL,
        CAST(round(coalesce(new.duration, 0) * 1e6) AS INTEGER)
    ) ON CONFLICT DO UPDATE SET
        tasks = tasks + 1, timed = timed + excluded.timed, microseconds = microseconds + excluded.microseconds;
END;
CREATE TRIGGER tally_removed AFTER DELETE ON tasks BEGIN
    UPDATE tallies SET
        tasks = tasks - 1, timed = timed - (old.duration IS NOT NULL),
        microseconds = microseconds - CAST(round(coalesce(old.duration, 0) * 1e6) AS INTEGER)
    WHERE status = old.status AND service = coalesce(old.service, '') AND task_type = coalesce(old.task_type, '');
END;
CREATE TRIGGER tally_changed AFTER UPDATE OF status, service, task_type, duration ON tasks BEGIN
    UPDATE tallies SET
        tasks = tasks - 1, timed = timed - (old.duration IS NOT NULL),
        microseconds = microseconds - CAST(round(coalesce(old.duration, 0) * 1e6) AS INTEGER)
    WHERE status = old.status AND service = coalesce(old.service, '') AND task_type = coalesce(old.task_type, '');
    INSERT INTO tallies VALUES (
        new.status, coalesce(new.service, ''), coalesce(new.task_type, ''), 1, new.duration IS NOT NULL,
        CAST(round(coalesce(new.duration, 0) * 1e6) AS INTEGER)
    ) ON CONFLICT DO UPDATE SET
        tasks = tasks + 1, timed = timed + excluded.timed, microseconds = microseconds + excluded.microseconds;
END;
"""

# Contentless: the texts are not kept twice, and a removed task costs a tombstone instead of its text once more.
_SEARCH = """
CREATE VIRTUAL TABLE words USING fts5(
    prompt, result, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);
INSERT INTO words (rowid, prompt, result) SELECT seq, prompt, result FROM tasks ORDER BY seq;
CREATE TRIGGER words_added AFTER INSERT ON tasks BEGIN
    INSERT INTO words (rowid, prompt, result) VALUES (new.seq, new.prompt, new.result);
END;
CREATE TRIGGER words_removed AFTER DELETE ON tasks BEGIN
    DELETE FROM words WHERE rowid = old.seq;
END;
CREATE TRIGGER words_changed AFTER UPDATE OF prompt, result ON tasks
WHEN old.prompt IS NOT new.prompt OR old.result IS NOT new.result BEGIN
    UPDATE words SET prompt = new.prompt, result = new.result WHERE rowid = new.seq;
END;
"""

# Every attempt of the last two days by the microsecond at which it began, once, however many records tell of it (an
# analysis tells of its shares as well). Removing a task removes none: a service's own count does not forget either.
_ATTEMPTS = """
INSERT INTO requests (service, started, input, output, cost)
SELECT json_extract(value, '$.service'), CAST(round(json_extract(value, '$.started_at') * 1e6) AS INTEGER),
       CAST(json_extract(value, '$.tokens.input') AS INTEGER), CAST(json_extract(value, '$.tokens.output') AS INTEGER),
       CAST(json_extract(value, '$.cost') AS REAL)
FROM {tasks} json_each(CASE WHEN json_valid({details}) THEN {details} ELSE '{{}}' END, '$.attempts')
WHERE CASE WHEN json_each.type = 'object' THEN
    json_type(value, '$.service') = 'text' AND json_type(value, '$.started_at') IN ('real', 'integer')
    AND json_extract(value, '$.started_at') > unixepoch() - 172800
END
ON CONFLICT DO UPDATE SET input = excluded.input, output = excluded.output, cost = excluded.cost;
"""
_REQUESTS = f"""
CREATE TABLE requests (
    service TEXT NOT NULL,
    started INTEGER NOT NULL,
    input INTEGER,
    output INTEGER,
    cost REAL,
    PRIMARY KEY (service, started)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER requests_added AFTER INSERT ON tasks BEGIN {_ATTEMPTS.format(tasks="", details="new.details")} END;
CREATE TRIGGER requests_changed AFTER UPDATE OF details ON tasks
BEGIN {_ATTEMPTS.format(tasks="", details="new.details")} END;
{_ATTEMPTS.format(tasks="tasks,", details="tasks.details")}
"""

# They come and go with the analysis that they belong to.
_SHARES = """
CREATE TABLE shares (
    id TEXT PRIMARY KEY,
    parent TEXT NOT NULL,
    status TEXT NOT NULL,
    service TEXT,
    task_type TEXT,
    created_at REAL NOT NULL,
    completed_at REAL,
    duration REAL,
    details TEXT NOT NULL,
    prompt TEXT NOT NULL,
    result TEXT
) STRICT;
CREATE INDEX shares_by_parent ON shares (parent);
CREATE TRIGGER shares_removed AFTER DELETE ON tasks BEGIN DELETE FROM shares WHERE parent = old.id; END;
"""

# They outlive the tasks that they were made on.
_CORRECTIONS = """
CREATE TABLE corrections (
    task_id TEXT PRIMARY KEY,
    prompt TEXT NOT NULL,
    was TEXT NOT NULL,
    said TEXT NOT NULL,
    made_at REAL NOT NULL
) STRICT;
"""

STEPS = (_TASKS, _TALLIES, _SEARCH, _REQUESTS, _SHARES, _CORRECTIONS)
NEWEST = len(STEPS)


def version_of(connection: apsw.Connection) -> int:
    """How far the database has been lifted; 0 is an empty one."""
    return int(connection.pragma("user_version"))


def migrate(connection: apsw.Connection) -> None:
    """Lift the database to the newest version, each step on its own, whole or not at all."""
    while (version := version_of(connection)) < NEWEST:
        with transaction(connection):
            connection.execute(STEPS[version])
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", version + 1)
