from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from django_connec.client import Answer, ConnecClient, ConnecProtocolError, ConnecRejected

from .hub import ScriptedHub, answer

DATE = "Thu, 01 Mar 2018 04:05:06 GMT"


def test_one_record(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"people": {"first_name": "Ines"}}, headers={"Date": DATE})
    assert client.get("cld-1", "people", "p-1") == Answer(
        200, {"first_name": "Ines"}, datetime(2018, 3, 1, 4, 5, 6, tzinfo=UTC)
    )
    assert (hub.asked[0].method, hub.asked[0].target, hub.asked[0].body) == ("GET", "/api/v2/cld-1/people/p-1", b"")


def test_a_singular_resource_has_no_id(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"company": {"name": "Acme"}})
    assert client.get("cld-1", "company").record == {"name": "Acme"}
    assert client.update("cld-1", "company", None, {"name": "Acme"}).status == 200
    assert [(a.method, a.target) for a in hub.asked] == [
        ("GET", "/api/v2/cld-1/company"),
        ("PUT", "/api/v2/cld-1/company"),
    ]


def test_create_and_update(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [answer({"people": {"id": "p-1"}}, status=201), answer({"people": {"id": "p-2"}})]
    assert client.create("cld-1", "people", MappingProxyType({"first_name": "Ines"})).status == 201
    assert client.update("cld-1", "people", "p-1", {"first_name": "Inés"}).record == {"id": "p-2"}
    assert [(a.method, a.target, a.body.decode()) for a in hub.asked] == [
        ("POST", "/api/v2/cld-1/people", '{"people":{"first_name":"Ines"}}'),
        ("PUT", "/api/v2/cld-1/people/p-1", '{"people":{"first_name":"Inés"}}'),
    ]


@pytest.mark.parametrize("date", [None, "yesterday", "Thu, 99 Mar 2018 04:05:06 GMT"])
def test_without_a_readable_date_there_is_none(hub: ScriptedHub, client: ConnecClient, date: str | None) -> None:
    hub.otherwise = answer({"company": {}}, headers={} if date is None else {"Date": date})
    assert client.get("cld-1", "company").date is None


def test_segments_are_encoded_and_stay_in_the_group(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"people": {}})
    client.get("books.example", "people", "../../cld-2/people/é?x=1#y%2e")
    assert hub.asked[0].target == "/api/v2/books.example/people/..%2F..%2Fcld-2%2Fpeople%2F%C3%A9%3Fx%3D1%23y%252e"


@pytest.mark.parametrize("bad", ["", ".", "..", "\ud800", 5])
def test_what_cannot_be_a_segment_is_never_sent(hub: ScriptedHub, client: ConnecClient, bad: Any) -> None:
    for arguments in ((bad, "people", "p-1"), ("cld-1", bad, "p-1"), ("cld-1", "people", bad)):
        with pytest.raises(ConnecRejected) as caught:
            client.get(*arguments)
        assert caught.value.status is None
    assert hub.asked == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), object(), "\ud800", {1, 2}])
def test_what_cannot_be_json_is_never_sent(hub: ScriptedHub, client: ConnecClient, bad: Any) -> None:
    with pytest.raises(ConnecRejected) as caught:
        client.create("cld-1", "people", {"secret": bad})
    assert caught.value.status is None
    assert caught.value.__context__ is None
    assert hub.asked == []


@pytest.mark.parametrize(
    ("host", "base", "path"),
    [("", "/api/v2", "/api/v2/cld-1/company"), ("/", "api/v2/", "/api/v2/cld-1/company"), ("", "", "/cld-1/company")],
)
def test_hosts_and_base_paths_as_people_write_them(
    hub: ScriptedHub, make_client: Callable[..., ConnecClient], host: str, base: str, path: str
) -> None:
    hub.otherwise = answer({"company": {}})
    make_client(connec_host=hub.origin + host, connec_base_path=base).get("cld-1", "company")
    assert hub.asked[0].target == path


def test_root_schema_and_version(hub: ScriptedHub, client: ConnecClient) -> None:
    links = [
        {"accounts": {"href": "/api/v2/cld-1/accounts"}},
        {"items": {"href": "/api/v2/cld-1/items"}},
        "odd",
        {"x": 1},
    ]
    hub.script = [answer({"_links": links}), answer({"properties": {}}), answer({"ci_branch": "v1.2"})]
    assert client.root("cld-1") == {"accounts": "/api/v2/cld-1/accounts", "items": "/api/v2/cld-1/items"}
    assert client.json_schema("journals") == {"properties": {}}
    assert client.version() == {"ci_branch": "v1.2"}
    assert [a.target for a in hub.asked] == ["/api/v2/cld-1", "/api/v2/json_schema/journals", "/version"]
    assert hub.asked[2].headers.get_all("Accept") == ["application/json"]
    hub.otherwise = answer({})
    with pytest.raises(ConnecProtocolError):
        client.root("cld-1")


def test_records_do_not_show_in_a_repr(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"people": {"first_name": "Ines"}})
    shown = [client.get("cld-1", "people", "p-1"), client.page("cld-1", "people")]
    assert "Ines" not in repr(shown)


def test_numbers_are_int_and_float(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer(b'{"items": {"quantity": 3, "price": 1250.750}}')
    record = client.get("cld-1", "items", "i-1").record
    assert {key: type(value) for key, value in record.items()} == {"quantity": int, "price": float}
    assert repr(record["price"]) == "1250.75"
