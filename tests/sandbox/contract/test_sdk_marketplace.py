"""The marketplace as Maestrano's SDKs call it, byte for byte (Maestrano SDK, sections A6, B2 and D)."""

from __future__ import annotations

import base64
import json

import pytest

from tests.sandbox.helpers import APP, GROUP, KEY
from tests.sandbox.wire import CREDENTIALS, ask, java

JSON = b"application/json"
FORM = b"Content-Type: application/x-www-form-urlencoded"

#: Ruby: RestClient over Net::HTTP, with the SDK's own headers.
RUBY = [
    b"Accept: */*; q=0.5, application/xml",
    b"Accept-Encoding: gzip, deflate",
    b"User-Agent: Maestrano/v1 RubyBindings/1.0.6",
    FORM,
    b'X-Maestrano-Client-User-Agent: {"bindings_version":"1.0.6","lang":"ruby","lang_version":"2.3.1 p112",'
    b'"platform":"x86_64-linux","publisher":"maestrano","uname":"Linux box 4.4.0 #1 SMP x86_64 GNU/Linux"}',
]
#: PHP: cURL; the content type is cURL's own, of a POST only.
PHP = [
    b"Accept: */*",
    b'X-Maestrano-Client-User-Agent: {"bindings_version":"1.0.0","lang":"php","lang_version":"5.6.30",'
    b'"publisher":"maestrano","uname":"Linux box 4.4.0 #1 SMP x86_64"}',
    b"User-Agent: Maestrano/v1 PhpBindings/1.0.0",
]
ENVIRONMENT = b"Basic " + base64.b64encode(b"env:s")


def of(client, method):
    if client == "java":
        return java(method, JSON)
    return RUBY if client == "ruby" else [*PHP, FORM] if method == b"POST" else PHP


# Maestrano SDK, section D: Ruby and PHP send form-encoded bodies, Java JSON.
BILLS = {
    "ruby": b"group_id=cld-7p2k&price_cents=2000&description=Product%20purchase%20%26%20more&third_party=true"
    b"&period_started_at=2018-03-01T00%3A00%3A00%2B11%3A00",
    "php": b"group_id=cld-7p2k&price_cents=2000&description=Product+purchase+%26+more&third_party=true"
    b"&period_started_at=2018-03-01T00%3A00%3A00%2B1100",
    "java": b'{"third_party":true,"price_cents":2000,"group_id":"cld-7p2k",'
    b'"description":"Product purchase \\u0026 more","period_started_at":"2018-02-28T13:00:00.000Z"}',
}


@pytest.mark.parametrize("client", BILLS)
def test_bill_is_made_listed_shown_and_cancelled(url, client):
    """Maestrano SDK, section D: headers, forms and JSON of each SDK; ISO dates."""
    status, _, made = ask(
        url, b"POST", b"/api/v1/account/bills", of(client, b"POST"), BILLS[client], kind=JSON.decode()
    )
    assert (status, made["success"]) == (200, True)
    bill = made["data"]
    assert (bill["description"], bill["third_party"]) == ("Product purchase & more", True)
    assert bill["period_started_at"] == "2018-02-28T13:00:00Z"
    path = f"/api/v1/account/bills/{bill['id']}".encode()
    get, delete = of(client, b"GET"), of(client, b"DELETE")
    assert ask(url, b"GET", path, get, kind=JSON.decode())[2] == made
    assert ask(url, b"GET", b"/api/v1/account/bills", get, kind=JSON.decode())[2]["data"] == [bill]
    gone = ask(url, b"DELETE", path, delete, kind=JSON.decode())[2]
    assert gone["data"]["status"] == "cancelled"


@pytest.mark.parametrize("client", BILLS)
@pytest.mark.parametrize("kind", ["users", "groups", "recurring_bills", "resellers"])
def test_lists_with_a_filter(url, ines, client, kind):
    """Maestrano SDK, section D: filters are query parameters; none of the SDKs sends a body with GET."""
    path = f"/api/v1/account/{kind}?created_at_after=2000-01-01T00%3A00%3A00Z".encode()
    status, _, answer = ask(url, b"GET", path, of(client, b"GET"), kind=JSON.decode())
    assert (status, answer["success"], answer["errors"]) == (200, True, {})
    assert len(answer["data"]) == (0 if kind == "recurring_bills" else 1)


@pytest.mark.parametrize("client", BILLS)
def test_errors_as_each_sdk_tells_them_apart(url, client):
    """Maestrano SDK, section D: Ruby looks only at HTTP codes, Java also at success."""
    get, post = of(client, b"GET"), of(client, b"POST")
    body = b'{"price_cents":1}' if client == "java" else b"price_cents=1"
    status, _, answer = ask(url, b"POST", b"/api/v1/account/bills", post, body, kind=JSON.decode())
    assert (status, answer["success"], list(answer["errors"])) == (400, False, ["group_id"])
    status, _, answer = ask(url, b"GET", b"/api/v1/account/bills/none", get, kind=JSON.decode())
    assert (status, answer["success"], list(answer["errors"])) == (200, False, ["id"])
    wrong = b"Basic " + base64.b64encode(f"{APP}:x".encode())
    status, _, answer = ask(url, b"GET", b"/api/v1/account/bills", get, credentials=wrong, kind=JSON.decode())
    assert (status, list(answer["errors"])) == (401, ["authentication"])


def test_credentials_are_the_api_id_and_key():
    """Maestrano SDK, section D: Basic(api.id, api.key), as all of the above send them."""
    assert base64.b64decode(CREDENTIALS.removeprefix(b"Basic ")).decode() == f"{APP}:{KEY}"


@pytest.mark.parametrize(
    ("headers", "credentials"),
    [
        (
            [b"Accept: application/json", b"Accept-Encoding: gzip, deflate", b"Content-Type: application/json"],
            ENVIRONMENT,
        ),
        (
            [b"User-Agent: Httpful/0.2.20 (cURL/7.47.0 PHP/5.6.30)", b"Accept: */*; q=0.5, text/plain; q=0.8"],
            ENVIRONMENT,
        ),
        (java(b"GET"), ENVIRONMENT),
    ],
    ids=["ruby", "php", "java"],
)
def test_configuration(hub, url, headers, credentials):
    """Maestrano SDK, section B2: GET {host}/api/config/v1/marketplaces, Basic, Accept JSON, of each SDK."""
    hub.add_application(APP, KEY, marketplace="uat", env_key="env", env_secret="s")
    path = b"/api/config/v1/marketplaces"
    status, _, answer = ask(url, b"GET", path, headers, credentials=credentials, kind=JSON.decode())
    assert (status, [entry["marketplace"] for entry in answer["marketplaces"]]) == (200, ["uat"])


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ([b"Accept: */*; q=0.5, application/xml", b"Accept-Encoding: gzip, deflate", b"User-Agent: Ruby"], b"1.1"),
        # file_get_contents speaks HTTP/1.0.
        ([b"Connection: close"], b"1.0"),
        ([], b"1.0"),
        (java(b"GET"), b"1.1"),
    ],
    ids=["ruby", "php7", "php5", "java"],
)
def test_session_check(url, ines, headers, version):
    """Maestrano SDK, section A6: GET {IdP SSO URL}/{uid}?session={token}, without credentials, of each SDK."""
    for session, valid in ((ines.sso_session, True), ("else", False)):
        path = f"/api/v1/auth/saml/{ines.uid}?session={session}".encode()
        status, _, answer = ask(url, b"GET", path, headers, credentials=None, version=version, kind=JSON.decode())
        assert (status, answer) == (200, {"valid": valid, "recheck": "2018-03-01T04:08:06Z"})


def test_recurring_bill_of_java(url):
    """Maestrano SDK, section D: Java sends JSON, its numbers as numbers."""
    body = json.dumps({"group_id": GROUP, "price_cents": 9, "description": "x", "period": "Week", "cycles": 3}).encode()
    path = b"/api/v1/account/recurring_bills"
    answer = ask(url, b"POST", path, java(b"POST", JSON), body, kind=JSON.decode())[2]["data"]
    assert (answer["period"], answer["cycles"], answer["remaining_cycles"]) == ("week", 3, 3)
