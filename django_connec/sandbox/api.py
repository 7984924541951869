"""API v2 as a pure function from request to response: no sockets, so that it can be called in process too."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from django_connec.sandbox import records
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from django_connec.sandbox.filters import BadFilter, order_by, where
from django_connec.sandbox.ids import show
from django_connec.sandbox.records import Refused
from django_connec.sandbox.store import Application, Store

__all__ = ["Api", "Request", "Response"]

BASE_PATH = "/api/v2"
#: Production's cap is not documented; its clients never ask for more (Connec! API v2, lists).
PAGE_CAP = 100
#: What connectors limit themselves to (Connec! API v2, batch).
BATCH_CAP = 50


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Response:
    """One HTTP response; ``body`` is sent as JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """The hub's API over a store.

    Args:
        store: What the hub knows.
        clock: Returns the hub's time, aware.
        changed: Told of each change: organisation, resource, id, and who wrote it.
    """

    def __init__(
        self, store: Store, clock: Callable[[], dt.datetime], changed: Callable[[str, str, str, str], None]
    ) -> None:
        self.store = store
        self.clock = clock
        self.changed = changed

    def handle(self, request: Request, origin: str = "http://hub.invalid") -> Response:
        """Answer a request.

        Args:
            origin: Scheme and host as the caller sees them, for absolute links.
        """
        try:
            response = self._route(request, origin)
        except Refused as error:
            response = _error(error.status, error.title)
        response.headers.setdefault("Date", format_datetime(self.clock().astimezone(dt.UTC), usegmt=True))
        return response

    def _route(self, request: Request, origin: str) -> Response:
        parts = urlsplit(request.target)
        path = parts.path.rstrip("/").removesuffix(".json")
        if path == "/version":
            return Response(200, {"ci_branch": "v1.2", "ci_build_number": "1", "ci_commit": "sandbox"})
        application = self._authenticate(request)
        if path == "/batch":
            return self._batch(request, application, origin)
        if not path.startswith(BASE_PATH + "/"):
            raise Refused(404, "Not found")
        segments = [unquote(segment) for segment in path[len(BASE_PATH) + 1 :].split("/")]
        if segments[0] == "json_schema" and len(segments) == 2:
            return Response(200, {"properties": {segments[1]: {"items": {"properties": {}}}}})
        org = self.store.org_of(segments[0], application.api_id)
        if org is None:
            raise Refused(401, "The group is not accessible with these credentials")
        if len(segments) == 1:
            return self._root(segments[0])
        external_ids = request.headers.get("connec-external-ids", "").lower() == "true"
        caller = records.Caller(application.api_id, segments[0], org, external_ids)
        return self._resource(request, caller, segments[1:], parse_qs(parts.query, keep_blank_values=True), origin)

    def _authenticate(self, request: Request) -> Application:
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            name, _, key = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            name = key = ""
        for application in self.store.applications():
            if scheme.lower() == "basic" and (application.api_id, application.api_key) == (name, key):
                return application
        raise Refused(401, "Invalid credentials")

    def _root(self, group: str) -> Response:
        names = sorted(COLLECTIONS | SINGULAR)
        return Response(200, {"_links": [{name: {"href": f"{BASE_PATH}/{group}/{name}"}} for name in names]})

    def _resource(
        self, request: Request, caller: records.Caller, segments: list[str], query: dict[str, list[str]], origin: str
    ) -> Response:
        resource, *rest = segments
        if resource not in COLLECTIONS | SINGULAR:
            raise Refused(400, f"Unknown resource {resource[:64]}")
        id = rest[0] if rest else None
        writer = records.Writer(self.store, self.clock, self.changed)
        if request.method == "GET":
            if resource in SINGULAR:
                return self._one(caller, resource, writer.singular(caller, resource))
            if id == "example":
                return Response(200, {resource: {}})
            if id is not None:
                return self._one(caller, resource, writer.get(caller, resource, id))
            return self._list(request, caller, resource, query, origin)
        if request.method not in ("POST", "PUT"):
            raise Refused(405, "Set the status instead of deleting")
        content = _json(request.body)
        if len(rest) == 2 and rest[1] == "merge" and request.method == "PUT":
            for loser in content.get("ids", []):
                writer.merge(caller.org, resource, rest[0], str(loser))
            return self._one(caller, resource, writer.get(caller, resource, rest[0]))
        attributes = content.get(resource)
        if not isinstance(attributes, dict):
            raise Refused(400, f'The body must hold an object under "{resource}"')
        if resource in SINGULAR:
            row, created = writer.write_singular(caller, resource, attributes)
        elif request.method == "POST" and id is None:
            row, created = writer.create(caller, resource, attributes)
        elif request.method == "PUT" and id is not None:
            row, created = writer.update(caller, resource, id, attributes), False
        else:
            raise Refused(400, "POST takes no id in its path, PUT needs one")
        response = self._one(caller, resource, row)
        if created:
            response.status = 201
            response.headers["Location"] = f"{BASE_PATH}/{quote(caller.group)}/{resource}/{row.id}"
        return response

    def _one(self, caller: records.Caller, resource: str, row: Any) -> Response:
        shown = show(self.store, caller.org, resource, [row], group_uid=caller.group, external_ids=caller.external_ids)
        return Response(200, {resource: shown[0]})

    def _list(
        self, request: Request, caller: records.Caller, resource: str, query: dict[str, list[str]], origin: str
    ) -> Response:
        try:
            condition, values = where(_first(query, "$filter"))
            order = order_by(_first(query, "$orderby"))
        except BadFilter as error:
            raise Refused(400, f"$filter or $orderby: {error}") from None
        search = _first(query, "$search")
        if search:
            condition, values = f"({condition}) AND body REGEXP ?", [*values, re.escape(search)]
        top = min(_number(query, "$top", PAGE_CAP), PAGE_CAP)
        skip = _number(query, "$skip", 0)
        total = self.store.count(caller.org, resource, condition, values)
        rows = self.store.find(caller.org, resource, condition, values, order, top, skip)
        shown = show(self.store, caller.org, resource, rows, group_uid=caller.group, external_ids=caller.external_ids)
        pagination: dict[str, Any] = {"skip": skip, "top": top, "total": total}
        if skip + len(rows) < total and rows:
            following = {name: found[0] for name, found in query.items()} | {"$skip": skip + top, "$top": top}
            pagination["next"] = f"{origin}{urlsplit(request.target).path}?{urlencode(following)}"
        return Response(200, {resource: shown, "pagination": pagination})

    def _batch(self, request: Request, application: Application, origin: str) -> Response:
        content = _json(request.body)
        operations = content.get("ops")
        if not isinstance(operations, list) or "sequential" not in content:
            raise Refused(400, "A batch needs sequential and ops")
        if len(operations) > BATCH_CAP:
            raise Refused(400, f"A batch takes at most {BATCH_CAP} operations")
        results = []
        for operation in operations:
            if not isinstance(operation, dict) or not isinstance(operation.get("url"), str):
                results.append({"status": 400, "body": _error(400, "An operation needs method and url").body})
                continue
            inner = Request(
                str(operation.get("method", "get")).upper(),
                operation["url"],
                request.headers,
                json.dumps(operation.get("params") or {}).encode(),
            )
            answer = self.handle(inner, origin)
            results.append({"status": answer.status, "body": answer.body})
        return Response(200, {"results": results})


def _error(status: int, title: str) -> Response:
    code = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    entry = {"id": str(uuid.uuid4()), "status": str(status), "code": code, "title": title, "detail": title}
    return Response(status, {"errors": [entry]})


def _json(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        raise Refused(400, "The body is not JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "The body must be an object")
    return content


def _first(query: Mapping[str, list[str]], name: str) -> str | None:
    return query[name][0] if query.get(name) else None


def _number(query: Mapping[str, list[str]], name: str, default: int) -> int:
    text = _first(query, name)
    if text is None:
        return default
    if not text.isdigit() or len(text) > 12:
        raise Refused(400, f"{name} must be a number")
    return int(text)
