"""Groups: what the page says, and what its form refuses."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_connec.admin.backlog import backlog, linked_rows
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, SyncCursor
from django_connec.signals import group_linked, group_unlinked
from tests.app.models import Company, Item, Organization, Person

from .make import make_group

LIST = "admin:django_connec_connecgroup_changelist"
FORM: dict[str, Any] = {
    "name": "Smith & Co",
    "is_active": "on",
    "sharing_enabled": "on",
    "historical_data": "on",
    "realm": "",
    "entities": "{}",
}


def page_of(group: ConnecGroup) -> str:
    return reverse("admin:django_connec_connecgroup_change", args=[group.pk])


def test_backlog_counts_marked_rows_of_each_group(group: ConnecGroup) -> None:
    other = ConnecGroup.objects.create(uid="cld-2")
    ours = Company.objects.create(name="ours", connec_group=group)
    theirs = Company.objects.create(name="theirs", connec_group=other)
    unlinked = Company.objects.create(name="nobody's")
    first = Person.objects.create(company=ours)
    Person.objects.create(company=ours)
    sent = Person.objects.create(company=ours)
    Organization.objects.create(company=ours, name="A")
    Item.objects.create(company=theirs, name="B")
    Item.objects.create(company=unlinked, name="C")
    # One has been met by a drain, the other is new; one waits for nothing.
    Person.objects.filter(pk=first.pk).update(connec_group=group)
    Person.objects.filter(pk=sent.pk).update(connec_group=group, connec_changed_at=None, connec_id="p-1")
    assert backlog([group, other]) == {group.pk: {"people": 2, "organizations": 1}, other.pk: {"items": 1}}
    assert linked_rows([group, other]) == {group.pk: {"people": 1}, other.pk: {}}
    assert backlog([]) == linked_rows([]) == {}


def test_backlog_of_a_model_that_holds_its_group_itself(group: ConnecGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    mapper = registry.for_model(Organization)
    assert mapper is not None
    monkeypatch.setattr(mapper, "meta", replace(mapper.meta, group="connec_group"))
    company = Company.objects.create(name="ours", connec_group=group)
    Organization.objects.create(company=company, name="A", connec_group=group)
    Organization.objects.create(company=company, name="B")
    assert backlog([group]) == {group.pk: {"organizations": 1}}


def test_backlog_adds_up_the_models_of_one_resource(group: ConnecGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    mapper = registry.for_model(Item)
    assert mapper is not None
    monkeypatch.setattr(mapper, "meta", replace(mapper.meta, resource="people"))
    company = Company.objects.create(name="ours", connec_group=group)
    Item.objects.create(company=company, name="A")
    Person.objects.create(company=company)
    assert backlog([group]) == {group.pk: {"people": 2}}


def test_backlog_costs_one_query_a_mapped_model(db: None, django_assert_num_queries: Callable[..., Any]) -> None:
    groups = [make_group(number) for number in range(5)]
    for selected in (groups[:1], groups):
        with django_assert_num_queries(4):
            backlog(selected)


def test_list_says_what_waits_and_what_failed(operator: Client) -> None:
    group = make_group(1)
    page = operator.get(reverse(LIST)).content.decode()
    assert '<td class="field-backlog">1</td>' in page
    assert "2 (1 given up)" in page
    assert f"failure/?group__id__exact={group.pk}" in page
    assert "poll, some records failed" in page


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "sharing"),
        ({"is_active": False}, "cancelled"),
        ({"sharing_enabled": False}, "sharing is off"),
        ({"stopped_at": timezone.now(), "stopped_reason": "401 <key revoked>"}, "stopped: 401 &lt;key revoked&gt;"),
        ({"retry_at": timezone.now() + dt.timedelta(hours=1)}, "waits until"),
    ],
)
def test_state_in_words(values: dict[str, Any], words: str, group: ConnecGroup, operator: Client) -> None:
    ConnecGroup.objects.update(**values)
    assert words in operator.get(reverse(LIST)).content.decode()
    assert words in operator.get(page_of(group)).content.decode()


def test_change_page_has_a_row_for_each_resource(operator: Client) -> None:
    group = make_group(1)
    ConnecGroup.objects.update(entities={"people": {"pull": True, "push": False}})
    SyncCursor.objects.create(group=group, resource="old_things", import_started=timezone.now())
    Person.objects.create(company=Company.objects.get())
    Person.objects.filter(pk=Person.objects.latest("pk").pk).update(
        connec_group=group, connec_id="p-9", connec_changed_at=None
    )
    response = operator.get(page_of(group))
    entries = {entry.resource: entry for entry in response.context["connec_resources"]}
    assert set(entries) == {"organizations", "people", "items", "invoices", "old_things"}
    people = entries["people"]
    assert (people.pull, people.push, people.linked, people.pending) == (True, False, 1, 1)
    assert (people.failures, people.parked, people.unsent, people.conflicts) == (2, 1, 1, 1)
    assert people.read_up_to is not None
    assert not people.is_importing
    assert entries["old_things"].is_importing
    assert not entries["old_things"].is_mapped
    for link in people.links.values():
        listed = operator.get(link)
        assert listed.status_code == 200
        assert listed.context["cl"].result_count in (1, 2)
    assert operator.get(response.context["connec_cursors"]).context["cl"].result_count == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "not a list of 0"),
        ('{"peple": {"pull": true}}', "&quot;peple&quot; is no mapped resource"),
        ('{"people": true}', "&quot;people&quot; must be an object"),
        ('{"people": {"pull": "yes"}}', "&quot;people.pull&quot; must be true or false, not text of 3 characters"),
        ('{"people": {"push": 1}}', "&quot;people.push&quot; must be true or false, not a number"),
        ('{"people": {"pul": true}}', "&quot;people.pul&quot; is unknown"),
        ("{people}", "Enter a valid JSON"),
    ],
)
def test_entities_are_checked(text: str, words: str, group: ConnecGroup, operator: Client) -> None:
    response = operator.post(page_of(group), {**FORM, "entities": text})
    assert response.status_code == 200
    assert words in response.content.decode()
    group.refresh_from_db()
    assert group.entities == {}


def test_entities_are_written_out(group: ConnecGroup, operator: Client) -> None:
    text = json.dumps({"people": {"push": False}, "items": {"pull": False, "push": True}})
    assert operator.post(page_of(group), {**FORM, "entities": text}).status_code == 302
    group.refresh_from_db()
    assert group.entities == {"people": {"pull": True, "push": False}, "items": {"pull": False, "push": True}}
    assert operator.post(page_of(group), {**FORM, "entities": ""}).status_code == 302
    group.refresh_from_db()
    assert group.entities == {}


def test_entities_left_by_older_mappers_do_not_block_the_switches(group: ConnecGroup, operator: Client) -> None:
    left = {"old_things": {"pull": False}}
    ConnecGroup.objects.update(entities=left)
    form = {key: value for key, value in FORM.items() if key != "sharing_enabled"}
    assert operator.post(page_of(group), {**form, "entities": json.dumps(left)}).status_code == 302
    group.refresh_from_db()
    assert not group.sharing_enabled
    assert group.entities == left


def test_saving_writes_only_what_was_changed(group: ConnecGroup, operator: Client, monkeypatch: Any) -> None:
    from django_connec.admin.groups import ConnecGroupAdmin

    original = ConnecGroupAdmin.save_model

    def save(self: Any, request: Any, obj: Any, form: Any, change: Any) -> None:
        # A drain stops the group after the form has loaded it.
        ConnecGroup.objects.get(pk=obj.pk).stop("401")
        original(self, request, obj, form, change)

    monkeypatch.setattr(ConnecGroupAdmin, "save_model", save)
    operator.post(page_of(group), {**FORM, "name": "New name", "uid": "cld-forged"})
    group.refresh_from_db()
    assert (group.name, group.uid, group.stopped_reason) == ("New name", "cld-1", "401")


def test_switching_a_group_off_and_on_cancels_and_links_it(
    group: ConnecGroup,
    operator: Client,
    queue: list[Any],
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[Any]],
) -> None:
    heard: list[str] = []

    def unlinked(**_: Any) -> None:
        heard.append("unlinked")

    def linked(**_: Any) -> None:
        heard.append("linked")

    group_unlinked.connect(unlinked)
    group_linked.connect(linked)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            operator.post(page_of(group), {key: value for key, value in FORM.items() if key != "is_active"})
        group.refresh_from_db()
        assert group.unlinked_at is not None
        assert queue == []
        with django_capture_on_commit_callbacks(execute=True):
            operator.post(page_of(group), FORM)
        group.refresh_from_db()
        assert group.unlinked_at is None
    finally:
        group_unlinked.disconnect(unlinked)
        group_linked.disconnect(linked)
    assert heard == ["unlinked", "linked"]
    assert ("synchronise", group.pk, False, None) in queue


def test_a_group_can_be_added_by_hand(operator: Client, queue: list[Any]) -> None:
    url = reverse("admin:django_connec_connecgroup_add")
    assert operator.get(url).status_code == 200
    unknown = operator.post(url, {**FORM, "marketplace": "elsewhere", "uid": "cld-9"})
    assert "elsewhere is not one of the available choices" in unknown.content.decode()
    assert operator.post(url, {**FORM, "marketplace": "default", "uid": "cld-9"}).status_code == 302
    off = {key: value for key, value in FORM.items() if key != "is_active"}
    assert operator.post(url, {**off, "marketplace": "default", "uid": "cld-10"}).status_code == 302
    assert dict(ConnecGroup.objects.values_list("uid", "is_active")) == {"cld-9": True, "cld-10": False}
    again = operator.post(url, {**FORM, "marketplace": "default", "uid": "cld-9"})
    assert again.status_code == 200
    assert ConnecGroup.objects.count() == 2


def test_viewers_see_and_cannot_change(group: ConnecGroup, staff: Callable[..., Client]) -> None:
    viewer = staff("view_connecgroup")
    response = viewer.get(page_of(group))
    assert response.status_code == 200
    assert 'id="connec-resources-table"' in response.content.decode()
    assert viewer.post(page_of(group), {**FORM, "name": "x"}).status_code == 403


def test_historical_data_switched_on_is_read_from_the_beginning(
    operator: Client, group: ConnecGroup, queue: list[Any]
) -> None:
    ConnecGroup.objects.update(historical_data=False)
    SyncCursor.objects.create(group=group, resource="people", polled_from=timezone.now(), imported_at=timezone.now())
    operator.post(page_of(group), {**FORM, "historical_data": "on"})
    cursor = SyncCursor.objects.get()
    assert cursor.polled_from is None
    assert cursor.imported_at is not None
