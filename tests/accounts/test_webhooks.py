"""The account webhooks: who may call them, and what they answer."""

from __future__ import annotations

import hmac
from contextlib import contextmanager

import pytest
from django.test import Client

from django_connec.models import ConnecGroup, ConnecIdentity, Membership
from django_connec.signals import group_unlinked, user_removed
from tests.accounts.calls import call

pytestmark = pytest.mark.django_db

SECOND = {"API_ID": "app-2", "API_KEY": "key of the second", "CONNEC_HOST": "http://127.0.0.1:9"}


@pytest.fixture(autouse=True)
def _two_marketplaces(settings):
    settings.CONNEC = {
        **settings.CONNEC,
        "MARKETPLACES": {**settings.CONNEC["MARKETPLACES"], "second": SECOND},
    }


@contextmanager
def heard(signal):
    told = []

    def receiver(sender, **kwargs):
        told.append({k: v for k, v in kwargs.items() if k != "signal"})

    signal.connect(receiver)
    try:
        yield told
    finally:
        signal.disconnect(receiver)


@pytest.mark.parametrize("path", ["account/groups/cld-7p2k", "account/groups/cld-7p2k/default"])
def test_cancelling_is_told_once_and_answered_the_same_twice(group, path):
    with heard(group_unlinked) as told:
        for _ in range(2):
            answer = call("DELETE", path)
            assert (answer.status_code, answer.json()) == (200, {"success": True})
    group.refresh_from_db()
    assert not group.is_active
    assert group.unlinked_at is not None
    assert told == [{"group": group}]


def test_cancelled_group_comes_back_with_a_new_link(group):
    call("DELETE", "account/groups/cld-7p2k")
    group.refresh_from_db()
    group.link()
    group.refresh_from_db()
    assert group.is_linked
    assert group.unlinked_at is None


@pytest.mark.parametrize("path", ["account/groups/cld-nobody", "account/groups/cld-nobody/users/usr-1"])
def test_unknown_group_is_204(db, path):
    answer = call("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("tail", ["", "/users/usr-1"])
def test_a_marketplace_reaches_its_own_groups_only(group, tail):
    there = ConnecGroup.objects.create(marketplace="second", uid=group.uid)
    with heard(user_removed) as told:
        answer = call("DELETE", f"account/groups/{group.uid}{tail}/second", user="app-2", password=SECOND["API_KEY"])
    assert answer.status_code == 200
    group.refresh_from_db()
    there.refresh_from_db()
    assert group.is_active
    assert there.is_active == bool(tail)
    assert [one["group"] for one in told] == ([there] if tail else [])


@pytest.mark.parametrize("tail", ["", "/users/usr-1"])
@pytest.mark.parametrize(
    ("path", "user", "password", "status"),
    [
        ("account/groups/cld-7p2k{}", "app-1a2b", "wrong", 401),
        ("account/groups/cld-7p2k{}", "app-2", SECOND["API_KEY"], 401),
        ("account/groups/cld-7p2k{}/second", "app-1a2b", "key of the first", 401),
        ("account/groups/cld-7p2k{}/third", "app-1a2b", "key of the first", 404),
    ],
)
def test_others_change_nothing(group, tail, path, user, password, status):
    with heard(user_removed) as told:
        answer = call("DELETE", path.format(tail), user=user, password=password)
    assert answer.status_code == status
    assert answer.json()["error"]
    group.refresh_from_db()
    assert group.is_active
    assert told == []
    assert Client().delete("/maestrano/account/groups/cld-7p2k").status_code == 401


def test_keys_are_compared_in_constant_time(group, monkeypatch):
    compared = []
    real = hmac.compare_digest

    def watch(a, b):
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr("django_connec.webhooks.authentication.hmac.compare_digest", watch)
    call("DELETE", "account/groups/cld-7p2k", password="wrong")
    assert compared == [(b"app-1a2b:wrong", b"app-1a2b:key of the first")]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_only_delete_is_answered(group, method):
    assert call(method, "account/groups/cld-7p2k").status_code == 405
    assert call(method, "account/groups/cld-7p2k/users/usr-1").status_code == 405


@pytest.mark.parametrize(
    ("given", "own"),
    [("usr-1", "usr-1"), ("usr-1.cld-7p2k", "usr-1"), ("usr-1.cld-other", "usr-1.cld-other")],
)
def test_removed_user_is_named_both_ways(group, given, own):
    with heard(user_removed) as told:
        for tail in ("", "/default"):
            answer = call("DELETE", f"account/groups/cld-7p2k/users/{given}{tail}")
            assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert told == [{"group": group, "user_uid": own, "virtual_uid": f"{own}.cld-7p2k"}] * 2
    group.refresh_from_db()
    assert group.is_active


def test_user_that_could_not_be_removed_is_asked_for_again(group, caplog):
    def broken(**kwargs):
        raise RuntimeError(kwargs["user_uid"])

    user_removed.connect(broken)
    try:
        with caplog.at_level("ERROR", logger="django_connec"):
            assert call("DELETE", "account/groups/cld-7p2k/users/usr-1").status_code == 500
    finally:
        user_removed.disconnect(broken)
    (record,) = [r for r in caplog.records if r.name.startswith("django_connec")]
    assert "usr-1" not in record.getMessage()
    assert call("DELETE", "account/groups/cld-7p2k/users/usr-1").status_code == 200


@pytest.mark.parametrize("uid", ["usr-4c1", "usr-4c1.cld-7p2k"])
def test_user_who_leaves_a_group_loses_his_place_in_it_alone(group, django_user_model, uid):
    other = ConnecGroup.objects.create(uid="cld-other")
    user = django_user_model.objects.create_user("ines")
    ConnecIdentity.objects.create(user=user, uid=uid)
    stays = django_user_model.objects.create_user("tomas")
    ConnecIdentity.objects.create(user=stays, uid="usr-9z9")
    for who, where in ((user, group), (user, other), (stays, group)):
        Membership.objects.create(user=who, group=where, role="Admin")
    user_removed.send_robust(ConnecGroup, group=group, user_uid="usr-4c1", virtual_uid="usr-4c1.cld-7p2k")
    left = set(Membership.objects.values_list("user__username", "group__uid"))
    assert left == {("ines", "cld-other"), ("tomas", "cld-7p2k")}
    assert django_user_model.objects.count() == 2
