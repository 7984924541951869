"""Records of every shape: cycles, links to several kinds, one resource for several models, one-to-one relations."""

from __future__ import annotations

import datetime as dt

import pytest

from django_connec.handover import hand_over
from django_connec.inbound import apply_records
from django_connec.mapping import Field, Nested, Reference, registry
from django_connec.models import Failure, LinkBack, ParkedRecord, Tombstone
from django_connec.reading import poll_group
from django_connec.signals import record_moved
from django_connec.tracking import rows as tracked_rows
from django_connec.work import client_of
from tests.app.models import Organization
from tests.conftest import ORG, drain
from tests.mappers import make_mapper, registering
from tests.other.models import Client, Deal, Desk, Lead, Member, Membership, Profile, Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapped():
    with registering() as add:
        yield add


def hub_id(id):
    return [{"provider": "connec", "realm": ORG, "id": id}]


def record(id, at="2026-01-01T00:00:00Z", **attributes):
    return {"id": hub_id(id), "updated_at": at, **attributes}


def apply(group, resource, *records, **options):
    return apply_records(group, resource, records, source="webhook", **options)


def key(record):
    id = record["id"]
    return id if isinstance(id, str) else next(e["id"] for e in id if e["provider"] == "connec")


def settled(hub, group):
    poll_group(group, client_of(group))
    drain(group)
    hub.calls.clear()
    drain(group)
    assert not hub.operations
    assert not Failure.objects.exists()
    assert not ParkedRecord.objects.exists()


# Cycles -----------------------------------------------------------------------------------------------------


@pytest.fixture
def teams(mapped):
    mapped(Team, "teams", name=Field(), leader=Reference("leader_id"))
    mapped(Member, "app_users", name=Field("first_name"), team=Reference("team_id"), boss=Reference("manager_id"))


def test_cycle_is_known(teams):
    team = registry.for_model(Team)
    assert registry.is_cyclic(team, Member)
    assert not registry.is_cyclic(registry.for_label("app.invoice"), Member)


def test_cycle_comes_in_two_passes(group, teams):
    assert apply(group, "teams", record("t", name="East", leader_id=hub_id("m"))).counts() == {"created": 1}
    assert Team.objects.get().leader is None
    assert ParkedRecord.objects.get().missing_id == "m"
    apply(group, "app_users", record("m", first_name="Ines", team_id=hub_id("t")))
    assert Team.objects.get().leader == Member.objects.get()
    assert Member.objects.get().team == Team.objects.get()
    assert not ParkedRecord.objects.exists()
    assert not Team.objects.pending().exists()


def test_cycle_is_fetched(hub, group, teams, mapped):
    member = hub.create(ORG, "app_users", {"first_name": "Ines"})
    team = hub.create(ORG, "teams", {"name": "East", "leader_id": key(member)})
    hub.update(ORG, "app_users", key(member), team_id=key(team))
    apply(group, "teams", hub.get(ORG, "teams", key(team)), client=client_of(group))
    assert Team.objects.get().leader == Member.objects.get()
    assert Member.objects.get().team == Team.objects.get()
    settled(hub, group)


def test_cycle_is_sent_in_two_passes(hub, group, teams):
    team = Team.objects.create(name="East", connec_group=group)
    member = Member.objects.create(name="Ines", team=team, connec_group=group)
    team.leader = member
    team.save()
    drain(group)
    team.refresh_from_db()
    member.refresh_from_db()
    assert hub.get(ORG, "teams", team.connec_id)["leader_id"] == member.connec_id
    assert hub.get(ORG, "app_users", member.connec_id)["team_id"] == team.connec_id
    settled(hub, group)


def test_record_that_refers_to_itself(hub, group, teams):
    made = hub.create(ORG, "app_users", {"first_name": "Ines"})
    hub.update(ORG, "app_users", key(made), manager_id=key(made))
    apply(group, "app_users", hub.get(ORG, "app_users", key(made)), client=client_of(group))
    member = Member.objects.get()
    assert member.boss == member
    settled(hub, group)


def test_half_of_a_cycle_waits_until_it_times_out_loudly(hub, group, teams, time_machine):

    time_machine.move_to(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    apply(group, "teams", record("t", name="East", leader_id=hub_id("m")))
    for _ in range(8):
        time_machine.shift(dt.timedelta(days=1, minutes=1))
        drain(group)
    assert Failure.objects.get().message == "leader: app_users m has not come"
    assert Team.objects.get().name == "East"


# Links to several kinds ---------------------------------------------------------------------------------------


@pytest.fixture
def deals(teams, mapped):
    mapped(
        Deal,
        "opportunities",
        name=Field(),
        member=Reference("assignee_id", kind=("assignee_type", "AppUser")),
        team=Reference("assignee_id", kind=("assignee_type", "Team")),
    )


@pytest.mark.parametrize("word", ["AppUser", "Entity::AppUser"])
def test_link_leads_to_the_kind_that_the_record_names(group, deals, word):
    apply(group, "app_users", record("m", first_name="Ines"))
    apply(group, "teams", record("t", name="East"))
    apply(group, "opportunities", record("d", name="Fleet", assignee_id=hub_id("m"), assignee_type=word))
    assert (Deal.objects.get().member, Deal.objects.get().team) == (Member.objects.get(), None)
    apply(group, "opportunities", record("d", "2026-01-02T00:00:00Z", assignee_id=hub_id("t"), assignee_type="Team"))
    assert (Deal.objects.get().member, Deal.objects.get().team) == (None, Team.objects.get())
    apply(group, "opportunities", record("d", "2026-01-03T00:00:00Z", assignee_id=hub_id("x"), assignee_type="Robot"))
    assert (Deal.objects.get().member, Deal.objects.get().team) == (None, None)


def test_link_is_sent_with_its_kind_and_moves_to_another(hub, group, deals):
    member = Member.objects.create(name="Ines", connec_group=group)
    team = Team.objects.create(name="East", connec_group=group)
    deal = Deal.objects.create(name="Fleet", member=member, connec_group=group)

    def at_hub():
        drain(group)
        deal.refresh_from_db()
        found = hub.get(ORG, "opportunities", deal.connec_id)
        return found.get("assignee_type"), found.get("assignee_id")

    assert at_hub() == ("AppUser", Member.objects.get().connec_id)
    deal.member, deal.team = None, team
    deal.save()
    assert at_hub() == ("Team", Team.objects.get().connec_id)
    deal.team, deal.member = None, member
    deal.save()
    assert at_hub() == ("AppUser", Member.objects.get().connec_id)
    deal.member = None
    deal.save()
    assert at_hub() == (None, None)
    settled(hub, group)


# Lists of links ----------------------------------------------------------------------------------------------


@pytest.fixture
def memberships(mapped):
    rows = make_mapper({"match_on": ["id"]}, member=Reference("id"))
    mapped(Team, "teams", name=Field(), memberships=Nested("members", rows))
    mapped(Member, "app_users", name=Field("first_name"))


def test_the_mapper_says_whose_rows_they_are_where_the_model_does_not(monkeypatch):
    monkeypatch.setattr(Membership, "connec_parent", None)
    tracked_rows._own_parent_field.cache_clear()
    try:
        assert tracked_rows.parent_field(Membership) is None
        with registering() as add:
            rows = make_mapper({"match_on": ["id"]}, member=Reference("id"))
            add(Team, "teams", memberships=Nested("members", rows))
            assert tracked_rows.parent_field(Membership).name == "team"
    finally:
        tracked_rows._own_parent_field.cache_clear()


def test_list_of_links_both_ways(hub, group, memberships):
    people = [hub.create(ORG, "app_users", {"first_name": name}) for name in ("Ines", "Tomas", "Wei")]
    made = hub.create(ORG, "teams", {"name": "East", "members": [{"id": key(p)} for p in people[:2]]})
    poll_group(group, client_of(group))
    team = Team.objects.get()
    assert sorted(m.member.name for m in team.memberships.all()) == ["Ines", "Tomas"]
    before = set(team.memberships.values_list("pk", flat=True))
    drain(group)
    Membership.objects.create(team=team, member=Member.objects.get(name="Wei"))
    Membership.objects.get(member__name="Ines").delete()
    drain(group)
    theirs = hub.get(ORG, "teams", key(made))["members"]
    assert sorted(row["id"] for row in theirs) == sorted(key(p) for p in people[1:])
    settled(hub, group)
    hub.update(ORG, "teams", key(made), members=[{"id": key(people[0])}])
    poll_group(group, client_of(group))
    assert sorted(m.member.name for m in team.memberships.all()) == ["Ines", "Tomas", "Wei"]
    assert before & set(team.memberships.values_list("pk", flat=True))
    settled(hub, group)


# One resource, several models ---------------------------------------------------------------------------------


def shared_resource(mapped, on_inactive="apply"):
    meta = {"when": {"is_lead": True}, "id_prefix": "lead-", "on_inactive": on_inactive}
    mapped(Lead, "people", meta, name=Field("first_name"))
    mapped(Client, "people", {"when": {"is_lead": False}}, name=Field("first_name"))


@pytest.fixture
def people(mapped):
    from tests.app.models import Person

    registry.remove(Person)
    shared_resource(mapped)
    return mapped


def test_record_moves_from_one_model_to_the_other_and_back(hub, group, people, django_capture_on_commit_callbacks):
    heard = []
    record_moved.connect(lambda **kw: heard.append((kw["sender"], kw["to"])), weak=False, dispatch_uid="heard")
    try:
        made = hub.create(ORG, "people", {"first_name": "Ines", "is_lead": True})
        poll_group(group, client_of(group))
        drain(group)
        lead = Lead.objects.get()
        hub.update(ORG, "people", key(made), is_lead=False, first_name="Ines O.")
        with django_capture_on_commit_callbacks(execute=True):
            poll_group(group, client_of(group))
    finally:
        record_moved.disconnect(dispatch_uid="heard")
    assert heard == [(Lead, Client)]
    assert Client.objects.get().name == "Ines O."
    drain(group)
    assert hub.by_external(ORG, "people", "acme-books", "cld-7p2k", str(Client.objects.get().pk))
    settled(hub, group)
    # What becomes of the row that it has left says nothing to the hub any more.
    lead.name = "Late"
    lead.save()
    hub.calls.clear()
    drain(group)
    assert not hub.operations
    assert hub.get(ORG, "people", key(made))["first_name"] == "Ines O."
    hub.update(ORG, "people", key(made), is_lead=True)
    poll_group(group, client_of(group))
    assert Lead.objects.get().name == "Ines O."
    Client.objects.all().delete()
    assert not Tombstone.objects.exists()
    settled(hub, group)


def test_reference_to_a_model_of_another_application(hub, group, company, people):
    people(
        Client, "people", {"when": {"is_lead": False}}, name=Field("first_name"), employer=Reference("organization_id")
    )
    organization = hub.create(ORG, "organizations", {"name": "Pelican"})
    hub.create(ORG, "people", {"first_name": "Ines", "is_lead": False, "organization_id": key(organization)})
    poll_group(group, client_of(group))
    ours = Client.objects.get()
    assert ours.employer == Organization.objects.get()
    other = Organization.objects.create(name="Heron", company=company)
    ours.employer = other
    ours.save()
    drain(group)
    other.refresh_from_db()
    assert hub.get(ORG, "people", ours.connec_id)["organization_id"] == other.connec_id
    settled(hub, group)


def test_late_version_moves_nothing_back(group, people):
    apply(group, "people", record("p", "2026-01-01T00:00:00Z", first_name="A", is_lead=True))
    apply(group, "people", record("p", "2026-01-03T00:00:00Z", first_name="B", is_lead=False))
    outcome = apply(group, "people", record("p", "2026-01-02T00:00:00Z", first_name="C", is_lead=True))
    assert outcome.counts() == {"stale": 1}
    assert (Lead.objects.get().name, Client.objects.get().name) == ("A", "B")


def test_record_that_moves_takes_its_row_along_where_inactive_ones_are_deleted(group, people):
    shared_resource(people, "delete")
    apply(group, "people", record("p", "2026-01-01T00:00:00Z", first_name="A", is_lead=True))
    apply(group, "people", record("p", "2026-01-03T00:00:00Z", first_name="B", is_lead=False))
    assert not Lead.objects.exists()
    assert not Tombstone.objects.exists()
    assert Client.objects.get().name == "B"


def test_lead_becomes_a_customer_here(hub, group, people):
    lead = Lead.objects.create(name="Ines", connec_group=group)
    drain(group)
    lead.refresh_from_db()
    id = lead.connec_id
    customer = Client.objects.create(name="Ines Okafor", connec_group=group)
    hand_over(lead, customer)
    # The hub still shows a lead.
    poll_group(group, client_of(group))
    lead.delete()
    drain(group)
    (only,) = hub.records(ORG, "people")
    assert (key(only), only["is_lead"], only["first_name"], only["status"]) == (id, False, "Ines Okafor", "ACTIVE")
    assert Client.objects.get().connec_id == id
    assert not LinkBack.objects.exists()
    settled(hub, group)


def test_what_cannot_be_handed_over_is_said(group, people):
    lead = Lead.objects.create(name="Ines", connec_group=group)
    with pytest.raises(ValueError, match="not two mappers of one resource"):
        hand_over(lead, lead)
    with pytest.raises(ValueError, match="is not mapped, or the row is not saved"):
        hand_over(lead, Client(name="x"))
    taken = Client.objects.create(name="x", connec_group=group)
    Client.objects.filter(pk=taken.pk).update(connec_id="p")
    with pytest.raises(ValueError, match="row of another record"):
        hand_over(lead, taken)


# Fields over one-to-one relations -----------------------------------------------------------------------------


@pytest.fixture
def desks(mapped):
    mapped(
        Member,
        "app_users",
        {"match_on": ["phone_work.landline"]},
        name=Field("first_name"),
        phone=Field("phone_work.landline", source="profile.phone"),
        room=Field("room", source="desk.room"),
    )


def test_values_behind_one_to_one_relations_both_ways(hub, group, desks):
    made = hub.create(
        ORG, "app_users", {"first_name": "Ines", "phone_work": {"landline": "07", "fax": "9"}, "room": "4"}
    )
    poll_group(group, client_of(group))
    member = Member.objects.get()
    assert (member.profile.phone, member.desk.room) == ("07", "4")
    drain(group)
    assert member.connec_changed_at is None
    member.profile.phone = "08"
    member.profile.save()
    member.desk.room = "5"
    member.desk.save()
    drain(group)
    theirs = hub.get(ORG, "app_users", key(made))
    assert (theirs["phone_work"], theirs["room"]) == ({"landline": "08", "fax": "9"}, "5")
    hub.update(ORG, "app_users", key(made), room="6", phone_work={"landline": "09"})
    poll_group(group, client_of(group))
    member = Member.objects.get()
    assert (member.profile.phone, member.desk.room) == ("09", "6")
    assert (Profile.objects.count(), Desk.objects.count()) == (1, 1)
    settled(hub, group)


def test_nothing_is_made_for_an_empty_value(group, desks):
    apply(group, "app_users", record("m", first_name="Ines", room=None))
    assert (Profile.objects.count(), Desk.objects.count()) == (0, 0)


def test_row_behind_a_relation_is_new_or_gone(hub, group, desks):
    member = Member.objects.create(name="Ines", connec_group=group)
    drain(group)
    member.refresh_from_db()
    desk = Desk.objects.create(member=member, room="4")
    drain(group)
    assert hub.get(ORG, "app_users", member.connec_id)["room"] == "4"
    desk.delete()
    drain(group)
    assert hub.get(ORG, "app_users", member.connec_id)["room"] is None
    settled(hub, group)


def test_match_by_a_value_behind_a_relation(group, desks):
    member = Member.objects.create(name="Ines", profile=Profile.objects.create(phone="07"), connec_group=group)
    apply(group, "app_users", record("m", first_name="Ines", phone_work={"landline": "07"}))
    assert Member.objects.get().pk == member.pk
    assert Member.objects.get().connec_id == "m"


def test_rows_behind_relations_are_read_together(hub, group, desks, django_assert_max_num_queries):
    for n in range(40):
        member = Member.objects.create(name=f"{n}", profile=Profile.objects.create(phone=f"{n}"), connec_group=group)
        Desk.objects.create(member=member, room=f"{n}")
    with django_assert_max_num_queries(60):
        drain(group)
    assert hub.operations == 40
