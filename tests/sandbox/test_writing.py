"""Creating, updating, batches, merges: sections 2.4 to 2.7, 2.11, and the limits of 2.9."""

from __future__ import annotations

import pytest

from tests.sandbox.helpers import APP, GROUP, ORG, OTHER_GROUP, connec, own


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


# 2.4 ---------------------------------------------------------------------------------------------------------


# Connec! API v2, section 2.4.
def test_post_is_an_upsert_by_external_id(api):
    # 201 new, 200 known; 2.1: Location on 201.
    first = api.post("items", id=[own("sku-1")], name="Bolt", reference="HB")
    assert first.status_code == 201
    assert first.headers["Location"] == f"/api/v2/{GROUP}/items/{first.json()['items']['id']}"
    again = api.post("items", id=[own("sku-1")], name="Nut")
    assert again.status_code == 200
    assert "Location" not in again.headers
    assert again.json()["items"]["id"] == first.json()["items"]["id"]
    assert again.json()["items"]["name"] == "Nut"
    assert again.json()["items"]["reference"] == "HB"
    assert api.get("items").json()["pagination"]["total"] == 1


# Connec! API v2, section 2.4.
@pytest.mark.parametrize("differs", [own("sku-2"), own("sku-1", "other-app"), own("sku-1", realm="acct-89")])
def test_provider_realm_and_id_together_make_the_identity(api, differs):
    api.post("items", id=[own("sku-1")], name="Bolt")
    assert api.post("items", id=[differs], name="Bolt").status_code == 201
    assert api.post("accounts", id=[own("sku-1")], name="Till").status_code == 201


def test_external_ids_are_compared_as_strings(api):
    # 3.3
    api.post("items", id=[own(41)], name="Bolt")
    assert api.post("items", id=[own("41")], name="Bolt").status_code == 200


# Connec! API v2, section 2.4.
def test_without_external_ids_every_post_creates(api):
    ids = {api.post("items", name="Bolt").json()["items"]["id"] for _ in range(3)}
    assert len(ids) == 3


# Connec! API v2, section 2.4.
@pytest.mark.parametrize("id", ["0b5f", 7, {"provider": "connec"}])
def test_a_plain_id_is_refused(api, id):
    answer = api.post("items", id=id, name="Bolt")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["status"] == "409"
    assert api.get("items").json()["pagination"]["total"] == 0


# Connec! API v2, section 3.3.
@pytest.mark.parametrize("entry", [{}, {"provider": "acme-books"}, {"id": "1"}, "1", None, own(None), own(""), own({})])
def test_an_entry_that_identifies_nothing(api, entry):
    assert api.post("items", id=[entry], name="Bolt").status_code == 400
    assert api.get("items").json()["pagination"]["total"] == 0


# Connec! API v2, section 3.3.
def test_the_hubs_own_entry_leads_to_its_record(api):
    id = api.post("items", name="Bolt").json()["items"]["id"]
    assert api.post("items", id=[connec(id), own("1")], name="Nut").status_code == 200
    assert api.post("items", id=[connec("none")], name="Nut").status_code == 404
    assert api.names() == ["Nut"]


# Connec! API v2, section 2.
def test_post_with_an_id_in_its_path(api):
    id = api.post("items", name="Bolt").json()["items"]["id"]
    assert api.put("items", "", name="x").status_code == 400
    assert api.call("POST", f"items/{id}", {"items": {"name": "x"}}).status_code == 400


# 2.5 ---------------------------------------------------------------------------------------------------------


# Connec! API v2, section 2.5.
def test_matching_fields(api):
    first = api.post("items", name="Bolt", reference="HB", description="d").json()["items"]
    options = {"matching_fields": ["reference"]}
    matched = api.post("items", id=[own("1")], name="Nut", reference="HB", opts=options)
    assert matched.status_code == 200
    assert matched.json()["items"]["id"] == first["id"]
    assert matched.json()["items"]["description"] == "d"
    assert api.post("items", name="Nut", reference="HB-2", opts=options).status_code == 201
    # The external id is kept, and goes before.
    found = api.post("items", id=[own("1")], name="Nut", reference="HB-2", opts=options).json()["items"]
    assert found["id"] == first["id"]


# Connec! API v2, section 2.5.
def test_all_matching_fields_must_match(api):
    api.post("people", first_name="Ines", last_name="Okafor")
    options = {"matching_fields": ["first_name", "last_name"]}
    assert api.post("people", first_name="Ines", last_name="Brandt", opts=options).status_code == 201
    assert api.post("people", first_name="Ines", last_name="Okafor", opts=options).status_code == 200


# Connec! API v2, section 2.5.
@pytest.mark.parametrize("email", [None, {}, {"address": ""}, {"address": None}, {"address": {}}])
def test_empty_matching_fields_match_nothing(api, email):
    options = {"matching_fields": ["email/address"]}
    for _ in range(2):
        assert api.post("people", first_name="Ines", email=email, opts=options).status_code == 201


# Connec! API v2, section 2.5.
def test_nested_matching_field_and_large_number(api):
    for name, value in [("email.address", {"address": "x@y.z"}), ("number", 2**70), ("flag", True)]:
        attributes = {name.partition(".")[0]: value}
        options = {"matching_fields": [name]}
        assert api.post("people", first_name="Ines", **attributes, opts=options).status_code == 201
        assert api.post("people", first_name="Ines", **attributes, opts=options).status_code == 200


@pytest.mark.parametrize(
    "names", [["a'b"], ["a..b"], ["') OR 1=1 --"], [1], [None], [["name"], "name"], ["x", []], [{}]]
)
def test_matching_fields_that_name_nothing(api, names):
    # A name gets into the hub's SQL; nothing else may.
    api.post("items", name="Held")
    answer = api.post("items", name="Bolt", opts={"matching_fields": names})
    assert answer.status_code == 400
    assert api.names() == ["Held"]


# Connec! API v2, section 2.5.
@pytest.mark.parametrize(
    "opts", [None, [], "x", {}, {"matching_fields": "name"}, {"matching_fields": []}, {"sparse": 0}]
)
def test_options_are_not_stored(api, opts):
    record = api.post("items", name="Bolt", opts=opts)
    assert record.status_code == 201
    assert "opts" not in record.json()["items"]
    assert "opts" not in api.put("items", record.json()["items"]["id"], opts=opts).json()["items"]


# Connec! API v2, section 2.5.
def test_put_is_partial_and_shallow(api, clock):
    record = api.post("items", name="Bolt", reference="HB", sale_price={"net_amount": 1, "currency": "AUD"}).json()[
        "items"
    ]
    changed = api.put("items", record["id"], sale_price={"net_amount": 2}, description=None)
    assert changed.status_code == 200
    body = changed.json()["items"]
    assert (body["name"], body["reference"], body["sale_price"]) == ("Bolt", "HB", {"net_amount": 2})
    assert body["description"] is None


# Connec! API v2, section 2.8.
def test_put_unknown(api):
    assert api.put("items", "nobody", name="x").status_code == 404


def test_read_only_attributes_stay(api):
    # 3.2: all read-only except code and status.
    record = api.post("items", name="Bolt").json()["items"]
    theirs = dict.fromkeys(("created_at", "updated_at", "group_id", "channel_id", "resource_type"), "theirs")
    assert api.put("items", record["id"], id="other", **theirs).json()["items"] == record
    changed = api.put("items", record["id"], code="C", status="INACTIVE").json()["items"]
    assert (changed["code"], changed["status"]) == ("C", "INACTIVE")


def test_updated_at_has_seconds_and_never_goes_back(api, clock):
    # 3.2
    record = api.post("items", name="Bolt").json()["items"]
    clock.tick(60)
    assert api.put("items", record["id"], name="Bolt").json()["items"]["updated_at"] == "2018-03-01T04:05:06Z"
    changed = api.put("items", record["id"], name="Nut").json()["items"]
    assert changed["updated_at"] == "2018-03-01T04:06:06Z"
    assert changed["created_at"] == "2018-03-01T04:05:06Z"
    clock.tick(-3600)
    assert api.put("items", record["id"], name="Pin").json()["items"]["updated_at"] == "2018-03-01T04:06:06Z"


def lines(api, *rows, id="", **options):
    body = {"lines": list(rows), **({"opts": options} if options else {})}
    answer = api.put("invoices", id, **body) if id else api.post("invoices", **body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["invoices"]


# Connec! API v2, section 2.5.
def test_rows_stay_unless_not_sparse(api):
    invoice = lines(api, {"description": "one", "quantity": 1}, {"description": "two"})
    one, two = invoice["lines"]
    assert one["id"] != two["id"]
    kept = lines(api, {"id": one["id"], "description": "uno"}, {"description": "three"}, id=invoice["id"])
    assert [row["description"] for row in kept["lines"]] == ["uno", "two", "three"]
    assert kept["lines"][0] == {"id": one["id"], "description": "uno", "quantity": 1}
    assert lines(api, id=invoice["id"])["lines"] == kept["lines"]
    replaced = lines(api, {"id": two["id"], "quantity": 2}, {"description": "four"}, id=invoice["id"], sparse=False)
    assert replaced["lines"][0] == {"id": two["id"], "description": "two", "quantity": 2}
    assert [row["description"] for row in replaced["lines"]] == ["two", "four"]
    assert lines(api, id=invoice["id"], sparse=False)["lines"] == []


def test_rows_keep_the_hubs_id_when_given_by_ours(external, other, clock):
    # 5.8: keep each line's Connec id; 3.3: Connec adds our entry to the others.
    invoice = lines(external, {"id": [own("l1")], "quantity": 1}, {"id": [own("l2")], "quantity": 2})
    id = invoice["id"][0]["id"]
    first, second = ([entry["id"] for entry in row["id"]] for row in invoice["lines"])
    assert first[1:] == ["l1"]
    theirs = own("t1", "other-app", "r")
    clock.tick()
    row = lines(other, {"id": [connec(first[0]), theirs]}, id=id)["lines"][0]
    assert [entry["id"] for entry in row["id"]] == [first[0], "l1", "t1"]
    assert row["quantity"] == 1
    # To give an id is no change of the record.
    record = external.get(f"invoices/{id}").json()["invoices"]
    assert record["updated_at"] == invoice["updated_at"]
    replaced = lines(external, {"id": [own("l1")], "quantity": 5}, id=id, sparse=False)
    assert len(replaced["lines"]) == 1
    assert [entry["id"] for entry in replaced["lines"][0]["id"]] == [first[0], "l1", "t1"]
    moved = lines(external, {"id": [connec(first[0]), own("l9")]}, id=id)["lines"][0]
    assert sorted(entry["id"] for entry in moved["id"][1:]) == ["l9", "t1"]
    assert second[0] != first[0]


# Connec! API v2, section 2.5.
def test_lists_that_hold_no_rows_are_replaced(api):
    record = api.post("items", name="Bolt", tags=["a", "b"], note="text").json()["items"]
    assert api.put("items", record["id"], tags=["c"], note=[{"x": 1}]).json()["items"]["tags"] == ["c"]
    assert api.put("items", record["id"], note=None).json()["items"]["note"] is None


# Connec! API v2, section 2.5.
def test_attach_to_organization(api):
    held = api.post("organizations", name="Pelican").json()["organizations"]["id"]
    options = {"attach_to_organization": "Pelican"}
    assert api.post("people", first_name="A", opts=options).json()["people"]["organization_id"] == held
    made = api.post("people", first_name="B", opts={"attach_to_organization": "New"}).json()["people"]
    assert api.get(f"organizations/{made['organization_id']}").json()["organizations"]["name"] == "New"


# Connec! API v2, section 2.8.
def test_validation_leaves_nothing_behind(api):
    assert api.post("items", id=[own("1")]).status_code == 400
    record = api.post("items", id=[own("2")], name="Bolt").json()["items"]
    answer = api.put("items", record["id"], id=[own("3")], name="")
    assert answer.status_code == 400
    assert api.get(f"items/{record['id']}").json()["items"]["name"] == "Bolt"
    # Nor did the refused request leave its ids.
    assert api.post("items", id=[own("1")], name="One").status_code == 201
    assert api.post("items", id=[own("3")], name="Three").status_code == 201


# 2.6, 2 ------------------------------------------------------------------------------------------------------


# Connec! API v2, section 2.6.
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods(api, method):
    id = api.post("items", name="Bolt").json()["items"]["id"]
    answer = api.call(method, f"items/{id}")
    assert answer.status_code == 405
    assert answer.json()["errors"]
    assert api.get(f"items/{id}").status_code == 200


def test_head_has_no_body(api):
    assert api.call("HEAD", "items").text == ""
    assert api.get("items").status_code == 200


# 5.4 ---------------------------------------------------------------------------------------------------------


# Connec! API v2, section 5.4.
def test_company_is_singular(api, other):
    assert api.get("company").status_code == 404
    created = api.call("PUT", "company", {"company": {"name": "Pelican", "currency": "AUD", "id": [own("c")]}})
    assert created.status_code == 201
    answer = api.call("PUT", "company", {"company": {"name": "Pelican Pty"}})
    assert answer.status_code == 200
    record = api.get("company").json()["company"]
    assert (record["name"], record["currency"]) == ("Pelican Pty", "AUD")
    assert (record["resource_type"], record["group_id"], record["channel_id"]) == ("company", GROUP, ORG)
    assert "code" not in record
    assert "status" not in record
    theirs = other.get("company").json()["company"]
    assert theirs["group_id"] == OTHER_GROUP
    assert theirs["id"] == [connec(record["id"]), own("c")]
    # Published connectors send PUT /company/<id> in a batch; an id of nobody is none.
    assert api.put("company", record["id"], name="Pelican").json()["company"]["id"] == record["id"]
    assert api.get(f"company/{record['id']}").json()["company"]["name"] == "Pelican"
    assert api.put("company", "nobody", name="x").status_code == 404
    assert api.call("POST", f"company/{record['id']}", {"company": {"name": "x"}}).status_code == 400
    assert api.get("company").json()["company"]["name"] == "Pelican"


# 2.7 ---------------------------------------------------------------------------------------------------------


# Connec! API v2, section 2.7.
def test_batch_answers_in_order_with_each_status(api):
    known = api.post("items", id=[own("1")], name="Bolt").json()["items"]["id"]
    answer = api.batch(
        [
            api.op("post", "items/", items={"id": [own("2")], "name": "Nut"}),
            api.op("post", "items", items={"description": "nameless"}),
            api.op("POST", "items", items={"id": [own("1")], "name": "Bolt 2"}),
            api.op("put", f"items/{known}", items={"reference": "R"}),
            api.op("put", "items/nobody", items={"reference": "R"}),
            api.op("get", f"items/{known}.json"),
            api.op("delete", f"items/{known}"),
            {"method": "get", "url": f"/api/v2/{OTHER_GROUP}/items"},
        ]
    )
    assert answer.status_code == 200
    assert set(answer.json()) == {"results"}
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201, 400, 200, 200, 404, 200, 405, 401]
    assert all(set(result) == {"status", "body"} for result in results)
    assert results[1]["body"]["errors"][0]["title"] == "Name can't be blank"
    assert results[5]["body"]["items"]["name"] == "Bolt 2"
    # No rollback.
    assert api.names() == ["Bolt 2", "Nut"]


# Connec! API v2, section 2.7.
def test_batch_ids_follow_the_header(external):
    result = external.batch([external.op("post", "items", items={"id": [own("1")], "name": "x"})]).json()["results"][0]
    assert result["body"]["items"]["id"][1] == own("1")


# Connec! API v2, section 2.7.
def test_batch_takes_fifty(api):
    ops = [api.op("post", "items", items={"name": f"{n}"}) for n in range(51)]
    assert api.batch(ops).status_code == 400
    assert api.get("items").json()["pagination"]["total"] == 0
    assert [r["body"]["items"]["name"] for r in api.batch(ops[:50]).json()["results"]] == [f"{n}" for n in range(50)]


# Connec! API v2, section 2.7.
def test_batch_needs_sequential_and_ops(api):
    for body in ({"ops": []}, {"sequential": True}, {"sequential": True, "ops": {}}, {"sequential": True, "ops": None}):
        assert api.call("POST", f"{api.url}/batch", body).status_code == 400
    assert api.call("GET", f"{api.url}/batch").status_code == 405
    assert api.batch([]).json() == {"results": []}


# Connec! API v2, section 2.7.
@pytest.mark.parametrize(
    "operation",
    [
        None,
        [],
        "get",
        {},
        {"method": "get"},
        {"url": f"/api/v2/{GROUP}/items"},
        {"method": 1, "url": f"/api/v2/{GROUP}/items"},
        {"method": "get", "url": 1},
        {"method": "get", "url": "http://elsewhere.example/api/v2/x/items"},
        {"method": "get", "url": "//[/"},
        {"method": "post", "url": "/batch", "params": {"sequential": True, "ops": []}},
        {"method": "post", "url": f"/api/v2/{GROUP}/items", "params": []},
        {"method": "post", "url": f"/api/v2/{GROUP}/items", "params": "x"},
        {"method": "post", "url": f"/api/v2/{GROUP}/items"},
    ],
)
def test_malformed_operation_spoils_nothing_else(api, operation):
    results = api.batch([operation, api.op("post", "items", items={"name": "x"})]).json()["results"]
    assert [result["status"] for result in results] == [400, 201]
    assert results[0]["body"]["errors"]


def test_calls_are_logged_with_their_operations(hub, api):
    hub.calls.clear()
    api.batch([api.op("get", "items"), api.op("get", "people")])
    api.get("items", filter="name eq 'secret'")
    api.call("POST", "items", [])
    logged = [(call.method, call.path, call.status, call.operations) for call in hub.calls]
    path = f"/api/v2/{GROUP}/items"
    assert logged == [("POST", "/batch", 200, 2), ("GET", path, 200, 1), ("POST", path, 400, 1)]
    assert APP not in str(list(hub.calls))


# 2.11 --------------------------------------------------------------------------------------------------------


# Connec! API v2, section 2.11.
def test_merge(external, clock):
    keeper = external.post("people", id=[own("1")], first_name="Ines").json()["people"]["id"][0]["id"]
    loser = external.post("people", id=[own("2", "other-app")], first_name="I.").json()["people"]["id"][0]["id"]
    invoice = external.post("invoices", person_id=[own("2", "other-app")]).json()["invoices"]["id"][0]["id"]
    clock.tick()
    body = {"ids": [loser], "people": {"id": keeper, "email": {"address": "x@y.z"}}}
    answer = external.call("PUT", f"people/{keeper}/merge", body)
    assert answer.status_code == 200
    merged = answer.json()["people"]
    assert merged["id"] == [connec(keeper), own("1"), own("2", "other-app")]
    assert merged["email"] == {"address": "x@y.z"}
    assert merged["first_name"] == "Ines"
    # The lost id leads to the keeper, as do its external id and what referred to it.
    assert external.get(f"people/{loser}").json()["people"] == merged
    assert external.put("people", loser, title="Ms.").json()["people"]["id"] == merged["id"]
    assert external.post("people", id=[own("2", "other-app")], first_name="Ines").status_code == 200
    assert external.get("people").json()["pagination"]["total"] == 1
    record = external.get(f"invoices/{invoice}").json()["invoices"]
    assert record["person_id"] == merged["id"]
    assert record["updated_at"] == "2018-03-01T04:05:07Z"
    assert external.post("invoices", person_id=loser).json()["invoices"]["person_id"] == merged["id"]
    # Once more is nothing new; a chain leads to its end.
    assert external.call("PUT", f"people/{keeper}/merge", {"ids": [loser, keeper]}).status_code == 200
    third = external.post("people", first_name="Third").json()["people"]["id"][0]["id"]
    assert external.call("PUT", f"people/{third}/merge", {"ids": [loser]}).status_code == 200
    assert external.get(f"people/{keeper}").json()["people"]["first_name"] == "Third"
    assert external.get(f"people/{loser}").json()["people"]["first_name"] == "Third"


# Connec! API v2, section 2.11.
@pytest.mark.parametrize("body", [{}, {"ids": None}, {"ids": "x"}, {"ids": [1]}, {"ids": [], "people": []}])
def test_malformed_merge(api, body):
    id = api.post("people", first_name="Ines").json()["people"]["id"]
    assert api.call("PUT", f"people/{id}/merge", body).status_code == 400


# Connec! API v2, section 2.11.
def test_merge_of_nobody(api):
    id = api.post("people", first_name="Ines").json()["people"]["id"]
    assert api.call("PUT", f"people/{id}/merge", {"ids": ["nobody"]}).status_code == 404
    assert api.call("PUT", "people/nobody/merge", {"ids": [id]}).status_code == 404
    assert api.get(f"people/{id}").status_code == 200
