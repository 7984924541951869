"""Queues for ``CONNEC["DISPATCHER"]``: one that remembers, one that is dead."""

from __future__ import annotations

from typing import Any

tasks: list[tuple[str, tuple[Any, ...]]] = []


def remember(task: str, *args: Any) -> None:
    tasks.append((task.rpartition(".")[2], args))


def dead(task: str, *args: Any) -> None:
    raise ConnectionRefusedError("no broker here")
