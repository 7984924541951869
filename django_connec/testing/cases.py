"""The kit for ``unittest``: ``ConnecTestCase``, and the mixin for a base class of one's own."""

from __future__ import annotations

from typing import Any

from django.test import TestCase
from django.utils.functional import cached_property

from django_connec.models import ConnecGroup
from django_connec.testing.clock import Clock
from django_connec.testing.draining import Drained
from django_connec.testing.hub import LocalHub
from django_connec.testing.kit import ConnecKit
from django_connec.testing.pushes import Push

__all__ = ["ConnecTestCase", "ConnecTestMixin"]


class ConnecTestMixin:
    """Gives a test case the hub, the clock, the drain and the assertions; beside any of Django's test cases.

    Attributes:
        connec_on_port: Serve the hub on a port of 127.0.0.1 too, and reach it through a socket.
    """

    connec_on_port = False

    def setUp(self) -> None:
        case: Any = self
        self.connec_kit = ConnecKit(on_port=self.connec_on_port)
        self.connec_kit.start()
        case.addCleanup(self.connec_kit.stop)
        parent: Any = super()
        parent.setUp()

    @property
    def connec_hub(self) -> LocalHub:
        """The hub."""
        return self.connec_kit.hub

    @property
    def connec_clock(self) -> Clock:
        """Moves the hub's time and ours."""
        return self.connec_kit.clock

    @cached_property
    def connec_group(self) -> ConnecGroup:
        """A linked group; made when it is first asked for."""
        return self.connec_kit.link()

    def connec_drain(self, *groups: ConnecGroup, force: bool = False) -> Drained:
        """See :meth:`ConnecKit.drain`."""
        return self.connec_kit.drain(*groups, force=force)

    def assert_pushed(self, target: Any, /, **attributes: Any) -> Push:
        """See :meth:`ConnecKit.assert_pushed`."""
        return self.connec_kit.assert_pushed(target, **attributes)

    def assert_nothing_pushed(self, target: Any = None, /) -> None:
        """See :meth:`ConnecKit.assert_nothing_pushed`."""
        self.connec_kit.assert_nothing_pushed(target)


class ConnecTestCase(ConnecTestMixin, TestCase):
    """Django's ``TestCase`` with the kit."""
