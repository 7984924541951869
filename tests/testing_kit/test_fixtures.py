"""What each fixture promises."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from django_connec.client import ConnecAuthError, client_for
from django_connec.conf import get_marketplace
from django_connec.models import Failure, Lease, Notification
from django_connec.signals import records_applied
from django_connec.testing import queue
from django_connec.work import poll_one
from tests.app.models import Invoice, Organization, Person


def test_a_change_is_pushed_although_nothing_commits(connec_hub, connec_group, company, connec_drain, assert_pushed):
    person = Person.objects.create(company=company, first_name="Ines", email="ines@pelican.example")
    drained = connec_drain()
    assert drained.pushed == 1
    push = assert_pushed(person, first_name="Ines", email="ines@pelican.example", email__address="ines@pelican.example")
    assert push.method == "POST"
    assert connec_hub.records(connec_group.uid, "people")[0]["id"] == push.id == Person.objects.get().connec_id


def test_a_record_of_another_application_arrives(connec_hub, connec_group, company, connec_drain):
    record = connec_hub.create(connec_group.uid, "people", first_name="Ines")
    assert Notification.objects.count() == 1
    drained = connec_drain()
    assert drained.applied.created == 1
    assert Person.objects.get().connec_id == record["id"]


def test_receivers_hear_what_was_applied_although_nothing_commits(connec_hub, connec_group, company, connec_drain):
    heard = []

    def hear(sender, created, **_):
        heard.append((sender, created))

    records_applied.connect(hear)
    try:
        connec_hub.create(connec_group.uid, "people", first_name="Ines")
        connec_drain()
    finally:
        records_applied.disconnect(hear)
    assert heard == [(Person, [Person.objects.get().pk])]


@pytest.mark.django_db(transaction=True)
def test_commits_are_real_where_the_test_wants_them(connec_group, company, connec_drain, assert_pushed):
    with transaction.atomic():
        person = Person.objects.create(company=company, first_name="Ines")
    assert queue.tasks == [("django_connec.tasks.drain_group", (connec_group.pk,))]
    connec_drain()
    assert_pushed(person, first_name="Ines")


def test_several_groups(connec_hub, connec_group, company, connec_drain, db):
    other = connec_hub.link(name="Another")
    assert (other.uid, other.marketplace) == ("cld-test-2", "default")
    Person.objects.create(company=company, first_name="Ines")
    assert connec_drain(other).pushed == 0
    assert connec_hub.records(other.uid, "people") == []
    assert connec_drain().pushed == 1


def test_on_a_port(connec_hub_server, connec_group, company, connec_drain, assert_pushed):
    assert connec_hub_server.url.startswith("http://127.0.0.1:")
    assert get_marketplace("default").connec_host == connec_hub_server.url
    person = Person.objects.create(company=company, first_name="Ines")
    connec_hub_server.fail("down", method="POST", moment="after")
    connec_drain()
    assert_pushed(person)
    assert len(connec_hub_server.records(connec_group.uid, "people")) == 1
    connec_hub_server.create(connec_group.uid, "people", first_name="Tomas")
    connec_drain()
    assert Person.objects.filter(first_name="Tomas").exists()


def test_the_settings_are_as_before_afterwards(db):
    from django_connec.testing import ConnecKit

    before = settings.CONNEC
    with ConnecKit() as kit:
        assert settings.CONNEC["PROVIDER"] == before["PROVIDER"]
        assert settings.CONNEC is not before
        inside = client_for(get_marketplace("default"))
        assert kit.hub.adapter is inside._transport._session.get_adapter("https://x")
    assert settings.CONNEC is before
    assert client_for(get_marketplace("default")) is not inside


def test_commands_work_against_it(connec_hub, connec_group, company, assert_pushed):
    connec_hub.load(connec_group.uid, "people", [{"id": "p-1", "first_name": "Ines"}])
    call_command("connec_import")
    person = Person.objects.get(connec_id="p-1")
    person.first_name = "Inês"
    person.save()
    call_command("connec_drain")
    assert assert_pushed(person, first_name="Inês").method == "PUT"


# assert_pushed ------------------------------------------------------------------------------------------


def test_messages_say_what_was_pushed_instead(connec_hub, company, connec_drain, assert_pushed):
    person = Person.objects.create(company=company, first_name="Ines")
    with pytest.raises(AssertionError) as nothing:
        assert_pushed(person)
    assert str(nothing.value) == (
        f"Person {person.pk} was not pushed\n"
        "Nothing was pushed at all.\n"
        "The row is still waiting to be pushed: was there a drain, and did it come to an end?"
    )
    connec_drain()
    with pytest.raises(AssertionError) as other:
        assert_pushed(person, first_name="Tomas")
    assert str(other.value) == (
        f"Person {person.pk} was not pushed with\n    first_name = 'Tomas'\n"
        "What was pushed of it:\n"
        f'    POST people {connec_hub.pushes[0].id} {{"first_name": "Ines", "status": "ACTIVE"}}'
    ), str(other.value)
    unsent = Person(pk=person.pk + 1)
    with pytest.raises(AssertionError, match="Other people were:\n    POST people"):
        assert_pushed(unsent)
    with pytest.raises(AssertionError, match="Other resources were:\n    POST people"):
        assert_pushed(Organization)


def test_refused_records_are_no_pushes(connec_hub, company, connec_drain, assert_pushed):
    person = Person.objects.create(company=company)
    drained = connec_drain()
    assert drained.failed == 1
    with pytest.raises(AssertionError, match=r"\(refused: 400\)"):
        assert_pushed(person)


def test_references_blanks_and_deleted_rows(connec_hub, company, connec_drain, assert_pushed, assert_nothing_pushed):
    pelican = Organization.objects.create(company=company, name="Pelican")
    heron = Organization.objects.create(company=company, name="Heron")
    person = Person.objects.create(company=company, first_name="Ines", employer=pelican)
    connec_drain()
    assert_pushed(person, employer=pelican, last_name="")
    with pytest.raises(AssertionError):
        assert_pushed(person, employer=heron)
    connec_hub.clear_log()
    assert_nothing_pushed()
    person.employer, person.last_name = None, "Lopes"
    person.save()
    connec_drain()
    assert_pushed(person, employer=None, last_name="Lopes")
    # What an update does not mention is no blank.
    with pytest.raises(AssertionError):
        assert_pushed(person, email="")
    assert_nothing_pushed(Organization)
    assert_nothing_pushed(heron)
    with pytest.raises(AssertionError, match="expected nothing to be pushed, but there was:\n    PUT people"):
        assert_nothing_pushed(person)
    person.refresh_from_db()
    person.delete()
    connec_hub.clear_log()
    connec_drain()
    assert_pushed(person, status="INACTIVE")


def test_a_model_without_a_mapper_is_named(connec_hub, company, assert_pushed):
    with pytest.raises(LookupError, match="Company has no mapper"):
        assert_pushed(company)


# Trouble ------------------------------------------------------------------------------------------------


def test_trouble_by_number_method_route_and_resource(connec_hub, company, connec_drain, connec_clock):
    trouble = connec_hub.fail(503, resource="organizations", method="POST", at=2, times=3)
    Person.objects.create(company=company, first_name="Ines")
    Organization.objects.create(company=company, name="Pelican")
    assert connec_drain().pushed == 2
    assert (trouble.seen, trouble.happened) == (1, 0)
    Organization.objects.create(company=company, name="Heron")
    drained = connec_drain()
    assert list(drained.errors.values()) == ["Trouble on demand"]
    assert trouble.happened == 3
    connec_clock.advance(hours=1)
    assert connec_drain().pushed == 1
    assert connec_hub.fail("down", route=r"/people$").happened == 0
    assert connec_drain().errors == {}


def test_trouble_before_and_after(connec_hub, connec_group, company, connec_drain):
    connec_hub.fail("down", moment="before", method="POST", times=1)
    Person.objects.create(company=company, first_name="Ines")
    connec_hub.watchers.append(
        lambda moment, request: seen.append((moment, len(connec_hub.records(connec_group.uid, "people"))))
    )
    seen: list[tuple[str, int]] = []
    connec_drain()
    assert seen == [("before", 0), ("before", 0), ("after", 1)]


def test_a_lost_answer_makes_no_duplicate(connec_hub, connec_group, company, connec_drain):
    connec_hub.fail("down", moment="after", method="POST", times=3)
    Person.objects.create(company=company, first_name="Ines")
    assert connec_drain().errors
    connec_hub.recover()
    assert connec_drain(force=True).pushed == 1
    assert len(connec_hub.records(connec_group.uid, "people")) == 1


def test_a_slow_hub_costs_no_time(connec_hub, company, connec_drain):
    connec_hub.fail("slow", times=-1)
    Person.objects.create(company=company, first_name="Ines")
    started = time.monotonic()
    errors = connec_drain().errors
    assert "no answer in time" in next(iter(errors.values()))
    assert time.monotonic() - started < 1


def test_something_happens_in_the_middle_of_a_push(connec_hub, company, connec_drain, assert_pushed):
    person = Person.objects.create(company=company, first_name="Ines")

    def save():
        person.first_name = "Inês"
        person.save()

    connec_hub.meanwhile(save, method="POST", moment="after")
    connec_drain()
    assert assert_pushed(person).attributes["first_name"] == "Inês"
    assert [push.attributes["first_name"] for push in connec_hub.pushes] == ["Ines", "Inês"]


def test_unknown_trouble_is_refused(connec_hub):
    for what, how in (("gone", {}), ("down", {"moment": "later"}), ("down", {"at": 0}), ("down", {"times": 0})):
        with pytest.raises(ValueError, match=r"no status|moment must|at counts"):
            connec_hub.fail(what, **how)


def test_revoked_and_accessible_again(connec_hub, connec_group, company, connec_drain, assert_pushed):
    connec_hub.revoke(connec_group.uid)
    person = Person.objects.create(company=company, first_name="Ines")
    connec_drain()
    connec_group.refresh_from_db()
    assert connec_group.stopped_at is not None
    with pytest.raises(ConnecAuthError):
        client_for(get_marketplace("default")).page(connec_group.uid, "people")
    connec_hub.link(connec_group)
    connec_group.resume()
    connec_drain()
    assert_pushed(person)


# Notifications ------------------------------------------------------------------------------------------


@pytest.fixture
def held(connec_hub, connec_group, company):
    """Three versions of one record, on their way."""
    connec_hub.holds_notices = True
    record = connec_hub.create(connec_group.uid, "people", first_name="One")
    for name in ("Two", "Three"):
        connec_hub.clock = _later(connec_hub.clock)
        connec_hub.update(connec_group.uid, "people", record["id"], first_name=name)
    return [notice.body["people"][0]["first_name"] for notice in connec_hub.waiting]


def _later(clock):
    return lambda: clock() + dt.timedelta(seconds=1)


def test_notices_are_as_the_records_were(held):
    assert held == ["One", "Two", "Three"]


@pytest.mark.parametrize(
    "turn",
    [
        lambda waiting: None,
        lambda waiting: waiting.reverse(),
        lambda waiting: waiting.extend(list(waiting)),
        lambda waiting: waiting.__delitem__(slice(0, 2)),
    ],
    ids=["in order", "reversed", "twice", "lost"],
)
def test_notices_held_back_reordered_doubled_lost(connec_hub, held, connec_drain, turn):
    connec_drain()
    assert not Notification.objects.exists()
    turn(connec_hub.waiting)
    connec_hub.deliver()
    assert connec_hub.waiting == []
    connec_drain()
    assert [person.first_name for person in Person.objects.all()] == ["Three"]


def test_a_notice_can_be_delivered_again(connec_hub, held):
    first = connec_hub.waiting[0]
    assert [notice.status for notice in connec_hub.deliver(first)] == [200]
    connec_hub.deliver(first)
    assert (first.attempts, first.records, len(connec_hub.waiting)) == (2, 1, 2)


def test_the_real_view_authenticates(connec_hub, connec_group, company):
    connec_hub.add_application("app-1a2b", "not the key")
    connec_hub.create(connec_group.uid, "people", first_name="Ines")
    assert [notice.status for notice in connec_hub.waiting] == [401]
    assert not Notification.objects.exists()


@pytest.mark.urls("tests.testing_kit.no_urls")
def test_a_project_without_the_webhook_polls(connec_hub, connec_group, company):
    connec_hub.create(connec_group.uid, "people", first_name="Ines")
    assert len(connec_hub.waiting) == 1
    poll_one(connec_group)
    assert Person.objects.get().first_name == "Ines"


def test_own_changes_are_no_news_unless_wanted(connec_hub, connec_group, company, connec_drain):
    Person.objects.create(company=company, first_name="Ines")
    connec_drain()
    assert connec_hub.waiting == []
    application = connec_hub.applications["app-1a2b"]
    connec_hub.add_application(application.api_id, application.api_key, echo=True, resources=["people"])
    Person.objects.create(company=company, first_name="Tomas")
    Organization.objects.create(company=company, name="Pelican")
    connec_drain()
    assert [list(notice.body) for notice in connec_hub.waiting] == [["people"]]


# The clock ----------------------------------------------------------------------------------------------


def test_the_clock_moves_back_off_leases_and_the_hub(connec_hub, connec_group, company, connec_drain, connec_clock):
    before = connec_hub.clock()
    connec_hub.fail(429, retry_after=600)
    connec_hub.fail(503, method="GET", times=-1)
    person = Person.objects.create(company=company, first_name="Ines")
    connec_drain()
    assert connec_drain().pushed == 0
    connec_clock.advance(minutes=11)
    Lease.objects.update(token="somebody who died", renewed_at=connec_clock.now())
    assert connec_drain().reports == {}
    connec_clock.advance(dt.timedelta(minutes=11))
    assert connec_drain().pushed == 1
    assert connec_hub.clock() - before > dt.timedelta(minutes=22)
    record = connec_hub.get(connec_group.uid, "people", Person.objects.get(pk=person.pk).connec_id)
    assert record["created_at"] > before.isoformat()


def test_a_failed_record_is_tried_again_when_it_is_due(connec_hub, company, connec_drain, connec_clock):
    Person.objects.create(company=company)
    connec_drain()
    Person.objects.update(first_name="Ines")
    assert connec_drain().pushed == 0
    connec_clock.advance(hours=1)
    assert connec_drain().pushed == 1
    assert not Failure.objects.exists()


def test_the_clock_stands_still_and_is_real_again(connec_clock):
    moment = dt.datetime(2020, 2, 29, 12, tzinfo=dt.UTC)
    connec_clock.freeze(moment)
    assert connec_clock.now() == dt.datetime.now(dt.UTC) == moment
    connec_clock.advance(days=1)
    connec_clock.hub_ahead = dt.timedelta(minutes=5)
    assert connec_clock.hub_now() - moment == dt.timedelta(days=1, minutes=5)
    connec_clock.stop()
    assert connec_clock.now().year > 2020


def test_the_world_is_not_touched_before_the_clock_moves(connec_hub, company, connec_drain):
    assert type(dt.datetime.now(dt.UTC)) is dt.datetime
    import time_machine

    before = time_machine.escape_hatch.is_travelling()
    Person.objects.create(company=company, first_name="Ines")
    connec_drain()
    assert not before
    assert not time_machine.escape_hatch.is_travelling()


def test_invoices_wait_for_their_customers(connec_hub, company, connec_drain, assert_pushed):
    customer = Organization.objects.create(company=company, name="Pelican")
    invoice = Invoice.objects.create(company=company, number="1", customer=customer)
    connec_drain()
    assert_pushed(invoice, customer=customer, number="1")


def test_another_worker_drains_in_the_middle_of_a_request(connec_hub, connec_group, company, connec_drain):
    Person.objects.create(company=company, first_name="Ines")
    connec_hub.fail("slow", seconds=1, times=-1)
    connec_hub.meanwhile(lambda: poll_one(connec_group), method="POST")
    trouble = connec_hub.fail(503, method="GET", at=1)
    assert connec_drain().pushed == 1
    assert trouble.happened == 1
