"""The pytest fixtures; pytest loads them by itself where the package is installed.

Nothing runs by itself: a test that asks for none of them pays nothing. Imported before Django has its settings, so
everything else is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django_connec.models import ConnecGroup
    from django_connec.testing.clock import Clock
    from django_connec.testing.draining import Drained
    from django_connec.testing.hub import LocalHub
    from django_connec.testing.kit import ConnecKit
    from django_connec.testing.pushes import Push


@pytest.fixture
def connec_kit(request: pytest.FixtureRequest) -> Iterator[ConnecKit]:
    """Everything below in one object."""
    from django_connec.testing.kit import ConnecKit

    with ConnecKit(on_port="connec_hub_server" in request.fixturenames) as kit:
        yield kit


@pytest.fixture
def connec_hub(connec_kit: ConnecKit) -> LocalHub:
    """A sandbox hub in this process; the marketplaces of ``settings.CONNEC`` lead to it."""
    return connec_kit.hub


@pytest.fixture
def connec_hub_server(connec_kit: ConnecKit) -> LocalHub:
    """The same on a port of 127.0.0.1: the client reaches it through a socket. Its ``url`` says where."""
    return connec_kit.hub


@pytest.fixture
def connec_group(connec_kit: ConnecKit, db: None) -> ConnecGroup:
    """A linked group that the hub knows."""
    return connec_kit.link()


@pytest.fixture
def connec_clock(connec_kit: ConnecKit) -> Clock:
    """Moves the hub's time, due times, leases and back-off, without waiting."""
    return connec_kit.clock


@pytest.fixture
def connec_drain(connec_kit: ConnecKit, db: None) -> Callable[..., Drained]:
    """Function that delivers notifications, applies them, retries what is due and sends what is pending."""
    return connec_kit.drain


@pytest.fixture
def assert_pushed(connec_kit: ConnecKit) -> Callable[..., Push]:
    """Function that fails unless this row, or a row of this model, was pushed with these attributes."""
    return connec_kit.assert_pushed


@pytest.fixture
def assert_nothing_pushed(connec_kit: ConnecKit) -> Callable[[Any], None]:
    """Function that fails if anything was pushed; of this row or model only, where one is named."""
    return connec_kit.assert_nothing_pushed
