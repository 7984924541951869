"""Faults on demand: what a hub in trouble does, for so many requests."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Literal, get_args

__all__ = ["Fault", "Faults"]

Kind = Literal["status", "drop", "lose_answer", "garbage", "slow", "operation"]


@dataclass(slots=True)
class Fault:
    """One kind of trouble.

    Attributes:
        kind: ``status`` answers with it and does nothing; ``drop`` closes the connection and does nothing;
            ``lose_answer`` does what was asked and closes the connection; ``garbage`` answers something that
            is no JSON; ``slow`` waits first; ``operation`` answers one operation of a batch with ``status`` and
            does nothing of it, the others are done.
        times: How many requests, or operations, it befalls; -1: all.
        path: Regular expression that the method and path must match, as ``POST /batch``; those of the operation
            where the kind is ``operation``.
        status: For ``status`` and ``operation``.
        retry_after: Seconds, sent as Retry-After with ``status``.
        seconds: Waits first, whatever happens then; an ``operation`` does not.

    Raises:
        ValueError: It is none of these.
    """

    kind: Kind
    times: int = 1
    path: str = ""
    status: int = 503
    retry_after: int | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.times, self.status, self.seconds, 0 if self.retry_after is None else self.retry_after)
        if self.kind not in get_args(Kind) or not isinstance(self.path, str):
            raise ValueError("no such fault")
        if not all(isinstance(number, (int, float)) for number in numbers) or not 200 <= self.status < 600:
            raise ValueError("a fault's numbers are numbers, and its status is one of HTTP's")
        if not 0 <= self.seconds <= 3600:
            raise ValueError("a fault takes an hour at most")
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path: {error}") from None


class Faults:
    """The faults that are set. Safe to change while the hub is serving."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault happen from now on."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def remaining(self) -> list[Fault]:
        """Return the faults that are still to happen, each with how many times."""
        with self._lock:
            return [replace(fault) for fault in self._faults if fault.times]

    def take(self, method: str, path: str, *, operation: bool = False) -> Fault | None:
        """Return the fault that befalls a request, or an operation of a batch, and count it."""
        with self._lock:
            for fault in self._faults:
                if not fault.times or (fault.kind == "operation") is not operation:
                    continue
                if re.search(fault.path, f"{method} {path}"):
                    fault.times -= 1
                    return fault
        return None
