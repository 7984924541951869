"""Marketplaces from the developer platform: read, kept, merged, and seen by every worker."""

from __future__ import annotations

import copy
import json

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from django_connec.client import client_for
from django_connec.conf import get_settings, written_marketplaces
from django_connec.models import PlatformCopy
from django_connec.platform.live import LiveMarketplaces
from django_connec.platform.refresh import refresh_marketplaces
from django_connec.tasks import refresh_marketplaces as task
from tests.accounts.calls import call
from tests.client.hub import answer, drop

pytestmark = pytest.mark.django_db

KEY, SECRET = "Zq7-the-api-key", "Zq7-the-environment"
NORTHWIND = {
    "nid": "acme-books",
    "marketplace": "northwind",
    "environment": "production",
    "app": {"host": "https://books.example", "synchronization_start_path": "/maestrano/northwind/synchronizations"},
    "api": {"id": "app-1", "key": KEY, "host": "https://api-hub.example", "base": "/api/v1/"},
    "sso": {
        "idm": "https://books.example",
        "init_path": "/maestrano/init/?marketplace=northwind",
        "consume_path": "/maestrano/consume/?marketplace=northwind",
        "idp": "https://api-hub.example",
        "x509_fingerprint": "01:06:15",
        "x509_certificate": "-----BEGIN CERTIFICATE-----",
    },
    "connec": {"host": "https://api-connec.example", "base_path": "/api/v2", "timeout": 300},
    "webhooks": {"account": {}, "connec": {"external_ids": True, "initialization_path": None}},
}


def entry(name, **changes):
    made = copy.deepcopy(NORTHWIND) | {"marketplace": name}
    for path, value in changes.items():
        block, _, key = path.partition("__")
        made[block][key] = value
    return made


@pytest.fixture
def connec(platform, settings):
    settings.CONNEC = {
        "PROVIDER": "acme-books",
        "DEVELOPER_PLATFORM": {"HOST": platform.origin, "ENV_KEY": "env-key", "ENV_SECRET": SECRET},
    }
    platform.otherwise = answer({"marketplaces": [NORTHWIND]})
    return settings


def marketplaces():
    return get_settings().marketplaces


def with_settings(settings, **more):
    settings.CONNEC = {**settings.CONNEC, **more}


def test_the_answer_becomes_typed_marketplaces(connec, platform):
    assert refresh_marketplaces().error == ""
    (asked,) = platform.asked
    assert (asked.method, asked.path) == ("GET", "/api/config/v1/marketplaces")
    assert asked.headers["Authorization"] == "Basic ZW52LWtleTpacTctdGhlLWVudmlyb25tZW50"
    assert asked.headers["Accept"] == "application/json"
    assert list(marketplaces()) == ["northwind"]
    found = marketplaces()["northwind"]
    assert (found.api_id, found.api_key, found.connec_host) == ("app-1", KEY, "https://api-connec.example")
    assert (found.connec_base_path, found.connec_timeout, found.api_base) == ("/api/v2", 300, "/api/v1/")
    assert (found.api_host, found.app_host) == ("https://api-hub.example", "https://books.example")
    assert (found.sso_x509_certificate, found.sso_creation_mode) == ("-----BEGIN CERTIFICATE-----", "real")
    assert "Zq7" not in f"{get_settings()!r} {found!r} {PlatformCopy.objects.get()}"


def test_a_lone_object_is_a_list_of_one(connec, platform):
    platform.otherwise = answer({"marketplaces": NORTHWIND})
    refresh_marketplaces()
    assert list(marketplaces()) == ["northwind"]


def test_settings_win_key_by_key(connec, platform):
    whole = {"API_ID": "app-own", "API_KEY": "own", "CONNEC_HOST": "https://own.example"}
    with_settings(connec, MARKETPLACES={"northwind": {"SSO_ALLOW_SHA1": True, "CONNEC_TIMEOUT": 5}, "own": whole})
    refresh_marketplaces()
    assert sorted(marketplaces()) == ["northwind", "own"]
    found = marketplaces()["northwind"]
    assert (found.sso_allow_sha1, found.connec_timeout, found.api_key) == (True, 5, KEY)
    assert marketplaces()["own"].connec_host == "https://own.example"


def test_what_the_platform_leaves_out_the_settings_may_add(connec, platform):
    with_settings(connec, MARKETPLACES={"northwind": {"CONNEC_HOST": "https://own.example"}})
    platform.otherwise = answer({"marketplaces": [entry("northwind", connec__host=None)]})
    assert refresh_marketplaces().error == ""
    assert marketplaces()["northwind"].connec_host == "https://own.example"


def test_entry_of_the_settings_alone_that_is_not_whole_is_left_out(connec, caplog):
    with_settings(connec, MARKETPLACES={"ghost": {"API_KEY": KEY}})
    assert list(marketplaces()) == []
    assert "ghost" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "bad",
    [
        answer(b"<html>", status=500),
        answer({"error": "bad key"}, status=401),
        answer(b"<html>"),
        answer([NORTHWIND]),
        answer({}),
        answer({"marketplaces": None}),
        answer({"marketplaces": []}),
        answer({"marketplaces": [None, 5]}),
        answer({"marketplaces": [entry("northwind", api__key=None)]}),
        answer({"marketplaces": [entry("northwind", api__key=5)]}),
        answer({"marketplaces": [entry("northwind", connec__host="not a host")]}),
        answer({"marketplaces": [entry("north/wind")]}),
        answer({"marketplaces": [NORTHWIND, NORTHWIND]}),
        answer(b"", status=302, headers={"Location": "https://elsewhere.example"}),
        drop,
    ],
)
def test_a_bad_answer_never_replaces_a_good_one(connec, platform, bad):
    refresh_marketplaces()
    before = PlatformCopy.objects.get()
    platform.otherwise = bad
    after = refresh_marketplaces()
    assert after.error
    assert "Zq7" not in after.error
    assert (after.version, after.content, after.fetched_at) == (before.version, before.content, before.fetched_at)
    assert after.attempted_at > before.attempted_at
    assert marketplaces()["northwind"].api_key == KEY
    platform.otherwise = answer({"marketplaces": [NORTHWIND]})
    assert refresh_marketplaces().error == ""


def test_one_bad_marketplace_stays_as_it_was_and_holds_up_no_other(connec, platform):
    platform.otherwise = answer({"marketplaces": [NORTHWIND, entry("otter", api__key="old")]})
    refresh_marketplaces()
    changed = [
        entry("northwind", api__key="new"),
        entry("otter", connec__host=None, api__key="half"),
        entry("fresh", api__id=None),
    ]
    platform.otherwise = answer({"marketplaces": changed})
    assert "otter" in refresh_marketplaces().error
    assert marketplaces()["northwind"].api_key == "new"
    assert marketplaces()["otter"].api_key == "old"
    assert "fresh" not in marketplaces()


def test_a_marketplace_that_is_not_named_any_more_is_gone(connec, platform):
    platform.otherwise = answer({"marketplaces": [NORTHWIND, entry("otter")]})
    refresh_marketplaces()
    assert call("DELETE", "account/groups/cld-x/otter", user="app-1", password=KEY).status_code == 204
    platform.otherwise = answer({"marketplaces": [NORTHWIND]})
    refresh_marketplaces()
    assert call("DELETE", "account/groups/cld-x/otter", user="app-1", password=KEY).status_code == 404
    assert call("DELETE", "account/groups/cld-x/northwind", user="app-1", password=KEY).status_code == 204


def test_another_worker_sees_the_new_copy_in_time_and_asks_seldom(
    connec, platform, monkeypatch, django_assert_num_queries
):
    now = [1000.0]
    monkeypatch.setattr("django_connec.platform.live.time.monotonic", lambda: now[0])
    refresh_marketplaces()
    other = LiveMarketplaces(get_settings().developer_platform, {})
    assert other["northwind"].api_key == KEY
    platform.otherwise = answer({"marketplaces": [entry("northwind", api__key="new")]})
    refresh_marketplaces()
    assert marketplaces()["northwind"].api_key == "new", "the worker that asked sees it at once"
    with django_assert_num_queries(0):
        for _ in range(50):
            assert other["northwind"].api_key == KEY
    now[0] += 10
    with django_assert_num_queries(2):
        for _ in range(50):
            assert other["northwind"].api_key == "new"
    now[0] += 10
    with django_assert_num_queries(1):
        for _ in range(50):
            assert other["northwind"].api_key == "new"
    assert len(platform.asked) == 2


def test_environments_do_not_share_a_copy(connec, platform):
    refresh_marketplaces()
    with_settings(connec, DEVELOPER_PLATFORM={**connec.CONNEC["DEVELOPER_PLATFORM"], "ENV_KEY": "of staging"})
    assert list(marketplaces()) == []


def test_changed_keys_hold_at_once_both_ways(connec, platform):
    refresh_marketplaces()
    assert call("DELETE", "account/groups/cld-x/northwind", user="app-1", password=KEY).status_code == 204
    client = client_for(marketplaces()["northwind"])
    here = {"connec__host": platform.origin}
    platform.otherwise = answer({"marketplaces": [entry("northwind", api__key="new", **here)]})
    refresh_marketplaces()
    assert call("DELETE", "account/groups/cld-x/northwind", user="app-1", password=KEY).status_code == 401
    assert call("DELETE", "account/groups/cld-x/northwind", user="app-1", password="new").status_code == 204
    rebuilt = client_for(marketplaces()["northwind"])
    assert rebuilt is not client
    platform.asked.clear()
    platform.otherwise = answer({"people": []})
    rebuilt.page("cld-1", "people")
    assert platform.asked[0].headers["Authorization"] == "Basic YXBwLTE6bmV3"


def test_clients_of_other_marketplaces_stay(connec, platform):
    platform.otherwise = answer({"marketplaces": [NORTHWIND, entry("otter")]})
    refresh_marketplaces()
    kept = client_for(marketplaces()["otter"])
    client_for(marketplaces()["northwind"])
    platform.otherwise = answer({"marketplaces": [entry("northwind", api__key="new"), entry("otter")]})
    refresh_marketplaces()
    client_for(marketplaces()["northwind"])
    assert client_for(marketplaces()["otter"]) is kept


def test_checks_ask_neither_the_platform_nor_the_database(connec, platform, django_assert_num_queries):
    whole = {"API_ID": "app-own", "API_KEY": "own", "CONNEC_HOST": "https://own.example"}
    with_settings(connec, MARKETPLACES={"own": whole, "northwind": {"SSO_ALLOW_SHA1": True}})
    with django_assert_num_queries(0):
        assert [m.id for m in run_checks(tags=["connec"])] == []
        # What checks may look at.
        assert list(written_marketplaces()) == ["own"]
    assert platform.asked == []


def test_schedule_comes_and_goes_with_the_platform(connec):
    from django_q.models import Schedule

    call_command("connec_schedule")
    schedule = Schedule.objects.get(name="connec marketplaces")
    assert (schedule.func, schedule.minutes) == ("django_connec.tasks.refresh_marketplaces", 60)
    whole = {"API_ID": "a", "API_KEY": "b", "CONNEC_HOST": "https://own.example"}
    connec.CONNEC = {"PROVIDER": "acme-books", "MARKETPLACES": {"default": whole}}
    call_command("connec_schedule")
    assert not Schedule.objects.filter(name="connec marketplaces").exists()


def test_task_says_that_something_is_wrong_but_nothing_of_it(connec, platform, caplog):
    platform.otherwise = answer({"error": f"no such key: {SECRET}"}, status=401)
    task()
    assert "connec_marketplaces" in caplog.text
    assert "Zq7" not in caplog.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"marketplaces": [NORTHWIND]}, None),
        ({"marketplaces": [NORTHWIND, entry("otter", api__id=None)]}, 1),
        ({"marketplaces": []}, 2),
    ],
)
def test_command_lists_what_is_in_use(connec, platform, capsys, body, code):
    refresh_marketplaces()
    platform.otherwise = answer(body)
    try:
        call_command("connec_marketplaces", "--refresh")
        ended = None
    except CommandError as error:
        ended = error.returncode
    assert ended == code
    printed = capsys.readouterr().out
    assert "northwind: app-1, https://api-connec.example" in printed
    assert "Zq7" not in printed


def test_command_without_a_platform(db, capsys):
    call_command("connec_marketplaces")
    assert "default: app-1a2b" in capsys.readouterr().out
    with pytest.raises(CommandError) as caught:
        call_command("connec_marketplaces", "--refresh")
    assert caught.value.returncode == 2


def test_the_copy_is_not_in_the_admin(db):
    assert PlatformCopy not in admin.site._registry


def test_metadata_tells_no_secret(connec, platform):
    refresh_marketplaces()
    told = call("GET", "metadata/northwind", user="app-1", password=KEY)
    assert told.status_code == 200
    assert KEY not in told.content.decode()
    body = told.json()
    assert body["app"] == {"host": "https://books.example"}
    assert body["api"]["id"] == "app-1"
    assert "key" not in body["api"]
    assert body["sso"]["init_path"] == "/maestrano/auth/saml/init/northwind"
    assert body["sso"]["consume_path"] == "/maestrano/auth/saml/consume/northwind"
    assert body["webhook"]["account"] == {
        "groups_path": "/maestrano/account/groups/:id/northwind",
        "group_users_path": "/maestrano/account/groups/:group_id/users/:id/northwind",
    }
    assert body["webhook"]["connec"]["notifications_path"] == "/maestrano/connec/notifications/northwind"
    assert body["webhook"]["connec"]["subscriptions"]["people"] is True
    assert call("GET", "metadata/northwind", password="wrong").status_code == 401
    assert call("GET", "metadata").status_code == 404
    assert json.dumps(body)


def test_metadata_of_the_default_marketplace(db):
    assert call("GET", "metadata").json()["environment"] == "default"


PLATFORM = {"HOST": "https://developer.example", "ENV_KEY": "env-key", "ENV_SECRET": SECRET}


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"DEVELOPER_PLATFORM": "x"}, "E003", "must be a dictionary"),
        ({"DEVELOPER_PLATFORM": {**PLATFORM, "HOST": 5}}, "E003", '["HOST"] must be a string'),
        ({"DEVELOPER_PLATFORM": {**PLATFORM, "HOST": "developer.example"}}, "E004", "scheme and a host"),
        ({"DEVELOPER_PLATFORM": {**PLATFORM, "ENV_SECRET": ""}}, "E002", '["ENV_SECRET"] is empty'),
        ({"DEVELOPER_PLATFORM": {**PLATFORM, "SECRET": SECRET}}, "E006", '["SECRET"] is not a known setting'),
        ({"DEVELOPER_PLATFORM": {**PLATFORM, "HOST": "http://developer.example"}}, "W001", "is not encrypted"),
        ({"MARKETPLACES": {"a": {"API_KEI": SECRET}}}, "E006", '["a"]["API_KEI"] is not a known setting'),
        ({"MARKETPLACES": {"a": {"API_KEY": ""}}}, None, ""),
        ({"MARKETPLACES": {}}, None, ""),
        ({}, None, ""),
    ],
)
def test_mistakes_in_the_settings_are_named(settings, change, code, words):
    settings.CONNEC = {"PROVIDER": "acme-books", "DEVELOPER_PLATFORM": PLATFORM, **change}
    found = [m for m in run_checks(tags=["connec"]) if m.id.startswith("django_connec.")]
    assert [m.id for m in found] == ([f"django_connec.{code}"] if code else [])
    assert all(words in m.msg and SECRET not in f"{m.msg}{m.hint}" for m in found)
