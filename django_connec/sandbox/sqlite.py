"""A hub's storage in SQLite: a file of its own, or memory. Never the host's database."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django_connec.sandbox.query import Query
from django_connec.sandbox.searching import found_in, matches
from django_connec.sandbox.sql import order_of, where
from django_connec.sandbox.store import EVERYTHING, Application, External, Group, Row

__all__ = ["SQLiteStore"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS applications (
    api_id TEXT PRIMARY KEY, api_key TEXT NOT NULL, webhook_url TEXT, resources TEXT,
    external_ids INTEGER NOT NULL, echo INTEGER NOT NULL, tenant INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS groups (
    uid TEXT NOT NULL, api_id TEXT NOT NULL, org TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (uid, api_id));
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY, org TEXT NOT NULL, resource TEXT NOT NULL, id TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (org, resource, id));
CREATE INDEX IF NOT EXISTS records_listed ON records (org, resource, seq);
CREATE INDEX IF NOT EXISTS records_created ON records (org, resource, created_at, seq);
CREATE INDEX IF NOT EXISTS records_updated ON records (org, resource, updated_at, seq);
CREATE TABLE IF NOT EXISTS externals (
    org TEXT NOT NULL, resource TEXT NOT NULL, provider TEXT NOT NULL, realm TEXT NOT NULL, external TEXT NOT NULL,
    id TEXT NOT NULL, PRIMARY KEY (org, resource, provider, realm, external));
DROP INDEX IF EXISTS externals_record;
CREATE INDEX IF NOT EXISTS externals_owner ON externals (org, resource, id, provider, realm);
CREATE TABLE IF NOT EXISTS merged (
    org TEXT NOT NULL, resource TEXT NOT NULL, loser TEXT NOT NULL, keeper TEXT NOT NULL,
    PRIMARY KEY (org, resource, loser));
CREATE TABLE IF NOT EXISTS counters (
    org TEXT NOT NULL, resource TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (org, resource));
"""
#: Every list tells the total; to count a million records anew each time takes longer than to list a hundred.
TOTALS = """
CREATE TABLE totals (
    org TEXT NOT NULL, resource TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (org, resource)) WITHOUT ROWID;
INSERT INTO totals SELECT org, resource, COUNT(*) FROM records GROUP BY org, resource;
CREATE TRIGGER records_more AFTER INSERT ON records BEGIN
    INSERT INTO totals VALUES (new.org, new.resource, 1) ON CONFLICT DO UPDATE SET value = value + 1; END;
CREATE TRIGGER records_fewer AFTER DELETE ON records BEGIN
    UPDATE totals SET value = value - 1 WHERE org = old.org AND resource = old.resource; END;
"""
#: Variables in one statement that every build of SQLite takes.
_PART = 500


class SQLiteStore:
    """:class:`~django_connec.sandbox.store.Store` in one SQLite database.

    Args:
        path: The file; ``:memory:`` keeps nothing.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.create_function("REGEXP", 2, matches, deterministic=True)
        self._connection.create_function("FOUND", 2, _found, deterministic=True)
        if path != ":memory:":
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            # Kibibytes: the index by id is in no order, and is written all over.
            self._connection.execute("PRAGMA cache_size=-131072")
        self._connection.executescript(SCHEMA)
        self._bring_up_to_date()
        self._depth = 0

    def _bring_up_to_date(self) -> None:
        """Add what files of earlier versions lack."""
        if not self._all("SELECT 1 FROM pragma_table_info('applications') WHERE name = 'tenant'"):
            self._run("ALTER TABLE applications ADD COLUMN tenant INTEGER NOT NULL DEFAULT 0")
        if not self._all("SELECT 1 FROM sqlite_master WHERE name = 'totals'"):
            self._connection.executescript(f"BEGIN; {TOTALS} COMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    # Applications and groups

    def save_application(self, application: Application) -> None:
        resources = None if application.resources is None else json.dumps(sorted(application.resources))
        self._run(
            "INSERT OR REPLACE INTO applications VALUES (?, ?, ?, ?, ?, ?, ?)",
            application.api_id,
            application.api_key,
            application.webhook_url,
            resources,
            application.external_ids,
            application.echo,
            application.tenant,
        )

    def applications(self) -> list[Application]:
        return [
            Application(
                row[0],
                row[1],
                row[2],
                None if row[3] is None else frozenset(json.loads(row[3])),
                bool(row[4]),
                bool(row[5]),
                bool(row[6]),
            )
            for row in self._all("SELECT * FROM applications ORDER BY api_id")
        ]

    def save_group(self, uid: str, api_id: str, org: str) -> None:
        self._run("INSERT OR REPLACE INTO groups VALUES (?, ?, ?, 0)", uid, api_id, org)

    def revoke(self, uid: str) -> None:
        self._run("UPDATE groups SET revoked = 1 WHERE uid = ?", uid)

    def org_of(self, uid: str, api_id: str | None = None) -> str | None:
        rows = self._all(
            "SELECT org FROM groups WHERE uid = ? AND (? IS NULL OR api_id = ?) AND revoked = 0", uid, api_id, api_id
        )
        return str(rows[0][0]) if rows else None

    def org_behind(self, uid: str) -> str | None:
        rows = self._all("SELECT org FROM groups WHERE uid = ?", uid)
        return str(rows[0][0]) if rows else None

    def groups(self) -> list[Group]:
        rows = self._all("SELECT uid, api_id, org, revoked FROM groups ORDER BY rowid")
        return [Group(row[0], row[1], row[2], bool(row[3])) for row in rows]

    def groups_of(self, org: str) -> list[tuple[str, str]]:
        rows = self._all("SELECT uid, api_id FROM groups WHERE org = ? AND revoked = 0 ORDER BY uid, api_id", org)
        return [(row[0], row[1]) for row in rows]

    # Records

    def keeper_of(self, org: str, resource: str, id: str) -> str:
        rows = self._all("SELECT keeper FROM merged WHERE org = ? AND resource = ? AND loser = ?", org, resource, id)
        return str(rows[0][0]) if rows else id

    def get(self, org: str, resource: str, id: str) -> Row | None:
        rows = self._all(
            "SELECT id, created_at, updated_at, body FROM records WHERE org = ? AND resource = ? AND id = ?",
            org,
            resource,
            self.keeper_of(org, resource, id),
        )
        return _row(rows[0]) if rows else None

    def save(self, org: str, resource: str, row: Row) -> None:
        self._run(
            "INSERT INTO records (org, resource, id, created_at, updated_at, body) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (org, resource, id) DO UPDATE SET updated_at = excluded.updated_at, body = excluded.body",
            org,
            resource,
            row.id,
            row.created_at,
            row.updated_at,
            json.dumps(row.body),
        )

    def save_many(self, org: str, resource: str, rows: Iterable[Row]) -> None:
        with self.transaction():
            self._connection.executemany(
                "INSERT INTO records (org, resource, id, created_at, updated_at, body) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (org, resource, id) DO UPDATE SET created_at = excluded.created_at, "
                "updated_at = excluded.updated_at, body = excluded.body",
                ((org, resource, r.id, r.created_at, r.updated_at, json.dumps(r.body)) for r in rows),
            )

    def delete(self, org: str, resource: str, id: str) -> None:
        with self.transaction():
            self._run("DELETE FROM records WHERE org = ? AND resource = ? AND id = ?", org, resource, id)
            self._run("DELETE FROM externals WHERE org = ? AND resource = ? AND id = ?", org, resource, id)

    def find(self, org: str, resource: str, query: Query = EVERYTHING) -> list[Row]:
        condition, values = where(query)
        limit = -1 if query.top is None else query.top
        return [
            _row(row)
            for row in self._all(
                "SELECT id, created_at, updated_at, body FROM records "  # noqa: S608 - built by sql.py
                f"WHERE org = ? AND resource = ? AND {condition} ORDER BY {order_of(query.order)} LIMIT ? OFFSET ?",
                org,
                resource,
                *values,
                limit,
                query.skip,
            )
        ]

    def count(self, org: str, resource: str, query: Query = EVERYTHING) -> int:
        if query.everything:
            rows = self._all("SELECT value FROM totals WHERE org = ? AND resource = ?", org, resource)
            return int(rows[0][0]) if rows else 0
        condition, values = where(query)
        rows = self._all(
            f"SELECT COUNT(*) FROM records WHERE org = ? AND resource = ? AND {condition}",  # noqa: S608 - as above
            org,
            resource,
            *values,
        )
        return int(rows[0][0])

    def mentioning(self, org: str, id: str) -> list[tuple[str, Row]]:
        rows = self._all(
            "SELECT resource, id, created_at, updated_at, body FROM records WHERE org = ? AND instr(body, ?)",
            org,
            json.dumps(id),
        )
        return [(row[0], _row(row[1:])) for row in rows]

    def next_number(self, org: str, resource: str, count: int = 1) -> int:
        with self.transaction():
            self._run(
                "INSERT INTO counters VALUES (?, ?, ?) ON CONFLICT (org, resource) DO UPDATE SET value = value + ?",
                org,
                resource,
                count,
                count,
            )
            rows = self._all("SELECT value FROM counters WHERE org = ? AND resource = ?", org, resource)
        return int(rows[0][0]) - count + 1

    def merge(self, org: str, resource: str, keeper: str, loser: str) -> None:
        with self.transaction():
            self._run(
                "UPDATE externals SET id = ? WHERE org = ? AND resource = ? AND id = ?", keeper, org, resource, loser
            )
            self._run(
                "UPDATE merged SET keeper = ? WHERE org = ? AND resource = ? AND keeper = ?",
                keeper,
                org,
                resource,
                loser,
            )
            self._run("INSERT OR REPLACE INTO merged VALUES (?, ?, ?, ?)", org, resource, loser, keeper)
            self.delete(org, resource, loser)

    # External ids

    def by_external(self, org: str, resource: str, provider: str, realm: str, external: str) -> str | None:
        rows = self._all(
            "SELECT id FROM externals WHERE org = ? AND resource = ? AND provider = ? AND realm = ? AND external = ?",
            org,
            resource,
            provider,
            realm,
            external,
        )
        return str(rows[0][0]) if rows else None

    def set_external(self, org: str, resource: str, provider: str, realm: str, external: str, id: str) -> bool:
        with self.transaction():
            if self.by_external(org, resource, provider, realm, external) == id:
                return False
            self._run(
                "DELETE FROM externals WHERE org = ? AND resource = ? AND provider = ? AND realm = ? AND id = ?",
                org,
                resource,
                provider,
                realm,
                id,
            )
            self.add_externals(org, resource, [(id, (provider, realm, external))])
            return True

    def add_externals(self, org: str, resource: str, entries: Iterable[tuple[str, External]]) -> None:
        with self.transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO externals VALUES (?, ?, ?, ?, ?, ?)",
                ((org, resource, *external, id) for id, external in entries),
            )

    def externals(self, org: str, resource: str, ids: Sequence[str]) -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = {}
        for start in range(0, len(ids), _PART):
            part = ids[start : start + _PART]
            rows = self._all(
                "SELECT id, provider, realm, external FROM externals WHERE org = ? AND resource = ? "  # noqa: S608 - marks only
                f"AND id IN ({', '.join('?' * len(part))}) ORDER BY provider, realm, external",
                org,
                resource,
                *part,
            )
            for id, provider, realm, external in rows:
                found.setdefault(id, []).append({"realm": realm, "provider": provider, "id": external})
        return found

    def _run(self, statement: str, *values: Any) -> None:
        with self._lock:
            self._connection.execute(statement, values)

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def _row(values: Sequence[Any]) -> Row:
    return Row(values[0], values[1], values[2], json.loads(values[3]))


def _found(text: str, body: str) -> bool:
    # Most records are told from their JSON: what it does not escape is in it as it is in the values.
    plain = text.isascii() and text.isprintable() and '"' not in text and "\\" not in text and "\\u" not in body
    if plain and text.casefold() not in body.casefold():
        return False
    return found_in(text, json.loads(body))
