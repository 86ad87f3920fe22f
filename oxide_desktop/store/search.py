"""A person's search words as conditions in SQL. Whatever was typed is a valid search."""

from __future__ import annotations

import re
from typing import Any

import apsw

from oxide_desktop.store.rows import clean

# Scripts that are written without spaces: the index holds a whole sentence as one word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_MOST_SCANNED = 50  # conditions are a tree, and SQLite bounds its depth


def words_of(text: str) -> list[str]:
    """The different words of a search, in their order."""
    return list(dict.fromkeys(clean(text).replace("\0", " ").split()))


def conditions(connection: apsw.Connection, text: str) -> tuple[str, list[Any]]:
    """What `words` and `tasks` must fulfil, empty if nothing was typed.

    Each word must occur; the last one may be the start of a word. What the index does not know (signs, emoji, pieces
    of a sentence without spaces) is looked for in the texts themselves.
    """
    words = words_of(text)
    indexed = [word for word in words if _is_indexed(connection, word)]
    scanned = [word for word in words if word not in set(indexed)][:_MOST_SCANNED]
    parts = ["instr(lower(tasks.prompt || char(10) || coalesce(tasks.result, '')), ?) > 0"] * len(scanned)
    bound: list[Any] = [_lower(word) for word in scanned]
    if indexed:
        parts.insert(0, "words MATCH ?")
        bound.insert(0, _match(indexed, open_end=words[-1] == indexed[-1]))
    return " AND ".join(parts), bound


def _match(words: list[str], *, open_end: bool) -> str:
    """An expression of FTS5 in which nothing but the words counts: each stands in quotes."""
    quoted = ['"' + word.replace('"', '""') + '"' for word in words]
    return " AND ".join(quoted) + (" *" if open_end else "")


def _is_indexed(connection: apsw.Connection, word: str) -> bool:
    """Whether the index can answer for it: its own tokenizer is asked."""
    if _UNSPACED.search(word):
        return False
    tokenizer = connection.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    return bool(tokenizer(word.encode(), apsw.FTS5_TOKENIZE_QUERY, None))


def _lower(word: str) -> str:
    """As SQLite's `lower`, which knows the letters of ASCII alone."""
    return word.encode().lower().decode()
