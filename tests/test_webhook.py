"""The endpoint: who may call, what is said to him, what is stored, and how little it costs."""

from __future__ import annotations

import base64
import json

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_connec.models import ConnecGroup, Failure, Notification
from django_connec.sandbox import Fault
from django_connec.tasks import apply_notification, sweep
from django_connec.webhooks.deliveries import apply_delivery, replay
from tests.app.models import Company, Invoice, Person
from tests.conftest import API_ID, API_KEY

pytestmark = pytest.mark.django_db

URL = "/maestrano/connec/notifications/default"


def connec(identifier):
    return [{"provider": "connec", "realm": "org-9x1", "id": identifier}]


PERSON = {"people": [{"id": connec("person-1"), "first_name": "Ines", "group_id": "cld-7p2k"}]}


def post(body, *, url=URL, key=API_KEY, content_type="application/json", header=None, **extra):
    credentials = header or "Basic " + base64.b64encode(f"{API_ID}:{key}".encode()).decode()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client(raise_request_exception=False).post(
        url, data=raw, content_type=content_type, headers={"authorization": credentials}, **extra
    )


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/vnd.api+json", "application/json; charset=utf-8"]
)
def test_accepts_and_stores(group, content_type):
    answer = post(PERSON, content_type=content_type)
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    assert answer["Content-Type"] == "application/json"
    assert json.loads(bytes(Notification.objects.get().body)) == PERSON


def test_path_without_marketplace_is_the_default(group):
    assert post(PERSON, url="/maestrano/connec/notifications").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Basic " + base64.b64encode(b"app-1a2b:wrong").decode(),
        "Basic " + base64.b64encode(b"other:key of the first").decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic !!!not base64!!!",
        "Basic",
        "Bearer abc",
        "Basic " + base64.b64encode("app-1a2b:schlüssel".encode("latin-1")).decode(),
    ],
)
def test_bad_credentials_are_401(db, header):
    answer = post(PERSON, header=header)
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}
    assert answer["WWW-Authenticate"].startswith("Basic")
    assert not Notification.objects.exists()


def test_credentials_of_another_marketplace_are_401(db, settings):
    other = {"API_ID": "app-2", "API_KEY": "other", "CONNEC_HOST": "http://127.0.0.1:9"}
    settings.CONNEC = {**settings.CONNEC, "MARKETPLACES": {**settings.CONNEC["MARKETPLACES"], "other": other}}
    assert post(PERSON, url="/maestrano/connec/notifications/other").status_code == 401


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"people": [NaN]}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "found a list of 1"),
        (b'"text"', "found text of 4 characters"),
        (b"null", "found null"),
        (b'{"people": 5}', 'under "people", found a number'),
        (b'{"people": null}', 'under "people", found null'),
    ],
)
def test_malformed_bodies_are_400_and_say_what_was_wrong(db, body, said):
    answer = post(body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert not Notification.objects.exists()


def test_unknown_marketplace_is_404(db):
    answer = post(PERSON, url="/maestrano/connec/notifications/nowhere")
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


def test_too_large_is_413(db, settings):
    settings.CONNEC = {**settings.CONNEC, "WEBHOOK_MAX_BYTES": 100}
    answer = post(b'{"people": "' + b"x" * 200 + b'"}')
    assert answer.status_code == 413
    assert "100 bytes" in answer.json()["error"]


def test_larger_than_djangos_own_limit_is_accepted(group):
    big = {"people": [{"id": connec("p"), "first_name": "x", "note": "y" * 3_000_000, "group_id": "cld-7p2k"}]}
    assert post(big).status_code == 200


def test_other_methods_and_media_types(db):
    credentials = {"authorization": "Basic " + base64.b64encode(f"{API_ID}:{API_KEY}".encode()).decode()}
    assert Client().get(URL, headers=credentials).status_code == 405
    assert post(b"a=1", content_type="application/x-www-form-urlencoded").status_code == 415


def test_csrf_does_not_apply(group):
    client = Client(enforce_csrf_checks=True)
    credentials = {"authorization": "Basic " + base64.b64encode(f"{API_ID}:{API_KEY}".encode()).decode()}
    answer = client.post(URL, data=json.dumps(PERSON), content_type="application/json", headers=credentials)
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{}, {"people": []}, {"notification": {}}])
def test_empty_is_200(db, body):
    answer = post(body)
    assert (answer.status_code, answer.json()) == (200, {"status": "empty"})
    assert not Notification.objects.exists()


def test_same_body_while_waiting_is_one_delivery(group, company):
    assert post(PERSON).json() == {"status": "accepted"}
    assert post(PERSON).json() == {"status": "duplicate"}
    apply_notification(Notification.objects.get().pk)
    assert post(PERSON).json() == {"status": "accepted"}
    assert Notification.objects.count() == 2


def test_at_most_three_queries_to_accept(group, django_capture_on_commit_callbacks):
    with CaptureQueriesContext(connection) as captured, django_capture_on_commit_callbacks(execute=True):
        assert post(PERSON).status_code == 200
    counted = [q["sql"] for q in captured if not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]
    assert len(counted) <= 3, counted


def test_works_inside_atomic_requests(group):
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert post(PERSON).status_code == 200
        assert post(PERSON).json() == {"status": "duplicate"}
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.parametrize(
    "body", [PERSON, {"notification": PERSON}, {"People": PERSON["people"]}, {"people": PERSON["people"][0]}]
)
def test_forms_of_a_delivery(group, company, body):
    post(body)
    apply_delivery(Notification.objects.get().pk)
    assert Person.objects.get().first_name == "Ines"


def test_several_groups_and_resources_in_one_call(group, company):
    other = ConnecGroup.objects.create(uid="cld-44zz")
    other_company = Company.objects.create(name="Other", connec_group=other)
    post(
        {
            "invoices": [
                {"id": connec("i"), "transaction_number": "1", "organization_id": connec("o"), "group_id": "cld-7p2k"}
            ],
            "people": [{"id": connec("p"), "first_name": "A", "group_id": "cld-44zz"}],
            "organizations": [{"id": connec("o"), "name": "Pelican", "group_id": "cld-7p2k"}],
        }
    )
    apply_delivery(Notification.objects.get().pk)
    assert Person.objects.get().company == other_company
    assert Invoice.objects.get().customer.name == "Pelican"


def test_unknown_groups_resources_and_switches_are_counted_and_ignored(group, company):
    group.entities = {"items": {"pull": False, "push": True}}
    group.save()
    post(
        {
            "people": [
                {"id": connec("p"), "first_name": "A", "group_id": "cld-unknown"},
                {"id": connec("q"), "first_name": "B"},
            ],
            "spaceships": [{"id": connec("s"), "group_id": "cld-7p2k"}],
            "items": [{"id": connec("t"), "name": "Bolt", "group_id": "cld-7p2k"}],
        }
    )
    apply_delivery(Notification.objects.get().pk)
    notification = Notification.objects.get()
    assert (notification.state, notification.counts) == ("applied", {"ignored": 4})
    assert not Failure.objects.exists()


def test_group_of_another_marketplace_is_unknown(company):
    ConnecGroup.objects.update(marketplace="other")
    post(PERSON)
    apply_delivery(Notification.objects.get().pk)
    assert Notification.objects.get().counts == {"ignored": 1}


def test_one_worker_applies_a_delivery(group, company):
    post(PERSON)
    pk = Notification.objects.get().pk
    assert apply_delivery(pk) is not None
    assert apply_delivery(pk) is None


def test_bad_element_fails_alone_and_shows(group, company):
    people = [*PERSON["people"], {"id": connec("q"), "birth_date": [1], "group_id": "cld-7p2k"}]
    post({"people": people})
    apply_delivery(Notification.objects.get().pk)
    notification = Notification.objects.get()
    assert (notification.state, notification.counts) == ("failed", {"created": 1, "failed": 1})


def test_replay(group, company):
    post(PERSON)
    apply_delivery(Notification.objects.get().pk)
    Person.objects.all().delete()
    from django_connec.models import Tombstone

    Tombstone.objects.all().delete()
    assert replay(Notification.objects.all()) == 1
    apply_delivery(Notification.objects.get().pk)
    assert Person.objects.count() == 1


def test_lost_task_is_found_by_the_sweep(group, company):
    post(PERSON)
    sweep()
    assert Person.objects.get().first_name == "Ines"


def test_delivery_waits_for_the_hub_that_tells_whose_a_record_is(hub, group, company):
    """In the plain form an unknown record may be our own create, come back before its answer."""
    hub.load("org-9x1", "people", [{"id": "person-1", "first_name": "Ines"}])
    hub.faults.add(Fault("status", times=3, status=503, path="/people"))
    post({"people": [{"id": "person-1", "first_name": "Ines", "group_id": "cld-7p2k"}]})
    sweep()
    notification = Notification.objects.get()
    assert (notification.state, notification.attempts) == ("waiting", 1)
    assert notification.next_attempt_at > timezone.now()
    assert not Person.objects.exists()
    Notification.objects.update(next_attempt_at=None)
    sweep()
    assert Person.objects.get().first_name == "Ines"


def test_nothing_of_the_body_is_logged(group, company, caplog):
    caplog.set_level("DEBUG")
    post(
        {
            "people": [
                {"id": connec("secret-id"), "first_name": "Geheim", "birth_date": "Geheim", "group_id": "cld-7p2k"}
            ]
        }
    )
    apply_delivery(Notification.objects.get().pk)
    post(b'{"Geheim')
    post(PERSON, key="Geheim")
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("django_connec")]
    assert not any("Geheim" in line or API_KEY in line for line in ours)


def test_host_drf_settings_do_not_apply(group):
    with override_settings(REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": [], "DEFAULT_THROTTLE_RATES": {"anon": "0/s"}}):
        assert post(PERSON).status_code == 200
