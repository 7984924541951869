"""The hub's API as Maestrano's SDKs call it, byte for byte (Maestrano SDK, section E1)."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.helpers import GROUP, ORG, connec, own, raw
from tests.sandbox.wire import JSON_API, ask, bytes_of, java

BASE = f"/api/v2/{GROUP}".encode()

#: Ruby: HTTParty over Net::HTTP (Maestrano SDK, section E1). Net::HTTP asks for compressed answers by itself.
RUBY = [
    b"Accept: " + JSON_API,
    b"Content-Type: " + JSON_API,
    b"Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
    b"User-Agent: Ruby",
    b"Connection: close",
]
#: The Rails connector framework adds its header to Ruby's.
CONNECTOR = [*RUBY, b"Connec-External-Ids: true"]
#: PHP: cURL (Maestrano SDK, section E1); Connec-Country-Format is its default.
PHP = [b"Accept: " + JSON_API, b"Content-Type: " + JSON_API, b"Connec-Country-Format: alpha2"]
CLIENTS = {"ruby": lambda _: RUBY, "connector": lambda _: CONNECTOR, "php": lambda _: PHP, "java": java}


@pytest.mark.parametrize("client", CLIENTS)
def test_create_fetch_change_and_list(url, client):
    """Maestrano SDK, section E1: get(path), post(path, body), put(path, body) under {base_path}/{group_id}/{path}."""
    of = CLIENTS[client]
    body = b'{"organizations":{"name":"Pelican"}}'
    status, fields, made = ask(url, b"POST", BASE + b"/organizations", of(b"POST"), body)
    assert status == 201
    id = made["organizations"]["id"]
    assert isinstance(id, list) is (client == "connector")
    plain = id[0]["id"] if client == "connector" else id
    assert fields["location"] == f"/api/v2/{GROUP}/organizations/{plain}"
    path = BASE + b"/organizations/" + plain.encode()
    assert ask(url, b"GET", path, of(b"GET"))[2] == made
    status, _, changed = ask(url, b"PUT", path, of(b"PUT"), b'{"organizations":{"name":"Pelican Freight"}}')
    assert (status, changed["organizations"]["name"]) == (200, "Pelican Freight")
    status, _, listed = ask(url, b"GET", BASE + b"/organizations", of(b"GET"))
    assert listed == {"organizations": [changed["organizations"]], "pagination": {"skip": 0, "top": 100, "total": 1}}


def test_the_javas_envelope(url):
    """Connec! API v2, section 2.1: the Java SDK adds "resource"; Gson writes no spaces and escapes HTML's signs."""
    body = b'{"resource":"organizations","organizations":{"name":"Pelican \\u0026 Sons \\u003cPty\\u003e"}}'
    status, _, made = ask(url, b"POST", BASE + b"/organizations", java(b"POST"), body)
    assert (status, made["organizations"]["name"]) == (201, "Pelican & Sons <Pty>")
    assert set(made) == {"organizations"}


def test_the_javas_deprecated_delete(url, hub):
    """Connec! API v2, section 2: DELETE existed in the Java SDK, marked deprecated."""
    id = hub.create(ORG, "items", name="Bolt")["id"].encode()
    assert ask(url, b"DELETE", BASE + b"/items/" + id, java(b"DELETE"))[0] == 405


def test_the_phps_bodies(url):
    """Maestrano SDK, section E1: json_encode escapes slashes and everything beyond ASCII; countries are alpha-2."""
    body = (
        b'{"organizations":{"name":"Z\\u00fcrich \\/ Freight","website":{"url":"https:\\/\\/p.example"},'
        b'"address":{"billing":{"country":"CH"}}}}'
    )
    status, _, made = ask(url, b"POST", BASE + b"/organizations", PHP, body)
    record = made["organizations"]
    assert status == 201
    assert (record["name"], record["website"]["url"]) == ("Zürich / Freight", "https://p.example")
    assert record["address"]["billing"]["country"] == "CH"
    # cURL announces a body of more than a kilobyte and waits for leave; without an answer it sends it after a second.
    large = json.dumps({"organizations": {"name": "x" * 2000}}).encode()
    answer = raw(url, bytes_of(b"POST", BASE + b"/organizations", [*PHP, b"Expect: 100-continue"], large))
    first, _, rest = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 100 ")
    assert rest.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    "query",
    [
        # CGI.escape and http_build_query write a space as "+", ERB::Util and rawurlencode as "%20", Java's URLEncoder
        # as "+"; the dollar and the quotes come escaped and bare.
        b"%24filter=updated_at+gt+%272018-02-01T00%3A00%3A00Z%27&%24orderby=name+DESC",
        b"$filter=updated_at%20gt%20%272018-02-01T00:00:00Z%27&$orderby=name%20DESC",
        b"$filter=updated_at+gt+'2018-02-01T00:00:00Z'&$orderby=name+DESC",
        b"$filter=updated_at%20gte%20'2018-02-01T10:00:01%2B10:00'&$orderby=name%20desc",
    ],
)
def test_forms_of_percent_encoding(url, hub, query):
    """Connec! API v2, section 2.3: dates ISO 8601 with zone, quoted, URL-encoded."""
    hub.load(ORG, "items", [{"id": n, "name": n, "updated_at": f"2018-0{n}-01T00:00:00Z"} for n in "1345"])
    status, _, found = ask(url, b"GET", BASE + b"/items?" + query, CONNECTOR)
    assert (status, [record["name"] for record in found["items"]]) == (200, ["5", "4", "3"])


def test_an_unescaped_plus_in_a_zone_is_a_space(url):
    """Connec! API v2, section 2.3: URL-encoded; a client that forgets it learns so, and does not get everything."""
    status, _, answer = ask(url, b"GET", BASE + b"/items?$filter=updated_at+gt+'2018-02-01T10:00:00+10:00'", RUBY)
    assert (status, answer["errors"][0]["status"]) == (400, "400")


def test_paging_as_the_connector_framework_does(url, hub):
    """Connec! API v2, section 2.2: next is absolute with percent-encoded $; its path is re-based before it is used."""
    hub.load(ORG, "items", [{"id": f"{n}", "name": f"{n}"} for n in range(120)])
    path, seen = b"/items?$top=50&$filter=name+ne+'x'", []
    while path:
        _, _, page = ask(url, b"GET", BASE + path, CONNECTOR)
        seen += [record["name"] for record in page["items"]]
        following = page["pagination"].get("next")
        if following:
            assert following.startswith(f"{url}/api/v2/{GROUP}/items?%24skip=")
            assert parse_qs(urlsplit(following).query)["$filter"] == ["name ne 'x'"]
        path = following and ("/items?" + following.partition("?")[2]).encode()
    assert seen == [f"{n}" for n in range(120)]


def test_the_connector_frameworks_batch(url, hub):
    """Connec! API v2, section 2.7: POST {host}/batch, with the form that the connector framework sends."""
    organization = hub.create(ORG, "organizations", name="Pelican", id=[own("12")])["id"]
    item = hub.create(ORG, "items", name="Bolt")["id"]
    operations = [
        {
            "method": "post",
            "url": f"/api/v2/{GROUP}/people/",
            "params": {
                "people": {
                    "first_name": "Ines",
                    "last_name": "Okafor",
                    "organization_id": [own("12")],
                    "id": [own("41")],
                    "opts": {"matching_fields": ["email"]},
                }
            },
        },
        {"method": "put", "url": f"/api/v2/{GROUP}/items/{item}", "params": {"items": {"id": [own("sku-1")]}}},
        {"method": "post", "url": f"/api/v2/{GROUP}/company/", "params": {"company": {"name": "Pelican Pty"}}},
        {"method": "post", "url": f"/api/v2/{GROUP}/items/", "params": {"items": {}}},
    ]
    body = json.dumps({"sequential": True, "ops": operations}).encode()
    status, _, answer = ask(url, b"POST", b"/batch", CONNECTOR, body)
    assert status == 200
    assert [result["status"] for result in answer["results"]] == [201, 200, 201, 400]
    person = answer["results"][0]["body"]["people"]
    assert person["organization_id"] == [connec(organization), own("12")]
    assert person["id"][1] == own("41")
    assert answer["results"][1]["body"]["items"]["id"] == [connec(item), own("sku-1")]
    assert answer["results"][3]["body"]["errors"][0]["title"] == "Name can't be blank"


@pytest.mark.parametrize("client", ["ruby", "php", "java"])
def test_singular_resources(url, hub, client):
    """Maestrano SDK, section E1: singletons use the singular key and no id (PUT /company)."""
    headers = CLIENTS[client](b"PUT")
    for expected, name in ((201, "Pelican"), (200, "Pelican Pty")):
        body = json.dumps({"company": {"name": name}}).encode()
        status, _, answer = ask(url, b"PUT", BASE + b"/company", headers, body)
        assert (status, answer["company"]["name"]) == (expected, name)
    assert [record["name"] for record in hub.records(ORG, "company")] == ["Pelican Pty"]


def test_singular_resources_in_the_connector_frameworks_batch(url, hub):
    """Maestrano SDK, section E1: through batch as POST /company/ and PUT /company/<connec id>."""

    def push(method, path, name):
        operation = {"method": method, "url": f"/api/v2/{GROUP}{path}", "params": {"company": {"name": name}}}
        body = json.dumps({"sequential": True, "ops": [operation]}).encode()
        (result,) = ask(url, b"POST", b"/batch", CONNECTOR, body)[2]["results"]
        return result

    made = push("post", "/company/", "Pelican")
    assert made["status"] in (200, 201)
    (id,) = [one["id"] for one in made["body"]["company"]["id"] if one["provider"] == "connec"]
    changed = push("put", f"/company/{id}", "Pelican Pty")
    assert (changed["status"], changed["body"]["company"]["name"]) == (200, "Pelican Pty")
    assert [record["name"] for record in hub.records(ORG, "company")] == ["Pelican Pty"]


def test_smart_merging(url, hub):
    """Maestrano SDK, section E1: opts.matching_fields: match → 200 + existing record, else 201."""
    held = hub.create(ORG, "items", name="Bolt", code="B-1")["id"]
    found = []
    for code in ("B-1", "B-2"):
        item = {"name": "Bolt", "code": code, "id": [own(code)], "opts": {"matching_fields": ["code"]}}
        body = json.dumps({"items": item}).encode()
        status, _, answer = ask(url, b"POST", BASE + b"/items", CONNECTOR, body)
        found.append((status, answer["items"]["id"][0]["id"] == held))
    assert found == [(200, True), (201, False)]


def test_further_calls(url, hub):
    """Maestrano SDK, section E1: the root, the pseudo group json_schema, /version, the old feed of changes."""
    assert {"items": {"href": f"/api/v2/{GROUP}/items"}} in ask(url, b"GET", BASE + b"/", RUBY)[2]["_links"]
    assert "items" in ask(url, b"GET", b"/api/v2/json_schema/items", RUBY)[2]["properties"]
    assert "ci_branch" in ask(url, b"GET", b"/version", [b"Accept: application/json"])[2]
    hub.create(ORG, "company", name="Pelican")
    feed = BASE + b"/updates/0?$filter[entity]=Company,TaxCode,Invoice"
    assert ask(url, b"GET", feed, PHP)[2]["company"][0]["name"] == "Pelican"


def test_one_connection_for_many_requests(url):
    """Maestrano SDK, section E1: Java's and cURL's connections are kept open, and believe each answer's length."""
    requests = [bytes_of(b"GET", BASE + b"/items?$top=%d" % n, java(b"GET")) for n in range(1, 4)]
    answer = raw(url, b"".join(requests))
    assert answer.count(b"HTTP/1.1 200 ") == 3
    tops = [answer.find(b'"top": %d' % n) for n in range(1, 4)]
    assert -1 not in tops
    assert tops == sorted(tops)
