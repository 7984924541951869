"""Ids and references in both forms: section 3."""

from __future__ import annotations

import pytest

from tests.sandbox.helpers import ORG, connec, own


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


@pytest.fixture
def pelican(external):
    """The hub's id of an organisation that we gave id 12."""
    return external.post("organizations", id=[own("12")], name="Pelican").json()["organizations"]["id"][0]["id"]


def test_plain_mode(api, pelican):
    # 3.1: ids and references are the hub's.
    person = api.post("people", id=[own("41")], first_name="Ines", organization_id=[own("12")]).json()["people"]
    assert isinstance(person["id"], str)
    assert person["organization_id"] == pelican
    for header in ("false", "", "1"):
        headers = {"CONNEC-EXTERNAL-IDS": header}
        listed = api.session.get(f"{api.root}/people", headers=headers, timeout=10).json()["people"]
        assert listed == [person]


def test_external_mode(external, pelican):
    # 3.3: the hub's entry is always present, its realm is the organisation's; ours are beside it.
    person = external.post("people", id=[own("41")], first_name="Ines", organization_id=[own("12")]).json()["people"]
    assert person["id"][0]["provider"] == "connec"
    assert person["id"][0]["realm"] == ORG
    assert person["id"][1:] == [own("41")]
    assert person["organization_id"] == [connec(pelican), own("12")]


# Connec! API v2, section 3.3.
@pytest.mark.parametrize("form", ["plain", "entry", "list", "own", "both", "single"])
def test_forms_of_a_reference(api, pelican, form):
    value = {
        "plain": pelican,
        "entry": connec(pelican),
        "list": [connec(pelican)],
        "own": [own("12")],
        "both": [own("unknown"), connec(pelican)],
        "single": own("12"),
    }[form]
    assert api.post("people", first_name="I", organization_id=value).json()["people"]["organization_id"] == pelican


# Connec! API v2, section 3.3.
@pytest.mark.parametrize(
    "value", [[own("unknown")], [own("12", "other-app")], own("x"), ["12"], [None], [{}], {"a": 1}]
)
def test_an_unknown_reference_of_ours(api, pelican, value):
    answer = api.post("people", first_name="I", organization_id=value)
    assert answer.status_code == 400
    assert "organization_id" in answer.json()["errors"][0]["title"]
    assert api.get("people").json()["pagination"]["total"] == 0
    row = api.post("invoices", lines=[{"item_id": value}])
    assert row.status_code == 400
    assert "item_id" in row.json()["errors"][0]["title"]


# Connec! API v2, section 3.3.
@pytest.mark.parametrize("value", [None, "", []])
def test_no_reference(external, value):
    person = external.post("people", first_name="I", organization_id=value).json()["people"]
    assert person["organization_id"] is None


def test_rows_and_their_references(api, external):
    # 3.3: the same holds for every reference and for embedded rows.
    item = external.post("items", id=[own("sku-1")], name="Bolt").json()["items"]["id"]
    rows = [{"id": [own("l1")], "item_id": [own("sku-1")], "quantity": 2}]
    invoice = external.post("invoices", lines=rows).json()["invoices"]
    (line,) = invoice["lines"]
    assert line["item_id"] == item
    assert line["id"][0]["provider"] == "connec"
    assert line["id"][1:] == [own("l1")]
    plain = api.get(f"invoices/{invoice['id'][0]['id']}").json()["invoices"]["lines"][0]
    assert plain == {"id": line["id"][0]["id"], "item_id": item[0]["id"], "quantity": 2}


# Connec! API v2, section 3.3.
@pytest.mark.parametrize(
    ("resource", "attribute", "target"),
    [
        ("items", "sale_tax_code_id", "tax_codes"),
        ("items", "purchase_account_id", "accounts"),
        ("invoices", "sales_order_id", "sales_orders"),
        ("organizations", "assignee_id", "app_users"),
        ("time_sheets", "employee_id", "employees"),
        ("invoices", "person_id", "people"),
    ],
)
def test_references_by_attribute(hub, external, resource, attribute, target):
    hub.load(ORG, target, [{"id": [own("1")], "name": "N", "first_name": "F"}])
    record = external.post(resource, name="N", **{attribute: [own("1")]}).json()[resource]
    assert record[attribute][1:] == [own("1")]


def test_an_employees_number_is_no_reference(api):
    # 5.9
    assert api.post("employees", employee_id="E-204").json()["employees"]["employee_id"] == "E-204"


def test_linked_transactions(api, external):
    # 3.4: the row's id leads to what class names; 3.3 counts it among the references.
    invoice = external.post("invoices", id=[own("inv-1")]).json()["invoices"]["id"]
    rows = [{"amount": 5, "linked_transactions": [{"class": "Invoice", "id": [own("inv-1")]}]}]
    payment = external.post("payments", payment_lines=rows).json()["payments"]
    assert payment["payment_lines"][0]["linked_transactions"] == [{"class": "Invoice", "id": invoice}]
    plain = api.get(f"payments/{payment['id'][0]['id']}").json()["payments"]["payment_lines"][0]
    assert plain["linked_transactions"] == [{"class": "Invoice", "id": invoice[0]["id"]}]
    rows[0]["linked_transactions"][0]["class"] = "SalesOrder"
    assert external.post("payments", payment_lines=rows).status_code == 400


def test_linking_back(external, other):
    # 3.3: PUT just your id; the other applications' stay. It is no change of the record.
    record = external.post("items", id=[own("sku-1")], name="Bolt").json()["items"]
    id = record["id"][0]["id"]
    theirs = own("7", "other-app", "r-2")
    linked = other.put("items", id, id=[theirs]).json()["items"]
    assert linked["id"] == [connec(id), own("sku-1"), theirs]
    assert linked["updated_at"] == record["updated_at"]
    assert linked["name"] == "Bolt"
    assert external.get(f"items/{id}").json()["items"]["id"] == linked["id"]
    # A new id of the same application takes the place of its earlier one.
    assert external.put("items", id, id=[own("sku-2")]).json()["items"]["id"] == [connec(id), own("sku-2"), theirs]
    assert external.post("items", id=[own("sku-1")], name="Other").status_code == 201


def test_two_applications_share_an_organisation(hub, external, other):
    # 1.2, 1.3: each addresses it by its own group id.
    hub.add_group("cld-far", api_id="app-two", org="org-far")
    record = external.post("items", id=[own("1")], name="Bolt").json()["items"]
    assert record["group_id"] == "cld-7p2k"
    (theirs,) = other.get("items").json()["items"]
    assert theirs == record | {"group_id": "cld-44zz"}
    other.put("items", record["id"][0]["id"], name="Nut")
    assert external.names() == ["Nut"]
    assert hub.records("org-far", "items") == []


def test_what_clients_cannot_forge(api, external):
    # Where the hub keeps the ids of rows is its own business.
    sent = {"_ids": 5, "lines": [{"_ids": "x", "id": 3, "a": [{"_ids": [1]}]}, {"id": [{"provider": "connec"}]}]}
    assert api.post("invoices", **sent).status_code == 201
    lines = external.get("invoices").json()["invoices"][0]["lines"]
    assert lines[0]["id"] == [connec("3")]
    assert "_ids" not in lines[0]
    assert "_ids" not in lines[0]["a"][0]
