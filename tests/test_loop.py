"""The core loop: import, push, notification, echo."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.urls import reverse

from django_connec.client import client_for
from django_connec.conf import get_marketplace
from django_connec.models import Failure, LinkBack, Notification, ParkedRecord, SyncRun
from django_connec.reading import import_group, poll_group
from django_connec.webhooks.deliveries import apply_delivery
from tests.app.models import Invoice, Item, Organization, Person
from tests.conftest import API_ID, API_KEY, ORG, PROVIDER, drain

pytestmark = pytest.mark.django_db


def load_people(hub, organizations=40, people=250):
    hub.load(
        ORG,
        "organizations",
        (
            {
                "id": f"org-uuid-{n}",
                "name": f"Organisation {n}",
                "number_of_employees": n,
                "address": {"billing": {"city": "Cairns", "region": "QLD", "country": "Australia"}, "shipping": {}},
                "created_at": "2018-01-01T00:00:00Z",
            }
            for n in range(organizations)
        ),
    )
    hub.load(
        ORG,
        "people",
        (
            {
                "id": f"person-uuid-{n}",
                "first_name": f"First {n}",
                "last_name": f"Last {n}",
                "email": {"address": f"p{n}@pelican.example", "address2": "other"},
                "birth_date": "1984-06-07T00:00:00Z",
                "organization_id": f"org-uuid-{n % organizations}",
                "created_at": "2018-01-01T00:00:00Z",
            }
            for n in range(people)
        ),
    )


def client():
    return client_for(get_marketplace("default"))


def test_import_arrives_exactly(hub, group, company):
    load_people(hub)
    run = import_group(group, client())
    assert run.state == SyncRun.State.SUCCEEDED
    assert run.counts["people"] == {"created": 250}
    assert run.counts["organizations"] == {"created": 40}
    assert Person.objects.count() == 250
    for person in Person.objects.select_related("employer"):
        n = int(person.connec_id.rpartition("-")[2])
        assert person.first_name == f"First {n}"
        assert person.email == f"p{n}@pelican.example"
        assert person.born == dt.date(1984, 6, 7)
        assert person.employer.connec_id == f"org-uuid-{n % 40}"
        assert person.company == company
        assert person.connec_group_id == group.pk
        assert person.connec_changed_at is None
    assert not Failure.objects.exists()
    assert not ParkedRecord.objects.exists()
    assert len([p for p in hub.paths("GET") if p.endswith("/people")]) == 3
    again = import_group(group, client())
    assert again.counts["people"] == {"unchanged": 250}


def test_imported_ids_are_linked_back(hub, group, company):
    load_people(hub, 2, 60)
    import_group(group, client())
    assert LinkBack.objects.count() == 62
    hub.calls.clear()
    report = drain(group)
    assert report.drained.linked == 62
    assert hub.paths("POST") == ["/batch", "/batch"]
    assert not LinkBack.objects.exists()
    person = Person.objects.first()
    record = hub.by_external(ORG, "people", PROVIDER, group.uid, str(person.pk))
    assert record["id"] == person.connec_id


def test_local_save_reaches_hub_with_our_external_id(hub, group, company):
    employer = Organization.objects.create(company=company, name="Pelican", city="Cairns")
    person = Person.objects.create(company=company, first_name="Ines", employer=employer, born=dt.date(1984, 6, 7))
    assert person.connec_changed_at is not None
    report = drain(group)
    assert report.drained.pushed == 2
    record = hub.by_external(ORG, "people", PROVIDER, group.uid, str(person.pk))
    assert record["first_name"] == "Ines"
    assert record["birth_date"] == "1984-06-07T00:00:00Z"
    person.refresh_from_db()
    employer.refresh_from_db()
    assert person.connec_id == record["id"]
    assert record["organization_id"] == employer.connec_id
    assert person.connec_changed_at is None
    assert person.connec_group_id == group.pk
    hub.calls.clear()
    drain(group)
    assert hub.paths() == []


def test_update_sends_changed_attributes_only(hub, group, company):
    load_people(hub, 1, 1)
    import_group(group, client())
    drain(group)
    organization = Organization.objects.get()
    organization.city = "Townsville"
    organization.save()
    hub.calls.clear()
    drain(group)
    record = hub.get(ORG, "organizations", organization.connec_id)
    assert record["address"] == {
        "billing": {"city": "Townsville", "region": "QLD", "country": "Australia"},
        # The hub shows all places of an address.
        **{place: {} for place in ("billing2", "shipping", "shipping2")},
    }
    assert hub.operations == 1
    organization.refresh_from_db()
    assert organization.connec_changed_at is None


def notify(django_client, body, key=API_KEY, marketplace="default", content_type="application/vnd.api+json"):
    import base64

    credentials = base64.b64encode(f"{API_ID}:{key}".encode()).decode()
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    return django_client.post(
        reverse("django_connec:notifications", args=[marketplace]),
        data=body,
        content_type=content_type,
        headers={"authorization": f"Basic {credentials}"},
    )


def apply_all():
    for notification in Notification.objects.filter(state="waiting"):
        apply_delivery(notification.pk)


def test_notification_is_applied(hub, group, company, client):
    load_people(hub, 1, 1)
    import_group(group, client_for(get_marketplace("default")))
    record = hub.update(ORG, "people", "person-uuid-0", first_name="Renamed")
    record["group_id"] = group.uid
    answer = notify(client, {"people": [record]})
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    apply_all()
    assert Person.objects.get().first_name == "Renamed"


def test_echo_causes_no_write_and_no_push(hub, group, company, client, django_assert_num_queries):
    person = Person.objects.create(company=company, first_name="Ines", email="i@x.example")
    drain(group)
    before = Person.objects.values().get()
    record = hub.by_external(ORG, "people", PROVIDER, group.uid, str(person.pk))
    record["group_id"] = group.uid
    for external_ids in (False, True):
        record = hub.get(
            ORG,
            "people",
            record["id"] if isinstance(record["id"], str) else before["connec_id"],
            external_ids=external_ids,
        )
        record["group_id"] = group.uid
        notify(client, {"people": [record]})
        apply_all()
    assert Person.objects.values().get() == before
    assert Notification.objects.latest("pk").counts == {"unchanged": 1}
    hub.calls.clear()
    drain(group)
    assert hub.paths() == []


def test_decimal_datetime_and_blocks(hub, group, company):
    item = Item.objects.create(company=company, name="Bolt", price=Decimal("1.20"), currency="AUD")
    drain(group)
    record = hub.by_external(ORG, "items", PROVIDER, group.uid, str(item.pk))
    assert record["sale_price"] == {"net_amount": 1.2, "currency": "AUD"}
    hub.update(ORG, "items", record["id"], sale_price={"net_amount": 1.5, "currency": "AUD", "tax_rate": 10.0})
    run = poll_group(group, client())
    assert run.state == SyncRun.State.SUCCEEDED
    item.refresh_from_db()
    assert item.price == Decimal("1.50")
    item.price = Decimal("2")
    item.save()
    drain(group)
    record = hub.get(ORG, "items", item.connec_id)
    price = {"net_amount": 2.0, "currency": "AUD", "tax_rate": 10.0}
    # The hub completes what it is told.
    assert record["sale_price"] == price | {"tax_amount": 0.2, "total_amount": 2.2}


def test_invoice_before_customer_is_fetched(hub, group, company, client):
    load_people(hub, 1, 0)
    hub.load(ORG, "invoices", [{"id": "inv-1", "transaction_number": "118", "organization_id": "org-uuid-0"}])
    record = hub.get(ORG, "invoices", "inv-1")
    record["group_id"] = group.uid
    notify(client, {"invoices": record})
    apply_all()
    assert Invoice.objects.get().customer.name == "Organisation 0"
