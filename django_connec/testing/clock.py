"""Time that a test moves: the hub's, due times, leases and back-off, without waiting."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from django_connec.tracking.clock import forget_stamps

__all__ = ["Clock"]


class Clock:
    """The clock of the process and of the hub.

    Nothing is patched until a test moves it; from then on time-machine moves every clock of the process that shows
    a time of day, so that the host's rows, the engine and the hub agree. The pauses of the client between its tries
    are counted and never waited for.

    Attributes:
        hub_ahead: How far the hub's clock is ahead of ours.
    """

    def __init__(self) -> None:
        self.hub_ahead = dt.timedelta(0)
        self._traveller: Any = None
        self._coordinates: Any = None
        self._slept = 0.0

    def now(self) -> dt.datetime:
        """Return the time here, aware, UTC."""
        return dt.datetime.now(dt.UTC)

    def hub_now(self) -> dt.datetime:
        """Return the hub's time, aware, UTC."""
        return self.now() + self.hub_ahead

    def advance(self, by: dt.timedelta | None = None, **units: float) -> None:
        """Move on.

        Args:
            by: How far; or ``minutes=5`` and the like, as ``timedelta`` takes them.

        Raises:
            RuntimeError: time-machine is not installed.
        """
        distance = dt.timedelta(**units) if by is None else by
        if self._coordinates is None:
            self._start(self.now() + distance, tick=True)
        else:
            self._coordinates.shift(distance)

    def freeze(self, at: dt.datetime | None = None) -> None:
        """Stand still from now on, and move only by :meth:`advance`.

        Args:
            at: The time to show, aware; the present one by default.
        """
        moment = at or self.now()
        self.stop()
        self._start(moment, tick=False)

    def stop(self) -> None:
        """Show the real time again."""
        if self._traveller is not None:
            self._traveller.stop()
            forget_stamps()
        self._traveller = self._coordinates = None

    def sleep(self, seconds: float) -> None:
        """Count a pause instead of waiting."""
        self._slept += seconds

    def monotonic(self) -> float:
        """Return a time in seconds that never goes back, with the pauses counted."""
        return time.monotonic() + self._slept

    def _start(self, moment: dt.datetime, *, tick: bool) -> None:
        try:
            import time_machine
        except ImportError:
            raise RuntimeError('moving the clock needs time-machine: pip install "django-connec[testing]"') from None
        if moment < self.now():
            forget_stamps()
        self._traveller = time_machine.travel(moment, tick=tick)
        self._coordinates = self._traveller.start()
