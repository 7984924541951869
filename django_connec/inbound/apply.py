"""Apply records to rows: the one path that webhook, import, poll, retry and answers to pushes share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import router, transaction

from django_connec.client import ConnecClient, ConnecUnavailable
from django_connec.exceptions import SharingEnded
from django_connec.failures import FailedRecord, drop_failed_versions, store_failures
from django_connec.inbound import parked
from django_connec.inbound.announcing import announce_records
from django_connec.inbound.chunk import ChunkResult, write_chunk
from django_connec.inbound.dberrors import describe, is_record_error
from django_connec.inbound.guard import MassChangeGuard
from django_connec.inbound.incoming import Incoming, failed, read_records
from django_connec.inbound.lookup import Held, Matched, find_rows, known_ids
from django_connec.inbound.moved import find_elsewhere, retire
from django_connec.inbound.outcome import Outcome
from django_connec.inbound.references import Missing, fetch_by_id, resolve
from django_connec.inbound.tombstones import bury, is_buried, tombstones_for
from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.models import Conflict, ConnecGroup, Failure
from django_connec.signals import conflict_found

__all__ = ["Application", "apply_records", "is_older", "says_nothing_new"]

#: Records written in one transaction.
CHUNK = 500
#: How far a chain of references that are not here is followed to the hub.
MAX_DEPTH = 3


def apply_records(
    group: ConnecGroup,
    resource: str,
    records: Iterable[Any],
    *,
    source: str,
    client: ConnecClient | None = None,
    skew: dt.timedelta = dt.timedelta(0),
    guard: MassChangeGuard | None = None,
) -> Outcome:
    """Apply records of one resource to the rows of one group.

    Bad records fail alone and are stored as failures; records whose references are not here are parked;
    unchanged and stale ones are dropped; local changes are kept and merged field by field. Nothing written
    here is marked for pushing.

    Args:
        group: Whose they are.
        resource: The hub's name, for example ``"people"``.
        records: As the hub gives them, in either id form.
        source: ``"webhook"``, ``"import"``, ``"poll"``, ``"push"`` or ``"retry"``; passed on to receivers.
        client: Used to fetch what is missing. ``None`` inside a transaction, where nothing may wait for the
            network: what is missing is parked then.
        skew: The hub's clock less ours, for ``conflict = "newest"``.
        guard: Watches over how many rows a read changes; ``None``: nobody does.

    Returns:
        What became of each record.

    Raises:
        ConnecUnavailable: The hub is needed to tell whose a record is, and is away; nothing of it is applied.
        MassChange: The guard says stop; nothing that it has counted is written.
        django.db.OperationalError: The database is gone or locked for too long.
    """
    return Application(group, source, client, skew, guard=guard).apply(resource, list(records))


class Application:
    """One call of :func:`apply_records`, with what its parts share."""

    def __init__(
        self,
        group: ConnecGroup,
        source: str,
        client: ConnecClient | None,
        skew: dt.timedelta,
        depth: int = 0,
        begun: frozenset[tuple[str, str | None]] = frozenset(),
        guard: MassChangeGuard | None = None,
    ) -> None:
        self.group = group
        self.source = source
        self.client = client
        self.skew = skew
        self.depth = depth
        #: The records that wait for what is being fetched now: round a cycle, they need not be fetched again.
        self.begun = begun
        self.guard = guard
        self.using = router.db_for_write(ConnecGroup)

    def apply(self, resource: str, records: Sequence[Any]) -> Outcome:
        """Apply all records of one resource."""
        total = Outcome()
        if not self.group.is_linked or not registry.for_resource(resource) or not self.group.shares(resource, "pull"):
            total.ignored += len(records)
            return total
        for start in range(0, len(records), CHUNK):
            if start and not self._still_shared(resource):
                total.ignored += len(records) - start
                break
            total.add(self._apply_page(resource, records[start : start + CHUNK]))
        return total

    def _still_shared(self, resource: str) -> bool:
        try:
            self.group.require_sharing(resource)
        except SharingEnded:
            return False
        return True

    def _apply_page(self, resource: str, records: Sequence[Any]) -> Outcome:
        outcome = Outcome()
        incoming, broken = read_records(self.group, resource, records, outcome)
        incoming, more_broken = self._complete_ids(resource, incoming, outcome)
        self._fail(resource, broken + more_broken, outcome)
        by_mapper: dict[Mapper, list[Incoming]] = {}
        for item in incoming:
            by_mapper.setdefault(item.mapper, []).append(item)
        for mapper, items in by_mapper.items():
            self._apply_items(mapper, items, outcome)
        return outcome

    def _complete_ids(
        self, resource: str, incoming: list[Incoming], outcome: Outcome
    ) -> tuple[list[Incoming], list[FailedRecord]]:
        """Fetch records with a plain id that nobody here knows: one of them may be our own create, come back
        before its answer, and only the external-id form says so."""
        plain = {item.connec_id for item in incoming if item.plain and item.connec_id and not item.mapper.is_singular}
        if not plain or self.client is None:
            return incoming, []
        unknown = plain - known_ids(self.group, registry.for_resource(resource), plain, self.using)
        if not unknown:
            return incoming, []
        fetched, broken = read_records(
            self.group, resource, fetch_by_id(self.client, self.group, resource, unknown), Outcome()
        )
        complete = {item.connec_id: item for item in fetched}
        return [complete.get(item.connec_id, item) if item.plain else item for item in incoming], broken

    def _apply_items(self, mapper: Mapper, items: Sequence[Incoming], outcome: Outcome, *, alone: bool = False) -> None:
        waiting = self._sort_out(mapper, items, outcome)
        if self.guard is not None and not alone:
            self.guard.check(waiting)
        missing: dict[int, Missing] = {}
        fetched = False
        while waiting:
            records = [item for item, _ in waiting]
            missing = resolve(self.group, records, self.using)
            if missing:
                rising = {item.connec_id for item in records if item.risen is not None and item.connec_id}
                bury(self.group, [records[position] for position in missing], self.using, rising=rising)
                missing = {position: gap for position, gap in missing.items() if any(records[position].unresolved())}
            ready = [pair for position, pair in enumerate(waiting) if position not in missing]
            blocked = [pair for position, pair in enumerate(waiting) if position in missing]
            gaps = list(missing.values())
            if ready:
                self._write(mapper, ready, outcome, alone)
            if not blocked:
                return
            # What was written just now may be what the others refer to (an item's parent on the same page).
            if not ready:
                if fetched or not self._fetch(gaps, [item for item, _ in blocked], outcome):
                    self._park(mapper, blocked, gaps, outcome, alone)
                    return
                fetched = True
            waiting = blocked

    def _park(
        self,
        mapper: Mapper,
        blocked: Sequence[tuple[Incoming, Held | None]],
        gaps: Sequence[Missing],
        outcome: Outcome,
        alone: bool,
    ) -> None:
        """Keep records that refer to what is not here until it is.

        Where the reference goes round a cycle (a team's leader is a user of the team), waiting could last for ever:
        the record is applied without it first, and once more when the other is here.
        """
        apart = [pair for pair in blocked if self._can_go_first(pair[0])]
        waiting = [(item, gap) for (item, _), gap in zip(blocked, gaps, strict=True)]
        outcome.parked += len(blocked) - len(apart)
        for item, _ in apart:
            item.leave_out_unresolved()
        # Parked first: whatever happens then, the rest of it is not forgotten.
        parked.park(self.group, waiting)
        if apart:
            self._write(mapper, apart, outcome, alone, is_whole=False)

    def _can_go_first(self, item: Incoming) -> bool:
        return all(
            bound.column.null and bound.reference is not None and registry.is_cyclic(item.mapper, bound.reference)
            for _, _, bound in item.unresolved()
        )

    def _sort_out(
        self, mapper: Mapper, items: Sequence[Incoming], outcome: Outcome
    ) -> list[tuple[Incoming, Held | None]]:
        """Drop what is stale, unchanged or deleted here."""
        matched = find_rows(self.group, mapper, items, self.using)
        items = self._look_again(mapper, items, matched)
        graves = tombstones_for(self.group, mapper, items, self.using)
        elsewhere = find_elsewhere(self.group, mapper, items, self.using)
        remaining: list[tuple[Incoming, Held | None]] = []
        refused: list[FailedRecord] = []
        unpark: list[Incoming] = []
        for position, item in enumerate(items):
            held = matched.rows.get(position)
            grave = graves.get(position)
            if position in matched.undecided:
                refused.append(failed(item.connec_id, item.record, "several rows match it; settle the conflict"))
            elif held is None and grave is not None and is_buried(grave, item):
                outcome.ignored += 1
                unpark.append(item)
            elif (held is not None and is_older(item, held)) or elsewhere.keeps(item):
                outcome.stale += 1
            elif held is not None and says_nothing_new(item, held):
                outcome.unchanged += 1
                unpark.append(item)
            elif held is None and mapper.meta.on_inactive == "delete" and mapper.is_inactive(item.record):
                outcome.ignored += 1
            else:
                item.risen = grave
                remaining.append((item, held))
        if matched.conflicts:
            for conflict in Conflict.objects.using(self.using).record_new(matched.conflicts):
                conflict_found.send_robust(mapper.model, group=self.group, conflict=conflict)
        if unpark:
            self._forget(mapper, unpark)
        self._fail(mapper.meta.resource, refused, outcome)
        return remaining

    def _look_again(self, mapper: Mapper, items: Sequence[Incoming], matched: Matched) -> Sequence[Incoming]:
        """Ask the hub about notifications that do not say enough to be told from others."""
        if self.client is None or mapper.is_singular:
            return items
        held = [(item, row) for position, item in enumerate(items) if (row := matched.rows.get(position)) is not None]
        unclear = {item.connec_id for item, row in held if _hides_our_rows(item, row)}
        late = {item.connec_id for item, row in held if self.source == "webhook" and _may_be_late(item, row)}
        try:
            records = fetch_by_id(
                self.client, self.group, mapper.meta.resource, [id for id in unclear | late if id is not None]
            )
        except ConnecUnavailable:
            if unclear:
                raise
            return items
        shown, _ = read_records(self.group, mapper.meta.resource, records, Outcome())
        newest = {item.connec_id: item for item in shown if item.mapper is mapper}
        return [newest.get(item.connec_id, item) for item in items]

    def _write(
        self,
        mapper: Mapper,
        pairs: Sequence[tuple[Incoming, Held | None]],
        outcome: Outcome,
        alone: bool,
        *,
        is_whole: bool = True,
    ) -> None:
        try:
            result = self._write_chunk(mapper, pairs)
        except Exception as error:
            if not is_record_error(error):
                raise
            if alone:
                item = pairs[0][0]
                self._fail(mapper.meta.resource, [failed(item.connec_id, item.record, describe(error))], outcome)
                return
            # One of them is bad, or another worker made the same row: each is looked at once more, alone.
            for item, _ in pairs:
                self._apply_items(mapper, [item], outcome, alone=True)
            return
        outcome.add(result.outcome)
        self._forget(mapper, [item for item, _ in pairs], is_whole=is_whole)
        self._announce(mapper, result.outcome, result.conflicts)
        created = [row.connec_id for row in result.created]
        if created:
            self._release_parked(mapper.meta.resource, created, outcome)

    def _write_chunk(self, mapper: Mapper, pairs: Sequence[tuple[Incoming, Held | None]]) -> ChunkResult:
        elsewhere = find_elsewhere(self.group, mapper, [item for item, _ in pairs], self.using)
        if not elsewhere.rows:
            return write_chunk(self.group, mapper, pairs, using=self.using, skew=self.skew)
        with transaction.atomic(using=self.using):
            retire(self.group, mapper, elsewhere, self.using)
            return write_chunk(self.group, mapper, pairs, using=self.using, skew=self.skew)

    def _forget(self, mapper: Mapper, items: Sequence[Incoming], *, is_whole: bool = True) -> None:
        if not is_whole:
            return
        versions = {item.connec_id: item.updated_at for item in items if item.connec_id}
        drop_failed_versions(self.group, mapper.meta.resource, versions)
        parked.drop(self.group, mapper.meta.resource, versions)

    def _announce(self, mapper: Mapper, result: Outcome, conflicts: Sequence[Any]) -> None:
        group, source = self.group, self.source

        def send() -> None:
            announce_records(group, result, source)
            for conflict in conflicts:
                conflict_found.send_robust(mapper.model, group=group, conflict=conflict)

        if result.created_pks or result.updated_pks or conflicts:
            transaction.on_commit(send, using=self.using, robust=True)

    def _fetch(self, gaps: Sequence[Missing], items: Sequence[Incoming], outcome: Outcome) -> bool:
        """Fetch what these records refer to and is not here; returns whether anything came."""
        if self.client is None or self.depth >= MAX_DEPTH:
            return False
        begun = self.begun | {(item.mapper.meta.resource, item.connec_id) for item in items}
        wanted: dict[str, set[str]] = {}
        for gap in gaps:
            is_open = gap.resource and gap.connec_id and (gap.resource, gap.connec_id) not in begun
            if is_open and self.group.shares(gap.resource, "pull"):
                wanted.setdefault(gap.resource, set()).add(gap.connec_id)
        came = False
        for resource, ids in wanted.items():
            try:
                records = fetch_by_id(self.client, self.group, resource, ids)
            except ConnecUnavailable:
                # Parked until then: the other records of the page need not wait for the hub.
                return came
            if records:
                came = True
                outcome.add(self._deeper(begun).apply(resource, records))
        return came

    def _deeper(self, begun: frozenset[tuple[str, str | None]]) -> Application:
        return Application(self.group, self.source, self.client, self.skew, self.depth + 1, begun)

    def _release_parked(self, resource: str, connec_ids: Sequence[str], outcome: Outcome) -> None:
        if self.depth >= MAX_DEPTH:
            return
        for waiting_resource, records in parked.waiting_for(self.group, resource, connec_ids).items():
            outcome.add(self._deeper(self.begun).apply(waiting_resource, records))

    def _fail(self, resource: str, records: Sequence[FailedRecord], outcome: Outcome) -> None:
        if records:
            store_failures(self.group, Failure.Direction.PULL, resource, records)
            outcome.failed += len(records)


def is_older(item: Incoming, held: Held) -> bool:
    """Tell whether a record is an older version than the one held; an equally old one is not."""
    return item.updated_at is not None and held.hub_updated_at is not None and item.updated_at < held.hub_updated_at


def _may_be_late(item: Incoming, held: Held) -> bool:
    """Tell whether a record has the version that is held, and another content.

    Versions are whole seconds: it may be the older one of two.
    """
    is_same = item.updated_at is not None and item.updated_at == held.hub_updated_at
    return is_same and not says_nothing_new(item, held)


def _hides_our_rows(item: Incoming, held: Held) -> bool:
    """Tell whether rows in a record may be new ones of ours, not answered yet: only the external-id form says so."""
    sent = any(part.sent for part in Agreement.load(held.state).rows.values())
    return sent and any(row.plain for _, row in item.parts())


def says_nothing_new(item: Incoming, held: Held) -> bool:
    """Tell whether a record is, in version and content, what was agreed on last."""
    if held.connec_id is None or (item.updated_at is not None and item.updated_at != held.hub_updated_at):
        return False
    agreement = Agreement.load(held.state)
    if agreement.has_moved:
        return False
    if item.decoded.leftovers != {top: agreement.leftovers[top] for top in agreement.leftovers if top in item.record}:
        return False
    if item.mapper.meta.on_inactive == "delete" and item.mapper.is_inactive(item.record):
        return False
    seen = agreement.seen
    return all(
        seen(bound.name) == item.decoded.digests.get(bound.name, seen(bound.name))
        for bound in item.mapper.compared
        if not (bound.create_only and bound.pull)
    )
