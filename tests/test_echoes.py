"""What was sent and comes back: our own value is an echo only while it is on its way."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from django_connec.reading import poll_group
from django_connec.sandbox import Fault
from django_connec.work import client_of
from tests.app.models import Person
from tests.conftest import ORG, drain

pytestmark = pytest.mark.django_db


def test_value_that_was_sent_long_ago_is_no_echo(hub, group, company):
    """Sent, not answered, seen again, and settled: when the hub comes back to it later, that is its own change."""
    person = Person.objects.create(company=company, first_name="Agreed")
    drain(group)
    person.refresh_from_db()
    person.first_name = "Sent"
    person.save()
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    poll_group(group, client_of(group))
    drain(group)
    hub.calls.clear()
    minutes = iter(range(10, 100, 10))
    for name in ("Theirs", "Sent"):
        ahead = next(minutes)
        hub.clock = lambda ahead=ahead: timezone.now() + dt.timedelta(minutes=ahead)
        hub.update(ORG, "people", person.connec_id, first_name=name)
        poll_group(group, client_of(group))
        person.refresh_from_db()
        assert person.first_name == name
    assert not hub.operations
