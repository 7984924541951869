"""One batch: put what is about to be sent on record, send it, record the answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from django_connec.client import (
    ConnecAuthError,
    ConnecClient,
    ConnecError,
    ConnecNotFound,
    ConnecRejected,
    Operation,
    Result,
)
from django_connec.failures import FailedRecord, drop_failures, store_failures
from django_connec.inbound.incoming import id_of
from django_connec.leases import HeldLease
from django_connec.mapping import Mapper
from django_connec.models import ConnecGroup, Failure
from django_connec.models.columns import CHANGED, GROUP, ID, STATE
from django_connec.outbound.answers import Applied, apply_answers
from django_connec.outbound.encoding import Prepared, prepare
from django_connec.outbound.rows import forget_rows, store_states
from django_connec.signals import push_failed, records_pushed
from django_connec.sql import standing_still, update_rows

__all__ = ["Sender", "Sent", "run_batch", "skew_of"]


@dataclass(slots=True)
class Sent:
    """What became of the rows of one batch.

    Attributes:
        pushed: Rows that the hub accepted.
        unchanged: Rows that differ in nothing from what was agreed.
        failed: Rows that it refused, or that could not be encoded.
        put_off: Keys of rows that wait for another one.
        is_whole: Every row of the batch was dealt with.
    """

    pushed: int = 0
    unchanged: int = 0
    failed: int = 0
    put_off: dict[Any, list[str]] = field(default_factory=dict)


def skew_of(date: dt.datetime | None) -> dt.timedelta:
    """Return the hub's clock less ours, from an answer's Date header; zero where it has none."""
    return dt.timedelta(0) if date is None else date - timezone.now()


def run_batch(client: ConnecClient, operations: Sequence[Operation]) -> tuple[list[Result], dt.timedelta]:
    """Send operations in one call; where the hub refuses the whole call, each alone, so that one poison
    record cannot hold up the others.

    Raises:
        ConnecUnavailable: The hub cannot be reached now.
        ConnecAuthError: The credentials are refused, or the group is not accessible.
    """
    try:
        answer = client.batch(operations)
    except ConnecRejected:
        return [_run_alone(client, operation) for operation in operations], dt.timedelta(0)
    return list(answer.results), skew_of(answer.date)


class Sender:
    """Sends the pending rows of one group.

    Args:
        group: Whose rows.
        client: The marketplace's client.
        lease: Held while results are written.
        using: Alias of the database.
    """

    def __init__(self, group: ConnecGroup, client: ConnecClient, lease: HeldLease, using: str) -> None:
        self.group = group
        self.client = client
        self.lease = lease
        self.using = using

    def send(self, mapper: Mapper, keys: Sequence[Any], first_link: dt.datetime | None) -> Sent:
        """Send some rows of one mapper in one call.

        Raises:
            ConnecUnavailable, ConnecAuthError: See :func:`run_batch`; the rows stay pending.
            LeaseLost: Another worker has the group; nothing of the answers is written.
            SharingEnded: The customer stopped sharing, or this resource; nothing was sent.
        """
        sent = Sent()
        prepared = self._prepare(mapper, keys, first_link, sent)
        if not prepared:
            return sent
        operations = [item.operation for item in prepared if item.operation is not None]
        results, skew = run_batch(self.client, operations)
        self.lease.require()
        accepted: list[tuple[Any, Any]] = []
        refused: list[tuple[Prepared, ConnecError]] = []
        for item, result in zip(prepared, results, strict=True):
            if result.error is None and result.record is not None:
                accepted.append((item.row.pk, result.record))
            elif isinstance(result.error, ConnecAuthError):
                raise result.error
            else:
                refused.append((item, result.error or ConnecError("the answer holds no record")))
        refused, found = self._confirm_missing(mapper, refused)
        by_key = {item.row.pk: item for item in prepared}

        @contextmanager
        def in_step(keys: Sequence[Any]) -> Iterator[None]:
            # One commit for the lease, the answers written under it and the marks: each would wait for the disk.
            self.lease.confirm()
            yield
            self._clear(mapper, [by_key[pk] for pk in keys])

        @contextmanager
        def pending(keys: Sequence[Any]) -> Iterator[None]:
            # No answers to what was sent: the rows stay pending, and go to the new ids next time.
            self.lease.confirm()
            yield

        applied = apply_answers(self.group, mapper, accepted, skew=skew, using=self.using, around=in_step)
        if found:
            moved = apply_answers(self.group, mapper, found, skew=skew, using=self.using, sent=False, around=pending)
            applied.duplicates += moved.duplicates
            applied.broken |= moved.broken
        self._record(mapper, by_key, applied, refused, sent)
        return sent

    def _prepare(
        self, mapper: Mapper, keys: Sequence[Any], first_link: dt.datetime | None, sent: Sent
    ) -> list[Prepared]:
        def put_on_record() -> list[Prepared]:
            self.lease.check()
            self.group.require_sharing(mapper.meta.resource, "push")
            rows = list(
                mapper.model._base_manager.using(self.using).select_for_update().filter(pk__in=keys).order_by("pk")
            )
            rows = [row for row in rows if getattr(row, CHANGED) is not None]
            prepared = prepare(mapper, self.group, rows, first_link=first_link, using=self.using)
            ready = [item for item in prepared if item.operation is not None]
            self._clear(
                mapper,
                [item for item in prepared if item.operation is None and not item.problem and not item.waits_for],
            )
            for item in ready:
                setattr(item.row, GROUP, self.group.pk)
                setattr(item.row, STATE, item.agreement.dump())
            update_rows(mapper.model, [item.row for item in ready], (GROUP, STATE), using=self.using)
            store_states([item.nested for item in ready], self.using)
            return prepared

        prepared = standing_still(put_on_record, self.using)
        ready = [item for item in prepared if item.operation is not None]
        quiet = [item for item in prepared if item.operation is None and not item.problem]
        for item in prepared:
            if item.waits_for:
                sent.put_off[item.row.pk] = item.waits_for
        sent.unchanged += len(quiet)
        broken = [(item, ConnecError(item.problem)) for item in prepared if item.problem]
        if broken:
            self._fail(mapper, broken, sent)
        return ready

    def _confirm_missing(
        self, mapper: Mapper, refused: Sequence[tuple[Prepared, ConnecError]]
    ) -> tuple[list[tuple[Prepared, ConnecError]], list[tuple[Any, Any]]]:
        """An update that met a 404: the record is gone, and made again, or merged into another, and followed.

        One that the hub shows under the very id that it did not find is refused for now, or it would be sent for ever.

        Returns:
            What is refused, and the key and record of each row whose record has another id now.
        """
        remaining: list[tuple[Prepared, ConnecError]] = []
        moved: list[tuple[Any, Any]] = []
        for item, error in refused:
            operation = item.operation
            if operation is None or not isinstance(error, ConnecNotFound) or operation.id is None:
                remaining.append((item, error))
                continue
            try:
                found = self.client.get(self.group.uid, mapper.meta.resource, operation.id)
            except ConnecNotFound:
                item.row.__dict__["_connec_gone"] = True
                remaining.append((item, error))
                continue
            except ConnecRejected:
                # The hub will not say: this row is refused for now, and holds up no other.
                remaining.append((item, error))
                continue
            if id_of(found.record) in (None, operation.id):
                remaining.append((item, error))
                continue
            moved.append((item.row.pk, found.record))
        gone = [item.row for item, _ in remaining if item.row.__dict__.pop("_connec_gone", False)]
        for row in gone:
            setattr(row, ID, None)
            setattr(row, STATE, None)
        with transaction.atomic(using=self.using):
            update_rows(mapper.model, gone, (ID, STATE), using=self.using)
            forget_rows(mapper, [row.pk for row in gone], self.using)
        return [(item, error) for item, error in remaining if item.row not in gone], moved

    def _record(
        self,
        mapper: Mapper,
        by_key: Mapping[Any, Prepared],
        applied: Applied,
        refused: Sequence[tuple[Prepared, ConnecError]],
        sent: Sent,
    ) -> None:
        done = [by_key[pk] for pk in applied.agreed if pk in by_key]
        # Those whose answers were another model's, and so not written.
        self._clear(mapper, [item for item in done if item.row.pk in applied.elsewhere])
        sent.pushed += len(done)
        keys = [str(item.row.pk) for item in done]
        drop_failures(self.group, Failure.Direction.PUSH, mapper.meta.resource, keys, mapper.label)
        lost = [
            (by_key[pk], ConnecError("another row holds the record that the hub answered with"))
            for pk in applied.duplicates
        ]
        lost += [
            (by_key[pk], ConnecError(f"the answer could not be applied: {why}")) for pk, why in applied.broken.items()
        ]
        self._fail(mapper, [*refused, *lost], sent, dead=set(applied.duplicates))
        if done:
            records_pushed.send_robust(
                mapper.model, group=self.group, resource=mapper.meta.resource, pks=[item.row.pk for item in done]
            )

    def _fail(
        self, mapper: Mapper, items: Sequence[tuple[Prepared, ConnecError]], sent: Sent, dead: set[Any] | None = None
    ) -> None:
        if not items:
            return
        sent.failed += len(items)
        failed = [
            FailedRecord(
                object_id=str(item.row.pk),
                model_label=mapper.label,
                message=error.reason,
                retry_after=error.retry_after,
            )
            for item, error in items
        ]
        store_failures(self.group, Failure.Direction.PUSH, mapper.meta.resource, failed)
        if dead:
            Failure.objects.using(self.using).filter(
                group=self.group,
                direction=Failure.Direction.PUSH,
                model_label=mapper.label,
                object_id__in=[str(pk) for pk in dead],
            ).update(is_dead=True)
        for item, error in items:
            push_failed.send_robust(
                mapper.model,
                group=self.group,
                resource=mapper.meta.resource,
                pk=item.row.pk,
                message=error.reason,
            )

    def _clear(self, mapper: Mapper, items: Sequence[Prepared]) -> None:
        """Clear the mark where it is still the one that was read: a save made meanwhile stays pending, and so does
        a row that has something left to send."""
        items = [item for item in items if not item.waits_for]
        tokens = [item.token for item in items]
        for item in items:
            setattr(item.row, CHANGED, None)
        update_rows(
            mapper.model,
            [item.row for item in items],
            (CHANGED,),
            using=self.using,
            unchanged=CHANGED,
            expected=tokens,
            strict=False,
        )


def _run_alone(client: ConnecClient, operation: Operation) -> Result:
    uid, resource, attributes = operation.group_uid, operation.resource, operation.attributes
    try:
        if operation.method == "post":
            answer = client.create(uid, resource, attributes)
        else:
            answer = client.update(uid, resource, operation.id, attributes)
    except ConnecAuthError:
        raise
    except ConnecError as error:
        return Result(error.status or 0, None, error)
    return Result(answer.status, answer.record, None)
