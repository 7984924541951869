"""Conflicts that an operator settles: acted on, in both directions, and closed by themselves when the cause is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from django_connec.client import ConnecClient
from django_connec.mapping import registry
from django_connec.models import Conflict, Failure, LinkBack, ParkedRecord
from django_connec.reading import poll_group
from django_connec.sandbox import Fault
from django_connec.settling import candidates, choose_row, settle
from django_connec.work import client_of
from tests.app.models import Organization, Person
from tests.conftest import ORG, PROVIDER, drain

pytestmark = pytest.mark.django_db

LOCAL, CONNEC = Conflict.Decision.LOCAL, Conflict.Decision.CONNEC


@pytest.fixture(autouse=True)
def _manual(monkeypatch):
    for model in (Person, Organization):
        mapper = registry.for_model(model)
        monkeypatch.setattr(mapper, "meta", replace(mapper.meta, conflict="manual"))


def poll(group):
    poll_group(group, client_of(group))


def disagree(hub, group, company, **both):
    """Make a person whose first name both sides have changed; other changes of ours and theirs may go along."""
    person = Person.objects.create(company=company, first_name="Agreed", last_name="Agreed", email="a@x.example")
    drain(group)
    person.refresh_from_db()
    hub.update(ORG, "people", person.connec_id, first_name="Theirs", **both.get("theirs", {}))
    person.first_name = "Ours"
    for name, value in both.get("ours", {}).items():
        setattr(person, name, value)
    person.save()
    poll(group)
    drain(group)
    person.refresh_from_db()
    return person


def there(hub, person):
    person.refresh_from_db()
    return hub.get(ORG, "people", person.connec_id)


def assert_quiet(hub, group):
    """Both sides are in step, and one more drain, poll and drain send nothing."""
    drain(group)
    poll(group)
    hub.calls.clear()
    drain(group)
    assert hub.operations == 0
    assert not Person.objects.pending().exists()
    assert not Organization.objects.pending().exists()
    assert not Failure.objects.exists()


def only():
    return Conflict.objects.get(kind="field", decision__in=["open", "chosen"])


def decisions():
    return list(Conflict.objects.order_by("pk").values_list("decision", flat=True))


def test_while_it_is_open_the_field_stands_still_and_others_flow(hub, group, company):
    person = disagree(hub, group, company, ours={"email": "ours@x.example"}, theirs={"last_name": "Theirs"})
    assert (person.first_name, person.last_name) == ("Ours", "Theirs")
    record = there(hub, person)
    assert (record["first_name"], record["email"]["address"]) == ("Theirs", "ours@x.example")
    assert person.connec_changed_at is None
    # Further changes of both sides, of the field and of others, change nothing about that.
    hub.update(ORG, "people", person.connec_id, first_name="Theirs again", last_name="Theirs again")
    poll(group)
    person.refresh_from_db()
    assert (person.first_name, person.last_name) == ("Ours", "Theirs again")
    person.first_name, person.last_name = "Ours again", "Ours again"
    person.save()
    drain(group)
    record = there(hub, person)
    assert (record["first_name"], record["last_name"]) == ("Theirs again", "Ours again")
    # One conflict, with what both sides hold now.
    drain(group)
    conflict = only()
    assert (conflict.local_value, conflict.remote_value) == ("Ours again", "Theirs again")
    assert_quiet(hub, group)
    assert only() == conflict


def test_keep_ours_sends_it(hub, group, company):
    person = disagree(hub, group, company)
    result = settle(Conflict.objects.all(), LOCAL)
    assert (result.settled, result.gone, result.left_out, result.group_ids) == (1, 0, 0, {group.pk})
    hub.calls.clear()
    drain(group)
    assert there(hub, person)["first_name"] == "Ours"
    assert hub.operations == 1
    assert person.first_name == "Ours"
    assert decisions() == [LOCAL]
    assert Conflict.objects.get().settled_at is not None
    assert_quiet(hub, group)


def test_take_the_hubs_writes_it_and_sends_nothing(hub, group, company):
    person = disagree(hub, group, company)
    result = settle(Conflict.objects.all(), CONNEC)
    assert (result.settled, result.left_out) == (1, 0)
    hub.calls.clear()
    drain(group)
    assert there(hub, person)["first_name"] == "Theirs"
    assert person.first_name == "Theirs"
    assert hub.operations == 0
    assert decisions() == [CONNEC]
    assert Conflict.objects.get().settled_at is not None
    assert_quiet(hub, group)


@pytest.mark.parametrize("choice", [LOCAL, CONNEC])
def test_choice_is_of_a_side_as_it_is_now(hub, group, company, choice):
    """Both sides have changed again since the conflict was found: what the chosen one holds now is what counts."""
    person = disagree(hub, group, company)
    person.first_name = "Ours, later"
    person.save()
    hub.update(ORG, "people", person.connec_id, first_name="Theirs, later")
    settle(Conflict.objects.all(), choice)
    drain(group)
    expected = "Ours, later" if choice == LOCAL else "Theirs, later"
    assert there(hub, person)["first_name"] == expected
    assert person.first_name == expected
    assert_quiet(hub, group)


def test_change_of_ours_after_the_hubs_was_chosen_is_a_new_conflict(hub, group, company):
    person = disagree(hub, group, company)
    settle(Conflict.objects.all(), CONNEC)
    person.first_name = "Ours, after the choice"
    person.save()
    drain(group)
    assert there(hub, person)["first_name"] == "Theirs"
    assert person.first_name == "Ours, after the choice"
    assert decisions() == ["gone", "open"]
    settle(Conflict.objects.all(), LOCAL)
    drain(group)
    assert there(hub, person)["first_name"] == "Ours, after the choice"
    assert_quiet(hub, group)


def test_change_of_theirs_after_ours_was_kept_is_a_new_conflict(hub, group, company):
    person = disagree(hub, group, company)
    settle(Conflict.objects.all(), LOCAL)
    hub.update(ORG, "people", person.connec_id, first_name="Theirs, after the choice")
    poll(group)
    drain(group)
    assert there(hub, person)["first_name"] == "Theirs, after the choice"
    assert person.first_name == "Ours"
    assert decisions() == [LOCAL, "open"]


def test_hub_that_is_away_keeps_the_choice(hub, group, company):
    person = disagree(hub, group, company)
    settle(Conflict.objects.all(), CONNEC)
    hub.faults.add(Fault("status", times=3, status=503, path="/people"))
    drain(group)
    assert decisions() == ["chosen"]
    assert there(hub, person)["first_name"] == "Theirs"
    assert person.first_name == "Ours"
    drain(group)
    person.refresh_from_db()
    assert person.first_name == "Theirs"
    assert_quiet(hub, group)


def test_part_of_a_block_goes_back_as_the_hub_shows_it(hub, group, company):
    place = {"billing": {"city": "Agreed", "region": "QLD", "country": "Australia"}}
    hub.load(ORG, "organizations", [{"id": "org-1", "name": "Pelican", "address": place}])
    poll(group)
    organization = Organization.objects.get()
    organization.city = "Ours"
    organization.save()
    hub.update(ORG, "organizations", "org-1", address={"billing": {**place["billing"], "city": "Theirs"}})
    poll(group)
    drain(group)
    organization.refresh_from_db()
    organization.region = "NSW"
    organization.save()
    drain(group)
    assert hub.get(ORG, "organizations", "org-1")["address"]["billing"] == {
        "city": "Theirs",
        "region": "NSW",
        "country": "Australia",
    }
    settle(Conflict.objects.all(), LOCAL)
    drain(group)
    assert hub.get(ORG, "organizations", "org-1")["address"]["billing"]["city"] == "Ours"
    assert_quiet(hub, group)


def test_reference_is_settled_like_any_field(hub, group, company):
    one, two, three = (Organization.objects.create(company=company, name=name) for name in ("1", "2", "3"))
    person = Person.objects.create(company=company, first_name="Ines", employer=one)
    drain(group)
    for row in (person, two, three):
        row.refresh_from_db()
    hub.update(ORG, "people", person.connec_id, organization_id=two.connec_id)
    person.employer = three
    person.save()
    poll(group)
    drain(group)
    assert there(hub, person)["organization_id"] == two.connec_id
    assert person.employer == three
    settle(Conflict.objects.all(), CONNEC)
    drain(group)
    person.refresh_from_db()
    assert person.employer == two
    assert_quiet(hub, group)


@pytest.mark.parametrize("choice", [LOCAL, CONNEC])
def test_many_at_once_and_only_open_ones(hub, group, company, choice):
    people = [disagree(hub, group, company) for _ in range(3)]
    Conflict.objects.filter(object_id=str(people[2].pk)).update(decision="local")
    result = settle(Conflict.objects.all(), choice)
    assert (result.settled, result.left_out) == (2, 1)
    drain(group)
    winner = "Ours" if choice == LOCAL else "Theirs"
    assert [there(hub, person)["first_name"] for person in people] == [winner, winner, "Theirs"]
    assert [person.first_name for person in people] == [winner, winner, "Ours"]


@pytest.mark.parametrize(
    ("here", "there_", "ends"),
    [
        ("Theirs", None, "Theirs"),  # We have typed what the hub has.
        ("Agreed", None, "Theirs"),  # We are back at what was agreed: the hub's change is left.
        (None, "Ours", "Ours"),  # The hub has what we have.
        (None, "Agreed", "Ours"),  # The hub is back at what was agreed: our change is left.
    ],
)
def test_side_that_gives_way_ends_it(hub, group, company, here, there_, ends):
    person = disagree(hub, group, company)
    if here is not None:
        person.first_name = here
        person.save()
    else:
        hub.update(ORG, "people", person.connec_id, first_name=there_)
        poll(group)
    drain(group)
    assert there(hub, person)["first_name"] == ends
    assert person.first_name == ends
    assert not Conflict.objects.unsettled().exists()
    assert_quiet(hub, group)


def test_conflict_of_a_deleted_row_is_closed(hub, group, company):
    person = disagree(hub, group, company)
    person.delete()
    drain(group)
    assert decisions() == ["gone"]


def test_save_at_the_same_moment_is_not_lost(hub, group, company, monkeypatch):
    """The mark that a choice sets is a new one, so that a batch on its way cannot clear it."""
    person = disagree(hub, group, company)
    person.last_name = "Ours"
    person.save()
    original = ConnecClient.batch
    done = []

    def batch(self, operations):
        answer = original(self, operations)
        if not done:
            done.append(settle(Conflict.objects.all(), LOCAL).settled)
        return answer

    monkeypatch.setattr(ConnecClient, "batch", batch)
    drain(group)
    assert done == [1]
    drain(group)
    record = there(hub, person)
    assert (record["first_name"], record["last_name"]) == ("Ours", "Ours")
    assert_quiet(hub, group)


# Two rows, one record ---------------------------------------------------------------------------------------


def make_duplicate(hub, group, company):
    for name in ("Holder", "Duplicate"):
        Person.objects.create(company=company, first_name=name, last_name="Agreed")
    drain(group)
    holder, duplicate = Person.objects.order_by("pk")
    hub.merge(ORG, "people", holder.connec_id, duplicate.connec_id)
    duplicate.last_name = "Changed"
    duplicate.save()
    drain(group)
    assert Conflict.objects.get().kind == "duplicate"
    holder.refresh_from_db()
    duplicate.refresh_from_db()
    return holder, duplicate


def test_duplicate_the_other_row_keeps_the_record(hub, group, company):
    holder, duplicate = make_duplicate(hub, group, company)
    assert settle(Conflict.objects.all(), CONNEC).settled == 1
    assert_quiet(hub, group)
    kept = holder.connec_id
    holder.refresh_from_db()
    duplicate.refresh_from_db()
    assert (holder.connec_id, duplicate.connec_id) == (kept, None)
    assert duplicate.last_name == "Changed"
    # Deleting the spare row is no business of the hub's: the record belongs to the other one.
    duplicate.delete()
    assert_quiet(hub, group)
    assert hub.get(ORG, "people", kept)["status"] == "ACTIVE"


def test_duplicate_this_row_keeps_the_record(hub, group, company):
    holder, duplicate = make_duplicate(hub, group, company)
    kept = holder.connec_id
    assert settle(Conflict.objects.all(), LOCAL).settled == 1
    drain(group)
    holder.refresh_from_db()
    duplicate.refresh_from_db()
    assert (holder.connec_id, duplicate.connec_id) == (None, kept)
    record = hub.get(ORG, "people", kept)
    assert (record["first_name"], record["last_name"]) == ("Duplicate", "Changed")
    assert hub.by_external(ORG, "people", PROVIDER, group.uid, str(duplicate.pk))["id"] == kept
    assert_quiet(hub, group)
    holder.delete()
    hub.update(ORG, "people", kept, last_name="Theirs")
    assert_quiet(hub, group)
    duplicate.refresh_from_db()
    assert duplicate.last_name == "Theirs"
    assert hub.get(ORG, "people", kept)["status"] == "ACTIVE"


def test_duplicate_whose_other_row_is_gone_is_sent_again(hub, group, company):
    holder, duplicate = make_duplicate(hub, group, company)
    kept = holder.connec_id
    Person.objects.filter(pk=holder.pk).update(connec_id=None, connec_state=None)
    drain(group)
    assert decisions() == ["gone"]
    drain(group)
    duplicate.refresh_from_db()
    assert duplicate.connec_id == kept
    assert hub.get(ORG, "people", kept)["last_name"] == "Changed"


def test_claim_is_recorded_once(hub, group, company):
    make_duplicate(hub, group, company)
    Failure.objects.update(is_dead=False, next_attempt_at=None)
    drain(group)
    assert Conflict.objects.count() == 1


# Several rows, one record -----------------------------------------------------------------------------------


def make_match(hub, group, company):
    for name in ("One", "Two"):
        Person.objects.create(company=company, first_name=name, email="same@x.example", last_name="Ours")
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Two", "email": {"address": "same@x.example"}}])
    poll(group)
    return Person.objects.order_by("pk")


def test_match_the_operator_picks_the_row(hub, group, company):
    one, two = make_match(hub, group, company)
    conflict = Conflict.objects.get()
    assert settle(Conflict.objects.all(), LOCAL).left_out == 1
    assert candidates(conflict) == [one.pk, two.pk]
    assert choose_row(conflict, two.pk)
    assert_quiet(hub, group)
    two.refresh_from_db()
    one.refresh_from_db()
    assert two.connec_id == "p-1"
    # A value wins over a blank; the other row is a record of its own.
    assert hub.get(ORG, "people", "p-1")["last_name"] == "Ours"
    assert hub.by_external(ORG, "people", PROVIDER, group.uid, str(two.pk))["id"] == "p-1"
    assert one.connec_id not in (None, "p-1")
    conflict.refresh_from_db()
    assert (conflict.decision, conflict.object_id) == ("row", str(two.pk))
    assert not LinkBack.objects.exists()


def test_match_whose_record_waits_for_another_meets_the_row_before_anything_is_sent(hub, group, company):
    """The record refers to an organisation that has not come: the rest of it is agreed on all the same."""
    for name in ("One", "Two"):
        Person.objects.create(company=company, first_name=name, email="same@x.example", last_name="Ours")
    shown = {"id": "p-1", "first_name": "Theirs", "email": {"address": "same@x.example"}, "organization_id": "o-1"}
    hub.load(ORG, "people", [shown | {"updated_at": "2036-01-01T00:00:00Z"}])
    poll(group)
    one = Person.objects.order_by("pk")[0]
    assert choose_row(Conflict.objects.get(), one.pk)
    assert ParkedRecord.objects.count() == 1
    drain(group)
    # A value wins over a blank; of two values nobody has said yet which one it is.
    record = hub.get(ORG, "people", "p-1")
    assert (record["first_name"], record["last_name"]) == ("Theirs", "Ours")
    assert record["organization_id"] == "o-1"
    one.refresh_from_db()
    assert (one.connec_id, one.first_name, one.employer) == ("p-1", "One", None)
    assert Conflict.objects.unsettled().get().field == "first_name"
    hub.load(ORG, "organizations", [{"id": "o-1", "name": "Pelican"}])
    poll(group)
    one.refresh_from_db()
    assert one.employer.connec_id == "o-1"


def test_match_row_that_is_no_candidate_is_refused(hub, group, company):
    one, two = make_match(hub, group, company)
    stranger = Person.objects.create(company=company, first_name="Three", email="other@x.example")
    conflict = Conflict.objects.get()
    assert not choose_row(conflict, stranger.pk)
    Person.objects.filter(pk=one.pk).update(email="changed@x.example")
    assert candidates(conflict) == [two.pk]
    assert not choose_row(conflict, one.pk)
    assert choose_row(conflict, two.pk)
    assert not choose_row(conflict, two.pk)


def test_match_two_records_for_one_row(hub, group, company):
    person = Person.objects.create(company=company, first_name="One", email="same@x.example")
    hub.load(
        ORG,
        "people",
        [{"id": f"p-{n}", "first_name": "One", "email": {"address": "same@x.example"}} for n in (1, 2)],
    )
    poll(group)
    assert Conflict.objects.filter(kind="match").count() == 2
    assert choose_row(Conflict.objects.get(connec_id="p-2"), person.pk)
    assert_quiet(hub, group)
    assert set(Person.objects.values_list("connec_id", flat=True)) == {"p-1", "p-2"}
    assert not Conflict.objects.unsettled().exists()


def test_match_ends_when_the_rows_are_made_distinct(hub, group, company):
    one, two = make_match(hub, group, company)
    one.email = "distinct@x.example"
    one.save()
    Failure.objects.update(next_attempt_at=None)
    assert_quiet(hub, group)
    two.refresh_from_db()
    assert two.connec_id == "p-1"
    assert decisions() == ["gone"]


def test_match_is_recorded_once_however_often_it_is_retried(hub, group, company):
    make_match(hub, group, company)
    for _ in range(3):
        Failure.objects.update(next_attempt_at=None)
        drain(group)
    assert Conflict.objects.count() == 1
