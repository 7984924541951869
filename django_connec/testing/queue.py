"""The queue of a test: it takes every task and works on none; a drain does what is due."""

from __future__ import annotations

from typing import Any

__all__ = ["forget", "keep", "tasks"]

#: What was queued: the task's dotted path, and its arguments.
tasks: list[tuple[str, tuple[Any, ...]]] = []


def keep(task: str, *args: Any) -> None:
    """Queue a task; ``CONNEC["DISPATCHER"]`` while a kit is running."""
    tasks.append((task, args))


def forget() -> None:
    """Empty the queue."""
    tasks.clear()
