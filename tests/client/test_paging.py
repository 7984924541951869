from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from django_connec.client import ConnecClient, ConnecProtocolError, ConnecUnavailable, Page

from .hub import Action, Handler, ScriptedHub, answer

ELSEWHERE = "https://other.example/api/v2/cld-2/invoices"


def page(*ids: int, **pagination: Any) -> Action:
    return answer({"items": [{"id": id} for id in ids], "pagination": pagination})


def ids(pages: Any) -> list[list[int]]:
    return [[record["id"] for record in page.records] for page in pages]


def test_a_page_as_documented(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer(
        {
            "items": [{"id": 1}],
            "pagination": {"skip": 100, "top": 50, "total": 412, "next": f"{ELSEWHERE}?%24skip=150"},
        },
        headers={"Date": "Thu, 01 Mar 2018 04:05:06 GMT"},
    )
    got = client.page(
        "cld-1", "items", filter="name match /é & b/", orderby="name ASC", top=60, skip=100, external_ids=False
    )
    assert got == Page([{"id": 1}], 412, 100, 50, True, datetime(2018, 3, 1, 4, 5, 6, tzinfo=UTC))
    asked = hub.asked[0]
    assert asked.path == "/api/v2/cld-1/items"
    assert asked.query == {"$filter": "name match /é & b/", "$orderby": "name ASC", "$top": "60", "$skip": "100"}
    assert asked.target.startswith("/api/v2/cld-1/items?%24top=60&%24skip=100&%24filter=name%20match%20")
    assert asked.headers["CONNEC-EXTERNAL-IDS"] == "false"


def test_links_are_followed_on_our_own_address(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [
        page(1, 2, next=f"{ELSEWHERE}?%24skip=2&%24top=2"),
        page(3, 4, next="//evil.example/../../x?$skip=4&$top=2"),
        page(5),
    ]
    assert ids(client.pages("cld-1", "items", top=2)) == [[1, 2], [3, 4], [5]]
    assert {asked.path for asked in hub.asked} == {"/api/v2/cld-1/items"}
    assert [asked.query["$skip"] for asked in hub.asked] == ["0", "2", "4"]


def test_what_was_asked_stays_asked(hub: ScriptedHub, client: ConnecClient) -> None:
    """A link that forgets or changes the filter must not turn a partial read into another one."""
    hub.script = [page(1, next=f"{ELSEWHERE}?$skip=1&$filter=x&$orderby=y"), page(2, next="?$skip=2&$top=50"), page(3)]
    list(client.pages("cld-1", "items", filter="a eq 1", orderby="id ASC", top=1))
    assert [(a.query["$filter"], a.query["$orderby"]) for a in hub.asked] == [("a eq 1", "id ASC")] * 3
    assert [a.query["$top"] for a in hub.asked] == ["1", "1", "50"]


def test_pages_are_fetched_only_when_wanted(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = page(1, next="?$skip=1")
    pages = client.pages("cld-1", "items")
    assert hub.asked == []
    next(pages)
    assert len(hub.asked) == 1


def test_an_empty_page_is_the_last(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [page(1, next="?$skip=1"), page(next="?$skip=2", total=1)]
    pages = list(client.pages("cld-1", "items"))
    assert ids(pages) == [[1], []]
    assert [page.has_next for page in pages] == [True, False]


@pytest.mark.parametrize(
    "link", ["?$skip=0", "?$skip=1", "?$skip=0&x=1", f"{ELSEWHERE}?%24skip=1&%24top=100", "?$skip=01"]
)
def test_a_link_that_does_not_advance_is_not_followed(hub: ScriptedHub, client: ConnecClient, link: str) -> None:
    hub.otherwise = page(1, 2, next=link)
    pages = client.pages("cld-1", "items", skip=1)
    assert [record["id"] for record in next(pages).records] == [1, 2]
    with pytest.raises(ConnecProtocolError):
        next(pages)
    assert len(hub.asked) == 1


def test_a_last_page_that_links_to_itself_is_the_end(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [page(1, 2, next="?$skip=2", total=3), page(3, next="?$skip=2", total=3)]
    assert ids(client.pages("cld-1", "items", top=2)) == [[1, 2], [3]]


def test_a_hub_that_ignores_skip_does_not_hold_us_for_ever(hub: ScriptedHub, client: ConnecClient) -> None:
    def same(handler: Handler) -> None:
        skip = int(handler.asked.query["$skip"])
        page(1, 2, next=f"?$skip={skip + 2}", total=9)(handler)

    hub.otherwise = same
    with pytest.raises(ConnecProtocolError):
        list(client.pages("cld-1", "items", top=2))
    assert len(hub.asked) == 2


def test_a_last_page_given_twice_is_the_end(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [
        page(1, next="?$skip=1", total=2),
        page(2, next="?$skip=2", total=2),
        page(2, next="?$skip=3", total=2),
    ]
    assert ids(client.pages("cld-1", "items", top=1)) == [[1], [2]]


def test_cursors_are_followed_but_not_in_circles(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [
        page(1, next="?after=a"),
        page(2, next="?after=b"),
        page(3, next="?after=a"),
    ]
    pages = client.pages("cld-1", "items")
    assert [next(pages).records[0]["id"] for _ in range(3)] == [1, 2, 3]
    assert "$skip" not in hub.asked[1].query
    with pytest.raises(ConnecProtocolError):
        next(pages)


@pytest.mark.parametrize("link", ["https://[bad", "no query here", "?", "?" + "&".join(f"a{n}=1" for n in range(99))])
def test_an_unreadable_link_is_no_end(hub: ScriptedHub, client: ConnecClient, link: str) -> None:
    hub.otherwise = page(1, next=link)
    pages = client.pages("cld-1", "items")
    next(pages)
    with pytest.raises(ConnecProtocolError):
        next(pages)


@pytest.mark.parametrize(
    "body",
    [
        {"people": []},
        {"items": None},
        {"items": "none"},
        {"items": [], "pagination": "none"},
        {"items": [], "pagination": []},
        {"items": [{}], "pagination": {"next": 5}},
        {"items": [{}], "pagination": {"next": {"href": "?$skip=1"}}},
    ],
)
def test_what_is_no_page_is_refused(hub: ScriptedHub, client: ConnecClient, body: Any) -> None:
    hub.otherwise = answer(body)
    with pytest.raises(ConnecProtocolError):
        client.page("cld-1", "items")


@pytest.mark.parametrize("pagination", [{}, None, {"skip": "x", "top": -1, "total": True, "next": None}, {"next": ""}])
def test_a_page_with_little_about_it(hub: ScriptedHub, client: ConnecClient, pagination: Any) -> None:
    hub.otherwise = answer({"items": [{}], "pagination": pagination})
    assert client.page("cld-1", "items", skip=7) == Page([{}], None, 7, None, False, None)


def test_a_lone_record_is_a_list_of_one(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"company": {"name": "Acme"}})
    assert [page.records for page in client.pages("cld-1", "company")] == [[{"name": "Acme"}]]


def test_a_bad_element_is_passed_on(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer({"items": [{"id": 1}, None, "odd"]})
    assert client.page("cld-1", "items").records == [{"id": 1}, None, "odd"]


def test_pages_before_a_failure_are_given(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [page(1, next="?$skip=1")]
    hub.otherwise = answer(b"", status=503)
    pages = client.pages("cld-1", "items")
    next(pages)
    with pytest.raises(ConnecUnavailable):
        next(pages)


@pytest.mark.parametrize("options", [{"top": 0}, {"skip": -1}])
def test_a_page_size_that_is_none(client: ConnecClient, options: dict[str, int]) -> None:
    for call in (client.pages, client.page):
        ask: Callable[..., Any] = call
        with pytest.raises(ValueError, match="top must be"):
            ask("cld-1", "items", **options)
