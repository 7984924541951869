"""What is sent, and where to: against a real server."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from django_connec import __version__
from django_connec.client import (
    ConnecClient,
    ConnecProtocolError,
    ConnecRejected,
    ConnecUnavailable,
)

from .calls import PERSON, fails, get
from .hub import Clock, Handler, ScriptedHub, answer, chunked

MakeClient = Callable[..., ConnecClient]


def test_every_request_carries_the_protocols_headers(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer(PERSON)
    client.get("cld-1", "people", "p-1")
    client.update("cld-1", "people", "p-1", {"first_name": "Inés"}, external_ids=False)

    for asked, external in zip(hub.asked, ("true", "false"), strict=True):
        assert asked.headers.get_all("Accept") == ["application/vnd.api+json"]
        assert asked.headers.get_all("Content-Type") == ["application/vnd.api+json"]
        assert asked.headers.get_all("CONNEC-COUNTRY-FORMAT") == ["alpha2"]
        assert asked.headers.get_all("CONNEC-EXTERNAL-IDS") == [external]
        assert asked.headers.get_all("User-Agent") == [f"django-connec/{__version__}"]
        assert asked.headers["Authorization"] == "Basic " + base64.b64encode(b"app-1a2b:very secret").decode()
    assert hub.asked[1].body == '{"people":{"first_name":"Inés"}}'.encode()


def test_keys_are_sent_as_utf8(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.otherwise = answer(PERSON)
    get(make_client(api_key="clé €"))
    assert hub.asked[0].headers["Authorization"] == "Basic " + base64.b64encode("app-1a2b:clé €".encode()).decode()


def test_netrc_does_not_replace_the_keys(
    hub: ScriptedHub, client: ConnecClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(hub.origin) == ("someone", "else"), "the file is in effect"
    hub.otherwise = answer(PERSON)
    get(client)
    assert hub.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(b"app-1a2b:very secret").decode()


def test_cookies_are_neither_kept_nor_sent(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer(PERSON, headers={"Set-Cookie": "session=of-another-group; Path=/"})
    get(client)
    get(client)
    assert "Cookie" not in hub.asked[1].headers


def test_connections_are_reused(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [answer(PERSON), answer({"errors": ["no"]}, status=400), chunked(b'{"people":{}}')]
    get(client)
    fails(client, ConnecRejected)
    get(client)
    assert hub.connections == 1


def test_tls_is_verified_and_both_timeouts_are_set(
    hub: ScriptedHub, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    seen: list[dict[str, Any]] = []

    class Recorder(HTTPAdapter):
        def send(self, request: Any, **options: Any) -> Any:
            seen.append(options)
            return super().send(request, **options)

    hub.otherwise = answer(PERSON)
    get(make_client(adapter=Recorder(), connec_timeout=60))
    assert seen[0]["verify"] is True
    assert seen[0]["timeout"] == (10.0, 60.0)


def test_a_refused_certificate_is_not_tried_again(hub: ScriptedHub, make_client: MakeClient, clock: Clock) -> None:
    error = fails(make_client(connec_host=hub.origin.replace("http:", "https:")), ConnecUnavailable)
    assert error.status is None
    assert (hub.connections, clock.slept) == (1, [])


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(hub: ScriptedHub, client: ConnecClient, status: int) -> None:
    other = ScriptedHub()
    try:
        hub.otherwise = answer(b"", status=status, headers={"Location": f"{other.origin}/api/v2/cld-1/people/p-1"})
        assert fails(client, ConnecProtocolError).status == status
        assert len(hub.asked) == 1
        assert other.connections == 0
    finally:
        other.close()


def test_a_redirect_is_not_even_read(hub: ScriptedHub, client: ConnecClient) -> None:
    hung_up = threading.Event()

    def endless(handler: Handler) -> None:
        chunked(status=302, headers={"Location": "/elsewhere"}, end=False)(handler)
        try:
            for _ in range(2000):
                handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        except OSError:
            hung_up.set()

    hub.otherwise = endless
    fails(client, ConnecProtocolError)
    assert hung_up.wait(10)


def test_a_missing_certificate_bundle_is_an_unavailable_hub(
    hub: ScriptedHub, make_client: MakeClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/bundle.pem")
    error = fails(make_client(connec_host=hub.origin.replace("http:", "https:")), ConnecUnavailable)
    assert "nowhere" not in str(error)
    assert clock.slept == []


def test_threads_get_their_own_answers(hub: ScriptedHub, client: ConnecClient) -> None:
    def echo(handler: Handler) -> None:
        answer({"people": {"id": handler.asked.path.rsplit("/", 1)[1]}})(handler)

    hub.otherwise = echo
    ids = [f"p-{number}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        records = list(pool.map(lambda id: client.get("cld-1", "people", id).record, ids))
    assert [record["id"] for record in records] == ids
