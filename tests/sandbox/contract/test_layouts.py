"""Connec! API v2, sections 5.3 to 5.15: the attributes of each resource, in the schema and in what is kept."""

from __future__ import annotations

import pytest

from tests.sandbox.contract.examples import EXAMPLES, GUESSED
from tests.sandbox.helpers import GROUP, ORG

BY_RESOURCE = [pytest.param(*one, id=f"{one[0]}-{one[1]}") for one in [*EXAMPLES, *GUESSED]]

PLACE = {"line1", "line2", "city", "region", "postal_code", "country"}
PLACES = {"billing", "billing2", "shipping", "shipping2"}
AMOUNT = {"total_amount", "net_amount", "tax_amount", "tax_rate", "currency"}
BLOCKS = [
    *((resource, "address", PLACES) for resource in ("organizations", "company", "employees", "accounts")),
    *((resource, "address", PLACES) for resource in ("warehouses", "work_locations")),
    *((resource, f"address_{kind}", PLACES) for resource in ("people", "app_users") for kind in ("work", "home")),
    ("organizations", "address.billing", PLACE),
    ("people", "address_home.shipping2", PLACE),
    ("invoices", "billing_address", PLACE | {"attention_first_name", "attention_last_name"}),
    ("quotes", "shipping_address", PLACE | {"attention_first_name", "attention_last_name"}),
    ("organizations", "phone", {"landline", "landline2", "mobile", "fax"}),
    ("people", "phone_work", {"landline", "landline2", "mobile", "fax"}),
    ("people", "phone_home", {"landline", "landline2", "mobile", "fax"}),
    ("people", "email", {"address", "address2"}),
    ("company", "website", {"url"}),
    ("company", "logo", {"logo"}),
    ("people", "contact_channel", {"skype"}),
    ("items", "sale_price", AMOUNT),
    ("items", "purchase_price", AMOUNT),
    ("accounts", "bank_account", {"account_number", "bank_name", "bank_code", "bic_code", "iban_number"}),
]


def schema_of(api, resource):
    answer = api.call("GET", f"{api.url}/api/v2/json_schema/{resource}").json()
    return answer["properties"][resource]["items"]["properties"]


def written(api, resource, attributes):
    if resource == "company":
        return api.call("PUT", "company", {"company": attributes})
    return api.post(resource, **attributes)


def unknown(properties, block, path=""):
    """The attributes of a block, and of blocks and rows in it, that a schema does not have."""
    found = []
    for name, value in block.items():
        if name not in properties:
            found.append(f"{path}{name}")
            continue
        inner = properties[name].get("items", properties[name]).get("properties", {})
        for one in value if isinstance(value, list) else [value]:
            found += unknown(inner, one, f"{path}{name}/") if isinstance(one, dict) else []
    return found


@pytest.mark.parametrize(("section", "resource", "attributes"), BY_RESOURCE)
def test_the_schema_has_what_was_seen(api, section, resource, attributes):
    """Connec! API v2, sections 5.4, 5.5, 5.6, 5.7, 5.8, 5.9, 5.10, 5.11, 5.12, 5.13, 5.14 and 5.15: attributes."""
    assert unknown(schema_of(api, resource), attributes) == []


@pytest.mark.parametrize(("section", "resource", "attributes"), BY_RESOURCE)
def test_what_was_seen_comes_back_as_it_was_written(api, section, resource, attributes):
    """Connec! API v2, sections 5.4, 5.5, 5.6, 5.7, 5.8, 5.9, 5.10, 5.11, 5.12, 5.13, 5.14 and 5.15: values."""
    answer = written(api, resource, attributes)
    assert answer.status_code == 201
    record = answer.json()[resource]
    assert {name: record[name] for name in attributes} == attributes
    assert (record["group_id"], record["channel_id"], record["resource_type"]) == (GROUP, ORG, resource)
    path = resource if resource == "company" else f"{resource}/{record['id']}"
    assert api.get(path).json()[resource] == record
    # Computed again from what it shows, it stays as it is.
    again = api.call("PUT", path, {resource: {name: record[name] for name in attributes}})
    assert again.json()[resource] == record


@pytest.mark.parametrize(
    ("resource", "name", "lie", "truth"),
    [
        ("accounts", "classification", "mine", "ASSET_BANK_CHECKING"),
        ("employees", "full_name", "mine", "Tomas Brandt"),
        ("payments", "amount", {"total_amount": 1.0, "currency": "AUD"}, {"total_amount": 50.0, "currency": "AUD"}),
        ("invoices", "amount", {"total_amount": 1.0}, {"total_amount": 110.0, "net_amount": 100.0, "tax_amount": 10.0}),
    ],
)
def test_what_is_computed_is_not_believed(api, resource, name, lie, truth):
    """Connec! API v2, sections 5.8, 5.9, 5.10 and 5.12: the hub knows these better than their writer."""
    (attributes,) = (attributes for _, found, attributes in EXAMPLES if found == resource)
    shown = api.post(resource, **attributes | {name: lie}).json()[resource][name]
    assert (shown | truth if isinstance(truth, dict) else truth) == shown


@pytest.mark.parametrize(("resource", "path", "names"), BLOCKS)
def test_shared_blocks(api, resource, path, names):
    """Connec! API v2, section 5.3: the blocks that several resources share, and which of them has which."""
    properties = schema_of(api, resource)
    for name in path.split("."):
        properties = properties[name]["properties"]
    assert set(properties) == names


@pytest.mark.parametrize("resource", ["people", "app_users"])
def test_people_have_no_address_without_a_place(api, resource):
    """Connec! API v2, section 5.3: people and users have two of each; unsuffixed ones are legacy, and kept."""
    assert not {"address", "phone"} & set(schema_of(api, resource))
    legacy = {"address": {"billing": {"city": "Cairns"}}, "phone": {"landline": "07 5550 1111"}}
    record = api.post(resource, first_name="Ines", **legacy).json()[resource]
    assert legacy.items() <= record.items()


@pytest.mark.parametrize("timezone", ["+10:00", "-05:00", "Australia/Brisbane"])
def test_both_forms_of_the_companys_time_zone(api, timezone):
    """Connec! API v2, section 5.4: an offset, or a name."""
    record = api.call("PUT", "company", {"company": {"name": "P", "timezone": timezone}}).json()["company"]
    assert (record["timezone"], api.get("company").json()["company"]["timezone"]) == (timezone, timezone)


def test_an_organisation_may_be_customer_and_supplier(api):
    """Connec! API v2, section 5.5: both at once."""
    record = api.post("organizations", name="P", is_customer=True, is_supplier=True).json()["organizations"]
    assert (record["is_customer"], record["is_supplier"]) == (True, True)


def test_leads_are_people(api):
    """Connec! API v2, sections 5.1 and 5.6: people with is_lead true; a converted one has lead_conversion_date."""
    api.post("people", first_name="Ines", is_lead=True)
    api.post("people", first_name="Jo", is_lead=True, lead_conversion_date="2018-02-20T00:00:00Z")
    api.post("people", first_name="Kim", is_lead=False)

    def names(condition):
        return [record["first_name"] for record in api.get("people", filter=condition).json()["people"]]

    assert names("is_lead eq true") == ["Ines", "Jo"]
    assert names("is_lead eq true and lead_conversion_date eq null") == ["Ines"]


@pytest.mark.parametrize("names", [{"weight_unit": "kg"}, {"weight_units": "kg", "length": 5, "length_units": "mm"}])
def test_measures_of_items_in_either_spelling(api, names):
    """Connec! API v2, section 5.7: applications write weight_unit or weight_units, and further measures."""
    assert names.items() <= api.post("items", name="Bolt", **names).json()["items"].items()


def test_shipping_is_a_line(api):
    """Connec! API v2, section 5.8: a line without an item, marked is_shipping or described so; it counts."""
    shipping = [
        {"is_shipping": True, "quantity": 1, "unit_price": {"net_amount": 5.0, "tax_rate": 10.0}},
        {"description": "Shipping: courier", "quantity": 1, "unit_price": {"net_amount": 7.0, "tax_rate": 10.0}},
    ]
    record = api.post("invoices", lines=shipping).json()["invoices"]
    assert record["amount"]["total_amount"] == 13.2
    assert [row.get("item_id") for row in record["lines"]] == [None, None]


@pytest.mark.parametrize("row", [{"work_location_id": "wl-1"}, {"id": "wl-1"}])
def test_both_forms_of_a_work_location(api, row):
    """Connec! API v2, section 5.9: rows were seen with work_location_id, and with id."""
    (shown,) = api.post("employees", work_locations=[row]).json()["employees"]["work_locations"]
    assert row.items() <= shown.items()


def test_the_balance_of_an_account_is_not_always_known(api):
    """Connec! API v2, section 5.10: current_balance on some accounts only."""
    assert "current_balance" not in api.post("accounts", name="Till").json()["accounts"]
