from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from django_connec.client import (
    BatchAnswer,
    ConnecAuthError,
    ConnecClient,
    ConnecError,
    ConnecNotFound,
    ConnecProtocolError,
    ConnecRejected,
    ConnecUnavailable,
    Operation,
)

from .hub import ScriptedHub, answer, drop

OURS = {"id": [{"provider": "acme-books", "realm": "acct-88", "id": "41"}]}
OK = {"status": 200, "body": {"people": {"id": "p-1"}}}


def put(id: str = "p-1", **attributes: Any) -> Operation:
    return Operation("put", "cld-1", "people", id, attributes)


def test_the_documented_form(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer(
        {
            "results": [
                {"status": 201, "body": {"people": {"first_name": "Ines"}}},
                {"status": 400, "body": {"errors": [{"title": "No"}]}},
                {"status": 200, "body": {"company": {"name": "Acme"}}},
            ]
        },
        headers={"Date": "Thu, 01 Mar 2018 04:05:06 GMT"},
    )
    done = client.batch(
        [
            Operation("post", "cld-1", "people", None, {**OURS, "first_name": "Inés"}),
            Operation("put", "cld-1", "items", "i/1", {"name": "Bolt"}),
            Operation("get", "cld-1", "company"),
        ],
        external_ids=False,
    )

    asked = hub.asked[0]
    assert (asked.method, asked.target) == ("POST", "/batch")
    assert asked.headers["CONNEC-EXTERNAL-IDS"] == "false"
    assert "Inés".encode() in asked.body
    assert asked.json == {
        "sequential": True,
        "ops": [
            {"method": "post", "url": "/api/v2/cld-1/people/", "params": {"people": {**OURS, "first_name": "Inés"}}},
            {"method": "put", "url": "/api/v2/cld-1/items/i%2F1", "params": {"items": {"name": "Bolt"}}},
            {"method": "get", "url": "/api/v2/cld-1/company"},
        ],
    }
    created, refused, read = done.results
    assert (created.status, created.record, created.error) == (201, {"first_name": "Ines"}, None)
    assert (refused.status, refused.record, type(refused.error)) == (400, None, ConnecRejected)
    assert refused.error is not None
    assert refused.error.messages == ("No",)
    assert read.record == {"name": "Acme"}
    assert done.date == datetime(2018, 3, 1, 4, 5, 6, tzinfo=UTC)


def test_fifty_are_the_most(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"results": [OK] * 50})
    assert len(client.batch([put()] * 50).results) == 50
    with pytest.raises(ValueError, match="50"):
        client.batch([put()] * 51)
    assert len(hub.asked) == 1


def test_nothing_to_send_sends_nothing(hub: ScriptedHub, client: ConnecClient) -> None:
    assert client.batch([]) == BatchAnswer((), None)
    assert hub.asked == []


@pytest.mark.parametrize("results", [[OK], [OK] * 3, [], {"0": OK}, None])
def test_a_wrong_number_of_results_discredits_all(hub: ScriptedHub, client: ConnecClient, results: Any) -> None:
    hub.otherwise = answer({"results": results})
    with pytest.raises(ConnecProtocolError):
        client.batch([put(), put()])
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    ("result", "status", "kind"),
    [
        (None, 0, ConnecProtocolError),
        ("OK", 0, ConnecProtocolError),
        ({}, 0, ConnecProtocolError),
        ({"status": "200", "body": {"people": {}}}, 0, ConnecProtocolError),
        ({"status": True, "body": {"people": {}}}, 0, ConnecProtocolError),
        ({"status": 200}, 200, ConnecProtocolError),
        ({"status": 200, "body": {"items": {}}}, 200, ConnecProtocolError),
        ({"status": 200, "body": {"people": [{}]}}, 200, ConnecProtocolError),
        ({"status": 302, "body": {}}, 302, ConnecProtocolError),
        ({"status": -7, "body": {}}, -7, ConnecProtocolError),
        ({"status": 401, "body": {}}, 401, ConnecAuthError),
        ({"status": 404, "body": {}}, 404, ConnecNotFound),
        ({"status": 422, "body": []}, 422, ConnecRejected),
        ({"status": 429}, 429, ConnecUnavailable),
        ({"status": 500, "body": None}, 500, ConnecUnavailable),
    ],
)
def test_a_bad_result_is_bad_alone(
    hub: ScriptedHub, client: ConnecClient, result: Any, status: int, kind: type[ConnecError]
) -> None:
    hub.otherwise = answer({"results": [OK, result, OK]})
    first, bad, last = client.batch([put(), put(), put()]).results
    assert (bad.status, bad.record, type(bad.error)) == (status, None, kind)
    assert first.record == last.record == {"id": "p-1"}


def test_a_results_error_as_text(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"results": [{"status": 400, "body": '{"errors": ["Name is blank"]}'}]})
    error = client.batch([put()]).results[0].error
    assert error is not None
    assert error.messages == ("Name is blank",)
    assert "Name" not in str(error)


def test_what_cannot_be_sent_fails_alone(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"results": [OK, {"status": 404, "body": {}}]})
    done = client.batch([put("p-1", a=float("nan")), put("p-2"), put(".."), put("p-4", a="\ud800"), put("p-5")])
    assert [op["url"].rsplit("/", 1)[1] for op in hub.asked[0].json["ops"]] == ["p-2", "p-5"]
    assert [result.status for result in done.results] == [0, 200, 0, 0, 404]
    assert [type(result.error) for result in done.results] == [
        ConnecRejected,
        type(None),
        ConnecRejected,
        ConnecRejected,
        ConnecNotFound,
    ]


def test_when_none_can_be_sent_nothing_is(hub: ScriptedHub, client: ConnecClient) -> None:
    done = client.batch([put("..")])
    assert isinstance(done.results[0].error, ConnecRejected)
    assert hub.asked == []


def test_a_missing_batch_is_no_missing_record(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({}, status=404)
    with pytest.raises(ConnecProtocolError) as caught:
        client.batch([put()])
    assert caught.value.status == 404
    assert not isinstance(caught.value, ConnecNotFound)


@pytest.mark.parametrize(
    ("last", "tries"),
    [
        (Operation("post", "cld-1", "people", None, {"first_name": "Ines"}), 1),
        (Operation("post", "cld-1", "people", None, OURS), 3),
        (put(first_name="Ines"), 3),
        (Operation("get", "cld-1", "people", "p-1"), 3),
    ],
)
def test_a_batch_is_repeated_only_when_no_record_can_double(
    hub: ScriptedHub, client: ConnecClient, last: Operation, tries: int
) -> None:
    hub.otherwise = drop
    with pytest.raises(ConnecUnavailable):
        client.batch([Operation("post", "cld-1", "people", None, OURS), last])
    assert len(hub.asked) == tries
    assert len({asked.body for asked in hub.asked}) == 1


def test_the_base_path_is_in_the_operations_not_in_the_address(
    hub: ScriptedHub, make_client: Callable[..., ConnecClient]
) -> None:
    hub.otherwise = answer({"results": [OK]})
    make_client(connec_base_path="connec/api/v2/").batch([put()])
    assert hub.asked[0].target == "/batch"
    assert hub.asked[0].json["ops"][0]["url"] == "/connec/api/v2/cld-1/people/p-1"


def test_records_do_not_show_in_a_repr(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"results": [{"status": 200, "body": {"people": {"first_name": "Ines"}}}]})
    operation = put(first_name="Ines")
    assert "Ines" not in repr([operation, client.batch([operation])])
