"""A hub's storage in memory, for tests: nothing to open, nothing left behind."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django_connec.sandbox.query import COLUMNS, All, Compare, Condition, Either, Order, Query, scalar, value_at
from django_connec.sandbox.searching import found_in, matches
from django_connec.sandbox.store import EVERYTHING, Application, External, Group, Row

__all__ = ["MemoryStore"]

#: Stands for what was not there before.
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class _Record:
    """A record as JSON, so that nobody who holds a row holds the store's; parsed once more for conditions."""

    seq: int
    id: str
    created_at: str
    updated_at: str
    text: str
    parsed: dict[str, Any]

    def row(self) -> Row:
        return Row(self.id, self.created_at, self.updated_at, json.loads(self.text))


class MemoryStore:
    """:class:`~django_connec.sandbox.store.Store` in dictionaries; what a failed transaction did is taken back."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._sequence = itertools.count(1)
        self._applications: dict[str, Application] = {}
        self._groups: dict[tuple[str, str], tuple[str, bool]] = {}
        self._records: dict[tuple[str, str], dict[str, _Record]] = {}
        self._externals: dict[tuple[str, str, External], str] = {}
        # The same, from the record to the ids that it has.
        self._entries: dict[tuple[str, str, str], frozenset[External]] = {}
        self._merged: dict[tuple[str, str, str], str] = {}
        self._counters: dict[tuple[str, str], int] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            self._depth += 1
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    while self._undo:
                        table, key, before = self._undo.pop()
                        if before is _NOTHING:
                            table.pop(key, None)
                        else:
                            table[key] = before
                raise
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._undo.clear()

    def close(self) -> None:
        """There is nothing to let go of."""

    def _put(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        """Change one entry, so that it can be taken back; ``_NOTHING`` removes it."""
        if self._depth:
            self._undo.append((table, key, table.get(key, _NOTHING)))
        if value is _NOTHING:
            table.pop(key, None)
        else:
            table[key] = value

    # Applications and groups

    def save_application(self, application: Application) -> None:
        with self._lock:
            self._put(self._applications, application.api_id, application)

    def applications(self) -> list[Application]:
        with self._lock:
            return [self._applications[api_id] for api_id in sorted(self._applications)]

    def save_group(self, uid: str, api_id: str, org: str) -> None:
        with self._lock:
            self._put(self._groups, (uid, api_id), (org, False))

    def revoke(self, uid: str) -> None:
        with self._lock:
            for key, (org, _) in list(self._groups.items()):
                if key[0] == uid:
                    self._put(self._groups, key, (org, True))

    def org_of(self, uid: str, api_id: str | None = None) -> str | None:
        with self._lock:
            for (group, application), (org, revoked) in self._groups.items():
                if group == uid and api_id in (None, application) and not revoked:
                    return org
        return None

    def org_behind(self, uid: str) -> str | None:
        with self._lock:
            return next((org for (group, _), (org, _) in self._groups.items() if group == uid), None)

    def groups(self) -> list[Group]:
        with self._lock:
            return [Group(uid, api_id, org, revoked) for (uid, api_id), (org, revoked) in self._groups.items()]

    def groups_of(self, org: str) -> list[tuple[str, str]]:
        with self._lock:
            return sorted(key for key, (of, revoked) in self._groups.items() if of == org and not revoked)

    # Records

    def get(self, org: str, resource: str, id: str) -> Row | None:
        with self._lock:
            record = self._records.get((org, resource), {}).get(self.keeper_of(org, resource, id))
        return None if record is None else record.row()

    def save(self, org: str, resource: str, row: Row) -> None:
        with self._lock:
            known = self._records.get((org, resource), {}).get(row.id)
            self._keep(org, resource, row, row.created_at if known is None else known.created_at)

    def save_many(self, org: str, resource: str, rows: Iterable[Row]) -> None:
        with self.transaction():
            for row in rows:
                self._keep(org, resource, row, row.created_at)

    def _keep(self, org: str, resource: str, row: Row, created_at: str) -> None:
        table = self._records.setdefault((org, resource), {})
        known = table.get(row.id)
        seq = next(self._sequence) if known is None else known.seq
        text = json.dumps(row.body)
        self._put(table, row.id, _Record(seq, row.id, created_at, row.updated_at, text, json.loads(text)))

    def delete(self, org: str, resource: str, id: str) -> None:
        with self.transaction():
            self._put(self._records.setdefault((org, resource), {}), id, _NOTHING)
            for entry in self._given(org, resource, id):
                self._put(self._externals, (org, resource, entry), _NOTHING)
            self._put(self._entries, (org, resource, id), _NOTHING)

    def find(self, org: str, resource: str, query: Query = EVERYTHING) -> list[Row]:
        with self._lock:
            chosen = self._chosen(org, resource, query)
        chosen.sort(key=lambda record: record.seq)
        if query.order is not None:
            # Sorting is stable, backwards too: records that are equal stay in the order of creation.
            chosen.sort(key=_order_key(query.order), reverse=query.order.descending)
        end = None if query.top is None else query.skip + query.top
        return [record.row() for record in chosen[query.skip : end]]

    def count(self, org: str, resource: str, query: Query = EVERYTHING) -> int:
        with self._lock:
            return len(self._chosen(org, resource, query))

    def _chosen(self, org: str, resource: str, query: Query) -> list[_Record]:
        records: Iterable[_Record] = self._records.get((org, resource), {}).values()
        condition = query.condition
        if condition is not None:
            records = [record for record in records if _holds(condition, record)]
        if query.search:
            records = [record for record in records if found_in(query.search, record.parsed)]
        return list(records)

    def mentioning(self, org: str, id: str) -> list[tuple[str, Row]]:
        text = json.dumps(id)
        with self._lock:
            return [
                (resource, record.row())
                for (of, resource), table in self._records.items()
                if of == org
                for record in table.values()
                if text in record.text
            ]

    def next_number(self, org: str, resource: str, count: int = 1) -> int:
        with self._lock:
            first = self._counters.get((org, resource), 0) + 1
            self._put(self._counters, (org, resource), first + count - 1)
            return first

    # Merges

    def keeper_of(self, org: str, resource: str, id: str) -> str:
        with self._lock:
            return self._merged.get((org, resource, id), id)

    def merge(self, org: str, resource: str, keeper: str, loser: str) -> None:
        with self.transaction():
            moved = self._given(org, resource, loser)
            self._put(self._entries, (org, resource, keeper), self._given(org, resource, keeper) | moved)
            self._put(self._entries, (org, resource, loser), frozenset())
            for entry in moved:
                self._put(self._externals, (org, resource, entry), keeper)
            for key, held in list(self._merged.items()):
                if key[:2] == (org, resource) and held == loser:
                    self._put(self._merged, key, keeper)
            self._put(self._merged, (org, resource, loser), keeper)
            self.delete(org, resource, loser)

    # External ids

    def _given(self, org: str, resource: str, id: str) -> frozenset[External]:
        return self._entries.get((org, resource, id), frozenset())

    def by_external(self, org: str, resource: str, provider: str, realm: str, external: str) -> str | None:
        with self._lock:
            return self._externals.get((org, resource, (provider, realm, external)))

    def set_external(self, org: str, resource: str, provider: str, realm: str, external: str, id: str) -> bool:
        with self.transaction():
            entry = (provider, realm, external)
            holder = self._externals.get((org, resource, entry))
            if holder == id:
                return False
            if holder is not None:
                self._put(self._entries, (org, resource, holder), self._given(org, resource, holder) - {entry})
            ours = self._given(org, resource, id)
            earlier = {held for held in ours if held[:2] == (provider, realm)}
            for held in earlier:
                self._put(self._externals, (org, resource, held), _NOTHING)
            self._put(self._entries, (org, resource, id), (ours - earlier) | {entry})
            self._put(self._externals, (org, resource, entry), id)
            return True

    def add_externals(self, org: str, resource: str, entries: Iterable[tuple[str, External]]) -> None:
        with self.transaction():
            for id, (provider, realm, external) in entries:
                self.set_external(org, resource, provider, realm, external, id)

    def externals(self, org: str, resource: str, ids: Sequence[str]) -> dict[str, list[dict[str, str]]]:
        with self._lock:
            return {
                id: [
                    {"realm": realm, "provider": provider, "id": external}
                    for provider, realm, external in sorted(self._given(org, resource, id))
                ]
                for id in ids
                if self._given(org, resource, id)
            }


def _value(record: _Record, path: Sequence[str]) -> str | int | float | None:
    if len(path) == 1 and path[0] in COLUMNS:
        return str(getattr(record, COLUMNS[path[0]]))
    return scalar(value_at(record.parsed, path))


def _order_key(order: Order) -> Callable[[_Record], tuple[int, Any]]:
    def key(record: _Record) -> tuple[int, Any]:
        value = _value(record, order.path)
        return (0, 0) if value is None else (2, value) if isinstance(value, str) else (1, value)

    return key


def _holds(condition: Condition, record: _Record) -> bool:
    if isinstance(condition, Compare):
        return _compares(condition, _value(record, condition.path))
    if isinstance(condition, All):
        return all(_holds(part, record) for part in condition.parts)
    if isinstance(condition, Either):
        return any(_holds(part, record) for part in condition.parts)
    return not _holds(condition.part, record)


def _compares(condition: Compare, found: str | int | float | None) -> bool:
    operator, wanted = condition.operator, condition.value
    if operator in ("empty", "filled"):
        return (found in (None, "", "{}", "[]")) is (operator == "empty")
    if operator == "match":
        return matches(wanted, found)
    if operator == "in":
        return any(_same(found, item) for item in wanted)
    if operator in ("eq", "ne"):
        return _same(found, wanted) is (operator == "eq")
    if found is None or isinstance(found, str) is not isinstance(wanted, str):
        return False
    order: tuple[Any, Any] = (found, wanted)
    if operator in ("gt", "gte"):
        return bool(order[0] > order[1] or (operator == "gte" and order[0] == order[1]))
    return bool(order[0] < order[1] or (operator == "lte" and order[0] == order[1]))


def _same(found: str | int | float | None, wanted: Any) -> bool:
    return found is not None and isinstance(found, str) is isinstance(wanted, str) and found == wanted
