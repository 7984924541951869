"""The buttons: who may press them, what they queue, and what they say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_connec.models import ConnecGroup, Failure, Notification, ParkedRecord, Tombstone

from .make import MODELS, make_group

ACTIONS = [
    ("connecgroup", "import_now"),
    ("connecgroup", "push_now"),
    ("connecgroup", "poll_now"),
    ("connecgroup", "resume"),
    ("failure", "retry_failures"),
    ("notification", "replay_deliveries"),
    ("parkedrecord", "try_parked"),
    ("tombstone", "send_tombstones"),
    ("conflict", "settle_local"),
    ("conflict", "settle_connec"),
    ("synccursor", "accept_mass_change"),
]


def press(client: Client, name: str, action: str, **query: str) -> list[str]:
    """Run an action on every row of a list; returns what it says."""
    url = reverse(f"admin:django_connec_{name}_changelist", query=query)
    keys = [str(pk) for pk in MODELS[name].objects.values_list("pk", flat=True)]
    response = client.post(url, {"action": action, "_selected_action": keys})
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize(("name", "action"), ACTIONS)
def test_viewers_see_no_action_and_a_forged_one_does_nothing(
    name: str, action: str, staff: Callable[..., Client], queue: list[Any]
) -> None:
    group = make_group(1)
    group.stop("401")
    viewer = staff(f"view_{name}")
    page = viewer.get(reverse(f"admin:django_connec_{name}_changelist"))
    assert page.status_code == 200
    assert action not in page.content.decode()
    before = list(MODELS[name].objects.order_by("pk").values())
    press(viewer, name, action)
    assert list(MODELS[name].objects.order_by("pk").values()) == before
    assert queue == []


@pytest.mark.parametrize(("name", "action"), ACTIONS)
def test_the_permission_to_change_is_enough(
    name: str, action: str, staff: Callable[..., Client], queue: list[Any]
) -> None:
    make_group(1)
    assert press(staff(f"change_{name}"), name, action)


@pytest.mark.parametrize(
    ("action", "task"),
    [
        ("import_now", "import_group"),
        ("push_now", "drain_group"),
        ("poll_now", "poll_group"),
        ("resume", "drain_group"),
    ],
)
def test_groups_are_queued(action: str, task: str, operator: Client, queue: list[Any]) -> None:
    groups = [make_group(1), make_group(2)]
    said = press(operator, "connecgroup", action)
    assert sorted(queue) == sorted((task, group.pk) for group in groups)
    assert said == ["2 groups were queued."]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("import_now", "The queue did not take 1 group. See that it runs, then try again."),
        ("push_now", "The queue did not take 1 group. Nothing is lost: the next sweep does it."),
    ],
)
def test_a_dead_queue_is_said_plainly(
    action: str, words: str, group: ConnecGroup, operator: Client, dead_queue: None
) -> None:
    assert press(operator, "connecgroup", action) == [words]


def test_groups_that_cannot_work_are_left_out(group: ConnecGroup, operator: Client, queue: list[Any]) -> None:
    ConnecGroup.objects.create(uid="cld-off", is_active=False)
    ConnecGroup.objects.create(uid="cld-quiet", sharing_enabled=False)
    ConnecGroup.objects.create(uid="cld-stopped").stop("403")
    said = press(operator, "connecgroup", "import_now")
    assert queue == [("import_group", group.pk)]
    assert said[0] == "1 group was queued."
    assert said[1].startswith("1 group was left out: the hub turned it away.")
    assert said[2].startswith("2 groups were left out: cancelled or sharing off")


def test_resume_clears_the_stop_and_drains(group: ConnecGroup, operator: Client, queue: list[Any]) -> None:
    group.stop("401")
    press(operator, "connecgroup", "resume")
    group.refresh_from_db()
    assert (group.stopped_at, group.stopped_reason) == (None, "")
    assert queue == [("drain_group", group.pk)]


def test_retry_makes_failures_due_and_drains_each_group_once(operator: Client, queue: list[Any]) -> None:
    groups = [make_group(1), make_group(2)]
    Failure.objects.update(next_attempt_at=timezone.now() + dt.timedelta(hours=1), attempts=12, is_dead=True)
    # The list's own filter must not lose the rows that the action has just changed.
    said = press(operator, "failure", "retry_failures", is_dead__exact="1", marketplace="default")
    assert list(Failure.objects.values_list("next_attempt_at", "is_dead").distinct()) == [(None, False)]
    assert Failure.objects.due(timezone.now()).count() == 4
    assert sorted(queue) == [("drain_group", group.pk) for group in groups]
    assert said == ["4 records are due now.", "2 groups were queued."]


def test_retry_with_a_dead_queue_leaves_them_due(group: ConnecGroup, operator: Client, dead_queue: None) -> None:
    make_group(1)
    said = press(operator, "failure", "retry_failures")
    assert Failure.objects.due(timezone.now()).count() == 2
    assert said[1].startswith("The queue did not take 1 group.")


def test_parked_records_are_tried(operator: Client, queue: list[Any]) -> None:
    group = make_group(1)
    said = press(operator, "parkedrecord", "try_parked")
    assert ParkedRecord.objects.get().next_attempt_at <= timezone.now()
    assert queue == [("drain_group", group.pk)]
    assert said == ["1 record is due now.", "1 group was queued."]


def test_deletions_are_sent_again_but_not_twice(operator: Client, queue: list[Any]) -> None:
    group, told = make_group(1), make_group(2)
    sent_at = timezone.now()
    Tombstone.objects.filter(group=told).update(sent_at=sent_at)
    said = press(operator, "tombstone", "send_tombstones", is_dead__exact="1")
    again = Tombstone.objects.get(group=group)
    assert (again.is_dead, again.next_attempt_at, again.attempts) == (False, None, 0)
    assert Tombstone.objects.get(group=told).sent_at == sent_at
    assert queue == [("drain_group", group.pk)]
    assert said[0] == "1 deletion is due now."
    assert said[1].startswith("1 was left out")


def test_deliveries_are_replayed(operator: Client, queue: list[Any]) -> None:
    make_group(1)
    Notification.objects.update(state="applied", finished_at=timezone.now())
    said = press(operator, "notification", "replay_deliveries")
    delivery = Notification.objects.get()
    assert delivery.state == "waiting"
    assert queue == [("apply_notification", delivery.pk)]
    assert said == ["1 delivery is waiting again."]
