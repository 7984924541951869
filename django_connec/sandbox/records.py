"""What writing does to records: upsert by external id, matching, partial updates, rows, merges."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django_connec.sandbox.catalogue import code_prefix, has_status
from django_connec.sandbox.filters import BadFilter, attribute_path, comparable
from django_connec.sandbox.ids import (
    ROW_IDS,
    UnknownReference,
    hub_entry,
    is_id_list,
    own_entries,
    read_attributes,
    repointed,
    without_row_ids,
)
from django_connec.sandbox.query import All, Compare, Query, equal, value_at
from django_connec.sandbox.store import Row, Store
from django_connec.sandbox.times import stamp

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
        rows = self.store.find(caller.org, resource, Query(top=1))
        if not rows:
            raise Refused(404, "No such record")
        return rows[0]

    def create(self, caller: Caller, resource: str, attributes: Mapping[str, Any]) -> tuple[Row, bool]:
        """POST: make a record, or update the one with this external id or these matching fields."""
        given = attributes.get("id")
        if given and not isinstance(given, list):
            raise Refused(409, "A new record cannot be given a plain id")
        entries = _entries(given)
        with self.store.transaction():
            read = self._read(caller, resource, attributes)
            known = self._known(caller, resource, given, entries) or self._matching(caller, resource, attributes, read)
            if known is not None:
                return self._change(caller, resource, known, read, entries, attributes), False
            _validate(resource, read)
            now = self._now()
            row = Row(str(uuid.uuid4()), now, now, read)
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
            return self._change(caller, resource, row, read, _entries(attributes.get("id")), attributes)

    def write_singular(self, caller: Caller, resource: str, attributes: Mapping[str, Any]) -> tuple[Row, bool]:
        """POST or PUT of a singular resource."""
        entries = _entries(attributes.get("id"))
        with self.store.transaction():
            rows = self.store.find(caller.org, resource, Query(top=1))
            read = self._read(caller, resource, attributes)
            if rows:
                return self._change(caller, resource, rows[0], read, entries, attributes), False
            now = self._now()
            row = Row(str(uuid.uuid4()), now, now, read)
            self.store.save(caller.org, resource, row)
            for provider, realm, external in entries:
                self.store.set_external(caller.org, resource, provider, realm, external, row.id)
        self.changed(caller.org, resource, row.id, caller.api_id)
        return row, True

    def merge(self, caller: Caller, resource: str, keeper: str, loser: str) -> None:
        """Make two records one: asking for the loser gives the keeper from now on, and what referred to the one
        refers to the other."""
        with self.store.transaction():
            kept, lost = self.get(caller, resource, keeper), self.get(caller, resource, loser)
            if kept.id == lost.id:
                return
            self.store.merge(caller.org, resource, kept.id, lost.id)
            changed = []
            for other, row in self.store.mentioning(caller.org, lost.id):
                body = repointed(other, row.body, resource, lost.id, kept.id)
                if body != row.body:
                    row.body = body
                    row.updated_at = max(self._now(), row.updated_at)
                    self.store.save(caller.org, other, row)
                    changed.append((other, row.id))
        for other, id in changed:
            self.changed(caller.org, other, id, caller.api_id)

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
            body[name] = _merge_rows(body.get(name), value, sparse=sparse) if isinstance(value, list) else value
        for provider, realm, external in entries:
            self.store.set_external(caller.org, resource, provider, realm, external, row.id)
        if body != row.body:
            _validate(resource, body)
            # That an application gave ids is no news to the others, of rows as little as of records.
            news = without_row_ids(body) != without_row_ids(row.body)
            row.body = body
            if news:
                # Versions never go back, even where the clock does.
                row.updated_at = max(self._now(), row.updated_at)
            self.store.save(caller.org, resource, row)
            if news:
                self.changed(caller.org, resource, row.id, caller.api_id)
        return row

    def _read(self, caller: Caller, resource: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        try:
            read = read_attributes(
                self.store, caller.org, resource, {k: v for k, v in attributes.items() if k not in READ_ONLY}
            )
        except UnknownReference as error:
            raise Refused(400, str(error)) from None
        options = attributes.get("opts")
        name = options.get("attach_to_organization") if isinstance(options, Mapping) else None
        if resource == "people" and isinstance(name, str) and name:
            found = self.store.find(caller.org, "organizations", Query(equal("name", name), top=1))
            row = found[0] if found else self.create(caller, "organizations", {"name": name})[0]
            read["organization_id"] = row.id
        return read

    def _known(self, caller: Caller, resource: str, given: Any, entries: list[tuple[str, str, str]]) -> Row | None:
        hub = hub_entry(given)
        if hub is not None:
            return self.get(caller, resource, hub)
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
            if not isinstance(alternative, list) or not all(isinstance(name, str) for name in alternative):
                raise Refused(400, "matching_fields must name attributes")
            try:
                paths = [attribute_path(name) for name in alternative]
                wanted = {path: comparable(value_at(read, path)) for path in paths}
            except BadFilter:
                raise Refused(400, "matching_fields must name attributes") from None
            # Empty values match nothing: everybody without an address would be the same person.
            if not wanted or not all(isinstance(v, (str, int, float)) and v != "" for v in wanted.values()):
                continue
            condition = All([Compare(path, "eq", value) for path, value in wanted.items()])
            found = self.store.find(caller.org, resource, Query(condition, top=1))
            if found:
                return found[0]
        return None

    def _now(self) -> str:
        return stamp(self.clock())


def _entries(given: Any) -> list[tuple[str, str, str]]:
    if isinstance(given, list) and not is_id_list(given):
        raise Refused(400, "Each entry of an id needs provider and id")
    return own_entries(given)


def _validate(resource: str, body: Mapping[str, Any]) -> None:
    if resource in NAMED and not body.get("name"):
        raise Refused(400, "Name can't be blank")
    if resource == "people" and not (body.get("first_name") or body.get("last_name")):
        raise Refused(400, "First name or last name can't be blank")


def _merge_rows(old: Any, new: list[Any], *, sparse: bool) -> list[Any]:
    """Rows with a known id, the hub's or an application's, are changed; those not mentioned stay, or go where the
    application says that it sent all of them."""
    if not all(isinstance(row, Mapping) for row in new):
        return new
    held = [dict(row) for row in old if isinstance(row, Mapping)] if isinstance(old, list) else []
    rows = list(held) if sparse else []
    for row in new:
        known = next((r for r in held if _same_row(r, row)), None)
        if known is None:
            rows.append(dict(row))
            continue
        theirs = row.get(ROW_IDS, [])
        others = [e for e in known.get(ROW_IDS, []) if not any(_same_application(e, t) for t in theirs)]
        identity = known.get("id", row.get("id"))
        known.update(row)
        known["id"] = identity
        if others or theirs:
            known[ROW_IDS] = sorted([*others, *theirs], key=lambda e: (e["provider"], e["realm"]))
        if not any(r is known for r in rows):
            rows.append(known)
    return rows


def _same_row(held: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    if held.get("id") is not None and held.get("id") == given.get("id"):
        return True
    return any(entry in held.get(ROW_IDS, []) for entry in given.get(ROW_IDS, []))


def _same_application(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one.get("provider"), one.get("realm")) == (other.get("provider"), other.get("realm"))
