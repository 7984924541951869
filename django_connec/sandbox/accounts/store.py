"""What the marketplace knows of people, in the hub's SQLite file; a connection of its own."""

from __future__ import annotations

import json
import sqlite3
import threading
from typing import Any

__all__ = ["AccountStore"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS account_entities (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, uid TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, uid));
CREATE TABLE IF NOT EXISTS account_counters (kind TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class AccountStore:
    """Entities by kind and uid, in the order in which they were made. Safe to share between threads.

    Args:
        path: The SQLite file; ``:memory:`` keeps nothing.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.Lock()
        # The hub may hold its file for as long as a load of many records takes.
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=60)
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def save(self, kind: str, uid: str, body: dict[str, Any]) -> None:
        self._all(
            "INSERT INTO account_entities (kind, uid, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, uid) DO UPDATE SET body = excluded.body",
            kind,
            uid,
            json.dumps(body),
        )

    def get(self, kind: str, uid: str) -> dict[str, Any] | None:
        rows = self._all("SELECT body FROM account_entities WHERE kind = ? AND uid = ?", kind, uid)
        return dict(json.loads(rows[0][0])) if rows else None

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [
            json.loads(r[0]) for r in self._all("SELECT body FROM account_entities WHERE kind = ? ORDER BY seq", kind)
        ]

    def delete(self, kind: str, uid: str) -> bool:
        """Take an entity away; returns whether there was one."""
        return bool(self._all("DELETE FROM account_entities WHERE kind = ? AND uid = ? RETURNING 1", kind, uid))

    def next_number(self, kind: str) -> int:
        """Return the next number of a kind."""
        rows = self._all(
            "INSERT INTO account_counters VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET value = value + 1 "
            "RETURNING value",
            kind,
        )
        return int(rows[0][0])

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()
