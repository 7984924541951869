"""The example applications, each in a process of its own: they have settings of their own."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from django_connec.sandbox import SandboxHub
from example_project import payloads

MANAGE = Path(payloads.__file__).with_name("manage.py")
APPLICATIONS = ("books", "desk")
KEY = "key of an example"

pytestmark = pytest.mark.skipif(
    os.environ.get("CONNEC_TEST_DB", "sqlite") != "sqlite", reason="the examples bring databases of their own"
)


def manage(application, directory, *arguments, hub="http://127.0.0.1:9"):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": f"example_project.settings.{application}",
        "CONNEC_DEMO_DIR": str(directory),
        "CONNEC_HOST": hub,
        "CONNEC_API_ID": f"app-{application}",
        "CONNEC_API_KEY": KEY,
        "NO_PROXY": "127.0.0.1",
    }
    result = subprocess.run(
        [sys.executable, str(MANAGE), *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def link(application, directory, group, org, hub="http://127.0.0.1:9"):
    """Link a customer without a marketplace."""
    tenant = {"books": "books.models import Company", "desk": "desk.models import Workspace"}[application]
    model = tenant.rpartition(" ")[2]
    code = (
        f"from example_project.{tenant}; from django_connec.models import ConnecGroup; "
        f"group = ConnecGroup(uid={group!r}, org_uid={org!r}, name='Pelican Freight'); group.link(); "
        f"{model}.objects.create(name=group.name, connec_group=group)"
    )
    manage(application, directory, "shell", "--no-imports", "-c", code, hub=hub)


def rows(application, directory, query):
    with closing(sqlite3.connect(directory / f"{application}.sqlite3")) as database:
        return {row[0]: row[1:] for row in database.execute(query)}


@pytest.mark.parametrize("application", APPLICATIONS)
def test_checks_are_silent(application, tmp_path):
    assert manage(application, tmp_path, "check", "--fail-level", "WARNING") == (
        "System check identified no issues (0 silenced).\n"
    )


@pytest.mark.parametrize("application", APPLICATIONS)
def test_migrations_are_complete(application, tmp_path):
    assert "No changes detected" in manage(application, tmp_path, "makemigrations", "--check", "--dry-run")


def test_payloads_are_the_same_each_time():
    assert payloads.everything() == payloads.everything()
    ids = [record["id"] for records in payloads.everything().values() for record in records]
    assert len(ids) == len(set(ids))


@pytest.fixture
def hub_url():
    hub = SandboxHub()
    for application in APPLICATIONS:
        hub.add_application(f"app-{application}", KEY)
        hub.add_group(f"cld-{application}", api_id=f"app-{application}", org="org-demo")
    for resource, records in payloads.everything().items():
        hub.load("org-demo", resource, records)
    try:
        with hub.serve() as url:
            yield url
    finally:
        hub.close()


def text(record, *path):
    """What a text column holds after the import: absent, null and blank are all the empty text."""
    value = record
    for name in path:
        value = (value or {}).get(name)
    return value or ""


@pytest.mark.parametrize(
    ("application", "people", "organizations"),
    [
        (
            "books",
            "SELECT p.connec_id, first_name, last_name, email, p.phone, p.active, o.connec_id FROM books_person p "
            "LEFT JOIN books_organization o ON o.id = p.employer_id",
            "SELECT connec_id, name, city, employees FROM books_organization",
        ),
        (
            "desk",
            "SELECT p.connec_id, given_name, family_name, mail, phone, is_active, o.connec_id FROM desk_contact p "
            "LEFT JOIN desk_client o ON o.id = p.client_id",
            "SELECT connec_id, title, town, staff FROM desk_client",
        ),
    ],
)
def test_every_record_arrives_with_its_values(application, people, organizations, hub_url, tmp_path):
    group = f"cld-{application}"
    manage(application, tmp_path, "migrate", "--verbosity", "0")
    link(application, tmp_path, group, "org-demo")
    output = manage(application, tmp_path, "connec_import", "--group", group, "--json", hub=hub_url)
    summary = json.loads(output)["groups"][group]
    assert summary["state"] == "succeeded"
    assert not any(counts.get("failed") or counts.get("parked") for counts in summary["counts"].values())
    assert rows(application, tmp_path, people) == {
        record["id"]: (
            text(record, "first_name"),
            text(record, "last_name"),
            text(record, "email", "address"),
            text(record, "phone_work", "landline"),
            record.get("status", "ACTIVE") == "ACTIVE",
            record.get("organization_id"),
        )
        for record in payloads.people()
    }
    assert rows(application, tmp_path, organizations) == {
        record["id"]: (
            record["name"],
            text(record, "address", "billing", "city"),
            record.get("number_of_employees"),
        )
        for record in payloads.organizations()
    }
