"""What writing does to records: upsert by external id, matching, partial updates, merges."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django_connec.sandbox.behaviour import Behaviour
from django_connec.sandbox.catalogue import SINGULAR, code_prefix, first_status, has_status
from django_connec.sandbox.computing import complete
from django_connec.sandbox.ids import (
    UnknownReference,
    hub_entry,
    is_id_list,
    own_entries,
    read_attributes,
    repointed,
    without_row_ids,
)
from django_connec.sandbox.layouts import LAYOUTS, Layout
from django_connec.sandbox.options import (
    BadOption,
    attached_organization,
    find_matching,
    find_organization,
    is_sparse,
    organization_to_make,
)
from django_connec.sandbox.query import Query, equal
from django_connec.sandbox.rows import merged
from django_connec.sandbox.store import External, Row, Store
from django_connec.sandbox.times import stamp
from django_connec.sandbox.validation import problem_of, with_empty_blocks

__all__ = ["READ_ONLY", "Caller", "Refused", "Writer"]

READ_ONLY = frozenset({"id", "created_at", "updated_at", "group_id", "channel_id", "resource_type", "opts"})

Changed = Callable[[str, str, str, str], None]
Attributes = Mapping[str, Any]


class Refused(Exception):
    """The hub refuses a request; ``status`` and ``title`` become its answer."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for which group, and in which form ids and countries are answered."""

    api_id: str
    group: str
    org: str
    external_ids: bool
    country_codes: bool = False


class Writer:
    """The operations on records; each is whole or not at all."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], dt.datetime],
        changed: Changed,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.changed = changed
        self.behaviour = behaviour or Behaviour()

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

    def create(self, caller: Caller, resource: str, attributes: Attributes) -> tuple[Row, bool]:
        """POST: make a record, or update the one with this external id or these matching fields."""
        given = attributes.get("id")
        if given and not isinstance(given, list):
            if self.behaviour.refuse_plain_ids:
                raise Refused(409, "A new record cannot be given a plain id")
            given = None
        entries = _entries(given)
        with self.store.transaction():
            read = self._read(caller, resource, attributes)
            known = self._known(caller, resource, given, entries) or self._matching(caller, resource, attributes, read)
            if known is not None:
                return self._change(caller, resource, known, read, entries, attributes), False
            row = self._make(caller, resource, read, entries, attributes)
        self.changed(caller.org, resource, row.id, caller.api_id)
        return row, True

    def update(self, caller: Caller, resource: str, id: str, attributes: Attributes) -> Row:
        """PUT: change the attributes given, leave the others."""
        with self.store.transaction():
            row = self.get(caller, resource, id)
            read = self._read(caller, resource, attributes)
            return self._change(caller, resource, row, read, _entries(attributes.get("id")), attributes)

    def write_singular(self, caller: Caller, resource: str, attributes: Attributes) -> tuple[Row, bool]:
        """POST or PUT of a singular resource."""
        entries = _entries(attributes.get("id"))
        with self.store.transaction():
            rows = self.store.find(caller.org, resource, Query(top=1))
            read = self._read(caller, resource, attributes)
            if rows:
                return self._change(caller, resource, rows[0], read, entries, attributes), False
            row = self._make(caller, resource, read, entries, attributes)
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

    def _make(
        self, caller: Caller, resource: str, read: Attributes, entries: list[External], attributes: Attributes
    ) -> Row:
        now = self._now()
        body = self._attached(caller, resource, {}, dict(read), entries, attributes)
        if resource not in SINGULAR and not body.get("code"):
            body["code"] = f"{code_prefix(resource)}{self.store.next_number(caller.org, resource)}"
        if has_status(resource):
            body.setdefault("status", first_status(resource))
        if resource == "organizations" and self.behaviour.default_customers:
            body.setdefault("is_customer", True)
        body = self._filled(LAYOUTS[resource], body)
        row = Row(str(uuid.uuid4()), now, now, self._completed(caller.org, resource, body, {}))
        self._validate(caller.org, resource, row)
        self.store.save(caller.org, resource, row)
        for provider, realm, external in entries:
            self.store.set_external(caller.org, resource, provider, realm, external, row.id)
        return row

    def _change(
        self,
        caller: Caller,
        resource: str,
        row: Row,
        read: Attributes,
        entries: list[External],
        attributes: Attributes,
    ) -> Row:
        sparse, deep = is_sparse(attributes), self.behaviour.deep_merge
        body = dict(row.body)
        for name, value in read.items():
            body[name] = merged(body.get(name), value, sparse=sparse, deep=deep)
        layout = LAYOUTS[resource]
        body = self._filled({name: layout[name] for name in read if name in layout}, body)
        body = self._attached(caller, resource, row.body, body, entries, attributes)
        linked = False
        for provider, realm, external in entries:
            linked |= self.store.set_external(caller.org, resource, provider, realm, external, row.id)
        news = linked and self.behaviour.link_back_is_a_change
        if body != row.body:
            body = self._completed(caller.org, resource, body, row.body)
            # That an application gave ids is no news to the others, of rows as little as of records.
            news = news or self.behaviour.link_back_is_a_change or without_row_ids(body) != without_row_ids(row.body)
            row.body = body
            self._validate(caller.org, resource, row)
        elif not news:
            return row
        if news:
            # Versions never go back, even where the clock does.
            row.updated_at = max(self._now(), row.updated_at)
        self.store.save(caller.org, resource, row)
        if news:
            self.changed(caller.org, resource, row.id, caller.api_id)
        return row

    def _read(self, caller: Caller, resource: str, attributes: Attributes) -> dict[str, Any]:
        behaviour = self.behaviour
        try:
            read = read_attributes(
                self.store,
                caller.org,
                resource,
                {k: v for k, v in attributes.items() if k not in READ_ONLY},
                drop_unknown=behaviour.unknown_references == "drop",
                check_hub_ids=behaviour.check_references,
            )
        except UnknownReference as error:
            raise Refused(400, str(error)) from None
        return with_empty_blocks(LAYOUTS[resource], read)

    def _attached(
        self,
        caller: Caller,
        resource: str,
        before: Attributes,
        body: dict[str, Any],
        entries: list[External],
        attributes: Attributes,
    ) -> dict[str, Any]:
        """Return a record with the organisation that its writer's options attach it to."""
        try:
            organization = attached_organization(self.store, caller.org, resource, attributes, entries)
        except BadOption as error:
            raise Refused(400, str(error)) from None
        name = organization_to_make(resource, attributes, before)
        if name is not None:
            organization = find_organization(self.store, caller.org, name)
            if organization is None:
                organization = self.create(caller, "organizations", {"name": name})[0].id
        return body if organization is None else body | {"organization_id": organization}

    def _known(self, caller: Caller, resource: str, given: Any, entries: list[External]) -> Row | None:
        hub = hub_entry(given)
        if hub is not None:
            return self.get(caller, resource, hub)
        for provider, realm, external in entries:
            id = self.store.by_external(caller.org, resource, provider, realm, external)
            if id is not None:
                return self.store.get(caller.org, resource, id)
        return None

    def _matching(self, caller: Caller, resource: str, attributes: Attributes, read: Attributes) -> Row | None:
        try:
            return find_matching(self.store, caller.org, resource, attributes, read, self.behaviour)
        except BadOption as error:
            raise Refused(400, str(error)) from None

    def _filled(self, layout: Layout, body: dict[str, Any]) -> dict[str, Any]:
        return with_empty_blocks(layout, body, fill=True) if self.behaviour.fill_blocks else body

    def _completed(self, org: str, resource: str, body: dict[str, Any], before: Attributes) -> dict[str, Any]:
        if not self.behaviour.compute:
            return body

        def rate_of(tax_code: Any, sale: bool) -> Any:
            row = self.store.get(org, "tax_codes", tax_code) if isinstance(tax_code, str) else None
            return None if row is None else row.body.get("sale_tax_rate" if sale else "purchase_tax_rate")

        return complete(resource, body, before, rate_of)

    def _validate(self, org: str, resource: str, row: Row) -> None:
        problem = problem_of(resource, row.body, check_values=self.behaviour.check_values)
        code = row.body.get("code")
        if problem is None and self.behaviour.unique_codes and isinstance(code, str):
            holders = self.store.find(org, resource, Query(equal("code", code), top=2))
            if any(holder.id != row.id for holder in holders):
                problem = "Code has already been taken"
        if problem is not None:
            raise Refused(400, problem)

    def _now(self) -> str:
        return stamp(self.clock())


def _entries(given: Any) -> list[External]:
    if isinstance(given, list) and not is_id_list(given):
        raise Refused(400, "Each entry of an id needs provider and id")
    return own_entries(given)
