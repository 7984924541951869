"""Conflicts about what goes one way only, and while a resource is switched off."""

from __future__ import annotations

import pytest

from django_connec.inbound import apply_records
from django_connec.mapping import Field
from django_connec.models import Conflict, LinkBack
from django_connec.settling import settle
from tests.app.models import Organization
from tests.conftest import drain
from tests.test_promises import apply, later, mapped, project
from tests.test_settling import CONNEC, LOCAL, _manual, disagree, there

__all__ = ["_manual", "mapped"]

pytestmark = pytest.mark.django_db


def test_choice_is_not_fetched_while_the_resource_is_not_read(hub, group, company):
    person = disagree(hub, group, company)
    settle(Conflict.objects.all(), CONNEC)
    group.entities = {"people": {"pull": False}}
    group.save()
    hub.calls.clear()
    drain(group)
    assert hub.paths("GET") == []
    assert Conflict.objects.get().decision == Conflict.Decision.CHOSEN
    group.entities = {}
    group.save()
    drain(group)
    assert Conflict.objects.get().decision == CONNEC
    assert there(hub, person)["first_name"] == "Theirs"
    assert person.first_name == "Theirs"


def test_ours_that_is_never_sent_is_kept_until_the_hub_changes_its_own(hub, group, company, mapped):
    """Both sides are content to differ; a later change of the hub's alone is no new conflict."""
    mapped(Organization, {"conflict": "manual"}, name=Field(direction="pull"), city=Field("code"))
    apply(group, project(name="Agreed"))
    LinkBack.objects.all().delete()
    Organization.objects.update(name="Ours")
    apply(group, later(2, name="Theirs"))
    assert settle(Conflict.objects.all(), LOCAL).settled == 1
    # Marked for another reason when the hub's next version comes.
    Organization.objects.update(city="Cairns")
    records = [later(3, name="Theirs", code="")]
    apply_records(group, "projects", records, source="poll")
    assert Organization.objects.get().name == "Ours"
    apply(group, later(4, name="Theirs again"))
    assert Organization.objects.get().name == "Theirs again"
    assert Conflict.objects.count() == 1
