"""Both storages do the same, whatever they are asked."""

from __future__ import annotations

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_connec.sandbox.memory import MemoryStore
from django_connec.sandbox.query import All, Compare, Either, Negation, Order, Query, equal
from django_connec.sandbox.sql import order_of, where
from django_connec.sandbox.sqlite import SQLiteStore
from django_connec.sandbox.store import Application, Row

ORG = "org-1"


@pytest.fixture(params=["memory", "sqlite", "file"])
def store(request, tmp_path):
    made = {
        "memory": MemoryStore,
        "sqlite": SQLiteStore,
        "file": lambda: SQLiteStore(str(tmp_path / "hub.sqlite3")),
    }[request.param]()
    yield made
    made.close()


def row(id, at="2018-01-01T00:00:00Z", **body):
    return Row(id, at, at, body)


def ids(rows):
    return [one.id for one in rows]


def test_applications(store):
    full = Application("b", "k", "http://127.0.0.1/", frozenset({"items"}), False, True, True)
    store.save_application(full)
    store.save_application(Application("a", "k"))
    store.save_application(Application("a", "new"))
    assert store.applications() == [Application("a", "new"), full]


def test_groups(store):
    store.save_group("cld-2", "a", ORG)
    store.save_group("cld-1", "b", ORG)
    store.save_group("cld-1", "c", "org-2")
    assert (store.org_of("cld-1", "b"), store.org_of("cld-1", "c"), store.org_of("cld-1", "a")) == (ORG, "org-2", None)
    assert store.org_of("cld-2") == ORG
    assert store.groups_of(ORG) == [("cld-1", "b"), ("cld-2", "a")]
    assert sorted((g.uid, g.api_id, g.org) for g in store.groups()) == [
        ("cld-1", "b", ORG),
        ("cld-1", "c", "org-2"),
        ("cld-2", "a", ORG),
    ]
    store.revoke("cld-2")
    assert [group.uid for group in store.groups() if not group.revoked] == ["cld-1", "cld-1"]
    assert (store.org_of("cld-2", "a"), store.org_of("cld-2"), store.org_behind("cld-2")) == (None, None, ORG)
    assert store.groups_of(ORG) == [("cld-1", "b")]
    store.save_group("cld-2", "a", ORG)
    assert store.org_of("cld-2", "a") == ORG
    assert store.org_behind("none") is None


def test_a_row_that_was_given_out_is_not_the_stores(store):
    held = row("a", name="Bolt", lines=[{"x": 1}])
    store.save(ORG, "items", held)
    for given_out in (held, store.get(ORG, "items", "a"), store.find(ORG, "items")[0]):
        given_out.body["lines"][0]["x"] = 2
        given_out.updated_at = "changed"
    found = store.get(ORG, "items", "a")
    assert (found.body["lines"], found.updated_at) == ([{"x": 1}], "2018-01-01T00:00:00Z")


def test_saving_again_keeps_the_place_and_the_beginning(store):
    store.save_many(ORG, "items", [row(id) for id in "abc"])
    store.save(ORG, "items", row("a", "2019-01-01T00:00:00Z", name="A"))
    first = store.find(ORG, "items")[0]
    assert (first.id, first.created_at, first.updated_at) == ("a", "2018-01-01T00:00:00Z", "2019-01-01T00:00:00Z")
    store.save_many(ORG, "items", [row("a", "2020-01-01T00:00:00Z")])
    assert store.find(ORG, "items")[0].created_at == "2020-01-01T00:00:00Z"
    assert store.count(ORG, "items") == 3


def test_pages_and_counts(store):
    store.save_many(ORG, "items", [row(f"{n}", n=n % 3) for n in range(10)])
    store.save(ORG, "people", row("p"))
    assert ids(store.find(ORG, "items", Query(top=3, skip=8))) == ["8", "9"]
    assert ids(store.find(ORG, "items", Query(top=0))) == []
    assert ids(store.find(ORG, "items", Query(skip=7))) == ["7", "8", "9"]
    assert ids(store.find(ORG, "items", Query(equal("n", 0), top=2, skip=1))) == ["3", "6"]
    assert store.count(ORG, "items", Query(equal("n", 0), top=1, skip=1)) == 4
    assert (store.count(ORG, "items", Query(top=1)), store.count(ORG, "people"), store.count(ORG, "x")) == (10, 1, 0)
    store.delete(ORG, "items", "3")
    store.delete(ORG, "items", "none")
    assert (store.count(ORG, "items"), store.count(ORG, "items", Query(equal("n", 0)))) == (9, 3)
    assert store.count("org-2", "items") == 0


def test_equal_records_stay_in_order_backwards_too(store):
    store.save_many(ORG, "items", [row(id, n=n) for id, n in [("a", 1), ("b", 2), ("c", 1), ("d", 2)]])
    assert ids(store.find(ORG, "items", Query(order=Order(("n",))))) == ["a", "c", "b", "d"]
    assert ids(store.find(ORG, "items", Query(order=Order(("n",), True)))) == ["b", "d", "a", "c"]


def test_a_failed_transaction_leaves_nothing(store):
    store.save(ORG, "items", row("a", name="before"))
    store.set_external(ORG, "items", "p", "r", "1", "a")
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012 - all of it is to be taken back
        store.save(ORG, "items", row("a", name="after"))
        store.save_many(ORG, "items", [row("b"), row("c")])
        store.set_external(ORG, "items", "p", "r", "2", "a")
        store.set_external(ORG, "items", "p", "r", "3", "b")
        store.next_number(ORG, "items", 5)
        store.merge(ORG, "items", "a", "b")
        store.delete(ORG, "items", "a")
        store.save_application(Application("a", "k"))
        store.save_group("cld-1", "a", ORG)
        with store.transaction():
            1 / 0  # noqa: B018 - for what it raises
    assert [found.body for found in store.find(ORG, "items")] == [{"name": "before"}]
    assert store.count(ORG, "items") == 1
    assert store.externals(ORG, "items", ["a", "b"]) == {"a": [{"realm": "r", "provider": "p", "id": "1"}]}
    assert store.by_external(ORG, "items", "p", "r", "1") == "a"
    assert store.by_external(ORG, "items", "p", "r", "3") is None
    assert store.next_number(ORG, "items") == 1
    assert store.keeper_of(ORG, "items", "b") == "b"
    assert (store.applications(), store.org_of("cld-1")) == ([], None)


def test_external_ids(store):
    store.save_many(ORG, "items", [row("a"), row("b")])
    assert store.set_external(ORG, "items", "p", "r", "1", "a")
    assert not store.set_external(ORG, "items", "p", "r", "1", "a")
    assert store.set_external(ORG, "items", "p", "r", "2", "a"), "in place of its earlier one"
    assert store.by_external(ORG, "items", "p", "r", "1") is None
    assert store.set_external(ORG, "items", "p", "r", "2", "b"), "an id leads to one record"
    assert store.by_external(ORG, "items", "p", "r", "2") == "b"
    assert store.externals(ORG, "items", ["a"]) == {}
    store.add_externals(ORG, "items", [("a", ("q", "r", "9")), ("a", ("b", "r", "8"))])
    entries = [{"realm": "r", "provider": "b", "id": "8"}, {"realm": "r", "provider": "q", "id": "9"}]
    assert store.externals(ORG, "items", ["a", "none"]) == {"a": entries}
    store.delete(ORG, "items", "a")
    assert store.by_external(ORG, "items", "q", "r", "9") is None


def test_merging(store):
    store.save_many(ORG, "people", [row("a"), row("b"), row("c")])
    store.set_external(ORG, "people", "p", "r", "1", "a")
    store.set_external(ORG, "people", "p", "r", "2", "b")
    store.set_external(ORG, "people", "q", "r", "3", "b")
    store.merge(ORG, "people", "a", "b")
    assert store.get(ORG, "people", "b").id == "a"
    # An application that knew both keeps asking by both of its ids.
    assert [store.by_external(ORG, "people", "p", "r", id) for id in "12"] == ["a", "a"]
    assert store.by_external(ORG, "people", "q", "r", "3") == "a"
    assert [entry["id"] for entry in store.externals(ORG, "people", ["a", "b"])["a"]] == ["1", "2", "3"]
    store.merge(ORG, "people", "c", "a")
    assert (store.keeper_of(ORG, "people", "b"), store.keeper_of(ORG, "people", "a")) == ("c", "c")
    assert ids(store.find(ORG, "people")) == ["c"]
    assert store.count(ORG, "people") == 1


def test_mentions_and_numbers(store):
    store.save(ORG, "people", row("p", organization_id="o-1"))
    store.save(ORG, "invoices", row("i", lines=[{"id": "o-1"}]))
    store.save(ORG, "items", row("n", name="o-11"))
    assert sorted((resource, found.id) for resource, found in store.mentioning(ORG, "o-1")) == [
        ("invoices", "i"),
        ("people", "p"),
    ]
    assert [store.next_number(ORG, "items"), store.next_number(ORG, "items", 10), store.next_number(ORG, "items")] == [
        1,
        2,
        12,
    ]


def test_writers_take_turns(store):
    def count_up(_):
        for _ in range(20):
            with store.transaction():
                found = store.get(ORG, "items", "a")
                found.body["n"] += 1
                store.save(ORG, "items", found)

    store.save(ORG, "items", row("a", n=0))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count_up, range(4)))
    assert store.get(ORG, "items", "a").body == {"n": 80}
    assert threading.active_count() < 50


# The same answers ------------------------------------------------------------------------------------------

PATHS = st.sampled_from([("name",), ("n",), ("email",), ("email", "address"), ("id",), ("updated_at",), ("none",)])
TEXTS = st.sampled_from(["", "a", "A", "b", "ab", "[]", "{}", "1", "2018-01-02T00:00:00Z", "é", "Straße", 'q"', "n\n"])
NUMBERS = st.sampled_from([0, 1, 2, 2.0, -1.5, 2**70, float(2**70)])
PLAIN = TEXTS | NUMBERS | st.booleans() | st.none()
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "name": PLAIN,
        "n": PLAIN | st.lists(PLAIN, max_size=2),
        "email": PLAIN | st.fixed_dictionaries({}, optional={"address": PLAIN}),
    },
)
VALUES = TEXTS | st.sampled_from([0, 1, 2, 2.0, -1.5, float(2**70)]) | st.booleans()


def compares(path):
    values = TEXTS if path in (("id",), ("updated_at",)) else VALUES
    return st.one_of(
        st.builds(Compare, st.just(path), st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), values),
        st.builds(Compare, st.just(path), st.just("in"), st.lists(values, max_size=3).map(tuple)),
        st.builds(Compare, st.just(path), st.just("match"), st.sampled_from(["a", "^a$", "1", "."])),
        st.builds(Compare, st.just(path), st.sampled_from(["empty", "filled"])),
    )


CONDITIONS = st.recursive(
    PATHS.flatmap(compares),
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3)),
        st.builds(Either, st.lists(inner, min_size=1, max_size=3)),
        st.builds(Negation, inner),
    ),
    max_leaves=4,
)
QUERIES = st.builds(
    Query,
    st.none() | CONDITIONS,
    st.sampled_from(["", "A", "é", "ss", '"', "\n", "1", "name", "u00"]),
    st.none() | st.builds(Order, PATHS, st.booleans()),
    st.none() | st.integers(0, 4),
    st.integers(0, 3),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(BODIES, max_size=6), st.lists(QUERIES, min_size=1, max_size=5))
def test_both_answer_alike(bodies, queries):
    rows = [row("abcdef"[n], f"2018-01-0{n % 3 + 1}T00:00:00Z", **body) for n, body in enumerate(bodies)]
    memory, sqlite = MemoryStore(), SQLiteStore()
    for store in (memory, sqlite):
        store.save_many(ORG, "items", rows)
    for query in queries:
        assert memory.find(ORG, "items", query) == sqlite.find(ORG, "items", query)
        assert memory.count(ORG, "items", query) == sqlite.count(ORG, "items", query)
    sqlite.close()


# SQLite ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT * FROM records WHERE org='o' AND resource='r' AND 1 ORDER BY seq LIMIT 100", "records_listed"),
        ("SELECT * FROM records WHERE org='o' AND resource='r' AND id='i'", "sqlite_autoindex_records_1"),
        ("SELECT * FROM records WHERE org='o' AND resource='r' AND updated_at > 't'", "records_updated"),
        (
            "SELECT * FROM records WHERE org='o' AND resource='r' AND updated_at > 't' ORDER BY updated_at ASC, seq",
            "records_updated",
        ),
        ("SELECT * FROM records WHERE org='o' AND resource='r' ORDER BY created_at ASC, seq", "records_created"),
        (
            "SELECT id FROM externals WHERE org='o' AND resource='r' AND provider='p' AND realm='m' AND external='e'",
            "sqlite_autoindex_externals_1 (org=? AND resource=? AND provider=? AND realm=? AND external=?)",
        ),
        (
            "DELETE FROM externals WHERE org='o' AND resource='r' AND provider='p' AND realm='m' AND id='i'",
            "externals_owner",
        ),
    ],
)
def test_lookups_use_an_index(statement, index):
    store = SQLiteStore()
    plan = " ".join(found[3] for found in store._all(f"EXPLAIN QUERY PLAN {statement}"))
    store.close()
    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_nothing_but_names_gets_into_the_sql():
    for path in (("a'b",), ("a", "b) OR 1=1"), ("ñ",)):
        with pytest.raises(ValueError, match="not an attribute"):
            where(Query(Compare(path, "eq", 1)))
        with pytest.raises(ValueError, match="not an attribute"):
            order_of(Order(path))


def test_a_file_of_an_earlier_version(tmp_path):
    path = tmp_path / "hub.sqlite3"
    with sqlite3.connect(path) as old:
        old.executescript(
            "CREATE TABLE applications (api_id TEXT PRIMARY KEY, api_key TEXT NOT NULL, webhook_url TEXT, "
            "resources TEXT, external_ids INTEGER NOT NULL, echo INTEGER NOT NULL);"
            "CREATE TABLE records (seq INTEGER PRIMARY KEY, org TEXT NOT NULL, resource TEXT NOT NULL, "
            "id TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, body TEXT NOT NULL, "
            "UNIQUE (org, resource, id));"
            "INSERT INTO applications VALUES ('a', 'k', NULL, NULL, 1, 0);"
        )
        old.execute("INSERT INTO records VALUES (1, ?, 'items', 'a', '', '', ?)", (ORG, json.dumps({"name": "A"})))
    old.close()
    for _ in range(2):
        store = SQLiteStore(str(path))
        assert store.applications() == [Application("a", "k")]
        assert store.count(ORG, "items") == 1
        store.close()
