"""Addressing, authentication, envelope, lists: sections 1 and 2.1 to 2.3, 2.8."""

from __future__ import annotations

import ast
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

import django_connec.sandbox
from tests.sandbox.helpers import APP, GROUP, KEY, ORG, OTHER_GROUP, Api

ITEMS = [
    {"id": f"item-{n}", "name": f"Item {n:03}", "quantity_on_hand": n, "created_at": "2018-01-01T00:00:00Z"}
    for n in range(250)
]


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


@pytest.mark.parametrize(
    "module",
    sorted(Path(django_connec.sandbox.__file__).parent.rglob("*.py")),
    ids=lambda p: f"{p.parent.name}.{p.stem}",
)
def test_the_sandbox_knows_nothing_of_the_rest(module):
    # The client and the hub must not be wrong together.
    for node in ast.walk(ast.parse(module.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            # Its pages are templates with translations; what stores and answers needs no framework.
            if module.parent.name == "pages" and name in ("django.template", "django.utils.translation"):
                continue
            assert not name.startswith("django.")
            assert name != "django"
            assert not name.startswith("django_connec") or name.startswith("django_connec.sandbox")


# 1.3: HTTP Basic on every call; 2.8: 401 for bad credentials, or a group that is not accessible.
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic é",
        "Basic YXBwLW9uZQ==",
        "Basic /////w==",
        "Bearer YXBwLW9uZTprZXkgb25l",
        "Basic YXBwLW9uZTp3cm9uZw==",
    ],
)
def test_bad_credentials(url, header):
    headers = {} if header is None else {"Authorization": header.encode()}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{url}/api/v2/{GROUP}/items", headers=headers, timeout=10)
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["status"] == "401"
        assert session.post(f"{url}/batch", data="{}", headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize("group", ["cld-none", OTHER_GROUP, ORG, "", "%00"])
def test_a_group_of_somebody_else(url, group):
    # 1.2, 1.3: application credentials see customers who added the application, addressed by cld-...
    assert Api(url, group).get("items").status_code == 401


def test_revoked_and_added_again(hub, api):
    # 1.2: access is revoked when the customer removes the application.
    hub.revoke(GROUP)
    assert api.get("items").status_code == 401
    assert api.post("items", name="x").status_code == 401
    hub.add_group(GROUP, api_id=APP, org=ORG)
    assert api.get("items").status_code == 200


def test_a_group_may_be_named_like_a_host(hub, url):
    # 1.2: for cloud-hosted applications it can be a host name; 1.4: a group id is unique only within its tenant.
    hub.add_group("books.example", api_id=APP, org=ORG)
    hub.add_application("app-three", "three")
    hub.add_group(GROUP, api_id="app-three", org="org-else")
    assert Api(url, "books.example").get("items").status_code == 200
    record = Api(url, GROUP, ("app-three", "three")).post("items", name="x").json()["items"]
    assert record["channel_id"] == "org-else"
    assert Api(url).get("items").json()["pagination"]["total"] == 0


def test_unknown_things(api):
    # 2.8: 400 unknown resource, 404 id not found.
    assert api.get("gadgets").status_code == 400
    assert api.post("gadgets", name="x").status_code == 400
    assert api.get("items/nobody").status_code == 404
    assert api.get("items/nobody/more").status_code == 404
    assert api.call("GET", f"{api.url}/elsewhere").status_code == 404
    assert api.call("GET", f"{api.url}/api/v2").status_code == 404


def test_error_body(api):
    # 2.8
    answer = api.post("items", description="nameless")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["title"] == error["detail"] == "Name can't be blank"
    assert error["code"] == "name-cant-be-blank"
    assert error["status"] == "400"
    assert error["href"].startswith("http")
    assert error["id"]


def test_root_version_schema_example(api):
    # 2: API root, server version, JSON schema (no group), example payload.
    links = api.call("GET", api.root).json()["_links"]
    assert {"items": {"href": f"/api/v2/{GROUP}/items"}} in links
    assert set(requests.get(f"{api.url}/version", timeout=10).json()) == {"ci_branch", "ci_build_number", "ci_commit"}
    assert api.call("GET", f"{api.url}/api/v2/json_schema/items").status_code == 200
    assert api.call("GET", f"{api.url}/api/v2/json_schema/gadgets").status_code == 400
    assert set(api.get("items/example").json()) == {"items"}


def test_envelope(hub, api):
    # 2.1: the plural name is the key, also for one record; 1.5: the media type.
    created = api.post("items", name="Bolt")
    assert set(created.json()) == {"items"}
    id = created.json()["items"]["id"]
    one = api.get(f"items/{id}")
    assert one.json() == created.json()
    assert one.headers["Content-Type"].startswith("application/vnd.api+json")
    listed = api.get("items").json()
    assert set(listed) == {"items", "pagination"}
    assert listed["items"] == [created.json()["items"]]


# Connec! API v2, section 2.1.
@pytest.mark.parametrize("body", [{}, {"people": {}}, {"items": []}, {"items": None}, {"items": "x"}])
def test_wrong_envelope(api, body):
    assert api.call("POST", "items", body).status_code == 400


def test_json_suffix(hub, api):
    # 1.2: a .json suffix on the path works.
    hub.load(ORG, "items", ITEMS[:2])
    assert api.get("items.json").json()["pagination"]["total"] == 2
    assert api.get("items/item-1.json").json()["items"]["name"] == "Item 001"
    assert api.call("PUT", "items/item-1.json", {"items": {"name": "New"}}).status_code == 200


def test_every_record_carries(api, clock):
    # 3.2
    record = api.post("organizations", name="Pelican").json()["organizations"]
    assert record["created_at"] == record["updated_at"] == "2018-03-01T04:05:06Z"
    assert record["group_id"] == GROUP
    assert record["channel_id"] == ORG
    assert record["resource_type"] == "organizations"
    assert record["code"] == "OR1"
    assert record["status"] == "ACTIVE"
    assert api.post("people", first_name="Ines").json()["people"]["code"] == "PE1"
    assert api.post("organizations", name="Two", code="090").json()["organizations"]["code"] == "090"


def test_date_header_is_the_hubs_clock(api, clock):
    clock.tick(3600)
    assert parsedate_to_datetime(api.get("items").headers["Date"]) == clock.now.replace(microsecond=0)
    assert parsedate_to_datetime(api.get("gadgets").headers["Date"]) == clock.now.replace(microsecond=0)


# 2.2 ---------------------------------------------------------------------------------------------------------


# Connec! API v2, section 2.2.
def test_pages(hub, api):
    hub.load(ORG, "items", ITEMS)
    answer = api.get("items").json()
    assert {k: v for k, v in answer["pagination"].items() if k != "next"} == {"skip": 0, "top": 100, "total": 250}
    assert len(answer["items"]) == 100
    assert len(api.get("items", top=500).json()["items"]) == 100
    following = answer["pagination"]["next"]
    assert following.startswith(f"{api.url}/api/v2/{GROUP}/items?%24skip=100&%24top=100")
    seen = [record["id"] for record in answer["items"]]
    while following:
        answer = api.call("GET", following).json()
        seen += [record["id"] for record in answer["items"]]
        following = answer["pagination"].get("next")
    assert seen == [item["id"] for item in ITEMS]


# Connec! API v2, section 2.2.
def test_last_page_has_no_next(hub, api):
    hub.load(ORG, "items", ITEMS[:100])
    assert "next" not in api.get("items").json()["pagination"]
    assert "next" not in api.get("items", top=10, skip=90).json()["pagination"]
    assert "next" in api.get("items", top=10, skip=89).json()["pagination"]
    beyond = api.get("items", skip=1000).json()
    assert beyond == {"items": [], "pagination": {"skip": 1000, "top": 100, "total": 100}}
    assert "next" not in api.get("items", top=0).json()["pagination"]


# Connec! API v2, section 2.2.
def test_next_keeps_the_other_parameters(hub, api):
    hub.load(ORG, "items", ITEMS)
    condition = "name match /Item/ and quantity_on_hand gt 9"
    query = [("$filter", condition), ("$orderby", "name DESC"), ("mappings[]", "a&b"), ("mappings[]", "c+d é")]
    answer = api.call("GET", "items", params=[*query, ("$top", "7"), ("$skip", "7")]).json()
    following = answer["pagination"]["next"]
    assert "$" not in following
    assert " " not in following
    assert "+" not in following
    assert parse_qs(urlsplit(following).query) == {
        "$skip": ["14"],
        "$top": ["7"],
        "$filter": [condition],
        "$orderby": ["name DESC"],
        "mappings[]": ["a&b", "c+d é"],
    }
    assert answer["pagination"]["total"] == 240
    assert api.call("GET", following).json()["items"][0]["name"] == "Item 235"


# Connec! API v2, section 2.2.
@pytest.mark.parametrize("value", ["-1", "x", "", "1.5", "²", "٣", "9" * 13])
@pytest.mark.parametrize("name", ["top", "skip"])
def test_bad_page(api, name, value):
    assert api.get("items", **{name: value}).status_code == 400


# 2.3 ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def stocked(hub, api):
    attributes = [
        {"name": "Ham", "reference": "A-1", "status": "ACTIVE", "quantity_on_hand": 5, "is_listed": True},
        {"name": "Hammer", "reference": "A-2", "status": "ARCHIVED", "quantity_on_hand": 10, "is_listed": False},
        {"name": "Sham 'o' rock", "reference": "a,b]c", "status": "ACTIVE", "quantity_on_hand": 2.5, "email": {}},
        {"name": "Zoë", "email": {"address": "zoe@x.example"}, "description": "", "type": "SERVICE"},
    ]
    hub.load(
        ORG,
        "items",
        (
            {"id": f"i{n}", "created_at": "2018-01-01T00:00:00Z", "updated_at": f"2018-03-01T00:00:0{n}Z"} | one
            for n, one in enumerate(attributes)
        ),
    )
    return api


HAM, HAMMER, SHAM, ZOE = "Ham", "Hammer", "Sham 'o' rock", "Zoë"


# Connec! API v2, section 2.3.
@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("name eq 'Ham'", [HAM]),
        ("status ne 'ARCHIVED'", [HAM, SHAM, ZOE]),
        ("type ne 'SERVICE'", [HAM, HAMMER, SHAM]),
        ("quantity_on_hand gt 5", [HAMMER]),
        ("quantity_on_hand gte 5", [HAM, HAMMER]),
        ("quantity_on_hand lt 5", [SHAM]),
        ("quantity_on_hand lte 5", [HAM, SHAM]),
        ("quantity_on_hand eq 2.5", [SHAM]),
        ("quantity_on_hand gt -1", [HAM, HAMMER, SHAM]),
        ("quantity_on_hand lt 99999999999999999999999", [HAM, HAMMER, SHAM]),
        ("is_listed eq true", [HAM]),
        ("is_listed eq false", [HAMMER]),
        ("name match /ham/", [HAM, HAMMER, SHAM]),
        ("name match /^ham$/", [HAM]),
        ("name match /Zoë/", [ZOE]),
        ("email eq null", [HAM, HAMMER, SHAM]),
        ("email ne null", [ZOE]),
        ("description eq null", [HAM, HAMMER, SHAM, ZOE]),
        ("_id in ['i1','i3']", [HAMMER, ZOE]),
        ("_id in ['i1', 'i3' , 'none']", [HAMMER, ZOE]),
        ("id in ['i0']", [HAM]),
        ("id in []", []),
        ("reference in ['a,b]c']", [SHAM]),
        ("name in ['Sham ''o'' rock','Ham']", [HAM, SHAM]),
        ("quantity_on_hand in [5,10]", [HAM, HAMMER]),
        ("name eq 'Sham ''o'' rock'", [SHAM]),
        ("status eq 'ACTIVE' and quantity_on_hand gt 3", [HAM]),
        ("status eq 'ACTIVE' AND quantity_on_hand gt 1 and name match /o/", [SHAM]),
        ("updated_at gt '2018-03-01T00:00:01Z'", [SHAM, ZOE]),
        ("updated_at gte '2018-03-01T10:00:02+10:00'", [SHAM, ZOE]),
        ("updated_at lt '2018-03-01T00:00:01Z'", [HAM]),
        ("updated_at gt '2018-03-01T00:00:01.5Z'", [SHAM, ZOE]),
        ("updated_at gte '2018-03-01T00:00:01.5Z'", [SHAM, ZOE]),
        ("updated_at lt '2018-03-01T00:00:01.5Z'", [HAM, HAMMER]),
        ("updated_at lte '2018-03-01T00:00:01.5Z'", [HAM, HAMMER]),
        ("created_at eq '2018-01-01T00:00:00Z'", [HAM, HAMMER, SHAM, ZOE]),
        ("email/address eq 'zoe@x.example'", [ZOE]),
        ("name eq 'x'' or 1=1 --'", []),
        ("name eq 'and' and name eq 'or'", []),
    ],
)
def test_filter(stocked, condition, names):
    assert stocked.names(filter=condition) == names


# Connec! API v2, section 2.3.
@pytest.mark.parametrize(
    "condition",
    [
        "name",
        "name eq",
        "name eq Ham",
        "name eq 'Ham",
        "eq eq eq eq",
        "name like 'x'",
        "name eq 'a' or name eq 'b'",
        "(name eq 'a')",
        "not name eq 'a'",
        "name eq 'a' and",
        "name eq 'a' name eq 'b'",
        "name eq 'a'and name eq 'b'",
        "'name' eq 'a'",
        "name gt null",
        "name match 'ham'",
        "name match /(/",
        "name match /ham",
        "name match /" + "a" * 300 + "/",
        "_id in 'a'",
        "_id in ['a'",
        "_id in ['a' 'b']",
        "_id in ['a',]",
        "_id in [,]",
        "_id in [['a']]",
        "_id in [null]",
        "updated_at gt 'yesterday'",
        "updated_at gt 5",
        "updated_at gt '0001-01-01T00:00:00+10:00'",
        "updated_at gte '9999-12-31T23:59:59.5Z'",
        "a') or 1=1 or json_extract(body, '$.b eq 'x'",
        "na-me eq 'x'",
        "name. eq 'x'",
        "a..b eq 'x'",
        'a"b eq 1',
        "quantity gt " + "9" * 5000,
        "quantity gt 1.2.3",
        "   ",
        "ñame eq 1",
        "\x00 eq 1",
        "_id in [" + "a " * 5000,
        "_id in [" + "'" * 5001,
    ],
)
def test_malformed_filter(stocked, condition):
    assert stocked.get("items", filter=condition).status_code == 400


def test_archived_records_are_listed(stocked):
    # 2.3: lists include ARCHIVED records unless filtered out.
    assert stocked.names() == [HAM, HAMMER, SHAM, ZOE]


# Connec! API v2, section 2.3.
@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name ASC", [HAM, HAMMER, SHAM, ZOE]),
        ("name DESC", [ZOE, SHAM, HAMMER, HAM]),
        ("name desc", [ZOE, SHAM, HAMMER, HAM]),
        ("updated_at DESC", [ZOE, SHAM, HAMMER, HAM]),
        ("name", [HAM, HAMMER, SHAM, ZOE]),
        ("  ", [HAM, HAMMER, SHAM, ZOE]),
    ],
)
def test_orderby(stocked, order, names):
    assert stocked.names(orderby=order) == names


# Connec! API v2, section 2.3.
@pytest.mark.parametrize("order", ["name UP", "name ASC, id DESC", "a b c", "1", "name;", "(SELECT 1)", "a'b"])
def test_malformed_orderby(stocked, order):
    assert stocked.get("items", orderby=order).status_code == 400


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("zoe@X", [ZOE]),
        ("zoë", [ZOE]),
        ("'o'", [SHAM]),
        ("a,b]", [SHAM]),
        ("reference", []),
        ("(", []),
        ("", [HAM, HAMMER, SHAM, ZOE]),
    ],
)
def test_search(stocked, text, names):
    # 2.3: full text over the collection: what records hold, not what their attributes are called.
    assert stocked.names(search=text) == names


# Connec! API v2, section 2.3.
def test_search_and_filter_together(stocked):
    assert stocked.names(search="ham", filter="status eq 'ARCHIVED'") == [HAMMER]


# Connec! API v2, section 1.3.
def test_keys_are_compared_whole(hub, url):
    assert Api(url, auth=(APP, KEY + "x")).get("items").status_code == 401
    assert Api(url, auth=(KEY, APP)).get("items").status_code == 401
