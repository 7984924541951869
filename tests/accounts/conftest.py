from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from django_connec.client.transport import Transport
from tests.client.hub import ScriptedHub


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedHub]:
    """A server that answers what a test has written down; pauses between tries are not waited for."""
    quick = partial(Transport, sleep=lambda seconds: None)
    monkeypatch.setattr("django_connec.platform.refresh.Transport", quick)
    server = ScriptedHub()
    yield server
    server.close()
