from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_connec.client import ConnecClient
from django_connec.conf import Marketplace

from .hub import Clock, ScriptedHub


@pytest.fixture
def hub() -> Iterator[ScriptedHub]:
    hub = ScriptedHub()
    yield hub
    hub.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_client(hub: ScriptedHub, clock: Clock) -> Iterator[Callable[..., ConnecClient]]:
    made: list[ConnecClient] = []

    def make(*, adapter: Any = None, **options: Any) -> ConnecClient:
        values = {"name": "default", "api_id": "app-1a2b", "api_key": "very secret", "connec_host": hub.origin}
        marketplace = Marketplace(**{**values, **options})
        client = ConnecClient(marketplace, sleep=clock.sleep, monotonic=clock, adapter=adapter)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., ConnecClient]) -> ConnecClient:
    return make_client()
