"""API v2 as a pure function from request to response: no sockets, so that it can be called in process too."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from django_connec.sandbox import records
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from django_connec.sandbox.faults import Faults
from django_connec.sandbox.filters import BadFilter, order_by, read_filter
from django_connec.sandbox.ids import show
from django_connec.sandbox.query import Query as Asked
from django_connec.sandbox.records import Refused
from django_connec.sandbox.schema import example_of, schema_of
from django_connec.sandbox.store import Application, Store

__all__ = ["Api", "Request", "Response", "error_response", "path_and_query"]

logger = logging.getLogger(__name__)

BASE_PATH = "/api/v2"
#: Production's cap is not documented; its clients never ask for more (Connec! API v2, lists).
PAGE_CAP = 100
#: What connectors limit themselves to (Connec! API v2, batch).
BATCH_CAP = 50
#: SQLite, and whoever reads the record later, would give up some levels deeper.
DEPTH_CAP = 100

Query = list[tuple[str, str]]


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
        faults: Where those of single operations of a batch come from.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], dt.datetime],
        changed: Callable[[str, str, str, str], None],
        faults: Faults | None = None,
    ) -> None:
        self.faults = faults or Faults()
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
            response = error_response(error.status, error.title)
        except Exception as error:
            # What an exception says may quote a record.
            logger.error("The hub failed to answer: %s", type(error).__name__)
            response = error_response(500, "Internal error")
        response.headers.setdefault("Date", format_datetime(self.clock().astimezone(dt.UTC), usegmt=True))
        return response

    def _route(self, request: Request, origin: str) -> Response:
        path, query = path_and_query(request.target)
        path = path.rstrip("/").removesuffix(".json")
        if path == "/version":
            return Response(200, {"ci_branch": "v1.2", "ci_build_number": "1", "ci_commit": "sandbox"})
        application = self._authenticate(request)
        if path == "/batch":
            return self._batch(request, application, origin)
        if not path.startswith(BASE_PATH + "/"):
            raise Refused(404, "Not found")
        segments = [unquote(segment) for segment in path[len(BASE_PATH) + 1 :].split("/")]
        if segments[0] == "json_schema" and len(segments) == 2:
            _check_resource(segments[1])
            return Response(200, schema_of(segments[1]))
        org = self.store.org_of(segments[0], application.api_id)
        if org is None:
            raise Refused(401, "The group is not accessible with these credentials")
        if len(segments) == 1:
            return self._root(segments[0])
        external_ids = request.headers.get("connec-external-ids", "").lower() == "true"
        caller = records.Caller(application.api_id, segments[0], org, external_ids)
        pairs = parse_qsl(query, keep_blank_values=True)
        return self._resource(request, caller, segments[1:], pairs, origin)

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
        return Response(200, {"_links": [{name: {"href": f"{BASE_PATH}/{quote(group)}/{name}"}} for name in names]})

    def _resource(
        self, request: Request, caller: records.Caller, segments: list[str], query: Query, origin: str
    ) -> Response:
        resource, *rest = segments
        _check_resource(resource)
        merging = len(rest) == 2 and rest[1] == "merge" and request.method == "PUT"
        if (len(rest) > 1 and not merging) or (rest and resource in SINGULAR):
            raise Refused(404, "Not found")
        id = rest[0] if rest else None
        writer = records.Writer(self.store, self.clock, self.changed)
        if request.method == "GET":
            if resource in SINGULAR:
                return self._one(caller, resource, writer.singular(caller, resource))
            if id == "example":
                return Response(200, {resource: example_of(resource)})
            if id is not None:
                return self._one(caller, resource, writer.get(caller, resource, id))
            return self._list(request, caller, resource, query, origin)
        if request.method not in ("POST", "PUT"):
            raise Refused(405, "Set the status instead of deleting")
        content = _json(request.body)
        if merging:
            return self._one(caller, resource, _merge(writer, caller, resource, rest[0], content))
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

    def _list(self, request: Request, caller: records.Caller, resource: str, query: Query, origin: str) -> Response:
        try:
            condition = read_filter(_first(query, "$filter"))
            order = order_by(_first(query, "$orderby"))
        except BadFilter as error:
            raise Refused(400, f"$filter or $orderby: {error}") from None
        top = min(_number(query, "$top", PAGE_CAP), PAGE_CAP)
        skip = _number(query, "$skip", 0)
        asked = Asked(condition, _first(query, "$search") or "", order, top, skip)
        with self.store.transaction():
            total = self.store.count(caller.org, resource, asked)
            rows = self.store.find(caller.org, resource, asked)
        shown = show(self.store, caller.org, resource, rows, group_uid=caller.group, external_ids=caller.external_ids)
        pagination: dict[str, Any] = {"skip": skip, "top": top, "total": total}
        if rows and skip + len(rows) < total:
            following = [("$skip", str(skip + top)), ("$top", str(top))]
            following += [(name, value) for name, value in query if name not in ("$skip", "$top")]
            path, _ = path_and_query(request.target)
            pagination["next"] = f"{origin}{path}?{urlencode(following, quote_via=quote)}"
        return Response(200, {resource: shown, "pagination": pagination})

    def _batch(self, request: Request, application: Application, origin: str) -> Response:
        if request.method != "POST":
            raise Refused(405, "A batch is posted")
        content = _json(request.body)
        operations = content.get("ops")
        if not isinstance(operations, list) or "sequential" not in content:
            raise Refused(400, "A batch needs sequential and ops")
        if len(operations) > BATCH_CAP:
            raise Refused(400, f"A batch takes at most {BATCH_CAP} operations")
        answers = [self._operation(request, operation, origin) for operation in operations]
        return Response(200, {"results": [{"status": answer.status, "body": answer.body} for answer in answers]})

    def _operation(self, request: Request, operation: Any, origin: str) -> Response:
        if not isinstance(operation, dict):
            return error_response(400, "An operation is an object")
        method, url = operation.get("method"), operation.get("url")
        if not isinstance(method, str) or not isinstance(url, str):
            return error_response(400, "An operation needs method and url")
        # Relative to the server, and of the API: a batch in a batch would have no end.
        if not url.startswith(f"{BASE_PATH}/"):
            return error_response(400, f"The url of an operation begins with {BASE_PATH}/")
        fault = self.faults.take(method.upper(), path_and_query(url)[0], operation=True)
        if fault is not None:
            return error_response(fault.status, "Trouble on demand")
        body = json.dumps(operation.get("params") or {}).encode()
        return self.handle(Request(method.upper(), url, request.headers, body), origin)


def path_and_query(target: str) -> tuple[str, str]:
    """Take a request's target apart; an absolute one, as sent to a proxy, loses its scheme and host."""
    path, _, query = target.partition("#")[0].partition("?")
    if "://" in path and not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path, query


def error_response(status: int, title: str) -> Response:
    """Return a refusal in the hub's form (Connec! API v2, errors)."""
    code = re.sub(r"[^a-z0-9]+", "-", title.lower().replace("'", "")).strip("-")
    entry = {"id": str(uuid.uuid4()), "href": "http://maestrano.github.io/connec/", "status": str(status)}
    return Response(status, {"errors": [entry | {"code": code, "title": title, "detail": title}]})


def _check_resource(resource: str) -> None:
    if resource not in COLLECTIONS | SINGULAR:
        raise Refused(400, f"Unknown resource {resource[:64]}")


def _merge(writer: records.Writer, caller: records.Caller, resource: str, id: str, content: dict[str, Any]) -> Any:
    losers, attributes = content.get("ids"), content.get(resource, {})
    if not isinstance(losers, list) or not all(isinstance(loser, str) for loser in losers):
        raise Refused(400, "A merge needs ids, a list")
    if not isinstance(attributes, dict):
        raise Refused(400, f'"{resource}" must be an object')
    with writer.store.transaction():
        for loser in losers:
            writer.merge(caller, resource, id, loser)
        return writer.update(caller, resource, id, attributes)


def _json(body: bytes) -> dict[str, Any]:
    """Read a body: an object, not nested too deep, of numbers and texts that JSON and Unicode know."""
    try:
        content = json.loads(body)
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refused(400, "The body is not JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "The body must be an object")
    level: list[Any] = [content]
    for _ in range(DEPTH_CAP):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return content
    raise Refused(400, "The body is nested too deep")


def _first(query: Query, name: str) -> str | None:
    return next((value for found, value in query if found == name), None)


def _number(query: Query, name: str, default: int) -> int:
    text = _first(query, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise Refused(400, f"{name} must be a number")
    return int(text)
