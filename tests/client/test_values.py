"""The small forms: messages of error bodies, filters, dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from django_connec.client import any_of, iso, messages_of, quote_value
from django_connec.client.answers import has_external_id
from django_connec.client.wire import http_date, retry_after_seconds


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({"errors": [{"title": "Name", "detail": "is blank", "code": "x"}]}, ("Name: is blank",)),
        ({"errors": [{"title": "Same", "detail": "Same"}, {"detail": "D"}, {"code": "c-1"}]}, ("Same", "D", "c-1")),
        ({"errors": [{"message": "m"}, {"id": "8d1f"}, {"title": {"a": "record"}}, 5, None]}, ("m",)),
        ({"errors": ["one", "two", "one"]}, ("one", "two")),
        (
            {"errors": {"name": "is blank", "email": ["is taken", 5, "is bad"]}},
            ("name: is blank", "email: is taken", "email: is bad"),
        ),
        ({"errors": {"title": ["is blank"], "code": "is taken"}}, ("title: is blank", "code: is taken")),
        ({"errors": {"title": "Gone", "status": "404"}}, ("Gone",)),
        ({"errors": "bare"}, ("bare",)),
        ({"error": "single"}, ("single",)),
        ({"error": {"title": "T", "detail": "D"}}, ("T: D",)),
        ("plain text\n", ("plain text",)),
        ('{"errors": ["in text"]}', ("in text",)),
        ("  <html>Bad gateway</html>", ()),
        ('{"people": {"first_name": "Ines"', ()),
        ('["Ines"]', ()),
        ({"people": {"first_name": "Ines"}}, ()),
        (["Ines"], ()),
        ({"errors": None}, ()),
        ({"errors": []}, ()),
        (None, ()),
        (5, ()),
        ("", ()),
    ],
)
def test_messages(body: Any, messages: tuple[str, ...]) -> None:
    assert messages_of(body) == messages


def test_messages_fit_a_column_of_any_database() -> None:
    (message,) = messages_of({"errors": ["a\x00b\ud800c\r\n d" + "x" * 2000]})
    assert message.startswith("a b c dx")
    assert len(message) == 255
    assert len(messages_of({"errors": [str(number) for number in range(100)]})) == 20


def test_filters() -> None:
    assert quote_value("O.K. é") == "'O.K. é'"
    assert any_of("_id", ["a", "b"]) == "_id in ['a','b']"
    assert any_of("_id", (id for id in ["a"])) == "_id in ['a']"


@pytest.mark.parametrize("value", ["it's", 'say "so"', "back\\slash", "new\nline", "\x00"])
def test_what_needs_escaping_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        quote_value(value)
    with pytest.raises(ValueError, match="cannot hold"):
        any_of("_id", ["a", value])


def test_a_filter_over_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        any_of("_id", [])


def test_times_are_utc_and_never_later() -> None:
    moment = datetime(2018, 3, 1, 15, 5, 6, 999_999, tzinfo=timezone(timedelta(hours=11)))
    assert iso(moment) == "2018-03-01T04:05:06Z"
    with pytest.raises(ValueError, match="time zone"):
        iso(datetime(2018, 3, 1))


def test_http_dates() -> None:
    moment = datetime(2018, 3, 1, 4, 5, 6, tzinfo=UTC)
    assert http_date("Thu, 01 Mar 2018 04:05:06 GMT") == moment
    assert http_date("Thu, 01 Mar 2018 15:05:06 +1100") == moment
    naive_in_rfc = http_date("Thu, 01 Mar 2018 04:05:06 -0000")
    assert naive_in_rfc == moment
    for bad in (None, "", "soon", "Thu, 01 Mar 99999 04:05:06 GMT", "Fri, 31 Dec 9999 23:59:59 -2300"):
        assert http_date(bad) is None


def test_retry_after_is_bounded() -> None:
    assert retry_after_seconds({}) is None
    assert retry_after_seconds({"Retry-After": " 7 "}) == 7.0
    assert retry_after_seconds({"Retry-After": "999999999"}) == 86_400.0
    assert retry_after_seconds({"Retry-After": "Thu, 01 Mar 2018 04:05:06 GMT"}) == 0.0, "by our clock"
    assert retry_after_seconds({"Retry-After": "Thu, 01 Mar 2998 04:05:06 GMT"}) == 86_400.0


def test_external_ids() -> None:
    entry = {"provider": "acme-books", "realm": "acct-88", "id": "41"}
    assert has_external_id({"id": [{"provider": "connec", "id": "u"}, entry]})
    assert has_external_id({"id": (entry,)})
    assert not has_external_id({})
    assert not has_external_id({"id": entry})
