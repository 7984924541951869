"""Mistakes in settings.CONNEC and around it are named with their cure, before they bite."""

from __future__ import annotations

import copy

import pytest
from django.core.checks import run_checks

from django_connec.conf import find_problems, get_settings
from django_connec.exceptions import ConnecConfigurationError

SECRET = "Zq7-this-is-the-key"
GOOD = {
    "PROVIDER": "acme-books",
    "MARKETPLACES": {
        "default": {"API_ID": "app-1", "API_KEY": SECRET, "CONNEC_HOST": "https://api-connec.example"},
        "second_place-2": {"API_ID": "app-2", "API_KEY": SECRET, "CONNEC_HOST": "https://second.example:8443/"},
    },
}


def with_(path, value):
    """GOOD with one thing changed."""
    changed = copy.deepcopy(GOOD)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return changed


def place(*path):
    return ("MARKETPLACES", "default", *path)


PLANTED = [
    ("E001", ["not a dictionary"], "CONNEC must be a dictionary"),
    ("E002", with_(["PROVIDER"], ...), 'CONNEC["PROVIDER"] is missing'),
    ("E002", with_(["PROVIDER"], ""), 'CONNEC["PROVIDER"] is empty'),
    ("E002", with_(["MARKETPLACES"], ...), 'CONNEC["MARKETPLACES"] is missing'),
    ("E002", with_(["MARKETPLACES"], {}), "names no marketplace"),
    ("E002", with_(place("API_ID"), ...), '["default"]["API_ID"] is missing'),
    ("E002", with_(place("API_KEY"), ...), '["default"]["API_KEY"] is missing'),
    ("E002", with_(place("CONNEC_HOST"), ...), '["default"]["CONNEC_HOST"] is missing'),
    ("E003", with_(["PROVIDER"], 5), "must be a string, not int"),
    ("E003", with_(["MARKETPLACES"], []), "must be a dictionary, not list"),
    ("E003", with_(["MARKETPLACES", "default"], SECRET), "must be a dictionary, not str"),
    ("E003", with_(place("API_KEY"), 5), "must be a string, not int"),
    ("E003", with_(place("API_KEY"), [SECRET]), "must be a string, not list"),
    ("E003", with_(place("CONNEC_TIMEOUT"), True), "must be a whole number, not bool"),
    ("E003", with_(place("CONNEC_TIMEOUT"), SECRET), "must be a whole number, not str"),
    ("E003", with_(place("SSO_ALLOW_SHA1"), 1), "must be a bool, not int"),
    ("E004", with_(place("CONNEC_HOST"), "api-connec.example"), "must be a scheme and a host"),
    ("E004", with_(place("CONNEC_HOST"), "https://api-connec.example/api/v2"), "must be a scheme and a host"),
    ("E004", with_(place("CONNEC_HOST"), f"https://x.example?key={SECRET}"), "must be a scheme and a host"),
    ("E004", with_(place("CONNEC_HOST"), f"https://user:{SECRET}@x.example"), "must be a scheme and a host"),
    ("E004", with_(place("CONNEC_HOST"), "ftp://x.example"), "must be a scheme and a host"),
    ("E004", with_(place("CONNEC_HOST"), "https://[x.example"), "must be a scheme and a host"),
    ("E004", with_(place("CONNEC_HOST"), "https://x.example:port"), "must be a scheme and a host"),
    ("E004", with_(place("API_HOST"), "https://"), "must be a scheme and a host"),
    ("E004", with_(place("APP_HOST"), "localhost:8000"), "must be a scheme and a host"),
    ("E004", with_(place("CONNEC_TIMEOUT"), 0), "must be at least 1"),
    ("E004", with_(["BATCH_SIZE"], 51), "must be at most 50"),
    ("E004", with_(["PAGE_SIZE"], 101), "must be at most 100"),
    ("E004", with_(["MAX_ATTEMPTS"], -1), "must be at least 1"),
    ("E004", with_(["MASS_CHANGE_PERCENT"], 101), "must be at most 100"),
    ("E004", with_(place("CONNEC_MAX_REQUESTS_PER_SECOND"), 0), "must be at least 1"),
    ("E004", with_(place("SSO_CREATION_MODE"), "virtuel"), "has an unknown value"),
    ("E005", with_(["MARKETPLACES", "a/b"], GOOD["MARKETPLACES"]["default"]), "is not usable in a URL"),
    ("E005", with_(["MARKETPLACES", 5], GOOD["MARKETPLACES"]["default"]), "is not usable in a URL"),
    ("E006", with_(["PROVIDOR"], "x"), 'CONNEC["PROVIDOR"] is not a known setting'),
    ("E006", with_(place("API_KEI"), SECRET), '["default"]["API_KEI"] is not a known setting'),
    ("E007", with_(["DISPATCHER"], "nowhere.to.be.found"), "names nothing that can be imported"),
    ("W001", with_(place("CONNEC_HOST"), "http://api-connec.example"), "is not encrypted"),
    ("W001", with_(place("CONNEC_HOST"), "http://localhost.example"), "is not encrypted"),
]


def found():
    return [m for m in run_checks(tags=["connec"]) if m.id.startswith("django_connec.")]


@pytest.mark.parametrize(("code", "value", "words"), PLANTED, ids=[f"{c}-{n}" for n, (c, *_) in enumerate(PLANTED)])
def test_planted_mistake_is_named(settings, code, value, words):
    settings.CONNEC = value
    messages = found()
    assert [m.id for m in messages] == [f"django_connec.{code}"]
    assert words in messages[0].msg
    assert messages[0].hint
    assert "Zq7" not in f"{messages[0].msg}{messages[0].hint}"


@pytest.mark.parametrize("value", [value for code, value, _ in PLANTED if code not in ("E007", "W001")])
def test_accessor_raises_what_the_check_names(settings, value):
    settings.CONNEC = value
    with pytest.raises(ConnecConfigurationError) as caught:
        get_settings()
    assert "Zq7" not in str(caught.value)


def test_all_mistakes_are_named_at_once(settings):
    settings.CONNEC = {"MARKETPLACES": {"default": {"API_KEY": SECRET, "CONNEC_HOST": 5}}, "NO": 1, "PAGE_SIZE": 1000}
    assert sorted(m.id[-4:] for m in found()) == ["E002", "E002", "E003", "E004", "E006"]


def test_good_settings_are_silent_and_typed(settings):
    settings.CONNEC = GOOD
    assert found() == []
    assert get_settings().marketplaces["second_place-2"].connec_base_path == "/api/v2"
    assert SECRET not in repr(get_settings())
    assert list(find_problems(None)) == []


@pytest.mark.parametrize("host", ["http://localhost:8000", "http://127.0.0.1:9", "http://[::1]:9"])
def test_hub_on_this_machine_needs_no_encryption(settings, host):
    settings.CONNEC = with_(place("CONNEC_HOST"), host)
    assert found() == []


def test_missing_settings_with_mappers(settings):
    settings.CONNEC = None
    assert [m.id for m in found()] == ["django_connec.E008"]
    with pytest.raises(ConnecConfigurationError):
        get_settings()


QUEUE = {"name": "x", "orm": "default", "timeout": 60, "retry": 90, "max_attempts": 1}


@pytest.mark.parametrize(
    ("code", "cluster"),
    [
        ("W301", {**QUEUE, "retry": 60}),
        ("W301", {k: v for k, v in QUEUE.items() if k != "retry"}),
        ("W302", {**QUEUE, "timeout": 30}),
        ("W303", {k: v for k, v in QUEUE.items() if k != "max_attempts"}),
        ("W304", {**QUEUE, "orm": "elsewhere"}),
        ("W305", {**{k: v for k, v in QUEUE.items() if k != "orm"}, "redis": {"host": "127.0.0.1"}}),
    ],
)
def test_queue_that_would_lose_or_repeat_work(settings, code, cluster):
    settings.Q_CLUSTER = cluster
    assert [m.id for m in found()] == [f"django_connec.{code}"]
    assert all(m.hint for m in found())
    settings.CONNEC = {**settings.CONNEC, "DISPATCHER": "tests.tracking.queues.remember"}
    assert found() == [], "another queue has other rules"


def test_good_queue_is_silent(settings):
    settings.Q_CLUSTER = {**QUEUE, "redis": {"host": "127.0.0.1", "socket_timeout": 2}}
    assert found() == []


def test_missing_applications(settings):
    settings.INSTALLED_APPS = [a for a in settings.INSTALLED_APPS if a not in ("rest_framework", "django_q")]
    assert sorted(m.id for m in found()) == ["django_connec.E301", "django_connec.E302"]


def test_sqlite_without_a_lock(monkeypatch, settings):
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}
    monkeypatch.setitem(settings.DATABASES, "default", sqlite)
    assert [m.id for m in found()] == ["django_connec.W306"]
    monkeypatch.setitem(settings.DATABASES, "default", {**sqlite, "OPTIONS": {"transaction_mode": "IMMEDIATE"}})
    assert found() == []
