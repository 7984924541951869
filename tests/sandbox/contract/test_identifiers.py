"""Connec! API v2, section 3: ids and references where the reference leaves something open."""

from __future__ import annotations

from django_connec.sandbox import Behaviour
from tests.sandbox.helpers import OTHER, OTHER_KEY, connec, own


def test_linking_back_as_a_change_is_a_setting(hub, api, other, clock, receiver):
    """Connec! API v2, sections 3.3 and 8: whether giving an id raises updated_at is unknown."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
    record = api.post("invoices", lines=[{"description": "x"}]).json()["invoices"]
    row = {"id": [connec(record["lines"][0]["id"]), own("l1")]}
    assert hub.flush()
    clock.tick()
    assert api.put("invoices", record["id"], id=[own("1")]).json()["invoices"]["updated_at"] == record["updated_at"]
    hub.behaviour = Behaviour(link_back_is_a_change=True)
    assert api.put("invoices", record["id"], id=[own("1")]).json()["invoices"]["updated_at"] == record["updated_at"]
    raised = api.put("invoices", record["id"], id=[own("2")]).json()["invoices"]["updated_at"]
    assert raised > record["updated_at"]
    assert hub.flush()
    assert told.records("invoices")[-1]["updated_at"] == raised
    clock.tick()
    assert api.put("invoices", record["id"], lines=[row]).json()["invoices"]["updated_at"] > raised


def test_unknown_references_are_a_setting(hub, api):
    """Connec! API v2, section 3.3: what happens to a reference that leads nowhere is not documented."""
    rows = [{"item_id": [own("none")], "quantity": 1}]
    assert api.post("invoices", organization_id=[own("none")]).status_code == 400
    believed = api.post("invoices", organization_id="nobody").json()["invoices"]
    assert believed["organization_id"] == "nobody"
    hub.behaviour = Behaviour(unknown_references="drop")
    dropped = api.post("invoices", organization_id=[own("none")], lines=rows).json()["invoices"]
    assert dropped["organization_id"] is None
    assert dropped["lines"][0]["item_id"] is None
    hub.behaviour = Behaviour(check_references=True)
    assert api.post("invoices", organization_id="nobody").status_code == 400
    assert api.post("invoices", organization_id=[connec("nobody")]).status_code == 400
    known = api.post("organizations", name="P").json()["organizations"]["id"]
    assert api.post("invoices", organization_id=known).status_code == 201


def test_the_companys_id_is_a_setting(hub, api):
    """Connec! API v2, section 8: the form of the singular company is not known in full."""
    api.call("PUT", "company", {"company": {"name": "Pelican"}})
    assert "id" in api.get("company").json()["company"]
    hub.behaviour = Behaviour(singular_ids=False)
    shown = api.get("company").json()["company"]
    assert "id" not in shown
    assert shown["name"] == "Pelican"
