"""Reading: lists, single records with their likely duplicates, and the older feed of changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from django_connec.sandbox import messages
from django_connec.sandbox.behaviour import Behaviour
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR, entity_name
from django_connec.sandbox.countries import alpha2
from django_connec.sandbox.filters import BadFilter, order_by, read_filter
from django_connec.sandbox.ids import show
from django_connec.sandbox.query import All, Compare, Condition, Either, Query, scalar, value_at
from django_connec.sandbox.records import Caller, Refused
from django_connec.sandbox.store import Row, Store
from django_connec.sandbox.times import stamp

__all__ = ["Reader"]

#: What makes two records likely to be one; all of a line must be there and equal.
_LIKENESS = ((("name",),), (("email", "address"),), (("first_name",), ("last_name",)), (("reference",),))
_MOST_DUPLICATES = 20


class Reader:
    """What is shown to one caller."""

    def __init__(self, store: Store, behaviour: Behaviour, caller: Caller) -> None:
        self.store = store
        self.behaviour = behaviour
        self.caller = caller

    def shown(self, resource: str, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Return records in the form that the caller asked for."""
        caller = self.caller
        records = show(self.store, caller.org, resource, rows, group_uid=caller.group, external_ids=caller.external_ids)
        if resource in SINGULAR and not self.behaviour.singular_ids:
            for record in records:
                del record["id"]
        return [alpha2(record) for record in records] if caller.country_codes else records

    def one(self, resource: str, row: Row, query: messages.Query = []) -> dict[str, Any]:  # noqa: B006 - only read
        """Return one record; with ``$expand=matching_records`` its likely duplicates too."""
        record = self.shown(resource, [row])[0]
        if "matching_records" in (messages.first(query, "$expand") or "").split(","):
            record["matching_records"] = [{"match_id": id} for id in self._duplicates(resource, row)]
        return record

    def _duplicates(self, resource: str, row: Row) -> list[Any]:
        alike: list[Condition] = []
        for paths in _LIKENESS:
            values = [scalar(value_at(row.body, path)) for path in paths]
            if all(isinstance(value, str) and value not in ("", "{}", "[]") for value in values):
                alike.append(All([Compare(path, "eq", value) for path, value in zip(paths, values, strict=True)]))
        if not alike:
            return []
        condition = All([Either(alike), Compare(("id",), "ne", row.id)])
        found = self.store.find(self.caller.org, resource, Query(condition, top=_MOST_DUPLICATES))
        return [
            record["id"]
            for record in show(
                self.store, self.caller.org, resource, found, group_uid=self.caller.group, external_ids=True
            )
        ]

    def page(self, resource: str, query: messages.Query, url: str) -> dict[str, Any]:
        """Return one page of a list, with where to go on.

        Args:
            url: The list's absolute address, without its parameters.

        Raises:
            Refused: A parameter cannot be read.
        """
        first = messages.first
        try:
            condition = read_filter(first(query, "$filter"), wide=self.behaviour.wide_filters)
            order = order_by(first(query, "$orderby") or self.behaviour.default_order)
        except BadFilter as error:
            raise Refused(400, f"$filter or $orderby: {error}") from None
        try:
            top = min(messages.number(query, "$top", self.behaviour.page_cap), self.behaviour.page_cap)
            skip = messages.number(query, "$skip", 0)
        except ValueError as error:
            raise Refused(400, str(error)) from None
        asked = Query(condition, first(query, "$search") or "", order, top, skip)
        with self.store.transaction():
            total = self.store.count(self.caller.org, resource, asked)
            rows = self.store.find(self.caller.org, resource, asked)
        pagination: dict[str, Any] = {"skip": skip, "top": top, "total": total}
        if rows and skip + len(rows) < total:
            following = [("$skip", str(skip + top)), ("$top", str(top))]
            following += [(name, value) for name, value in query if name not in ("$skip", "$top")]
            pagination["next"] = f"{url}?{urlencode(following, quote_via=quote)}"
        return {resource: self.shown(resource, rows), "pagination": pagination}

    def updates(self, since: str, query: messages.Query) -> dict[str, Any]:
        """Return all records that changed since a time: the feed of 2014 and 2015, by resource.

        Args:
            since: Milliseconds since 1970.

        Raises:
            Refused: It is no time, or an entity is not known.
        """
        names = {entity_name(resource).casefold(): resource for resource in COLLECTIONS | SINGULAR}
        wanted = (messages.first(query, "$filter[entity]") or "").split(",")
        resources = [names.get(name.strip().casefold(), "") for name in wanted if name.strip()]
        if "" in resources:
            raise Refused(400, "$filter[entity] must name entities")
        try:
            moment = dt.datetime.fromtimestamp(int(since) / 1000, dt.UTC)
        except (ValueError, OverflowError, OSError):
            raise Refused(400, "The time must be in milliseconds since 1970") from None
        condition = Compare(("updated_at",), "gte", stamp(moment))
        return {
            resource: self.shown(resource, self.store.find(self.caller.org, resource, Query(condition)))
            for resource in resources or sorted(COLLECTIONS | SINGULAR)
        }
