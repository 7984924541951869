"""The data of a group: to read as its application does, and to change as another application would."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from django_connec.sandbox.accounts import GroupProfile
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from django_connec.sandbox.messages import Request, Response
from django_connec.sandbox.pages.forms import Field, changes_of, fields_of
from django_connec.sandbox.pages.web import Visit, page, redirect
from django_connec.sandbox.records import Refused
from django_connec.sandbox.schema import example_of

__all__ = ["record", "records", "resources", "save"]

SHOWN = 25
NEW = "new"


def resources(visit: Visit) -> Response:
    """List the resources with their numbers of records."""
    group = _group(visit)
    counts = [(name, _total(visit, group, name)) for name in sorted(COLLECTIONS)]
    # What holds something first.
    counts.sort(key=lambda entry: entry[1] == 0)
    return page(visit, "resources.html", {"group": group, "counts": counts, "singular": sorted(SINGULAR)})


def records(visit: Visit) -> Response:
    """List the records of a resource, page by page; the one record of a singular resource is shown at once."""
    group, resource = _group(visit), _resource(visit)
    if resource in SINGULAR:
        return _form(visit, group, resource, "", _singular(visit, group, resource))
    number = max(int(visit.query.get("page", "1") or 1), 1)
    search = visit.query.get("q", "").strip()
    order = [("$orderby", "updated_at desc"), ("$top", str(SHOWN)), ("$skip", str((number - 1) * SHOWN))]
    found = _ask(visit, group, resource, [*order, ("$search", search)] if search else order)
    total = found["pagination"]["total"]
    return page(
        visit,
        "records.html",
        {
            "group": group,
            "resource": resource,
            "records": [_summary(entry) for entry in found[resource]],
            "total": total,
            "search": search,
            "number": number,
            "previous": f"?{urlencode({'q': search, 'page': number - 1})}" if number > 1 else "",
            "next": f"?{urlencode({'q': search, 'page': number + 1})}" if number * SHOWN < total else "",
        },
    )


def record(visit: Visit) -> Response:
    """Show a record as a form, or an empty one."""
    group, resource, id = _group(visit), _resource(visit), visit.parts["id"]
    if id == NEW:
        return _form(visit, group, resource, id, {})
    return _form(visit, group, resource, id, _ask(visit, group, f"{resource}/{quote(id, safe='')}")[resource])


def save(visit: Visit) -> Response:
    """Make or change a record as another application would."""
    group, resource, id = _group(visit), _resource(visit), visit.parts["id"]
    singular = resource in SINGULAR
    held = (
        _singular(visit, group, resource) if singular else {} if id == NEW else visit.hub.get(group.uid, resource, id)
    )
    if held is None:
        raise LookupError(id)
    try:
        changes = changes_of(visit.form, held, example_of(resource))
        if singular or id == NEW:
            saved = visit.hub.create(group.uid, resource, changes)
        else:
            saved = visit.hub.update(group.uid, resource, id, changes)
    except (Refused, ValueError) as error:
        message = error.title if isinstance(error, Refused) else str(error)
        return _form(visit, group, resource, id, held, message)
    tail = "" if singular else f"/{quote(saved['id'], safe='')}"
    return redirect(f"/data/{quote(group.uid, safe='')}/{resource}{tail}?saved=1")


def _form(
    visit: Visit, group: GroupProfile, resource: str, id: str, held: Mapping[str, Any], error: str = ""
) -> Response:
    fields = fields_of(held, example_of(resource))
    typed = visit.form if error else {}
    shown: list[tuple[Field, str]] = [(field, typed.get(field.input, field.text)) for field in fields]
    return page(
        visit,
        "record.html",
        {
            "group": group,
            "resource": resource,
            "id": id,
            "is_new": id == NEW,
            "is_singular": resource in SINGULAR,
            "label": _label(held),
            "fields": shown,
            "raw": typed.get("raw", ""),
            "whole": json.dumps(held, indent=2, ensure_ascii=False),
            "error": error,
            "saved": "saved" in visit.query,
        },
        status=400 if error else 200,
    )


def _group(visit: Visit) -> GroupProfile:
    found = visit.hub.accounts.group(visit.parts["group"])
    if found is None:
        raise LookupError(visit.parts["group"])
    return found


def _resource(visit: Visit) -> str:
    resource = visit.parts["resource"]
    if resource not in COLLECTIONS | SINGULAR:
        raise LookupError(resource)
    return resource


def _ask(visit: Visit, group: GroupProfile, path: str, query: list[tuple[str, str]] | None = None) -> dict[str, Any]:
    """Read what the group's application would read, with its credentials.

    Raises:
        Refused: As the application would be.
    """
    key = next((a.api_key for a in visit.hub.store.applications() if a.api_id == group.api_id), "")
    credentials = base64.b64encode(f"{group.api_id}:{key}".encode()).decode()
    target = f"/api/v2/{quote(group.uid, safe='')}/{path}?{urlencode(query or [], quote_via=quote)}"
    answer = visit.hub.api.handle(Request("GET", target, {"authorization": f"Basic {credentials}"}), visit.origin)
    if answer.status != 200:
        raise Refused(answer.status, answer.body["errors"][0]["title"])
    return dict(answer.body)


def _total(visit: Visit, group: GroupProfile, resource: str) -> int:
    return int(_ask(visit, group, resource, [("$top", "1")])["pagination"]["total"])


def _singular(visit: Visit, group: GroupProfile, resource: str) -> dict[str, Any]:
    try:
        return dict(_ask(visit, group, resource)[resource])
    except Refused as error:
        if error.status != 404:
            raise
        return {}


def _summary(record: Mapping[str, Any]) -> dict[str, Any]:
    names = ("id", "code", "status", "updated_at")
    return {"label": _label(record) or record["id"], **{name: record.get(name, "") for name in names}}


def _label(record: Mapping[str, Any]) -> str:
    person = " ".join(str(record[name]) for name in ("first_name", "last_name") if record.get(name))
    for name in ("name", "title", "transaction_number", "description", "code"):
        if person and name != "name":
            return person
        if record.get(name):
            return str(record[name])
    return person
