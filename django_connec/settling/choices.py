"""Keep ours, or take the hub's: carried out on the row, under its lock."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from django_connec.models import Conflict, ConnecGroup
from django_connec.settling.duplicates import settle_duplicate
from django_connec.settling.fields import settle_field
from django_connec.sql import RowChanged

__all__ = ["Settled", "settle"]

#: How often a row that is saved at the same moment is looked at again.
TRIES = 3


@dataclass(slots=True)
class Settled:
    """What became of the conflicts.

    Attributes:
        settled: Those that were settled as asked.
        gone: Those that turned out to be no conflict any more, and were closed.
        left_out: Those that cannot be settled so: not open, or of a kind that asks another question.
        group_ids: Groups that have something to send or to fetch now.
    """

    settled: int = 0
    gone: int = 0
    left_out: int = 0
    group_ids: set[int] = field(default_factory=set)


def settle(conflicts: QuerySet[Conflict], decision: Conflict.Decision) -> Settled:
    """Settle open conflicts: ``LOCAL`` keeps ours, ``CONNEC`` takes the hub's.

    The choice is one of a side, not of a value: what counts is what that side holds now, also where it has changed
    since the conflict was found. What changes after the choice is a change like any other.

    - A field that both sides changed: ours is sent with the next drain; or the hub's is fetched with the next
      drain and written, and nothing is sent for the field.
    - Two rows, one record: the row of the conflict keeps the record, and what it holds is sent; or the other
      row does. The one that does not is unlinked and stays as it is.

    Several rows that match a record are settled with :func:`~django_connec.settling.choose_row`.

    Args:
        conflicts: What to settle; of any kind, group and model.
        decision: ``Conflict.Decision.LOCAL`` or ``Conflict.Decision.CONNEC``.

    Raises:
        ValueError: Another decision was given.
        RowChanged: A row would not stand still; the conflicts before it are settled.
    """
    if decision not in (Conflict.Decision.LOCAL, Conflict.Decision.CONNEC):
        raise ValueError("a conflict is settled with LOCAL or CONNEC")
    result = Settled()
    for pk in list(conflicts.order_by("pk").values_list("pk", flat=True)):
        _settle_one(pk, decision, result)
    return result


def _settle_one(pk: int, decision: Conflict.Decision, result: Settled) -> None:
    using = router.db_for_write(ConnecGroup)
    for attempt in range(TRIES):
        try:
            with transaction.atomic(using=using):
                conflict = (
                    Conflict.objects.using(using)
                    .select_for_update()
                    .filter(pk=pk, decision=Conflict.Decision.OPEN)
                    .first()
                )
                if conflict is None or conflict.kind not in _BY_KIND:
                    result.left_out += 1
                    return
                conflict.decision = _BY_KIND[Conflict.Kind(conflict.kind)](conflict, decision, using)
                if conflict.decision != Conflict.Decision.CHOSEN:
                    conflict.settled_at = timezone.now()
                conflict.save(update_fields=["decision", "settled_at"])
        except RowChanged:
            if attempt == TRIES - 1:
                raise
            continue
        result.group_ids.add(conflict.group_id)
        if conflict.decision == Conflict.Decision.GONE:
            result.gone += 1
        else:
            result.settled += 1
        return


_BY_KIND = {Conflict.Kind.FIELD: settle_field, Conflict.Kind.DUPLICATE: settle_duplicate}
