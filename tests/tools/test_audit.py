"""connec_audit: both sides compared by content, and mended on demand."""

from __future__ import annotations

import pytest
from django.db import connection

from django_connec.models import Tombstone
from django_connec.work import poll_one
from tests.app.models import Organization, Person
from tests.conftest import ORG, drain
from tests.tools.running import run, run_json

pytestmark = pytest.mark.django_db


def audit(group, *arguments):
    found, code = run_json("connec_audit", "--group", group.uid, *arguments)
    return found["groups"][group.uid]["resources"]["people"], code


def behind_django(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def people(hub, group, company):
    Person.objects.bulk_create(
        [Person(company=company, first_name=f"First {n}", email=f"{n}@x.example") for n in range(3)]
    )
    employer = Organization.objects.create(company=company, name="Heron")
    Person.objects.filter(first_name="First 0").update(employer=employer)
    drain(group)
    poll_one(group)
    drain(group)
    return list(Person.objects.order_by("pk"))


def test_equal_sides_have_no_differences(hub, group, people):
    found, code = audit(group)
    assert (code, found["compared"], found["remaining"], found["listed"]) == (0, 3, 0, [])
    people[0].first_name = "Jo"
    people[0].save()
    found, code = audit(group)
    assert (code, found["pending"], found["remaining"]) == (0, 1, 0)


def test_change_behind_django_is_found_and_pushed(hub, group, people):
    behind_django("UPDATE app_person SET first_name = 'Secret', employer_id = NULL WHERE id = %s", people[0].pk)
    found, code = audit(group)
    assert (code, found["differs"], found["fields"]) == (1, 1, {"first_name": 1, "employer": 1})
    assert found["listed"][0]["pk"] == str(people[0].pk)
    text, _ = run("connec_audit")
    assert people[0].connec_id in text
    assert "Secret" not in text
    assert audit(group, "--fix", "push")[1] == 0
    assert drain(group).drained.pushed == 1
    record = hub.get(ORG, "people", people[0].connec_id)
    assert (record["first_name"], record.get("organization_id")) == ("Secret", None)
    assert audit(group)[1] == 0


def test_change_behind_django_is_overwritten(hub, group, people):
    behind_django("UPDATE app_person SET first_name = 'Jo', email = '' WHERE id = %s", people[1].pk)
    found, code = audit(group, "--fix", "pull")
    assert (code, found["mended"]) == (0, 1)
    row = Person.objects.get(pk=people[1].pk)
    assert (row.first_name, row.email, row.connec_changed_at) == ("First 1", "1@x.example", None)
    assert drain(group).drained.pushed == 0


def test_value_that_the_record_does_not_show_can_only_be_pushed(hub, group, people):
    behind_django("UPDATE app_person SET born = '2001-02-03' WHERE id = %s", people[1].pk)
    assert audit(group)[0]["fields"] == {"born": 1}
    assert audit(group, "--fix", "pull")[1] == 1
    assert audit(group)[0]["fields"] == {"born": 1}, "still seen"
    audit(group, "--fix", "push")
    drain(group)
    assert hub.get(ORG, "people", people[1].connec_id)["birth_date"] == "2001-02-03T00:00:00Z"
    assert audit(group)[1] == 0


@pytest.mark.parametrize(("fix", "expected"), [("push", "First 2"), ("pull", "Theirs")])
def test_change_that_nobody_notified(hub, group, people, fix, expected):
    hub.update(ORG, "people", people[2].connec_id, first_name="Theirs")
    assert audit(group)[0]["fields"] == {"first_name": 1}
    assert audit(group, "--fix", fix)[1] == 0
    drain(group)
    assert hub.get(ORG, "people", people[2].connec_id)["first_name"] == expected
    assert Person.objects.get(pk=people[2].pk).first_name == expected
    assert audit(group)[1] == 0


def test_missing_here(hub, group, people):
    behind_django("DELETE FROM app_person WHERE id = %s", people[0].pk)
    found, code = audit(group)
    assert (code, found["missing-here"]) == (1, 1)
    assert audit(group, "--fix", "push")[1] == 1, "nothing here to send"
    assert audit(group, "--fix", "pull")[1] == 0
    assert Person.objects.filter(connec_id=people[0].connec_id, first_name="First 0").exists()
    Person.objects.get(connec_id=people[1].connec_id).delete()
    assert Tombstone.objects.filter(connec_id=people[1].connec_id).exists()
    assert audit(group)[1] == 0, "deleted here, and not forgotten"


def test_missing_there(hub, group, company, people):
    behind_django("UPDATE app_person SET connec_id = 'nowhere' WHERE id = %s", people[0].pk)
    Person.objects.create(company=company, first_name="New")
    behind_django("UPDATE app_person SET connec_changed_at = NULL")
    found, code = audit(group)
    assert (code, found["missing-there"]) == (1, 2)
    assert audit(group, "--fix", "push")[0]["mended"] == 2
    drain(group)
    assert {record["first_name"] for record in hub.records(ORG, "people")} >= {"New", "First 0"}
    assert len(hub.records(ORG, "people")) == 4, "recognised by our id, not made twice"
    assert audit(group)[1] == 0


def test_sample_asks_by_id(hub, group, people):
    behind_django("UPDATE app_person SET first_name = 'Jo'")
    hub.calls.clear()
    found, code = audit(group, "--sample", "2")
    assert (code, found["compared"], found["differs"]) == (1, 2, 2)
    assert all("_id" in path or "json" in path for path in hub.paths("GET") if "/people" in path and "?" in path)


def test_pages_are_compared_as_they_come(hub, group, people, settings):
    settings.CONNEC = {**settings.CONNEC, "PAGE_SIZE": 1}
    hub.calls.clear()
    assert audit(group)[0]["compared"] == 3
    assert len(hub.paths("GET")) > 3


def test_switches_are_kept_to(hub, group, people):
    behind_django("UPDATE app_person SET first_name = 'Jo' WHERE id = %s", people[0].pk)
    group.entities = {"people": {"push": False}}
    group.save()
    assert audit(group, "--fix", "push")[1] == 1
    assert not Person.objects.pending().exists()
    group.entities = {"people": {"push": False, "pull": False}}
    group.save()
    found, code = run_json("connec_audit")
    assert (code, "people" in found["groups"][group.uid]["resources"]) == (0, False)


def test_hub_that_is_away_or_nonsense(hub, group, people):
    assert run("connec_audit", "--resource", "spoons")[1] == 2
    assert run("connec_audit", "--sample", "0")[1] == 2
    from django_connec.sandbox import Fault

    hub.faults.add(Fault("status", times=-1))
    assert run("connec_audit")[1] == 2


def test_change_made_while_a_page_was_read_is_no_difference(hub, group, people, monkeypatch):
    from django_connec.operating import auditing

    original = auditing.fetch_ahead

    def late(client, uid, resource, **options):
        for page in original(client, uid, resource, **options):
            # Read before the hub changed, compared after the notification was applied.
            if resource == "people":
                Person.objects.filter(pk=people[0].pk).update(first_name="Newer")
                drain(group)
            yield page

    monkeypatch.setattr(auditing, "fetch_ahead", late)
    found, code = audit(group)
    assert (code, found["compared"], found["listed"]) == (0, 3, [])
