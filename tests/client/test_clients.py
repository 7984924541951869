from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from django_connec.client import ConnecClient, client_for, clients, reset_clients
from django_connec.conf import Marketplace

from .hub import ScriptedHub, answer

FIRST = Marketplace("first", "app-1", "key-1", "http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    reset_clients()
    yield
    reset_clients()


def test_one_client_for_equal_marketplaces() -> None:
    assert client_for(FIRST) is client_for(replace(FIRST))


@pytest.mark.parametrize(
    "other",
    [
        replace(FIRST, api_key="key-2"),
        replace(FIRST, connec_host="http://127.0.0.1:10"),
        replace(FIRST, name="second"),
        replace(FIRST, connec_timeout=5),
    ],
)
def test_any_difference_makes_another(other: Marketplace) -> None:
    assert client_for(FIRST) is not client_for(other)


def test_a_reset_forgets() -> None:
    before = client_for(FIRST)
    reset_clients()
    assert client_for(FIRST) is not before


def test_tenants_do_not_mix(hub: ScriptedHub) -> None:
    other = ScriptedHub()
    try:
        hub.otherwise = other.otherwise = answer({"company": {}})
        first = replace(FIRST, connec_host=hub.origin)
        second = replace(FIRST, name="second", api_key="key-2", connec_host=other.origin)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: client_for((first, second)[n % 2]).get("cld-1", "company"), range(40)))
        sent = [{asked.headers["Authorization"] for asked in each.asked} for each in (hub, other)]
        assert [len(keys) for keys in sent] == [1, 1]
        assert sent[0] != sent[1]
    finally:
        other.close()


def test_threads_get_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(8)

    class Slow(ConnecClient):
        def __init__(self, marketplace: Marketplace) -> None:
            threading.Event().wait(0.01)
            super().__init__(marketplace)

    monkeypatch.setattr(clients, "ConnecClient", Slow)

    def ask(_: int) -> int:
        together.wait(5)
        return id(client_for(FIRST))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_worker_opens_connections_of_its_own() -> None:
    before = client_for(FIRST)
    with clients._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if client_for(FIRST) is not before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client_for(FIRST) is before
