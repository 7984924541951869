"""Clients that the hub was not written with: the bytes that Maestrano's SDKs put on the wire, by the references.

Header names, their order and their capitals are those of each SDK's HTTP library.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.helpers import CREDENTIALS, GROUP, ORG, connec, own, raw

BASE = f"/api/v2/{GROUP}".encode()
JSON_API = b"application/vnd.api+json"

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
#: Java: HttpURLConnection (Maestrano SDK, section E1).
JAVA = [
    b"Accept: " + JSON_API,
    b"Content-Type: " + JSON_API,
    b"User-Agent: Java/1.8.0_144",
    b"Connection: keep-alive",
]
CLIENTS = {"ruby": RUBY, "connector": CONNECTOR, "php": PHP, "java": JAVA}


def bytes_of(method: bytes, path: bytes, headers: list[bytes], body: bytes | None = None) -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"Authorization: " + CREDENTIALS, *headers, b"Host: hub.example"]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body or b""])


def ask(url, method, path, headers, body=None):
    """Send a request byte for byte; return status, headers and what the body says."""
    answer = raw(url, bytes_of(method, path, headers, body))
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    # Clients of that time believe the length, and know no chunks.
    assert int(fields["content-length"]) == len(content)
    assert "transfer-encoding" not in fields
    assert "content-encoding" not in fields
    assert fields["content-type"].startswith("application/vnd.api+json")
    return int(status.split()[1]), fields, json.loads(content)


@pytest.mark.parametrize("client", CLIENTS)
def test_create_fetch_change_and_list(url, client):
    """Maestrano SDK, section E1: get(path), post(path, body), put(path, body) under {base_path}/{group_id}/{path}."""
    headers = CLIENTS[client]
    status, fields, made = ask(url, b"POST", BASE + b"/organizations", headers, b'{"organizations":{"name":"Pelican"}}')
    assert status == 201
    id = made["organizations"]["id"]
    assert isinstance(id, list) is (client == "connector")
    plain = id[0]["id"] if client == "connector" else id
    assert fields["location"] == f"/api/v2/{GROUP}/organizations/{plain}"
    path = BASE + b"/organizations/" + plain.encode()
    assert ask(url, b"GET", path, headers)[2] == made
    status, _, changed = ask(url, b"PUT", path, headers, b'{"organizations":{"name":"Pelican Freight"}}')
    assert (status, changed["organizations"]["name"]) == (200, "Pelican Freight")
    status, _, listed = ask(url, b"GET", BASE + b"/organizations", headers)
    assert listed == {"organizations": [changed["organizations"]], "pagination": {"skip": 0, "top": 100, "total": 1}}


def test_the_javas_envelope(url):
    """Connec! API v2, section 2.1: the Java SDK adds "resource"; Gson writes no spaces and escapes HTML's signs."""
    body = b'{"resource":"organizations","organizations":{"name":"Pelican \\u0026 Sons \\u003cPty\\u003e"}}'
    status, _, made = ask(url, b"POST", BASE + b"/organizations", JAVA, body)
    assert (status, made["organizations"]["name"]) == (201, "Pelican & Sons <Pty>")
    assert set(made) == {"organizations"}


def test_the_javas_deprecated_delete(url, hub):
    """Connec! API v2, section 2: DELETE existed in the Java SDK, marked deprecated."""
    id = hub.create(ORG, "items", name="Bolt")["id"].encode()
    assert ask(url, b"DELETE", BASE + b"/items/" + id, JAVA)[0] == 405


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


def test_further_calls(url, hub):
    """Maestrano SDK, section E1: the root, the pseudo group json_schema, /version, the old feed of changes."""
    assert {"items": {"href": f"/api/v2/{GROUP}/items"}} in ask(url, b"GET", BASE + b"/", RUBY)[2]["_links"]
    assert "items" in ask(url, b"GET", b"/api/v2/json_schema/items", RUBY)[2]["properties"]
    assert "ci_branch" in ask(url, b"GET", b"/version", [b"Accept: application/json"])[2]
    hub.create(ORG, "company", name="Pelican")
    feed = BASE + b"/updates/0?$filter[entity]=Company,TaxCode,Invoice"
    assert ask(url, b"GET", feed, PHP)[2]["company"][0]["name"] == "Pelican"


def test_one_connection_for_many_requests(url):
    """Java's and cURL's connections are kept open: answers come in order, each of the length that it says."""
    requests = [bytes_of(b"GET", BASE + b"/items?$top=%d" % n, JAVA) for n in range(1, 4)]
    answer = raw(url, b"".join(requests))
    assert answer.count(b"HTTP/1.1 200 ") == 3
    tops = [answer.find(b'"top": %d' % n) for n in range(1, 4)]
    assert -1 not in tops
    assert tops == sorted(tops)
