"""The customer's page: who may see what, what the switches do, and how what was off is caught up with."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from django_connec import tasks
from django_connec.dashboard.access import managed_groups
from django_connec.dashboard.choices import Choices, apply_choices
from django_connec.exceptions import ConnecConfigurationError
from django_connec.mapping import Field
from django_connec.models import ConnecGroup, Failure, LinkBack, Membership, SyncRun
from django_connec.work import import_one
from tests.app.models import Item, Organization, Person
from tests.conftest import ORG, PROVIDER, drain
from tests.test_promises import registering

# What is queued is queued after the commit.
pytestmark = pytest.mark.django_db(transaction=True)

RESOURCES = ("organizations", "people", "items", "invoices")


def page(group):
    return f"/maestrano/sharing/{group.pk}/"


def form(*off, sharing=True, history=True):
    """What a browser posts where all is on but these."""
    boxes = {f"{direction}:{name}": "on" for name in RESOURCES for direction in ("pull", "push")}
    boxes |= {"sharing_enabled": "on"} if sharing else {}
    boxes |= {"historical_data": "on"} if history else {}
    return {name: value for name, value in boxes.items() if name not in off}


def save(client, group, *off, **switches):
    answer = client.post(page(group), form(*off, **switches))
    assert (answer.status_code, answer["Location"]) == (302, page(group))
    group.refresh_from_db()


# Who ----------------------------------------------------------------------------------------------------------


def test_who_is_not_logged_in_is_asked_to(queue, group):
    for method, path in (("get", "/maestrano/sharing/"), ("get", page(group)), ("post", f"{page(group)}start/")):
        answer = getattr(Client(), method)(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/?next=/maestrano/sharing/")


def test_others_groups_are_not_there(customer, queue):
    other = ConnecGroup.objects.create(uid="cld-other", name="Otter Ltd")
    assert customer.get(page(other)).status_code == 404
    assert customer.post(page(other), form(sharing=False)).status_code == 404
    assert customer.post(f"{page(other)}start/").status_code == 404
    other.refresh_from_db()
    assert other.sharing_enabled
    assert queue == []


def test_a_user_of_one_group_comes_straight_to_it(customer, group):
    assert customer.get("/maestrano/sharing/")["Location"] == page(group)


def test_a_user_of_several_chooses_and_of_none_is_told(customer, group):
    second = ConnecGroup.objects.create(uid="cld-2", name=group.name)
    text = customer.get("/maestrano/sharing/").content.decode()
    assert page(group) in text
    assert page(second) in text
    ConnecGroup.objects.update(name="Somebody else")
    assert "no group" in customer.get("/maestrano/sharing/").content.decode()


def test_a_cancelled_group_is_not_there(customer, group):
    group.unlink()
    assert customer.get(page(group)).status_code == 404


def request_of(user):
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_by_default_permission_or_role_decides(db, group):
    user = User.objects.create_user("ines")
    assert not managed_groups(request_of(user)).exists()
    own = Membership.objects.create(user=user, group=group, role="Member")
    assert not managed_groups(request_of(user)).exists()
    own.role = "Super Admin"
    own.save()
    assert list(managed_groups(request_of(user))) == [group]
    operator = User.objects.create_user("operator", is_staff=True)
    assert not managed_groups(request_of(operator)).exists()
    operator.user_permissions.add(Permission.objects.get(codename="change_connecgroup"))
    assert list(managed_groups(request_of(User.objects.get(pk=operator.pk)))) == [group]
    assert list(managed_groups(request_of(User.objects.create_superuser("root")))) == [group]


def test_a_hook_that_returns_something_else_is_named(customer, group, settings):
    settings.CONNEC = {**settings.CONNEC, "SHARING_GROUPS": "tests.dashboard.hooks.wrong"}
    with pytest.raises(ConnecConfigurationError, match="SHARING_GROUPS"):
        customer.get(page(group))


def test_forged_posts_are_refused(customer, group):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = customer.cookies
    assert strict.post(page(group), form(sharing=False)).status_code == 403
    assert strict.post(f"{page(group)}start/").status_code == 403
    group.refresh_from_db()
    assert group.sharing_enabled


# What it shows ------------------------------------------------------------------------------------------------


def test_it_shows_how_the_group_stands(customer, group, hub, company, work):
    Failure.objects.create(group=group, direction="push", resource="people", object_id="1", message="no name")
    SyncRun.objects.create(
        group=group, kind="import", state="failed", finished_at=timezone.now(), error="the hub answered 503"
    )
    group.entities = {"people": {"pull": False, "push": True}}
    group.save()
    answer = customer.get(page(group))
    text = answer.content.decode()
    assert "no-store" in answer["Cache-Control"] or "no-cache" in answer["Cache-Control"]
    assert "Data sharing of Pelican Freight" in text
    assert "1 record could not be shared." in text
    assert "the hub answered 503" in text
    assert 'name="pull:people"' in text
    shown = answer.context["form"]
    assert (shown["pull:people"].value(), shown["push:people"].value(), shown["pull:items"].value()) == (0, 1, 1)


def test_a_direction_that_no_field_takes_has_no_switch(customer, group):
    with registering() as mapped:
        mapped(Item, {}, name=Field(direction="push"))
        text = customer.get(page(group)).content.decode()
    assert 'name="push:projects"' in text
    assert 'name="pull:projects"' not in text


def test_every_box_has_a_label_and_every_column_a_head(customer, group):
    answer = customer.get(page(group))
    text = answer.content.decode()
    for field in answer.context["form"]:
        assert f'for="{field.id_for_label}"' in text or f'aria-label="{field.label}"' in text, field.name
    assert '<html lang="en' in text
    assert text.count("<th>") == 0


def test_a_host_overrides_a_block_alone(customer, group, settings, tmp_path):
    folder = tmp_path / "django_connec" / "sharing"
    folder.mkdir(parents=True)
    original = "{% extends 'django_connec/sharing/group.html' %}{% block runs %}none of your business{% endblock %}"
    (folder / "group.html").write_text(original)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    text = customer.get(page(group)).content.decode()
    assert "none of your business" in text
    assert "The last synchronisations" not in text
    assert 'name="pull:people"' in text


# Switches -----------------------------------------------------------------------------------------------------


def test_switches_are_stored_and_nothing_else(customer, group, queue):
    group.entities = {"spaceships": {"pull": False, "push": False}}
    group.save()
    ConnecGroup.objects.update(stopped_reason="set meanwhile", realm="set meanwhile")
    save(customer, group, "push:people", "pull:items")
    assert group.entities["people"] == {"pull": True, "push": False}
    assert group.entities["items"] == {"pull": False, "push": True}
    assert group.entities["spaceships"] == {"pull": False, "push": False}
    assert (group.realm, group.stopped_reason) == ("set meanwhile", "set meanwhile")
    assert queue == [], "less needs no catching up"


def test_all_off_and_on_again(customer, group, queue, work, hub, company):
    save(customer, group, sharing=False)
    assert not group.is_linked
    Person.objects.create(company=company, first_name="Meanwhile")
    work()
    assert hub.paths() == []
    assert customer.post(f"{page(group)}start/").status_code == 302
    assert queue == []
    save(customer, group)
    assert [name for name, *_ in queue] == ["synchronise"]
    work()
    assert [r["first_name"] for r in hub.records(ORG, "people")] == ["Meanwhile"]


def test_starting_a_synchronisation(customer, group, queue, work, hub, company):
    hub.load(ORG, "people", [{"first_name": "There"}])
    customer.post(f"{page(group)}start/")
    customer.post(f"{page(group)}start/")
    assert [name for name, *_ in queue] == ["synchronise"]
    work()
    assert Person.objects.count() == 1
    assert customer.get(f"{page(group)}start/").status_code == 405


@pytest.mark.parametrize("away", [dt.timedelta(0), dt.timedelta(days=40)])
def test_a_resource_that_is_switched_on_again_catches_up_both_ways(customer, group, queue, work, hub, company, away):
    """What changed on either side while it was off arrives, and nothing is made twice."""
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines"}, {"id": "p-2", "first_name": "Tomas"}])
    work()
    import_one(group)
    drain(group)
    save(customer, group, "pull:people", "push:people")
    queue.clear()
    hub.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=1) + away
    hub.update(ORG, "people", "p-1", last_name="Changed there")
    hub.create(ORG, "people", first_name="New there")
    Person.objects.filter(connec_id="p-2").update(last_name="Changed here")
    made = Person.objects.create(company=company, first_name="New here")
    Item.objects.create(company=company, name="Hex bolt")
    hub.clear_log()
    tasks_of_an_hour(group)
    assert not any("people" in path for path in hub.paths())
    assert hub.records(ORG, "items"), "the others go on"
    assert not Person.objects.filter(first_name="New there").exists()

    save(customer, group)
    assert [name for name, *_ in queue if name == "synchronise"] == ["synchronise"]
    work()
    here = set(Person.objects.values_list("first_name", "last_name"))
    there = {(r["first_name"], r.get("last_name") or "") for r in hub.records(ORG, "people")}
    assert here == there
    assert here == {("Ines", "Changed there"), ("Tomas", "Changed here"), ("New there", ""), ("New here", "")}
    assert hub.by_external(ORG, "people", PROVIDER, group.uid, str(made.pk))["first_name"] == "New here"
    hub.clear_log()
    drain(group)
    assert hub.paths() == []


def tasks_of_an_hour(group):
    tasks.poll_group(group.pk)
    tasks.drain_group(group.pk)


def test_ids_that_could_not_be_told_are_told_when_it_is_on(customer, group, queue, work, hub, company):
    save(customer, group, "push:people")
    hub.load(ORG, "people", [{"first_name": "There"}])
    import_one(group)
    drain(group)
    row = Person.objects.get()
    assert hub.by_external(ORG, "people", PROVIDER, group.uid, str(row.pk)) is None
    save(customer, group)
    work()
    assert hub.by_external(ORG, "people", PROVIDER, group.uid, str(row.pk))
    assert not LinkBack.objects.exists()


def test_deletions_wait_while_it_is_off(customer, group, queue, work, hub, company):
    Organization.objects.create(company=company, name="Tern Ltd")
    drain(group)
    save(customer, group, "push:organizations")
    Organization.objects.get().delete()
    drain(group)
    assert hub.records(ORG, "organizations")[0].get("status") != "INACTIVE"
    save(customer, group)
    work()
    assert hub.records(ORG, "organizations")[0]["status"] == "INACTIVE"


# Historical data ----------------------------------------------------------------------------------------------


def test_historical_data_is_a_free_choice_before_anything_was_read(customer, group, work, hub, company):
    save(customer, group, history=False)
    assert group.historical_data is False
    save(customer, group)
    assert group.historical_data is True
    save(customer, group, history=False)
    hub.load(ORG, "people", [{"first_name": "Old", "created_at": "2018-03-01T00:00:00Z"}, {"first_name": "New"}])
    import_one(group)
    assert list(Person.objects.values_list("first_name", flat=True)) == ["New"]


def test_historical_data_once_shared_cannot_be_taken_back(customer, group, work, hub, company):
    import_one(group)
    save(customer, group, history=False)
    assert group.historical_data is True
    assert customer.get(page(group)).context["form"].fields["historical_data"].disabled
    # Not by another way in either.
    apply_choices(group, Choices(sharing_enabled=True, entities={}, historical_data=False))
    group.refresh_from_db()
    assert group.historical_data is True


def test_historical_data_switched_on_later_is_fetched_and_sent(customer, group, work, hub, company):
    group.historical_data = False
    group.save()
    old = timezone.now() - dt.timedelta(days=400)
    with registering() as mapped:
        mapped(Item, {"created_field": "available_from"}, name=Field())
        Item.objects.create(company=company, name="Old here", available_from=old)
        hub.load(ORG, "projects", [{"name": "Old there", "created_at": "2018-03-01T00:00:00Z"}])
        import_one(group)
        drain(group)
        assert not Item.objects.filter(name="Old there").exists()
        assert {r["name"] for r in hub.records(ORG, "projects")} == {"Old there"}
        everything = {**form(), "pull:projects": "on", "push:projects": "on"}
        assert customer.post(page(group), everything).status_code == 302
        work()
        assert Item.objects.filter(name="Old there").exists()
        assert {r["name"] for r in hub.records(ORG, "projects")} == {"Old there", "Old here"}


def test_addresses_have_names():
    assert reverse("django_connec:sharing") == "/maestrano/sharing/"
