"""What this application has sent, one entry a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from django_connec.sandbox.api import Request, Response, path_and_query

__all__ = ["Push", "read_push"]


@dataclass(frozen=True, slots=True)
class Push:
    """One record that was sent.

    Attributes:
        method: ``"POST"`` where it was to be made, ``"PUT"`` where it was to be changed.
        group: Id of the group.
        resource: The hub's name, for example ``"people"``.
        id: The hub's id of the record; ``None`` where the hub refused it.
        external_ids: ``(provider, realm, id)`` that were sent with it.
        attributes: What was sent, without the id.
        status: What the hub answered; 200 or 201 where it accepted it.
        record: The hub's record afterwards.
    """

    method: str
    group: str
    resource: str
    id: str | None
    external_ids: tuple[tuple[str, str, str], ...]
    attributes: dict[str, Any]
    status: int
    record: dict[str, Any] = field(repr=False)

    @property
    def is_accepted(self) -> bool:
        """The hub took it."""
        return 200 <= self.status < 300

    def __str__(self) -> str:
        known = self.id or ", ".join(entry[2] for entry in self.external_ids) or "?"
        refused = "" if self.is_accepted else f" (refused: {self.status})"
        return f"{self.method} {self.resource} {known} {json.dumps(self.attributes, default=str)}{refused}"


def read_push(request: Request, response: Response) -> Push | None:
    """Return what a request sent; ``None`` for one that sends no record."""
    if request.method not in ("POST", "PUT"):
        return None
    segments = [unquote(part) for part in path_and_query(request.target)[0].strip("/").split("/")]
    # /api/v2/<group>/<resource>[/<id>] (Connec! API v2, URL shape).
    if len(segments) not in (4, 5) or segments[0] != "api":
        return None
    group, resource = segments[2], segments[3].removesuffix(".json")
    sent = _object(request.body).get(resource)
    attributes = dict(sent) if isinstance(sent, Mapping) else {}
    given = attributes.pop("id", None)
    entries = [entry for entry in given if isinstance(entry, Mapping)] if isinstance(given, list) else []
    record = response.body.get(resource) if isinstance(response.body, Mapping) else None
    return Push(
        method=request.method,
        group=group,
        resource=resource,
        id=_hub_id(record) or (segments[4] if len(segments) == 5 else None),
        external_ids=tuple((str(e.get("provider")), str(e.get("realm")), str(e.get("id"))) for e in entries),
        attributes=attributes,
        status=response.status,
        record=record if isinstance(record, dict) else {},
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, Mapping) else {}


def _hub_id(record: Any) -> str | None:
    found = record.get("id") if isinstance(record, Mapping) else None
    if isinstance(found, list):
        found = next((e.get("id") for e in found if isinstance(e, Mapping) and e.get("provider") == "connec"), None)
    return None if found is None else str(found)
