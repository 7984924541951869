"""Every list and every page: it opens, costs the same for 20 rows as for one, and shows no business data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_connec.admin.base import row_link
from django_connec.models import ConnecGroup, Failure

from .make import BOOKKEEPING, MODELS, SECRET, make_group

#: Session, user, two counts and one page; what else a list asks for is the figures of its page.
LIMIT = 20


def address(name: str, view: str = "changelist", *args: object) -> str:
    return reverse(f"admin:django_connec_{name}_{view}", args=args)


@pytest.mark.parametrize("name", MODELS)
def test_lists_cost_the_same_for_any_number_of_rows(name: str, operator: Client) -> None:
    make_group(1)
    operator.get(address(name))
    with CaptureQueriesContext(
        connection,
    ) as one:
        assert operator.get(address(name)).status_code == 200
    for number in range(2, 21):
        make_group(number)
    with CaptureQueriesContext(connection) as twenty:
        response = operator.get(address(name))
    assert response.context["cl"].result_count >= 20
    assert len(twenty) == len(one) <= LIMIT


@pytest.mark.parametrize(("name", "count"), [("connecgroup", 15), ("failure", 5), ("conflict", 5), ("lease", 5)])
def test_exact_costs(
    name: str, count: int, operator: Client, django_assert_num_queries: Callable[..., CaptureQueriesContext]
) -> None:
    for rows in (1, 20):
        while ConnecGroup.objects.count() < rows:
            make_group(ConnecGroup.objects.count() + 1)
        with django_assert_num_queries(count):
            operator.get(address(name))


@pytest.mark.parametrize("name", BOOKKEEPING)
def test_lists_do_not_load_what_they_mask(name: str, operator: Client) -> None:
    make_group(1)
    with CaptureQueriesContext(connection) as captured:
        operator.get(address(name))
    columns = {"body", "record", "payload", "local_value", "remote_value"}
    table = BOOKKEEPING[name]._meta.db_table
    quoted = [connection.ops.quote_name(table) + "." + connection.ops.quote_name(column) for column in columns]
    assert not [query["sql"] for query in captured if any(column in query["sql"] for column in quoted)]


@pytest.mark.parametrize("name", MODELS)
def test_pages_show_no_business_data(name: str, operator: Client) -> None:
    make_group(1)
    for obj in MODELS[name].objects.all():
        page = operator.get(address(name, "change", obj.pk))
        assert page.status_code == 200
        assert SECRET not in page.content.decode()
        history = operator.get(address(name, "history", obj.pk))
        assert history.status_code == 200
    listed = operator.get(address(name))
    assert SECRET not in listed.content.decode()


def test_masked_bytes_are_told_apart_by_size_and_hash(operator: Client) -> None:
    make_group(1)
    failure = Failure.objects.get(direction="push")
    page = operator.get(address("failure", "change", failure.pk)).content.decode()
    assert "sha256" in page
    assert "bytes" in page


@pytest.mark.parametrize(
    ("name", "lookup"),
    [
        ("failure", "record__isnull"),
        ("conflict", "local_value__icontains"),
        ("conflict", "remote_value"),
        ("tombstone", "payload__contains"),
        ("notification", "body__contains"),
        ("lease", "token__startswith"),
    ],
)
def test_masked_columns_cannot_be_asked_for_by_address(name: str, lookup: str, operator: Client) -> None:
    make_group(1)
    assert operator.get(address(name), {lookup: "s"}).status_code == 400


@pytest.mark.parametrize("name", BOOKKEEPING)
def test_bookkeeping_is_read_only(name: str, operator: Client) -> None:
    make_group(1)
    obj = MODELS[name].objects.first()
    before = MODELS[name].objects.filter(pk=obj.pk).values().get()
    assert operator.get(address(name, "add")).status_code == 403
    page = operator.get(address(name, "change", obj.pk))
    assert page.context["has_change_permission"] is False
    assert operator.post(address(name, "change", obj.pk), {"message": "x", "name": "x"}).status_code == 403
    assert MODELS[name].objects.filter(pk=obj.pk).values().get() == before


@pytest.mark.parametrize("name", MODELS)
def test_search_and_filters_open(name: str, operator: Client) -> None:
    group = make_group(1)
    assert operator.get(address(name), {"q": "cust"}).status_code == 200
    assert operator.get(address(name), {"_facets": "True"}).status_code == 200
    filters = {"connecgroup": {"stopped_at__isempty": "1"}, "notification": {"marketplace": "default"}}
    filters["requestslot"] = filters["connecidentity"] = filters["notification"]
    filters["membership"] = {"role": "Admin"}
    chosen = filters.get(name, {"resource": "people", "group__id__exact": str(group.pk)})
    if name in ("lease", "linkback", "syncrun"):
        chosen = {"held": "no"} if name == "lease" else {"marketplace": "default", "group__id__exact": str(group.pk)}
    response = operator.get(address(name), chosen)
    assert response.status_code == 200
    assert response.context["cl"].result_count == (0 if name == "lease" else MODELS[name].objects.count())


@pytest.mark.parametrize("name", ["connecgroup", "failure", "lease"])
def test_empty_lists_open(name: str, operator: Client) -> None:
    assert operator.get(address(name)).status_code == 200


def test_rows_are_linked_to_the_hosts_admin() -> None:
    assert row_link(admin.site, "auth.user", "5") == '<a href="/admin/auth/user/5/change/">auth.user 5</a>'
    # Not registered, gone from the code, never known.
    assert row_link(admin.site, "app.person", "<5>") == "app.person <5>"
    assert row_link(admin.site, "app.gone", "5") == "app.gone 5"
    assert row_link(admin.site, "", "") == "-"


def test_state_of_tombstones_can_be_filtered(operator: Client) -> None:
    make_group(1)
    counts = {
        sent: operator.get(address("tombstone"), {"sent": sent}).context["cl"].result_count
        for sent in ("no", "yes", "never")
    }
    assert counts == {"no": 1, "yes": 0, "never": 0}


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("failure", {"is_dead": True}),
        ("conflict", {"decision": "local"}),
        ("notification", {"state": "applied"}),
        ("tombstone", {"sent_at": "2026-01-01T00:00:00Z"}),
        ("syncrun", {"state": "failed"}),
    ],
)
def test_only_what_is_done_with_can_be_deleted(name: str, closed: dict[str, object], operator: Client) -> None:
    make_group(1)
    opened = {"is_dead": False, "decision": "open", "state": "waiting", "sent_at": None}
    if name == "syncrun":
        opened["state"] = "running"
    rows = MODELS[name].objects
    rows.update(**{key: opened[key] for key in closed})
    obj = rows.first()
    assert operator.post(address(name, "delete", obj.pk), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [obj.pk], "post": "yes"}
    operator.post(address(name), selected)
    assert rows.filter(pk=obj.pk).exists()
    rows.update(**closed)
    operator.post(address(name), selected)
    assert not rows.filter(pk=obj.pk).exists()


@pytest.mark.parametrize("name", ["connecgroup", "parkedrecord", "linkback", "synccursor", "lease"])
def test_what_the_engine_needs_cannot_be_deleted(name: str, operator: Client) -> None:
    make_group(1)
    obj = MODELS[name].objects.first()
    assert operator.post(address(name, "delete", obj.pk), {"post": "yes"}).status_code == 403
    operator.post(address(name), {"action": "delete_selected", "_selected_action": [obj.pk], "post": "yes"})
    assert MODELS[name].objects.filter(pk=obj.pk).exists()
