"""The hub's notifications, delivered to the host's own view, or kept in a list that a test may turn over."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.urls import NoReverseMatch, reverse

from django_connec.conf import get_settings

if TYPE_CHECKING:
    from django_connec.testing.hub import LocalHub

__all__ = ["Notice", "Outbox", "post_notice"]


@dataclass(slots=True)
class Notice:
    """One notification (Connec! API v2, webhook notifications), as the records were when they changed.

    Attributes:
        api_id: The application that it is for.
        body: The records by resource, as they are sent.
        number: Which one it is, from 1 on.
        status: What the view answered last; ``None`` before it was delivered.
        attempts: How often it was delivered.
    """

    api_id: str
    body: dict[str, list[Any]]
    number: int
    status: int | None = None
    attempts: int = 0

    @property
    def records(self) -> int:
        """How many records it carries."""
        return sum(map(len, self.body.values()))


@dataclass(slots=True)
class Outbox:
    """Collects changes, and makes a notification of those that belong together."""

    hub: LocalHub
    waiting: list[Notice] = field(default_factory=list)
    delivered: list[Notice] = field(default_factory=list)
    _changes: list[tuple[str, str, str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def note(self, org: str, resource: str, id: str, writer: str) -> None:
        """Take note of a change. The store is held now, so the record is read later."""
        with self._lock:
            self._changes.append((org, resource, id, writer))

    def collect(self) -> None:
        """Make notifications of the changes so far, one an application."""
        with self._lock:
            changes, self._changes = self._changes, []
        for application in self.hub.applications.values():
            body: dict[str, list[Any]] = {}
            for org, resource, id, writer in dict.fromkeys(changes):
                if writer == application.api_id and not application.echo:
                    continue
                if application.resources is not None and resource not in application.resources:
                    continue
                for uid in self.hub.groups_of(application.api_id, org):
                    record = self.hub.get(uid, resource, id, external_ids=application.external_ids)
                    if record is not None:
                        body.setdefault(resource, []).append(record)
            if body:
                self.waiting.append(Notice(application.api_id, body, next(self._numbers)))


def post_notice(notice: Notice, api_key: str) -> int:
    """Deliver a notification to the host's URLconf, through its middleware and the real view.

    Returns:
        The status that the view answered.

    Raises:
        NoReverseMatch: The URLconf does not include ``django_connec.urls``, or no marketplace has this API id.
    """
    credentials = base64.b64encode(f"{notice.api_id}:{api_key}".encode()).decode()
    answer = Client().post(
        _path(notice.api_id),
        data=json.dumps(notice.body).encode(),
        content_type="application/json",
        # A host that sends all to HTTPS would only redirect.
        secure=True,
        headers={"Authorization": f"Basic {credentials}"},
    )
    return int(answer.status_code)


def _path(api_id: str) -> str:
    for name, marketplace in get_settings().marketplaces.items():
        if marketplace.api_id == api_id:
            return reverse("django_connec:notifications", args=[name])
    raise NoReverseMatch(f'no marketplace of CONNEC has the API_ID "{api_id}"')
