"""connec_explain: every reason that the drain has, from the drain's own code; nothing is sent, written or logged."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from django.utils import timezone

from django_connec.inbound import apply_records
from django_connec.mapping import registry
from django_connec.models import Conflict, ConnecGroup, Failure, Tombstone
from django_connec.sandbox import Fault
from tests.app.connec import ItemMapper, OrganizationMapper, PersonMapper
from tests.app.models import Company, Item, Organization, Person
from tests.conftest import drain
from tests.tools.running import run, run_json

pytestmark = pytest.mark.django_db


def explained(row, label="app.Person"):
    found, code = run_json("connec_explain", label, row.pk)
    assert code == 0
    return found


def reasons(row, label="app.Person"):
    return {reason["code"] for reason in explained(row, label)["reasons"]}


@pytest.fixture
def person(hub, group, company):
    return Person.objects.create(company=company, first_name="Ines", last_name="Pelican", email="ines@pelican.example")


@pytest.fixture
def replace():
    """Register another mapper for a model, until the test is over."""
    replaced = []

    def register(mapper_class, model):
        replaced.append((type(registry.for_model(model)), model))
        registry.remove(model)
        registry.add(model, mapper_class)

    yield register
    for mapper_class, model in reversed(replaced):
        registry.remove(model)
        registry.add(model, mapper_class)


def test_what_is_shown_is_what_the_drain_sends(hub, group, person, monkeypatch):
    from django_connec.client import ConnecClient

    sent = []
    original = ConnecClient.batch

    def batch(self, operations, **options):
        sent.extend(operations)
        return original(self, operations, **options)

    monkeypatch.setattr(ConnecClient, "batch", batch)
    for change in ({}, {"first_name": "Inés"}):
        for name, value in change.items():
            setattr(person, name, value)
            person.save()
        found = explained(person)
        assert (found["would_send"], found["reasons"]) == (True, [])
        hub.calls.clear()
        before = list(Person.objects.values())
        explained(person)
        assert list(Person.objects.values()) == before, "nothing is written"
        assert not hub.calls, "nothing is sent"
        drain(group)
        operation = sent.pop(0)
        sent.clear()
        assert found["operation"] == {
            "method": operation.method, "id": operation.id, "attributes": operation.attributes,
        }  # fmt: skip
        person.refresh_from_db()
    assert found["operation"]["attributes"] == {"first_name": "Inés"}
    states = {entry["name"]: (entry["state"], entry["is_sent"], entry["why_not"]) for entry in found["fields"]}
    assert states["first_name"] == ("differs", True, "")
    assert states["last_name"] == ("agreed", False, "agreed")
    assert reasons(person) == {"not-marked", "unchanged"}


def test_states_of_the_group(group, person):
    found = explained(person)
    assert found["group"] == {"uid": group.uid, "marketplace": "default", "name": group.name, "state": "linked"}
    for changes, code in (
        ({"entities": {"people": {"push": False}}}, "push-off"),
        ({"retry_at": timezone.now() + dt.timedelta(hours=1)}, "waiting"),
        ({"stopped_at": timezone.now(), "stopped_reason": "no longer yours"}, "stopped"),
        ({"sharing_enabled": False}, "sharing-off"),
        ({"is_active": False}, "cancelled"),
    ):
        ConnecGroup.objects.filter(pk=group.pk).update(**changes)
        assert code in reasons(person)
        assert not explained(person)["would_send"]
        group.refresh_from_db()
        assert (drain(group).drained.pushed if code != "waiting" else 0) == 0
        fresh = ConnecGroup(uid=group.uid)
        ConnecGroup.objects.filter(pk=group.pk).update(**{name: getattr(fresh, name) for name in changes})


def test_row_without_group(hub):
    person = Person.objects.create(company=Company.objects.create(name="Nobody's"), first_name="Ines")
    found = explained(person)
    assert found["group"] is None
    assert found["reasons"] == [{"code": "no-group", "detail": "company__connec_group"}]
    assert found["fields"][0]["value"] == "Ines"


def test_row_that_has_moved(hub, group, person):
    drain(group)
    other = Company.objects.create(connec_group=ConnecGroup.objects.create(uid="cld-other"), name="Other")
    person.company = other
    person.save()
    assert "moved" in reasons(person)


def test_not_marked_but_different(hub, group, person):
    drain(group)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE app_person SET first_name = 'Jo'")
    found = explained(person)
    assert [reason["code"] for reason in found["reasons"]] == ["not-marked"]
    assert found["operation"]["attributes"] == {"first_name": "Jo"}
    assert "would be sent otherwise" in run("connec_explain", "app.Person", person.pk)[0]


def test_failures(hub, group, person):
    hub.faults.add(Fault("operation", status=422))
    drain(group)
    found = explained(person)
    assert [reason["code"] for reason in found["reasons"]] == ["failed"]
    assert found["failures"][0]["attempts"] == 1
    assert "record" not in found["failures"][0]
    Failure.objects.update(is_dead=True)
    assert reasons(person) == {"given-up"}
    Failure.objects.update(is_dead=False, next_attempt_at=None)
    assert explained(person)["would_send"]


def test_hooks_and_limits(hub, group, person, replace):
    class Never(PersonMapper):
        def should_push(self, instance):
            return False

    replace(Never, Person)
    assert reasons(person) == {"should-push"}

    class Broken(PersonMapper):
        def before_push(self, payload, instance):
            raise RuntimeError(payload)

    replace(Broken, Person)
    found = explained(person)
    assert found["reasons"] == [{"code": "not-encodable", "detail": "the mapper raised RuntimeError"}]

    class Dated(ItemMapper):
        class Meta:
            created_field = "available_from"

    replace(Dated, Item)
    item = Item.objects.create(company=person.company, name="Rope", available_from=group.linked_at - dt.timedelta(1))
    assert explained(item, "app.Item")["would_send"]
    ConnecGroup.objects.update(historical_data=False)
    assert reasons(item, "app.Item") == {"history"}


def test_reference_that_the_hub_does_not_know(hub, group, company, person):
    drain(group)
    person.employer = Organization.objects.create(company=company, name="Heron")
    person.save()
    found = explained(person)
    assert found["reasons"] == [{"code": "references", "detail": "employer"}]
    employer = next(entry for entry in found["fields"] if entry["name"] == "employer")
    assert (employer["is_sent"], employer["why_not"]) == (False, "reference")


def test_directions_of_fields(hub, group, company, replace):
    from django_connec.mapping import Field

    class Mixed(OrganizationMapper):
        city = Field("address.billing.city", direction="pull")
        employees = Field("number_of_employees", create_only=True)

    replace(Mixed, Organization)
    row = Organization.objects.create(company=company, name="Heron", city="Perth", employees=3)
    drain(group)
    Organization.objects.filter(pk=row.pk).update(city="Cairns", employees=4)
    found = explained(row, "app.Organization")
    why = {entry["name"]: entry["why_not"] for entry in found["fields"]}
    assert (why["city"], why["employees"]) == ("pull-only", "create-only")
    assert "unchanged" in {reason["code"] for reason in found["reasons"]}


def test_what_is_stored_about_it(hub, group, person):
    drain(group)
    person.refresh_from_db()
    Conflict.objects.create(
        group=group,
        kind="field",
        resource="people",
        model_label="app.person",
        object_id=str(person.pk),
        field="email",
        local_value="secret",
        remote_value="secret",
    )
    record = {"id": person.connec_id, "organization_id": "nowhere", "updated_at": "2031-01-01T00:00:00Z"}
    apply_records(group, "people", [record], source="webhook")
    found = explained(person)
    assert found["conflicts"][0]["field"] == "email"
    assert "local_value" not in found["conflicts"][0]
    assert found["parked"][0]["missing_id"] == "nowhere"


def test_deleted_row(hub, group, person):
    drain(group)
    pk = person.pk
    person.delete()
    person.pk = pk
    found = explained(person)
    assert (found["exists"], [r["code"] for r in found["reasons"]]) == (False, ["deleted"])
    assert found["tombstones"][0]["sent_at"] is None
    Tombstone.objects.update(is_dead=True)
    assert reasons(person) == {"deleted", "given-up"}
    text, code = run("connec_explain", "app.Person", pk)
    assert (code, "tombstones" in text) == (0, True)


def test_text_says_it_too_and_nothing_is_logged(hub, group, person, caplog):
    with caplog.at_level(logging.DEBUG):
        text, code = run("connec_explain", "app.Person", person.pk)
    assert code == 0
    for words in ("hub id: none", "the next drain sends it", "would be sent: POST people", '"Ines"', "email.address"):
        assert words in text
    for value in ("Ines", "Pelican", "pelican.example"):
        assert value not in caplog.text.replace("Pelican Freight", "")


@pytest.mark.parametrize("arguments", [("app.Person", "77"), ("app.Company", "1"), ("app.Person", "x"), ("x", "1")])
def test_nothing_to_explain(hub, group, arguments):
    assert run("connec_explain", *arguments)[1] == 2
