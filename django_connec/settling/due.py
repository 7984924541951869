"""What every drain does about conflicts before it sends: close what has settled itself, fetch what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from django_connec.client import ConnecClient, ConnecError, ConnecNotFound, ConnecUnavailable
from django_connec.inbound import Outcome, apply_records
from django_connec.inbound.references import fetch_by_id
from django_connec.mapping import registry
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.references import parse_remote_id
from django_connec.models import Conflict, ConnecGroup, Failure
from django_connec.models.columns import Columns
from django_connec.settling.duplicates import both_rows, release
from django_connec.settling.fields import look_again, stirred
from django_connec.settling.inside import record_of
from django_connec.sql import RowChanged

__all__ = ["settle_due"]

#: Conflicts looked at together.
PAGE = 500


def settle_due(group: ConnecGroup, client: ConnecClient) -> Outcome:
    """Close the open conflicts of a group whose cause is gone, then write the hub's values that were chosen.

    Costs one query where there are none, and a few for each 500 that wait for an operator.

    Raises:
        ConnecUnavailable: The hub is away; what was chosen stays chosen.
    """
    using = router.db_for_write(ConnecGroup)
    outcome = Outcome()
    last = 0
    has_chosen = False
    while page := list(
        Conflict.objects.using(using).filter(group=group, pk__gt=last).unsettled().order_by("pk")[:PAGE]
    ):
        last = page[-1].pk
        open_ones = [conflict for conflict in page if conflict.decision == Conflict.Decision.OPEN]
        has_chosen |= len(open_ones) < len(page)
        for conflict in _worth_a_look(group, open_ones, using):
            has_chosen |= _look_again(group, conflict.pk, using) == Conflict.Decision.CHOSEN
    if has_chosen:
        chosen = Conflict.objects.using(using).filter(group=group, decision=Conflict.Decision.CHOSEN)
        _write_chosen(group, client, list(chosen.order_by("pk")[:PAGE]), outcome, using)
    return outcome


def _worth_a_look(group: ConnecGroup, conflicts: Sequence[Conflict], using: str) -> list[Conflict]:
    fields = [conflict for conflict in conflicts if conflict.kind == Conflict.Kind.FIELD]
    matches = [conflict for conflict in conflicts if conflict.kind == Conflict.Kind.MATCH]
    found = stirred(group, fields, using)
    if matches:
        failures = Failure.objects.using(using).filter(
            group=group, direction=Failure.Direction.PULL, object_id__in=[conflict.connec_id for conflict in matches]
        )
        kept = set(failures.values_list("resource", "object_id"))
        found += [conflict for conflict in matches if (conflict.resource, conflict.connec_id) not in kept]
    return found + [conflict for conflict in conflicts if conflict.kind == Conflict.Kind.DUPLICATE]


def _look_again(group: ConnecGroup, pk: int, using: str) -> str:
    """Close one conflict, or choose for it, where there is no choice left; returns its decision now."""
    try:
        with transaction.atomic(using=using):
            rows = Conflict.objects.using(using).select_for_update()
            conflict = rows.filter(pk=pk, decision=Conflict.Decision.OPEN).first()
            if conflict is None:
                return ""
            conflict.group = group
            conflict.decision = _decision_now(conflict, using)
            if conflict.decision != Conflict.Decision.OPEN:
                _save(conflict)
            return conflict.decision
    except RowChanged:
        # Somebody is editing it; the next drain looks again.
        return ""


def _decision_now(conflict: Conflict, using: str) -> Conflict.Decision:
    if conflict.kind == Conflict.Kind.FIELD:
        return look_again(conflict, using)
    if conflict.kind == Conflict.Kind.DUPLICATE:
        if None not in both_rows(conflict, using):
            return Conflict.Decision.OPEN
        release(conflict)
    return Conflict.Decision.GONE


def _write_chosen(
    group: ConnecGroup, client: ConnecClient, chosen: Sequence[Conflict], outcome: Outcome, using: str
) -> None:
    by_resource: dict[str, dict[str, list[Conflict]]] = {}
    for conflict in chosen:
        conflict.group = group
        if group.shares(conflict.resource, "pull"):
            by_resource.setdefault(conflict.resource, {}).setdefault(_id_now(conflict, using), []).append(conflict)
    for resource, by_id in by_resource.items():
        records, later, gone = _records(group, client, resource, set(by_id))
        outcome.add(apply_records(group, resource, records, source="retry", client=client))
        for connec_id, conflicts in by_id.items():
            for conflict in conflicts:
                if connec_id not in later:
                    conflict.decision = Conflict.Decision.GONE if connec_id in gone else _result(conflict, using)
                    _save(conflict)


def _records(
    group: ConnecGroup, client: ConnecClient, resource: str, ids: set[str]
) -> tuple[list[object], set[str], set[str]]:
    """Fetch records; returns them, the ids of those that could not be had now, and of those that are gone."""
    mappers = registry.for_resource(resource)
    is_singular = bool(mappers) and mappers[0].is_singular
    records: list[object] = []
    later: set[str] = set()
    gone: set[str] = set() if is_singular else {connec_id for connec_id in ids if not connec_id}
    wanted = ids - gone
    if not is_singular:
        for record in fetch_by_id(client, group, resource, wanted):
            identity = parse_remote_id(record.get("id"))
            wanted.discard(identity.connec_id or "" if identity else "")
            records.append(record)
    for connec_id in sorted(wanted):
        try:
            records.append(dict(client.get(group.uid, resource, None if is_singular else connec_id).record))
        except ConnecNotFound:
            gone.add(connec_id)
        except ConnecUnavailable:
            raise
        except ConnecError:
            later.add(connec_id)
    return records, later, gone


def _result(conflict: Conflict, using: str) -> Conflict.Decision:
    """Tell how a choice has ended: a change of ours after it may have opened the next conflict."""
    row = _row(conflict, using)
    if row is None or conflict.field in Agreement.load(Columns(row).state).contested:
        return Conflict.Decision.GONE
    return Conflict.Decision.CONNEC


def _id_now(conflict: Conflict, using: str) -> str:
    """Return the id of the record that the row stands for now; empty where there is none."""
    row = record_of(_row(conflict, using), using)
    return (Columns(row).connec_id or "") if row is not None else ""


def _row(conflict: Conflict, using: str) -> Any:
    mapper = registry.for_label(conflict.model_label)
    if mapper is None:
        return None
    pk = mapper.pk_from(f"{mapper.meta.id_prefix}{conflict.object_id}")
    return mapper.model._base_manager.using(using).filter(pk=pk).first()


def _save(conflict: Conflict) -> None:
    if conflict.decision != Conflict.Decision.CHOSEN:
        conflict.settled_at = timezone.now()
    conflict.save(update_fields=["decision", "settled_at"])
