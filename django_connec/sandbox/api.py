"""API v2 as a pure function from request to response: no sockets, so that it can be called in process too."""

from __future__ import annotations

import base64
import datetime as dt
import json
import logging
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from django_connec.sandbox import records
from django_connec.sandbox.behaviour import Behaviour
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR, entity_key
from django_connec.sandbox.countries import full_names
from django_connec.sandbox.faults import Faults
from django_connec.sandbox.messages import Query, Request, Response, error_response, first, path_and_query, read_object
from django_connec.sandbox.reading import Reader
from django_connec.sandbox.records import Caller, Refused
from django_connec.sandbox.schema import example_of, schema_of
from django_connec.sandbox.store import Application, Row, Store

__all__ = ["Api", "Request", "Response", "error_response", "path_and_query"]

logger = logging.getLogger(__name__)

BASE_PATH = "/api/v2"
#: Where Maestrano's published emulator has it.
EMULATOR_PREFIX = "/connec"
#: Who writes where somebody who is logged in to the marketplace does.
SESSION = "session"

Changed = Callable[[str, str, str, str], None]


class Api:
    """The hub's API over a store.

    Args:
        store: What the hub knows.
        clock: Returns the hub's time, aware.
        changed: Told of each change: organisation, resource, id, and who wrote it.
        faults: Where those of single operations of a batch come from.
        commit: Told of each record that is to be sent to one group: organisation, resource, id, group.
        behaviour: What it does where production's behaviour is not known.

    Attributes:
        sessions: The organisation of each session that may take the place of credentials, by its token.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], dt.datetime],
        changed: Changed,
        faults: Faults | None = None,
        commit: Changed = lambda org, resource, id, group: None,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.store = store
        self.clock = clock
        self.changed = changed
        self.commit = commit
        self.behaviour = behaviour or Behaviour()
        self.sessions: dict[str, str] = {}

    def handle(self, request: Request, origin: str = "http://hub.invalid") -> Response:
        """Answer a request.

        Args:
            origin: Scheme and host as the caller sees them, for absolute links.
        """
        try:
            response = self._route(request, origin)
        except Refused as error:
            response = error_response(error.status, error.title, anchor=_anchor(request))
        except Exception as error:
            # What an exception says may quote a record.
            logger.error("The hub failed to answer: %s", type(error).__name__)
            response = error_response(500, "Internal error", anchor=_anchor(request))
        response.headers.setdefault("Date", format_datetime(self.clock().astimezone(dt.UTC), usegmt=True))
        return response

    @property
    def writer(self) -> records.Writer:
        """Writes as the hub behaves at present."""
        return records.Writer(self.store, self.clock, self.changed, self.behaviour)

    def _route(self, request: Request, origin: str) -> Response:
        path, text = path_and_query(request.target)
        path = path.rstrip("/").removesuffix(".json")
        if path == "/version":
            return Response(200, {"ci_branch": "v1.2", "ci_build_number": "1", "ci_commit": "sandbox"})
        query = parse_qsl(text, keep_blank_values=True)
        application = self._authenticate(request, query)
        if path == "/batch":
            return self._batch(request, origin)
        inner = path.removeprefix(EMULATOR_PREFIX)
        if not inner.startswith(BASE_PATH + "/"):
            raise Refused(404, "Not found")
        segments = [unquote(segment) for segment in inner[len(BASE_PATH) + 1 :].split("/")]
        if segments[0] == "json_schema" and len(segments) == 2:
            _check_resource(segments[1])
            return Response(200, schema_of(segments[1]))
        caller = self._caller(request, application, segments[0], query)
        base = path.removesuffix(inner) + f"{BASE_PATH}/{quote(segments[0])}"
        if len(segments) == 1:
            names = sorted(COLLECTIONS | SINGULAR)
            return Response(200, {"_links": [{name: {"href": f"{base}/{name}"}} for name in names]})
        return self._resource(request, caller, segments[1:], query, origin, base)

    def _authenticate(self, request: Request, query: Query) -> Application | None:
        """Return who calls; ``None``: somebody with a session."""
        header = request.headers.get("authorization", "")
        if not header and first(query, "sso_session") in self.sessions:
            return None
        scheme, _, encoded = header.partition(" ")
        try:
            name, _, key = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            name = key = ""
        for application in self.store.applications():
            if scheme.lower() == "basic" and (application.api_id, application.api_key) == (name, key):
                return application
        raise Refused(401, "Invalid credentials")

    def _caller(self, request: Request, application: Application | None, group: str, query: Query) -> Caller:
        if application is None:
            org = self.sessions[first(query, "sso_session") or ""]
            allowed = group == org
        else:
            # An application sees its groups; a tenant sees all of its organisations, by their own ids.
            org = self.store.org_of(group, application.api_id) or group
            allowed = self.store.org_of(group, application.api_id) is not None
            allowed = allowed or (application.tenant and bool(self.store.groups_of(group)))
        if not allowed:
            raise Refused(401, "The group is not accessible with these credentials")
        external_ids = request.headers.get("connec-external-ids", "").lower() == "true"
        country_codes = request.headers.get("connec-country-format", "").lower() == "alpha2"
        return Caller(application.api_id if application else SESSION, group, org, external_ids, country_codes)

    def _resource(
        self, request: Request, caller: Caller, segments: list[str], query: Query, origin: str, base: str
    ) -> Response:
        resource, *rest = segments
        reader = Reader(self.store, self.behaviour, caller)
        if resource == "updates" and len(rest) == 1 and request.method == "GET":
            return Response(200, reader.updates(rest[0], query))
        _check_resource(resource)
        action = rest[1] if len(rest) == 2 and request.method == "PUT" else ""
        if (len(rest) > 1 and action not in ("merge", "commit")) or (action and resource in SINGULAR):
            raise Refused(404, "Not found")
        id = rest[0] if rest else None
        if request.method == "GET":
            if id == "example":
                return Response(200, {resource: example_of(resource)})
            if id is None and resource not in SINGULAR:
                return Response(200, reader.page(resource, query, f"{origin}{path_and_query(request.target)[0]}"))
            return Response(200, {resource: reader.one(resource, self._row(caller, resource, id), query)})
        if request.method == "DELETE" and self.behaviour.delete_deactivates and id is not None:
            row = self.writer.update(caller, resource, self._row(caller, resource, id).id, {"status": "INACTIVE"})
            return Response(200, {resource: reader.one(resource, row)})
        if request.method not in ("POST", "PUT"):
            raise Refused(405, "Set the status instead of deleting")
        content = _content(request, caller)
        created = False
        if action == "commit":
            row = self._commit(caller, resource, rest[0], content)
        elif action == "merge":
            row = self._merge(caller, resource, rest[0], content)
        else:
            row, created = self._write(request, caller, resource, id, content)
        response = Response(201 if created else 200, {resource: reader.one(resource, row)})
        if created:
            response.headers["Location"] = f"{base}/{resource}/{row.id}"
        return response

    def _row(self, caller: Caller, resource: str, id: str | None) -> Row:
        """Return the record that a path leads to; the id of a singular one may be left out."""
        if resource not in SINGULAR:
            return self.writer.get(caller, resource, id or "")
        row = self.writer.singular(caller, resource)
        if id is not None and self.store.keeper_of(caller.org, resource, id) != row.id:
            raise Refused(404, "No such record")
        return row

    def _write(
        self, request: Request, caller: Caller, resource: str, id: str | None, content: dict[str, Any]
    ) -> tuple[Row, bool]:
        attributes = content.get(resource)
        if not isinstance(attributes, dict):
            raise Refused(400, f'The body must hold an object under "{resource}"')
        if resource in SINGULAR and id is not None and request.method == "PUT":
            return self.writer.update(caller, resource, self._row(caller, resource, id).id, attributes), False
        if resource in SINGULAR and id is None:
            return self.writer.write_singular(caller, resource, attributes)
        if request.method == "POST" and id is None:
            return self.writer.create(caller, resource, attributes)
        if request.method == "PUT" and id is not None:
            return self.writer.update(caller, resource, id, attributes), False
        raise Refused(400, "POST takes no id in its path, PUT needs one")

    def _merge(self, caller: Caller, resource: str, id: str, content: dict[str, Any]) -> Row:
        losers, attributes = content.get("ids"), content.get(resource, {})
        if not isinstance(losers, list) or not all(isinstance(loser, str) for loser in losers):
            raise Refused(400, "A merge needs ids, a list")
        if not isinstance(attributes, dict):
            raise Refused(400, f'"{resource}" must be an object')
        with self.store.transaction():
            for loser in losers:
                self.writer.merge(caller, resource, id, loser)
            return self.writer.update(caller, resource, id, attributes)

    def _commit(self, caller: Caller, resource: str, id: str, content: dict[str, Any]) -> Row:
        """Send a record to the groups that are named (Connec! API v2, merge and commit)."""
        mappings = content.get("mappings")
        if not isinstance(mappings, list) or not all(isinstance(mapping, dict) for mapping in mappings):
            raise Refused(400, "A commit needs mappings, a list")
        row = self.writer.get(caller, resource, id)
        for mapping in mappings:
            group = mapping.get("group_id")
            if not isinstance(group, str) or self.store.org_of(group) != caller.org:
                raise Refused(400, "A mapping needs the group_id of a group of this organisation")
            if mapping.get("commit") is True:
                self.commit(caller.org, resource, row.id, group)
        return row

    def _batch(self, request: Request, origin: str) -> Response:
        if request.method != "POST":
            raise Refused(405, "A batch is posted")
        content = _content(request)
        operations = content.get("ops")
        # The published gem that batches look like knows no other order.
        if not isinstance(operations, list) or not content.get("sequential"):
            raise Refused(400, "A batch needs sequential, true, and ops")
        if len(operations) > self.behaviour.batch_cap:
            raise Refused(400, f"A batch takes at most {self.behaviour.batch_cap} operations")
        results = [_result(operation, self._operation(request, operation, origin)) for operation in operations]
        return Response(200, {"results": results})

    def _operation(self, request: Request, operation: Any, origin: str) -> Response:
        if not isinstance(operation, dict):
            return error_response(400, "An operation is an object")
        method, url = operation.get("method"), operation.get("url")
        if not isinstance(method, str) or not isinstance(url, str):
            return error_response(400, "An operation needs method and url")
        # Relative to the server, and of the API: a batch in a batch would have no end.
        if not url.removeprefix(EMULATOR_PREFIX).startswith(f"{BASE_PATH}/"):
            return error_response(400, f"The url of an operation begins with {BASE_PATH}/")
        fault = self.faults.take(method.upper(), path_and_query(url)[0], operation=True)
        if fault is not None:
            return error_response(fault.status, "Trouble on demand")
        method, headers, params = method.upper(), operation.get("headers") or {}, operation.get("params") or {}
        if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
            return error_response(400, "The headers of an operation are texts by name")
        if method == "GET" and isinstance(params, dict):
            url += ("&" if "?" in url else "?") + urlencode(params, doseq=True, quote_via=quote)
        own = {name.lower(): value for name, value in headers.items()}
        body = json.dumps(params).encode()
        return self.handle(Request(method, url, {**request.headers, **own}, body), origin)


def _result(operation: Any, answer: Response) -> dict[str, Any]:
    """Return what a batch says of an operation; nothing of one that succeeded and was to be ``silent``."""
    if answer.status < 300 and operation.get("silent"):
        return {"status": None, "body": None}
    return {"status": answer.status, "body": answer.body}


def _anchor(request: Request) -> str:
    """Return the part of the documentation that a request belongs to, as in the published emulator's errors."""
    path = path_and_query(request.target)[0].rstrip("/").removesuffix(".json").removeprefix(EMULATOR_PREFIX)
    segments = path.removeprefix(f"{BASE_PATH}/").split("/")
    resource = segments[1] if path.startswith(f"{BASE_PATH}/") and len(segments) > 1 else ""
    if resource not in COLLECTIONS | SINGULAR:
        return ""
    # The emulator counts GET of the singular resource among the lists.
    of_list = len(segments) == 2 and (resource not in SINGULAR or request.method == "GET")
    section = f"{resource}-list" if of_list else entity_key(resource)
    return f"{resource}-{section}-{request.method.lower()}".replace("_", "-")


def _content(request: Request, caller: Caller | None = None) -> dict[str, Any]:
    try:
        content = read_object(request.body)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    if caller is not None and caller.country_codes:
        converted: dict[str, Any] = full_names(content)
        return converted
    return content


def _check_resource(resource: str) -> None:
    if resource not in COLLECTIONS | SINGULAR:
        raise Refused(400, f"Unknown resource {resource[:64]}")
