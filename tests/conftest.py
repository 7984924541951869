"""Fixtures: a real hub over real HTTP, a linked group, and ways to watch what goes over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from django.test import override_settings

from django_connec.client import ConnecClient, client_for, reset_clients
from django_connec.conf import get_marketplace
from django_connec.models import ConnecGroup
from django_connec.sandbox import SandboxHub
from django_connec.work import Report, work_group
from tests.app.models import Company

API_ID, API_KEY = "app-1a2b", "key of the first"
ORG = "org-9x1"
PROVIDER = "acme-books"


def connec_settings(url: str) -> dict[str, object]:
    return {
        "PROVIDER": PROVIDER,
        "MARKETPLACES": {"default": {"API_ID": API_ID, "API_KEY": API_KEY, "CONNEC_HOST": url}},
    }


class Hub(SandboxHub):
    """The sandbox, with the shorthands that the tests use."""

    url = ""

    def paths(self, method: str | None = None) -> list[str]:
        return [call.path for call in self.calls if method in (None, call.method)]

    @property
    def operations(self) -> int:
        return sum(call.operations for call in self.calls if call.method in ("POST", "PUT"))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The client's pauses between its tries are counted, not waited for."""
    monkeypatch.setattr("django_connec.client.clients.ConnecClient", partial(ConnecClient, sleep=lambda seconds: None))
    reset_clients()
    yield
    reset_clients()


@pytest.fixture
def hub() -> Iterator[Hub]:
    instance = Hub(delay=0.0)
    instance.add_application(API_ID, API_KEY)
    instance.add_group("cld-7p2k", api_id=API_ID, org=ORG)
    with instance.serve() as url, override_settings(CONNEC=connec_settings(url)):
        instance.url = url
        yield instance
    instance.close()


@pytest.fixture
def group(db: None) -> ConnecGroup:
    return ConnecGroup.objects.create(uid="cld-7p2k", name="Pelican Freight", org_uid=ORG)


@pytest.fixture
def company(group: ConnecGroup) -> Company:
    return Company.objects.create(name="Pelican Freight", connec_group=group)


@pytest.fixture
def client_to_hub(hub: Hub):
    return client_for(get_marketplace("default"))


def drain(group: ConnecGroup) -> Report:
    report = work_group(group, force=True)
    assert report is not None
    return report
