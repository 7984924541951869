"""Stop before a read changes too many rows: a hub that was emptied or garbled must not empty or garble us."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import router

from django_connec.inbound.incoming import Incoming
from django_connec.inbound.lookup import Held
from django_connec.mapping import registry
from django_connec.mapping.agreement import Agreement
from django_connec.models import ConnecGroup

__all__ = ["MINIMUM", "MassChange", "MassChangeGuard", "changes_row"]

#: Fewer changed rows than these are nobody's disaster.
MINIMUM = 100


class MassChange(Exception):
    """A read would change too many rows; nothing of the page at which it was noticed is written.

    Attributes:
        changes: Rows that it would have changed with this page, those before included.
        linked: Linked rows that there are.
        here: Rows of this page that it would have changed.
    """

    def __init__(self, changes: int, linked: int, here: int) -> None:
        super().__init__(f"{changes} of {linked} linked rows would be overwritten or deactivated")
        self.changes = changes
        self.linked = linked
        self.here = here


class MassChangeGuard:
    """Counts, page by page, the linked rows of one resource that a read overwrites or deactivates.

    Nothing is read twice and nothing kept but two numbers: what a page would change is known from the digests of
    its records before any of it is written, and the linked rows are counted once, when it may come to that.

    Args:
        group: Whose rows.
        resource: Their resource.
        percent: The share of the linked rows that may be changed.
        changed: Rows changed by the same read before this run.
    """

    def __init__(self, group: ConnecGroup, resource: str, percent: int, changed: int) -> None:
        self.changed = changed
        self._group = group
        self._resource = resource
        self._percent = percent
        self._linked: int | None = None

    def check(self, pairs: Sequence[tuple[Incoming, Held | None]]) -> None:
        """Count the records that are about to be written.

        Raises:
            MassChange: With these there are too many; none of them may be written.
        """
        here = sum(held is not None and changes_row(item, held) for item, held in pairs)
        changes = self.changed + here
        if here and changes >= MINIMUM:
            if self._linked is None:
                self._linked = self._count()
            if changes * 100 > self._percent * self._linked:
                raise MassChange(changes, self._linked, here)
        self.changed = changes

    def _count(self) -> int:
        using = router.db_for_write(ConnecGroup)
        return sum(
            mapper.model._base_manager.using(using).filter(connec_group=self._group, connec_id__isnull=False).count()
            for mapper in registry.for_resource(self._resource)
        )


def changes_row(item: Incoming, held: Held) -> bool:
    """Tell whether a record overwrites what a linked row was agreed to hold, or deactivates it.

    A row that is linked only now, a field that was never agreed on (it has just been mapped) and our own value on
    its way back overwrite nothing.
    """
    if held.connec_id is None:
        return False
    mapper = item.mapper
    if mapper.meta.on_inactive == "delete" and mapper.is_inactive(item.record):
        return True
    agreement = Agreement.load(held.state)
    digests = item.decoded.digests
    return any(
        bound.pull
        and not bound.create_only
        and bound.name in agreement.agreed
        and bound.name in digests
        and bound.name not in agreement.contested
        and not agreement.is_remote(bound.name, digests[bound.name])
        for bound in mapper.fields
    )
