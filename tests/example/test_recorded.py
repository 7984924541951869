"""Recorded payloads of the real hub go in without loss, and come back out with nothing changed.

They are not part of the repository: they are read from ``CONNEC_RECORDED``, or from beside the checkout.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from django_connec.sandbox import SandboxHub
from tests.example.test_example import KEY, link, manage, rows, text

PLACE = os.environ.get("CONNEC_RECORDED") or str(Path(__file__).parents[3] / "shared" / "data" / "recorded.json")

pytestmark = [
    pytest.mark.skipif(not Path(PLACE).is_file(), reason="the recorded payloads are not here (set CONNEC_RECORDED)"),
    pytest.mark.skipif(
        os.environ.get("CONNEC_TEST_DB", "sqlite") != "sqlite", reason="the examples bring databases of their own"
    ),
]

READ_ONLY = ("id", "group_id", "channel_id", "resource_type", "created_at", "updated_at")


@pytest.fixture
def recorded():
    return json.loads(Path(PLACE).read_text())


@pytest.fixture
def hub(recorded):
    instance = SandboxHub()
    instance.add_application("app-books", KEY)
    instance.add_group("cld-books", api_id="app-books", org="org-recorded")
    for resource, records in recorded.items():
        instance.load("org-recorded", resource, records)
    yield instance
    instance.close()


def is_active(record):
    return record.get("status", "ACTIVE") == "ACTIVE"


def test_recorded_payloads_import_without_loss(recorded, hub, tmp_path):
    before = {resource: hub.records("org-recorded", resource) for resource in recorded}
    with hub.serve() as url:

        def run(*arguments):
            return manage("books", tmp_path, *arguments, hub=url)

        run("migrate", "--verbosity", "0")
        link("books", tmp_path, "cld-books", "org-recorded", hub=url)
        summary = json.loads(run("connec_import", "--json"))["groups"]["cld-books"]
        assert summary["state"] == "succeeded", summary
        counts = summary["counts"]
        assert not any(entry.get("failed") or entry.get("parked") for entry in counts.values()), counts
        distinct = {resource: {r["id"] for r in records} for resource, records in recorded.items()}
        for resource in ("accounts", "people", "organizations", "items"):
            assert counts[resource] == {"created": len(distinct[resource])}
        run("connec_drain")
        assert json.loads(run("connec_drain", "--json"))["groups"]["cld-books"]["linked"] == 0

    accounts = rows(
        "books", tmp_path, "SELECT connec_id, code, name, description, classification, active FROM books_account"
    )
    assert accounts == {
        r["id"]: (r["code"], r["name"], text(r, "description"), r["classification"], is_active(r))
        for r in recorded["accounts"]
    }
    balances = rows("books", tmp_path, "SELECT connec_id, balance FROM books_account")
    assert {key: None if value is None else float(value) for key, (value,) in balances.items()} == {
        r["id"]: r.get("current_balance") for r in recorded["accounts"]
    }
    people = rows(
        "books", tmp_path, "SELECT connec_id, first_name, last_name, job_title, email, phone FROM books_person"
    )
    assert people == {
        r["id"]: (
            r["first_name"],
            r["last_name"],
            text(r, "job_title"),
            text(r, "email", "address"),
            text(r, "phone_work", "landline"),
        )
        for r in recorded["people"]
    }
    organizations = rows("books", tmp_path, "SELECT connec_id, name, employees, street, city FROM books_organization")
    assert organizations == {
        r["id"]: (
            r["name"],
            r["number_of_employees"],
            text(r, "address", "billing", "line1"),
            text(r, "address", "billing", "city"),
        )
        for r in recorded["organizations"]
    }
    # Nothing was sent but our ids.
    assert {resource: hub.records("org-recorded", resource) for resource in recorded} == before


def test_parts_that_no_field_maps_survive_a_round_trip(recorded, hub, tmp_path):
    (organization,) = recorded["organizations"]
    with hub.serve() as url:

        def run(*arguments):
            return manage("books", tmp_path, *arguments, hub=url)

        run("migrate", "--verbosity", "0")
        link("books", tmp_path, "cld-books", "org-recorded", hub=url)
        run("connec_import", "--resource", "organizations")
        change = (
            "from example_project.books.models import Organization as O; "
            "o = O.objects.get(); o.city = 'Cairns'; o.save()"
        )
        run("shell", "--no-imports", "-c", change)
        run("connec_push")
    after = hub.get("org-recorded", "organizations", organization["id"])
    expected = {k: v for k, v in organization.items() if k not in READ_ONLY}
    expected["address"] = {**expected["address"], "billing": {**expected["address"]["billing"], "city": "Cairns"}}
    assert {k: v for k, v in after.items() if k not in READ_ONLY} == expected
