"""Conflicts are settled in the admin: in bulk from the list, one by one on their page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from django_connec.inbound import apply_records
from django_connec.models import Conflict, ConnecGroup
from tests.app.models import Company, Person

from .test_actions import press


@pytest.fixture
def company(group: ConnecGroup) -> Company:
    return Company.objects.create(name="Smith & Co", connec_group=group)


def contested(group: ConnecGroup, company: Company, number: int = 1) -> Conflict:
    """A conflict about a last name that the hub's record and the row both changed."""
    person = Person.objects.create(company=company, last_name="Ours")
    state = {"a": {"last_name": "agreed"}, "o": {"last_name": ["theirs"]}}
    Person.objects.filter(pk=person.pk).update(
        connec_id=f"p-{number}", connec_group=group, connec_state=state, connec_changed_at=None
    )
    return Conflict.objects.create(
        group=group,
        kind="field",
        resource="people",
        model_label="app.person",
        object_id=str(person.pk),
        connec_id=f"p-{number}",
        field="last_name",
    )


def matching(group: ConnecGroup, company: Company) -> Conflict:
    for name in ("One", "Two"):
        Person.objects.create(company=company, first_name=name, email="same@x.example")
    record = {"id": "p-9", "first_name": "Nine", "email": {"address": "same@x.example"}}
    apply_records(group, "people", [record], source="webhook")
    return Conflict.objects.get(kind="match")


def post(client: Client, conflict: Conflict, **data: Any) -> list[str]:
    response = client.post(reverse("admin:django_connec_conflict_settle", args=[conflict.pk]), data)
    assert response.status_code == 302
    return [str(message) for message in get_messages(response.wsgi_request)]


def page(client: Client, conflict: Conflict) -> str:
    return client.get(reverse("admin:django_connec_conflict_change", args=[conflict.pk])).content.decode()


def test_ours_in_bulk(group: ConnecGroup, company: Company, operator: Client, queue: list[Any]) -> None:
    for number in (1, 2):
        contested(group, company, number)
    done = contested(group, company, 3)
    Conflict.objects.filter(pk=done.pk).update(decision="local")
    match = matching(group, company)
    queue.clear()
    said = press(operator, "conflict", "settle_local")
    assert said[0] == "2 conflicts are settled."
    assert said[1].startswith("2 were left out")
    assert queue == [("drain_group", group.pk)]
    assert Person.objects.filter(connec_id__in=["p-1", "p-2"], connec_changed_at__isnull=False).count() == 2
    match.refresh_from_db()
    assert match.decision == "open"


def test_the_hubs_in_bulk(group: ConnecGroup, company: Company, operator: Client, queue: list[Any]) -> None:
    contested(group, company)
    queue.clear()
    assert press(operator, "conflict", "settle_connec") == ["1 conflict is settled.", "1 group was queued."]
    # The drain fetches the value, and only then is it settled.
    assert Conflict.objects.values_list("decision", "settled_at").get() == ("chosen", None)
    assert not Person.objects.pending().exists()
    assert queue == [("drain_group", group.pk)]


def test_closed_by_itself(group: ConnecGroup, company: Company, operator: Client, queue: list[Any]) -> None:
    conflict = contested(group, company)
    Person.objects.all().delete()
    assert press(operator, "conflict", "settle_local")[0] == "1 was no conflict any more and is closed."
    conflict.refresh_from_db()
    assert conflict.decision == "gone"


@pytest.mark.parametrize(("side", "decision"), [("local", "local"), ("connec", "chosen")])
def test_on_its_page(
    side: str, decision: str, group: ConnecGroup, company: Company, operator: Client, queue: list[Any]
) -> None:
    conflict = contested(group, company)
    shown = page(operator, conflict)
    assert f'value="{side}"' in shown
    assert "Ours" not in shown
    assert post(operator, conflict, side=side)[0] == "1 conflict is settled."
    conflict.refresh_from_db()
    assert conflict.decision == decision
    assert "connec-settle" not in page(operator, conflict)


def test_a_row_is_chosen_on_the_page(group: ConnecGroup, company: Company, operator: Client, queue: list[Any]) -> None:
    conflict = matching(group, company)
    one, two = Person.objects.order_by("pk")
    shown = page(operator, conflict)
    assert f'name="row" value="{one.pk}"' in shown
    assert f'name="row" value="{two.pk}"' in shown
    assert 'name="side"' not in shown
    assert post(operator, conflict, row="nonsense") == ["The record does not match this row any more."]
    assert "The record is linked to this row." in post(operator, conflict, row=str(two.pk))
    two.refresh_from_db()
    assert two.connec_id == "p-9"


def test_viewers_cannot(group: ConnecGroup, company: Company, staff: Callable[..., Client], queue: list[Any]) -> None:
    conflict = contested(group, company)
    viewer = staff("view_conflict")
    assert "connec-settle" not in page(viewer, conflict)
    address = reverse("admin:django_connec_conflict_settle", args=[conflict.pk])
    assert viewer.post(address, {"side": "local"}).status_code == 403
    conflict.refresh_from_db()
    assert conflict.decision == "open"


def test_only_posts_and_only_what_is_there(operator: Client, group: ConnecGroup) -> None:
    assert operator.get(reverse("admin:django_connec_conflict_settle", args=[1])).status_code == 405
    assert operator.post(reverse("admin:django_connec_conflict_settle", args=["nothing"])).status_code == 404
