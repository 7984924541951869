"""Compare both sides by content, page by page, and mend what differs.

A row that holds an unsent change is not compared: it is known to differ, and on its way. What a first look finds
is looked at once more, from fresh rows and freshly fetched records, so that a change made meanwhile is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from django.db import router

from django_connec.client import ConnecClient, ConnecNotFound
from django_connec.conf import get_settings
from django_connec.exceptions import BadValue
from django_connec.inbound import Outcome, apply_records
from django_connec.inbound.incoming import Incoming, read_records
from django_connec.inbound.lookup import find_rows
from django_connec.inbound.references import fetch_by_id
from django_connec.inbound.tombstones import is_buried, tombstones_for
from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.local import LocalValues
from django_connec.mapping.references import parse_remote_id
from django_connec.mapping.values import BLANK
from django_connec.models import ConnecGroup
from django_connec.models.columns import STATE, Columns
from django_connec.operating.auditing_rows import compare_rows
from django_connec.operating.differences import Difference, ResourceAudit
from django_connec.operating.mending import ask_for_record, mark_for_push
from django_connec.outbound.encoding import prepare
from django_connec.reading.pages import fetch_ahead
from django_connec.sql import standing_still

__all__ = ["Fix", "audit_group"]

Fix = Literal["", "push", "pull"]

#: Rows read at once, and records asked for by id.
ROWS = 500
IDS = 50


def audit_group(
    group: ConnecGroup,
    client: ConnecClient,
    *,
    resources: Sequence[str] | None = None,
    sample: int | None = None,
    fix: Fix = "",
) -> Iterator[ResourceAudit]:
    """Compare a group's rows with the hub's records; yields one result a resource.

    Args:
        group: Whose.
        client: The marketplace's client.
        resources: Only these; all mapped ones that are shared either way by default.
        sample: Check only so many random rows of each mapper, fetched by their ids.
        fix: ``"push"`` marks what differs so that the next drain sends it; ``"pull"`` applies the hub's records.

    Raises:
        ConnecError: The hub could not be read; what was yielded before stands.
    """
    for resource in registry.resources():
        if resources is not None and resource not in resources:
            continue
        if group.shares(resource, "pull") or group.shares(resource, "push"):
            yield _Audit(group, client, resource, fix).run(sample)


class _Audit:
    def __init__(self, group: ConnecGroup, client: ConnecClient, resource: str, fix: Fix) -> None:
        self.group = group
        self.client = client
        self.resource = resource
        self.fix = fix
        self.using = router.db_for_write(ConnecGroup)
        self.pulls, self.pushes = group.shares(resource, "pull"), group.shares(resource, "push")
        self.result = ResourceAudit(resource)

    def run(self, sample: int | None) -> ResourceAudit:
        mappers = registry.for_resource(self.resource)
        if mappers[0].is_singular:
            self._check([dict(self.client.get(self.group.uid, self.resource).record)])
            return self.result
        if sample is not None:
            for mapper in mappers:
                rows = self._rows(mapper).filter(connec_id__isnull=False, connec_changed_at__isnull=True)
                chosen = list(rows.order_by("?")[:sample])
                for start in range(0, len(chosen), IDS):
                    part = chosen[start : start + IDS]
                    self._check(self._fetch([Columns(row).connec_id for row in part]))
                    self._check_presence(mapper, part)
            return self.result
        limits = get_settings()
        for page in fetch_ahead(
            self.client, self.group.uid, self.resource, top=limits.page_size, threads=limits.import_threads
        ):
            self._check(page.records)
        for mapper in mappers:
            for rows in self._pages(self._rows(mapper).filter(connec_id__isnull=False), IDS):
                self._check_presence(mapper, rows)
            if self.pushes:
                for rows in self._pages(self._rows(mapper).filter(connec_id__isnull=True), ROWS):
                    self._check_unsent(mapper, rows)
        return self.result

    def _rows(self, mapper: Mapper) -> Any:
        return mapper.model._base_manager.using(self.using).filter(**{mapper.meta.group: self.group})

    def _pages(self, rows: Any, size: int) -> Iterator[list[Any]]:
        last: Any = None
        while True:
            found = list((rows if last is None else rows.filter(pk__gt=last)).order_by("pk")[:size])
            if not found:
                return
            yield found
            last = found[-1].pk

    def _fetch(self, ids: Iterable[str | None]) -> list[Any]:
        return fetch_by_id(self.client, self.group, self.resource, [i for i in ids if i])

    # Records of the hub ---------------------------------------------------------------------------------

    def _check(self, records: Sequence[Any]) -> None:
        suspects, unread, compared, pending = self._compare(records)
        self.result.compared += compared
        self.result.pending += pending
        self.result.unreadable += unread
        if not suspects:
            return
        if not suspects[0][0].mapper.is_singular:
            records = self._fetch(item.connec_id for item, _, _ in suspects)
            suspects = self._compare(records)[0]
        for item, row, names in suspects:
            self._found(item, row, names)

    def _compare(self, records: Sequence[Any]) -> tuple[list[tuple[Incoming, Any, list[str]]], int, int, int]:
        """Return what differs (its row is ``None`` where it is missing here), how many records could not be read,
        how many were compared and how many rows are pending."""
        incoming, broken = read_records(self.group, self.resource, records, Outcome())
        suspects: list[tuple[Incoming, Any, list[str]]] = []
        compared = pending = 0
        by_mapper: dict[Mapper, list[Incoming]] = {}
        for item in incoming:
            by_mapper.setdefault(item.mapper, []).append(item)
        for mapper, items in by_mapper.items():
            matched = find_rows(self.group, mapper, items, self.using).rows
            graves = tombstones_for(self.group, mapper, items, self.using)
            keys = [held.pk for held in matched.values()]
            rows = mapper.model._base_manager.using(self.using).in_bulk(keys)
            local = LocalValues(mapper, rows.values(), self.group.pk, self.group.effective_realm, self.using)
            pairs = [(items[position], rows[held.pk]) for position, held in matched.items() if held.pk in rows]
            inside = compare_rows(self.group, mapper, pairs, self.using) if mapper.nested else {}
            for position, item in enumerate(items):
                held = matched.get(position)
                row = rows.get(held.pk) if held is not None else None
                if row is None:
                    gone = position in graves and is_buried(graves[position], item)
                    ends = mapper.meta.on_inactive == "delete" and mapper.is_inactive(item.record)
                    if self.pulls and not gone and not ends:
                        suspects.append((item, None, []))
                elif Columns(row).changed_at is not None:
                    pending += 1
                else:
                    compared += 1
                    names = self._differing(item, row, local.digests(row))
                    names += [difference.nested.name for difference in inside.get(row.pk, ())]
                    if names or Columns(row).connec_id is None:
                        suspects.append((item, row, names))
        return suspects, len(broken), compared, pending

    def _differing(self, item: Incoming, row: Any, digests: dict[str, str]) -> list[str]:
        agreement = Agreement.load(Columns(row).state)
        names = []
        for bound in item.mapper.fields:
            shared = (bound.pull and self.pulls) or (bound.push and self.pushes)
            if not shared or bound.create_only or bound.name in agreement.contested:
                continue
            ours = digests[bound.name]
            # What the hub does not show counts as what was agreed.
            theirs = item.decoded.digests.get(bound.name, agreement.agreed.get(bound.name, BLANK))
            in_two_forms = agreement.local.get(bound.name) == ours and agreement.agreed.get(bound.name) == theirs
            if ours != theirs and not in_two_forms:
                names.append(bound.name)
        return names

    def _found(self, item: Incoming, row: Any, names: list[str]) -> None:
        kind: Any = "missing-here" if row is None else "differs"
        difference = Difference(kind, item.mapper.label, "" if row is None else str(row.pk), item.connec_id, names)
        if self.fix == "push" and row is not None:
            theirs = {name: item.decoded.digests.get(name, BLANK) for name in names}
            pushable = {f.name for f in item.mapper.compared if f.push}
            if self.pushes and set(names) <= pushable:
                inside = compare_rows(self.group, item.mapper, [(item, row)], self.using).get(row.pk, ())
                difference.mended = mark_for_push(self.group, item.mapper, row, theirs, self.using, inside)
        elif self.fix == "pull" and self.pulls:
            difference.mended = self._pull(item, row, names)
        self.result.add(difference)

    def _pull(self, item: Incoming, row: Any, names: list[str]) -> bool:
        """Apply the hub's record; tells whether nothing differs afterwards."""
        pulled = {f.name for f in item.mapper.compared if f.pull} & set(item.decoded.digests)
        if row is not None and not set(names) <= pulled:
            # What the record does not show cannot be taken from it.
            return False
        if row is not None:
            inside = compare_rows(self.group, item.mapper, [(item, row)], self.using).get(row.pk, ())
            if not ask_for_record(self.group, item, row, names, self.using, inside):
                return False
        apply_records(self.group, self.resource, [item.record], source="retry", client=self.client)
        suspects, _, compared, _ = self._compare([item.record])
        return compared > 0 and not suspects

    # Rows that the hub does not have --------------------------------------------------------------------

    def _check_presence(self, mapper: Mapper, rows: Sequence[Any]) -> None:
        """Find rows whose record is gone, or is part of another one now."""
        asked = [row for row in rows if Columns(row).changed_at is None]
        seen = {_id_of(record) for record in self._fetch(Columns(row).connec_id for row in asked)}
        for row in asked:
            connec_id = Columns(row).connec_id
            if connec_id in seen or self._is_there(connec_id):
                continue
            difference = Difference("missing-there", mapper.label, str(row.pk), connec_id)
            if self.fix == "push" and self.pushes:
                difference.mended = mark_for_push(self.group, mapper, row, None, self.using)
            self.result.add(difference)

    def _is_there(self, connec_id: str | None) -> bool:
        try:
            record = self.client.get(self.group.uid, self.resource, connec_id).record
        except ConnecNotFound:
            return False
        return _id_of(record) == connec_id

    def _check_unsent(self, mapper: Mapper, rows: Sequence[Any]) -> None:
        """Find rows that were made behind Django's back: unmarked, and the hub was never told."""
        self.result.pending += sum(Columns(row).changed_at is not None for row in rows)
        asked = [row for row in rows if Columns(row).changed_at is None]
        states = {row.pk: Columns(row).state for row in asked}
        # In a transaction, as the drain does it: the rows inside them are locked while they are looked at.
        prepared = standing_still(
            lambda: prepare(mapper, self.group, asked, first_link=None, using=self.using), self.using
        )
        for item in prepared:
            if item.operation is None:
                continue
            setattr(item.row, STATE, states[item.row.pk])
            difference = Difference("missing-there", mapper.label, str(item.row.pk))
            if self.fix == "push":
                difference.mended = mark_for_push(self.group, mapper, item.row, None, self.using)
            self.result.add(difference)


def _id_of(record: Any) -> str | None:
    try:
        identity = parse_remote_id(record.get("id"))
    except (AttributeError, BadValue):
        return None
    return identity.connec_id if identity else None
