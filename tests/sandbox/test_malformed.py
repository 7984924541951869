"""What no client should send: it is refused in the hub's form, and the hub goes on."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.helpers import ORG, PATH, control, raw, request


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (request(b"POST", body=b"{}", headers=[b"Content-Length: x"]), 400),
        (request(b"POST", body=b"{}", headers=[b"Content-Length: -5"]), 400),
        (request(b"POST", body=b"{}", headers=[b"Content-Length: 1_0"]), 400),
        (request(b"POST", body=b"{}", headers=[b"Content-Length: \xb2"]), 400),
        (request(b"POST", body=b"{}", headers=[b"Content-Length: 2", b"Content-Length: 3"]), 400),
        (request(b"POST", headers=[b"Content-Length: " + b"9" * 30]), 413),
        (request(b"POST", headers=[b"Content-Length: 99999999999"]), 413),
        (request(b"POST", body=b"2\r\n{}\r\n0\r\n\r\n", headers=[b"Transfer-Encoding: chunked"]), 411),
        (request(headers=[b"X-Huge: " + b"x" * 70_000]), 431),
        (request(headers=[b"X-%d: 1" % n for n in range(150)]), 431),
        (request(path=PATH + b"?" + b"x" * 70_000), 414),
        (b"GET " + PATH + b" HTTP/9.9\r\n\r\n", 505),
        (b"GET " + PATH + b" HTTX\r\n\r\n", 400),
        (b"NONSENSE\r\n\r\n", 400),
        (request(path=b"http://[::1/api"), 404),
        (request(path=b"//[::1/api/v2"), 404),
        (request(path=b"http://hub.example" + PATH), 200),
        (request(path=PATH + b"#fragment"), 200),
        (request(path=PATH + b"?%24filter=%FF%FE&=&&;%"), 400),
        (request(path=b"*"), 404),
        (request(path=b"/api/v2/%ff/\xff"), 401),
    ],
)
def test_malformed_requests(url, api, content, status):
    answer = raw(url, content)
    assert answer.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.0 %d " % status)) or (
        # To what does not look like HTTP/1, the server answers without headers.
        b'"status": "%d"' % status in answer
    ), answer[:200]
    if status != 200:
        assert json.loads(answer.partition(b"\r\n\r\n")[2] or answer)["errors"]
    assert api.get("items").status_code == 200


def test_half_a_request_does_nothing(url, api):
    assert raw(url, request(b"POST", body=b'{"items":{"name":"x"}}', headers=[b"Content-Length: 99"])) == b""
    assert raw(url, b"GET / HT") != b"never mind what"
    assert api.names() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"[]",
        b"[{}]",
        b"null",
        b"1",
        b'"items"',
        b"\xff\xfe",
        b"{",
        b"[" * 200_000,
        b'{"items":' * 100_000,
        b'{"items":{"name":"x","a":' + b"[" * 500 + b"]" * 500 + b"}}",
        b'{"items":{"name":NaN}}',
        b'{"items":{"name":"x","price":Infinity}}',
        b'{"items":{"name":"x","price":1e999}}',
        b'{"items":{"name":"x","price":' + b"9" * 5000 + b"}}",
        b'{"items":{"name":"\\ud800"}}',
        b'{"items":{"name":"x","id":[{"provider":"a","realm":"\\udfff","id":"1"}]}}',
        b'{"items":{"name":"x","\\ud800":1}}',
    ],
)
@pytest.mark.parametrize("path", [PATH, b"/batch"])
def test_bodies_that_are_refused(url, api, path, body):
    answer = raw(url, request(b"POST", path, body, [b"Content-Length: %d" % len(body)]))
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:300]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"]
    # Nothing was put in that spoils every list from then on.
    assert api.get("items", filter="price gt 1", search="x").json()["items"] == []


def test_odd_but_valid_records(api):
    names = ["\u0000", "a'b", '"', "$", "a.b", "json_extract(body, '$')", "é" * 50, "id]", ""]
    odd = {"x": [None, True, 2**80, -0.0, "\u2028"]}
    record = api.post("items", name="\u0000é", **dict.fromkeys(names, odd))
    assert record.status_code == 201
    assert api.get("items", filter="name ne 'x'", search="é").json()["items"] == [record.json()["items"]]


def test_an_exception_answers_500_and_the_hub_goes_on(hub, api, monkeypatch, caplog):
    real = hub.store.find
    monkeypatch.setattr(hub.store, "find", lambda *args, **options: 1 / 0)
    answer = api.get("items")
    assert answer.status_code == 500
    assert answer.json()["errors"][0]["status"] == "500"
    assert "ZeroDivisionError" not in answer.text
    results = api.batch([api.op("get", "items"), api.op("post", "items", items={"name": "x"})]).json()["results"]
    assert [result["status"] for result in results] == [500, 201]
    monkeypatch.setattr(hub, "records", lambda *args, **options: 1 / 0)
    assert control(api.url, "records", {"org": ORG, "resource": "items"}).status_code == 500
    monkeypatch.setattr(hub.store, "find", real)
    assert api.names() == ["x"]
    assert "failed to answer" in caplog.text
