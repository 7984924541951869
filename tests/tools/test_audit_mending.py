"""connec_audit mends in the directions that are shared, and nothing that is meant to differ."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.utils import timezone

from django_connec.mapping import registry
from django_connec.models import Conflict
from django_connec.reading import poll_group
from django_connec.work import client_of
from tests.app.models import Person
from tests.conftest import ORG, drain
from tests.tools.test_audit import audit, behind_django, people

__all__ = ["people"]

pytestmark = pytest.mark.django_db


def bound(monkeypatch, name, **values):
    (field,) = [f for f in registry.for_model(Person).fields if f.name == name]
    for attribute, value in values.items():
        monkeypatch.setattr(field, attribute, value)


def share(group, **switches):
    group.entities = {"people": switches}
    group.save()


def test_nothing_is_taken_from_the_hub_where_nothing_is_read(hub, group, people):
    behind_django("UPDATE app_person SET first_name = 'Jo' WHERE id = %s", people[0].pk)
    share(group, pull=False)
    state = Person.objects.get(pk=people[0].pk).connec_state
    assert audit(group, "--fix", "pull")[1] == 1
    row = Person.objects.get(pk=people[0].pk)
    assert (row.first_name, row.connec_state) == ("Jo", state), "nor is ours taken for agreed"


def test_field_that_is_not_sent_cannot_be_pushed(hub, group, people, monkeypatch):
    bound(monkeypatch, "first_name", push=False)
    behind_django("UPDATE app_person SET first_name = 'Jo' WHERE id = %s", people[0].pk)
    found, code = audit(group, "--fix", "push")
    assert (code, found["mended"]) == (1, 0)
    assert not Person.objects.pending().exists()


def test_missing_record_is_not_made_again_where_nothing_is_sent(hub, group, people):
    behind_django("UPDATE app_person SET connec_id = 'nowhere' WHERE id = %s", people[0].pk)
    share(group, push=False)
    found, code = audit(group, "--fix", "push")
    assert (code, found["missing-there"], found["mended"]) == (1, 1, 0)
    assert Person.objects.get(pk=people[0].pk).connec_id == "nowhere"


def test_record_that_a_list_does_not_show_is_asked_for_by_itself(hub, group, people, monkeypatch):
    from django_connec.operating import auditing

    monkeypatch.setattr(auditing, "fetch_by_id", lambda *args: [])
    assert audit(group)[0]["listed"] == []


def test_fields_that_may_differ_are_no_difference(hub, group, people, monkeypatch):
    """What is set once, what waits for an operator, and a value that has a form of its own on each side."""
    bound(monkeypatch, "last_name", create_only=True)
    behind_django("UPDATE app_person SET last_name = 'Other' WHERE id = %s", people[0].pk)
    row = Person.objects.get(pk=people[1].pk)
    state = row.connec_state
    row.email = "FORM@x.example"
    (email,) = [f for f in registry.for_model(Person).fields if f.name == "email"]
    state["l"] = {"email": email.digest(row.email)}
    Person._base_manager.filter(pk=row.pk).update(email=row.email, connec_state=state, connec_changed_at=None)
    mapper = registry.for_model(Person)
    monkeypatch.setattr(mapper, "meta", replace(mapper.meta, conflict="manual"))
    hub.clock = lambda: timezone.now() + dt.timedelta(minutes=10)
    hub.update(ORG, "people", people[2].connec_id, first_name="Theirs")
    Person.objects.filter(pk=people[2].pk).update(first_name="Ours")
    poll_group(group, client_of(group))
    drain(group)
    assert Conflict.objects.get().decision == Conflict.Decision.OPEN
    found, code = audit(group)
    assert (code, found["compared"], found["listed"]) == (0, 3, [])


def test_hub_that_was_set_back_is_believed(hub, group, people):
    """Its version is older than the one that is held, and is what it holds now."""
    ahead = timezone.now() + dt.timedelta(days=1)
    Person._base_manager.filter(pk=people[0].pk).update(connec_updated_at=ahead)
    behind_django("UPDATE app_person SET first_name = 'Jo' WHERE id = %s", people[0].pk)
    found, code = audit(group, "--fix", "pull")
    assert (code, found["mended"]) == (0, 1)
    row = Person.objects.get(pk=people[0].pk)
    assert (row.first_name, row.connec_updated_at < ahead) == ("First 0", True)
