"""Make due what waits for its next attempt, or was given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from django_connec.dispatch import wake
from django_connec.failures import make_due
from django_connec.mapping import Mapper
from django_connec.models import Conflict, ConnecGroup, Failure, LinkBack, Notification, ParkedRecord, Tombstone
from django_connec.models.tombstone import UNSENT

__all__ = ["EVERYTHING", "Choice", "MadeDue", "make_group_due", "make_parked_due", "make_tombstones_due"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a group is meant; nothing set: everything.

    Attributes:
        resource: Only this resource.
        mapper: Only rows and records of this mapper; its resource is implied.
        pk: Only this row of the mapper, by the text of its primary key.
    """

    resource: str = ""
    mapper: Mapper | None = None
    pk: str = ""

    @property
    def is_everything(self) -> bool:
        """Nothing was narrowed."""
        return not self.resource and self.mapper is None


EVERYTHING = Choice()


@dataclass(slots=True)
class MadeDue:
    """How much was made due.

    Attributes:
        failures: Failed records, also those given up.
        set_aside: Failed records left as they are: their conflict with another row is open.
        parked: Records that wait for another one.
        deletions: Deletions that the hub has not been told of.
        link_backs: Ids to link back.
        deliveries: Stored deliveries of the group's marketplace that waited for their next attempt.
        resumed: The group had been stopped, or was waiting for the hub.
    """

    failures: int = 0
    set_aside: int = 0
    parked: int = 0
    deletions: int = 0
    link_backs: int = 0
    deliveries: int = 0
    resumed: bool = False


def make_parked_due(records: QuerySet[ParkedRecord]) -> int:
    """Let these parked records be tried at once; returns how many."""
    return records.order_by().update(next_attempt_at=timezone.now())


def make_tombstones_due(tombstones: QuerySet[Tombstone]) -> int:
    """Let these deletions be sent at once, also those given up; returns how many.

    What the hub has been told stays told.
    """
    return tombstones.filter(UNSENT).order_by().update(is_dead=False, next_attempt_at=None, attempts=0)


def make_group_due(group: ConnecGroup, choice: Choice = EVERYTHING) -> MadeDue:
    """Make a group's failures, parked records, deletions and ids due, resume it and wake it.

    The group is resumed also where the choice is narrow: nothing of it would be tried otherwise. A row whose
    record another row holds stays set aside until the conflict is settled, unless it is named by its key.

    Args:
        group: Whose.
        choice: What of it.
    """
    done = MadeDue(resumed=group.stopped_at is not None or group.retry_at is not None)
    connec_id = _connec_id(choice)
    failures = Failure.objects.filter(_of_rows(choice) | _of_records(choice, "object_id", connec_id), group=group)
    aside = _set_aside(group) if not choice.pk else []
    done.set_aside = failures.filter(pk__in=aside).count()
    done.failures = make_due(failures.exclude(pk__in=aside))
    parked = ParkedRecord.objects.filter(_by_resource(choice), group=group)
    if choice.pk:
        parked = parked.filter(connec_id=connec_id)
    done.parked = make_parked_due(parked)
    done.deletions = make_tombstones_due(Tombstone.objects.filter(_by_model(choice), group=group))
    if choice.mapper is not None or choice.is_everything:
        links = LinkBack.objects.filter(_by_model(choice), group=group, next_attempt_at__isnull=False)
        done.link_backs = links.update(next_attempt_at=None)
    if choice.is_everything:
        waiting = Notification.objects.filter(marketplace=group.marketplace, state=Notification.State.WAITING)
        done.deliveries = waiting.filter(next_attempt_at__isnull=False).update(next_attempt_at=None)
    group.resume()
    wake([group.pk], using=group._state.db or "default")
    return done


def _by_resource(choice: Choice) -> Q:
    resource = choice.mapper.meta.resource if choice.mapper is not None else choice.resource
    return Q(resource=resource) if resource else Q()


def _by_model(choice: Choice) -> Q:
    if choice.mapper is None:
        return _by_resource(choice)
    found = Q(model_label=choice.mapper.label)
    return found & Q(object_id=choice.pk) if choice.pk else found


def _of_rows(choice: Choice) -> Q:
    return Q(direction=Failure.Direction.PUSH) & _by_model(choice)


def _of_records(choice: Choice, name: str, connec_id: str | None) -> Q:
    found = Q(direction=Failure.Direction.PULL) & _by_resource(choice)
    return found & Q(**{name: connec_id or ""}) if choice.pk else found


def _connec_id(choice: Choice) -> str | None:
    if choice.mapper is None or not choice.pk:
        return None
    rows: Any = choice.mapper.model._base_manager.filter(pk=choice.pk).values_list("connec_id", flat=True)
    found: str | None = rows.first()
    return found


def _set_aside(group: ConnecGroup) -> list[int]:
    open_ones = Conflict.objects.filter(
        group=group, kind=Conflict.Kind.DUPLICATE, decision=Conflict.Decision.OPEN
    ).values_list("model_label", "object_id")
    rows = set(open_ones.order_by())
    if not rows:
        return []
    dead = Failure.objects.filter(group=group, direction=Failure.Direction.PUSH, is_dead=True).order_by()
    return [pk for pk, *row in dead.values_list("pk", "model_label", "object_id") if tuple(row) in rows]
