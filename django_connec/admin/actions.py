"""The buttons. Each changes a few columns, queues work by its name, and says what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_connec.dispatch import enqueue
from django_connec.failures import make_due
from django_connec.models import Conflict, ConnecGroup
from django_connec.models.tombstone import UNSENT
from django_connec.operating.retrying import make_parked_due, make_tombstones_due
from django_connec.settling import settle

__all__ = [
    "drain_groups",
    "import_now",
    "poll_now",
    "push_now",
    "replay_deliveries",
    "resume",
    "retry_failures",
    "send_tombstones",
    "settle_and_say",
    "settle_connec",
    "settle_local",
    "try_parked",
]

DRAIN = "drain_group"


@admin.action(description=_("Import now"), permissions=["change"])
def import_now(modeladmin: Any, request: HttpRequest, queryset: QuerySet[ConnecGroup]) -> None:
    """Read everything of the selected groups from the hub."""
    _queue(modeladmin, request, "import_group", queryset)


@admin.action(description=_("Push now"), permissions=["change"])
def push_now(modeladmin: Any, request: HttpRequest, queryset: QuerySet[ConnecGroup]) -> None:
    """Do all due work of the selected groups."""
    _queue(modeladmin, request, DRAIN, queryset)


@admin.action(description=_("Read changes now"), permissions=["change"])
def poll_now(modeladmin: Any, request: HttpRequest, queryset: QuerySet[ConnecGroup]) -> None:
    """Read what has changed at the hub since the last time."""
    _queue(modeladmin, request, "poll_group", queryset)


@admin.action(description=_("Resume"), permissions=["change"])
def resume(modeladmin: Any, request: HttpRequest, queryset: QuerySet[ConnecGroup]) -> None:
    """Let groups work again that the hub turned away, or that wait for their next attempt."""
    groups = list(queryset)
    for group in groups:
        group.resume()
    _queue(modeladmin, request, DRAIN, groups)


@admin.action(description=_("Retry now"), permissions=["change"])
def retry_failures(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
    """Make the selected failures due, also those given up."""
    groups = _groups_of(queryset)
    count = make_due(queryset.order_by())
    _say(
        modeladmin,
        request,
        messages.SUCCESS,
        ngettext("%(count)d record is due now.", "%(count)d records are due now.", count),
        count,
    )
    _queue(modeladmin, request, DRAIN, groups)


@admin.action(description=_("Try now"), permissions=["change"])
def try_parked(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
    """Make the selected parked records due."""
    groups = _groups_of(queryset)
    count = make_parked_due(queryset)
    _say(
        modeladmin,
        request,
        messages.SUCCESS,
        ngettext("%(count)d record is due now.", "%(count)d records are due now.", count),
        count,
    )
    _queue(modeladmin, request, DRAIN, groups)


@admin.action(description=_("Send again"), permissions=["change"])
def send_tombstones(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
    """Make the selected deletions due, also those given up. What the hub has been told stays told."""
    groups, selected = _groups_of(queryset.filter(UNSENT)), queryset.count()
    count = make_tombstones_due(queryset)
    left_out = selected - count
    _say(
        modeladmin,
        request,
        messages.SUCCESS,
        ngettext("%(count)d deletion is due now.", "%(count)d deletions are due now.", count),
        count,
    )
    _say(
        modeladmin,
        request,
        messages.WARNING,
        ngettext(
            "%(count)d was left out: the hub knows of it already, or is not to be told.",
            "%(count)d were left out: the hub knows of them already, or is not to be told.",
            left_out,
        ),
        left_out,
    )
    _queue(modeladmin, request, DRAIN, groups)


@admin.action(description=_("Replay"), permissions=["change"])
def replay_deliveries(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> None:
    """Apply the selected deliveries once more."""
    from django_connec.webhooks.deliveries import replay

    selected = queryset.count()
    count = replay(queryset)
    _say(
        modeladmin,
        request,
        messages.SUCCESS,
        ngettext("%(count)d delivery is waiting again.", "%(count)d deliveries are waiting again.", count),
        count,
    )
    _say(
        modeladmin,
        request,
        messages.WARNING,
        ngettext(
            "%(count)d delivery was not queued; what is stored stays stored.",
            "%(count)d deliveries were not queued; what is stored stays stored.",
            selected - count,
        ),
        selected - count,
    )


@admin.action(description=_("Keep ours"), permissions=["change"])
def settle_local(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
    """Settle for our side; what it holds is sent."""
    settle_and_say(modeladmin, request, queryset, Conflict.Decision.LOCAL)


@admin.action(description=_("Take the hub's"), permissions=["change"])
def settle_connec(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Conflict]) -> None:
    """Settle for the hub's side; what it holds is written."""
    settle_and_say(modeladmin, request, queryset, Conflict.Decision.CONNEC)


def settle_and_say(
    modeladmin: Any, request: HttpRequest, queryset: QuerySet[Conflict], decision: Conflict.Decision
) -> None:
    """Settle conflicts, queue what there is to send or to fetch, and say what became of each."""
    result = settle(queryset.order_by(), decision)
    _say(
        modeladmin,
        request,
        messages.SUCCESS,
        ngettext("%(count)d conflict is settled.", "%(count)d conflicts are settled.", result.settled),
        result.settled,
    )
    _say(
        modeladmin,
        request,
        messages.SUCCESS,
        ngettext(
            "%(count)d was no conflict any more and is closed.",
            "%(count)d were no conflicts any more and are closed.",
            result.gone,
        ),
        result.gone,
    )
    _say(
        modeladmin,
        request,
        messages.WARNING,
        ngettext(
            "%(count)d was left out: it is not open, or a row has to be chosen on its page.",
            "%(count)d were left out: they are not open, or a row has to be chosen on their page.",
            result.left_out,
        ),
        result.left_out,
    )
    drain_groups(modeladmin, request, result.group_ids)


def drain_groups(modeladmin: Any, request: HttpRequest, keys: Collection[int]) -> None:
    """Queue a drain of the groups with these keys, and say so."""
    _queue(modeladmin, request, DRAIN, ConnecGroup.objects.filter(pk__in=keys))


def _groups_of(queryset: QuerySet[Any]) -> QuerySet[ConnecGroup]:
    # Read now: the filters of the list may not find the same rows after the update.
    keys = set(queryset.order_by().values_list("group_id", flat=True))
    return ConnecGroup.objects.filter(pk__in=keys)


def _queue(modeladmin: Any, request: HttpRequest, task: str, groups: Iterable[ConnecGroup]) -> None:
    taken = refused = stopped = unlinked = 0
    for group in groups:
        if not group.is_linked:
            unlinked += 1
        elif group.stopped_at is not None:
            stopped += 1
        elif enqueue(task, group.pk):
            taken += 1
        else:
            refused += 1
    _say(
        modeladmin,
        request,
        messages.SUCCESS,
        ngettext("%(count)d group was queued.", "%(count)d groups were queued.", taken),
        taken,
    )
    if task == DRAIN:
        lost = ngettext(
            "The queue did not take %(count)d group. Nothing is lost: the next sweep does it.",
            "The queue did not take %(count)d groups. Nothing is lost: the next sweep does them.",
            refused,
        )
    else:
        lost = ngettext(
            "The queue did not take %(count)d group. See that it runs, then try again.",
            "The queue did not take %(count)d groups. See that it runs, then try again.",
            refused,
        )
    _say(modeladmin, request, messages.ERROR, lost, refused)
    _say(
        modeladmin,
        request,
        messages.WARNING,
        ngettext(
            "%(count)d group was left out: the hub turned it away. Resume it first.",
            "%(count)d groups were left out: the hub turned them away. Resume them first.",
            stopped,
        ),
        stopped,
    )
    _say(
        modeladmin,
        request,
        messages.WARNING,
        ngettext(
            "%(count)d group was left out: it is cancelled or sharing is off, so nothing is read or sent for it.",
            "%(count)d groups were left out: cancelled or sharing off, so nothing is read or sent for them.",
            unlinked,
        ),
        unlinked,
    )


def _say(modeladmin: Any, request: HttpRequest, level: int, message: str, count: int) -> None:
    if count:
        modeladmin.message_user(request, message % {"count": count}, level)
