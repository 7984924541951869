"""What writing does to records: upsert by external id, matching, partial updates, rows, merges."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django_connec.sandbox.catalogue import code_prefix, has_status
from django_connec.sandbox.ids import ROW_IDS, UnknownReference, own_entries, read_attributes
from django_connec.sandbox.store import Row, Store

__all__ = ["Caller", "Refused", "Writer"]

READ_ONLY = frozenset({"id", "created_at", "updated_at", "group_id", "channel_id", "resource_type", "opts"})
NAMED = frozenset({"organizations", "items", "accounts"})


class Refused(Exception):
    """The hub refuses a request; ``status`` and ``title`` become its answer."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for which group, and in which form ids are answered."""

    api_id: str
    group: str
    org: str
    external_ids: bool


class Writer:
    """The operations on records; each is whole or not at all."""

    def __init__(
        self, store: Store, clock: Callable[[], dt.datetime], changed: Callable[[str, str, str, str], None]
    ) -> None:
        self.store = store
        self.clock = clock
        self.changed = changed

    def get(self, caller: Caller, resource: str, id: str) -> Row:
        row = self.store.get(caller.org, resource, id)
        if row is None:
            raise Refused(404, "No such record")
        return row

    def singular(self, caller: Caller, resource: str) -> Row:
        rows = self.store.find(caller.org, resource, limit=1)
        if not rows:
            raise Refused(404, "No such record")
        return rows[0]

    def create(self, caller: Caller, resource: str, attributes: Mapping[str, Any]) -> tuple[Row, bool]:
        """POST: make a record, or update the one with this external id or these matching fields."""
        if isinstance(attributes.get("id"), str):
            raise Refused(409, "A new record cannot be given a plain id")
        entries = own_entries(attributes.get("id"))
        with self.store.transaction():
            read = self._read(caller, resource, attributes)
            known = self._by_entries(caller, resource, entries) or self._matching(caller, resource, attributes, read)
            if known is not None:
                return self._change(caller, resource, known, read, entries, attributes), False
            _validate(resource, read)
            now = self._now()
            row = Row(str(uuid.uuid4()), now, now, {})
            row.body = {k: v for k, v in read.items() if k not in READ_ONLY}
            if not row.body.get("code"):
                row.body["code"] = f"{code_prefix(resource)}{self.store.next_number(caller.org, resource)}"
            if has_status(resource):
                row.body.setdefault("status", "ACTIVE")
            self.store.save(caller.org, resource, row)
            for provider, realm, external in entries:
                self.store.set_external(caller.org, resource, provider, realm, external, row.id)
        self.changed(caller.org, resource, row.id, caller.api_id)
        return row, True

    def update(self, caller: Caller, resource: str, id: str, attributes: Mapping[str, Any]) -> Row:
        """PUT: change the attributes given, leave the others."""
        with self.store.transaction():
            row = self.get(caller, resource, id)
            read = self._read(caller, resource, attributes)
            return self._change(caller, resource, row, read, own_entries(attributes.get("id")), attributes)

    def write_singular(self, caller: Caller, resource: str, attributes: Mapping[str, Any]) -> tuple[Row, bool]:
        """POST or PUT of a singular resource."""
        with self.store.transaction():
            rows = self.store.find(caller.org, resource, limit=1)
            read = self._read(caller, resource, attributes)
            if rows:
                entries = own_entries(attributes.get("id"))
                return self._change(caller, resource, rows[0], read, entries, attributes), False
            now = self._now()
            row = Row(str(uuid.uuid4()), now, now, {k: v for k, v in read.items() if k not in READ_ONLY})
            self.store.save(caller.org, resource, row)
        self.changed(caller.org, resource, row.id, caller.api_id)
        return row, True

    def merge(self, org: str, resource: str, keeper: str, loser: str) -> None:
        """Make two records one; asking for the loser gives the keeper from now on."""
        with self.store.transaction():
            if self.store.get(org, resource, keeper) is None or self.store.get(org, resource, loser) is None:
                raise Refused(404, "No such record")
            self.store.merge(org, resource, keeper, loser)

    def _change(
        self,
        caller: Caller,
        resource: str,
        row: Row,
        read: Mapping[str, Any],
        entries: list[tuple[str, str, str]],
        attributes: Mapping[str, Any],
    ) -> Row:
        options = attributes.get("opts")
        sparse = not (isinstance(options, Mapping) and options.get("sparse") is False)
        body = dict(row.body)
        for name, value in read.items():
            if name in READ_ONLY:
                continue
            body[name] = _merge_rows(body.get(name), value) if sparse and isinstance(value, list) else value
        for provider, realm, external in entries:
            self.store.set_external(caller.org, resource, provider, realm, external, row.id)
        if body != row.body:
            _validate(resource, body)
            row.body = body
            # Versions never go back, even where the clock does.
            row.updated_at = max(self._now(), row.updated_at)
            self.store.save(caller.org, resource, row)
            self.changed(caller.org, resource, row.id, caller.api_id)
        return row

    def _read(self, caller: Caller, resource: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return read_attributes(
                self.store, caller.org, resource, {k: v for k, v in attributes.items() if k not in READ_ONLY}
            )
        except UnknownReference as error:
            raise Refused(400, str(error)) from None

    def _by_entries(self, caller: Caller, resource: str, entries: list[tuple[str, str, str]]) -> Row | None:
        for provider, realm, external in entries:
            id = self.store.by_external(caller.org, resource, provider, realm, external)
            if id is not None:
                return self.store.get(caller.org, resource, id)
        return None

    def _matching(
        self, caller: Caller, resource: str, attributes: Mapping[str, Any], read: Mapping[str, Any]
    ) -> Row | None:
        """Smart merging (Connec! API v2, matching_fields): all named fields must be equal and not empty."""
        options = attributes.get("opts")
        names = options.get("matching_fields") if isinstance(options, Mapping) else None
        if not isinstance(names, list) or not names:
            return None
        alternatives = names if isinstance(names[0], list) else [names]
        for alternative in alternatives:
            wanted = {str(name): _at(read, str(name)) for name in alternative}
            if not all(wanted.values()):
                continue
            paths = [name.replace("/", ".") for name in wanted]
            if any(not path.replace(".", "_").isidentifier() for path in paths):
                raise Refused(400, "matching_fields must name attributes")
            condition = " AND ".join(f"json_extract(body, '$.{path}') = ?" for path in paths)
            found = self.store.find(caller.org, resource, condition, list(wanted.values()), limit=1)
            if found:
                return found[0]
        return None

    def _now(self) -> str:
        return self.clock().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _validate(resource: str, body: Mapping[str, Any]) -> None:
    if resource in NAMED and not body.get("name"):
        raise Refused(400, "Name can't be blank")
    if resource == "people" and not (body.get("first_name") or body.get("last_name")):
        raise Refused(400, "First name or last name can't be blank")


def _merge_rows(old: Any, new: list[Any]) -> list[Any]:
    """Rows that are not mentioned stay; those with a known id, the hub's or an application's, are changed."""
    rows = [dict(row) if isinstance(row, Mapping) else row for row in old or []]
    for row in new:
        if not isinstance(row, Mapping):
            return new
        known = next((r for r in rows if isinstance(r, dict) and _same_row(r, row)), None)
        if known is None:
            rows.append(row)
        else:
            identity = known["id"]
            known.update(row)
            known["id"] = identity
    return rows


def _same_row(held: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    if held.get("id") == given.get("id"):
        return True
    return any(entry in held.get(ROW_IDS, []) for entry in given.get(ROW_IDS, []))


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for key in path.replace("/", ".").split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
