"""``ConnecKit``: the hub, the clock, the drain and the assertions, for fixtures and test cases alike."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Self

from django.conf import settings
from django.test import override_settings

from django_connec.client import clients_through
from django_connec.conf import get_settings
from django_connec.models import ConnecGroup
from django_connec.testing import asserting, queue
from django_connec.testing.clock import Clock
from django_connec.testing.draining import Drained, drain
from django_connec.testing.hub import LocalHub
from django_connec.testing.pushes import Push

__all__ = ["ConnecKit"]

#: No such host can exist (RFC 2606): a call that went round the adapter would fail at once.
HOST = "http://hub.invalid"


class ConnecKit:
    """Everything that a test of a host project needs, from :meth:`start` to :meth:`stop`; also a context manager.

    While it runs, ``settings.CONNEC`` is the project's own, except that every marketplace leads to the hub of the
    kit and that no task is queued anywhere: :meth:`drain` is the worker.

    Args:
        on_port: Serve the hub on a port of 127.0.0.1 too, and let the client reach it through a socket.
        options: Keys of ``settings.CONNEC`` that differ from the project's own.

    Attributes:
        hub: The hub; it knows the marketplaces of the settings.
        clock: Moves its time and ours.
    """

    def __init__(self, *, on_port: bool = False, options: Mapping[str, Any] | None = None) -> None:
        self.on_port = on_port
        self.options = dict(options or {})
        self.clock = Clock()
        self.hub: LocalHub
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin.

        Raises:
            ConnecConfigurationError: ``settings.CONNEC`` is missing, or something in it is wrong.
        """
        with ExitStack() as stack:
            stack.callback(self.clock.stop)
            self.hub = LocalHub(clock=self.clock.hub_now)
            stack.callback(self.hub.close)
            for marketplace in get_settings().marketplaces.values():
                self.hub.add_application(marketplace.api_id, marketplace.api_key)
            if self.on_port:
                self.hub.url = stack.enter_context(self.hub.serve())
            stack.enter_context(override_settings(CONNEC=_settings(self.hub.url or HOST) | self.options))
            stack.enter_context(
                clients_through(
                    None if self.on_port else self.hub.adapter,
                    sleep=self.clock.sleep,
                    monotonic=self.clock.monotonic,
                )
            )
            self.hub.pass_time = self.clock.sleep
            queue.forget()
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """End, and leave everything as it was."""
        self._stack.close()

    def link(self, group: ConnecGroup | None = None, *, org: str = "", **fields: Any) -> ConnecGroup:
        """See :meth:`LocalHub.link`."""
        return self.hub.link(group, org=org, **fields)

    def drain(self, *groups: ConnecGroup, force: bool = False) -> Drained:
        """Deliver the notifications that wait, unless they are held back, then do all due work.

        Args:
            groups: Only these; all that are linked by default.
            force: Do not wait for the groups' back-off.
        """
        self.hub.notify()
        return drain(groups, force=force)

    def assert_pushed(self, target: Any, /, **attributes: Any) -> Push:
        """Fail unless this row, or a row of this model, was pushed with these attributes.

        Args:
            target: An instance, also one that was deleted since, or a model.
            attributes: Values by the mapper's field, as the row has them, or by the hub's attribute, as the hub
                has them, with two underscores where a dotted path has a dot.

        Returns:
            The last push that fits.

        Raises:
            AssertionError: There is none; it says what was pushed instead.
        """
        return asserting.assert_pushed(self.hub.pushes, target, attributes)

    def assert_nothing_pushed(self, target: Any = None, /) -> None:
        """Fail if anything was pushed; of this row or this model only, where one is named.

        Raises:
            AssertionError: It says what was.
        """
        asserting.assert_nothing_pushed(self.hub.pushes, target)


def _settings(host: str) -> dict[str, Any]:
    raw: dict[str, Any] = dict(settings.CONNEC)
    raw["DISPATCHER"] = "django_connec.testing.queue.keep"
    raw["MARKETPLACES"] = {
        # The sandbox serves the documented path only.
        name: {**entry, "CONNEC_HOST": host, "CONNEC_BASE_PATH": "/api/v2"}
        for name, entry in raw["MARKETPLACES"].items()
    }
    return raw
