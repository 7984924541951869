"""Workers that die: before any statement that writes, and before and after any call of the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from django_connec.sandbox.api import Request
from django_connec.testing.hub import LocalHub
from django_connec.testing.troubles import Moment

__all__ = ["Killed", "mortal"]

READS = ("SELECT", "EXPLAIN")


class Killed(BaseException):
    """The worker's process is gone. No handler of the engine's may hold it up."""


@contextmanager
def mortal(hub: LocalHub, using: str, at: int | None) -> Iterator[None]:
    """Let whoever works in the block die at its so-and-so-manieth step.

    A step is a statement that writes (so that everything before it is committed, or rolled back with it) or one
    side of a call of the hub. From then on nothing of the worker reaches the database or the hub: its clean-up does
    not happen, its leases stay behind, and its transaction is rolled back as the server would.

    Args:
        hub: The hub it calls.
        using: Alias of the database.
        at: The step, from 1 on; ``None``: it lives.
    """
    if at is None:
        yield
        return
    steps = 0
    dead = False

    def step() -> None:
        nonlocal steps, dead
        steps += 1
        dead = dead or steps >= at
        if dead:
            raise Killed

    def statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if dead:
            raise Killed
        if not sql.lstrip("( ").upper().startswith(READS):
            step()
        return execute(sql, params, many, context)

    def call(moment: Moment, request: Request) -> None:
        step()

    connection = connections[using]
    hub.watchers.append(call)
    try:
        with connection.execute_wrapper(statement):
            yield
    except Killed:
        pass
    finally:
        hub.watchers.remove(call)
    assert not connection.in_atomic_block, "the transaction of a worker that was killed is still open"
