"""Trouble on demand: by number, by route and method, by resource, before or after the hub did what was asked."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from django_connec.sandbox.api import Request, path_and_query

__all__ = ["Moment", "Trouble", "Troubles", "resources_of"]

Moment = Literal["before", "after"]
Kind = Literal["status", "down", "garbage", "slow", "meanwhile"]


@dataclass(slots=True)
class Trouble:
    """Something that goes wrong, or happens, with certain requests.

    Attributes:
        kind: ``status`` answers with it, ``down`` closes the connection, ``garbage`` answers something that is no
            JSON object, ``slow`` takes ``seconds``, ``meanwhile`` calls ``action``.
        moment: ``before``: the hub does nothing of what was asked; ``after``: it has done it.
        at: Which of the matching requests is the first that it befalls, from 1 on.
        times: How many it befalls from there on; -1: all.
        method: Only this one; any by default.
        route: Regular expression that the path must match; any by default.
        resource: Only requests with this resource: in their path, or in an operation of a batch.
        status: For ``status``.
        retry_after: Seconds, sent as Retry-After with ``status``.
        seconds: For ``slow``. They are counted, not waited for, where the hub is not on a port.
        action: For ``meanwhile``.
        seen: How many matching requests there were so far.
        happened: How often it happened so far.
    """

    kind: Kind
    moment: Moment = "before"
    at: int = 1
    times: int = 1
    method: str | None = None
    route: str = ""
    resource: str | None = None
    status: int = 503
    retry_after: int | None = None
    seconds: float = 0.0
    action: Callable[[], object] | None = None
    seen: int = 0
    happened: int = 0
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.moment not in ("before", "after"):
            raise ValueError('moment must be "before" or "after"')
        if self.at < 1 or self.times < -1 or self.times == 0:
            raise ValueError("at counts from 1, and times is a number of requests, or -1 for all")
        self._pattern = re.compile(self.route)

    def befalls(self, request: Request) -> bool:
        """Count a request that matches, and tell whether it is one of those."""
        path, _ = path_and_query(request.target)
        if self.method not in (None, request.method) or not self._pattern.search(path):
            return False
        if self.resource is not None and self.resource not in resources_of(request):
            return False
        self.seen += 1
        if self.seen < self.at or (self.times != -1 and self.seen >= self.at + self.times):
            return False
        self.happened += 1
        return True


class Troubles:
    """The troubles that are set. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._troubles: list[Trouble] = []

    def add(self, trouble: Trouble) -> None:
        """Let it happen from now on."""
        with self._lock:
            self._troubles.append(trouble)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._troubles.clear()

    def any(self) -> bool:
        """Whether there is one that can still happen."""
        with self._lock:
            return any(t.times == -1 or t.seen < t.at + t.times - 1 for t in self._troubles)

    def take(self, request: Request) -> list[Trouble]:
        """Return what befalls a request."""
        with self._lock:
            return [trouble for trouble in self._troubles if trouble.befalls(request)]


def resources_of(request: Request) -> set[str]:
    """Return the resources that a request is about; a batch may be about several."""
    path, _ = path_and_query(request.target)
    if path.rstrip("/") != "/batch":
        return {_resource(path)}
    try:
        operations = json.loads(request.body)["ops"]
        return {_resource(path_and_query(str(operation["url"]))[0]) for operation in operations}
    except (ValueError, KeyError, TypeError):
        return set()


def _resource(path: str) -> str:
    # /api/v2/<group>/<resource>[/<id>] (Connec! API v2, URL shape).
    segments = path.strip("/").split("/")
    return unquote(segments[3]).removesuffix(".json") if len(segments) > 3 else ""
