"""Ids and references: stored as the hub's own, read and written in either form (Connec! API v2, identifiers)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django_connec.sandbox.catalogue import referred_resource
from django_connec.sandbox.store import Row, Store

__all__ = ["UnknownReference", "own_entries", "read_attributes", "show"]

ROW_IDS = "_ids"


class UnknownReference(ValueError):
    """An application referred to a record by an id that it never gave; ``attribute`` says where."""

    def __init__(self, attribute: str) -> None:
        super().__init__(f"{attribute}: no record has this id")
        self.attribute = attribute


def own_entries(value: Any) -> list[tuple[str, str, str]]:
    """Return ``(provider, realm, id)`` of every entry that an application wrote, the hub's own left out."""
    if not isinstance(value, list):
        return []
    return [
        (str(e.get("provider") or ""), str(e.get("realm") or ""), str(e.get("id")))
        for e in value
        if isinstance(e, Mapping) and e.get("provider") != "connec"
    ]


def read_attributes(store: Store, org: str, resource: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an application wrote with every reference as the hub's id.

    Raises:
        UnknownReference: A reference cannot be resolved.
    """
    result: dict[str, Any] = {}
    for name, value in attributes.items():
        target = referred_resource(resource, name)
        if target is not None:
            result[name] = _resolve(store, org, target, name, value)
        elif isinstance(value, list):
            result[name] = [_read_row(store, org, resource, row) for row in value]
        else:
            result[name] = value
    return result


def show(
    store: Store, org: str, resource: str, rows: Iterable[Row], *, group_uid: str, external_ids: bool
) -> list[dict[str, Any]]:
    """Return records as one group's application sees them."""
    listed = list(rows)
    links = _links(store, org, resource, listed) if external_ids else {}
    shown: list[dict[str, Any]] = []
    for row in listed:
        record: dict[str, Any] = {"id": _form(org, resource, row.id, links, external_ids)}
        record |= _show_block(org, resource, row.body, links, external_ids)
        record |= {"created_at": row.created_at, "updated_at": row.updated_at}
        record |= {"group_id": group_uid, "channel_id": org, "resource_type": resource}
        shown.append(record)
    return shown


Links = dict[tuple[str, str], list[dict[str, str]]]


def _links(store: Store, org: str, resource: str, rows: list[Row]) -> Links:
    wanted: dict[str, set[str]] = {resource: {row.id for row in rows}}
    for row in rows:
        _collect(resource, row.body, wanted)
    return {
        (target, id): entries
        for target, ids in wanted.items()
        for id, entries in store.externals(org, target, sorted(ids)).items()
    }


def _collect(resource: str, block: Mapping[str, Any], wanted: dict[str, set[str]]) -> None:
    for name, value in block.items():
        target = referred_resource(resource, name)
        if target is not None and isinstance(value, str):
            wanted.setdefault(target, set()).add(value)
        elif isinstance(value, list):
            for row in value:
                if isinstance(row, Mapping):
                    _collect(resource, row, wanted)


def _show_block(org: str, resource: str, block: Mapping[str, Any], links: Links, external_ids: bool) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in block.items():
        target = referred_resource(resource, name)
        if target is not None and isinstance(value, str) and value:
            result[name] = _form(org, target, value, links, external_ids)
        elif isinstance(value, list):
            result[name] = [
                _show_row(org, resource, row, links, external_ids) if isinstance(row, Mapping) else row for row in value
            ]
        else:
            result[name] = value
    return result


def _show_row(org: str, resource: str, row: Mapping[str, Any], links: Links, external_ids: bool) -> dict[str, Any]:
    shown = _show_block(org, resource, {k: v for k, v in row.items() if k != ROW_IDS}, links, external_ids)
    if "id" in row and external_ids:
        shown["id"] = [{"realm": org, "provider": "connec", "id": row["id"]}, *row.get(ROW_IDS, [])]
    return shown


def _form(org: str, resource: str, id: str, links: Links, external_ids: bool) -> Any:
    if not external_ids:
        return id
    return [{"realm": org, "provider": "connec", "id": id}, *links.get((resource, id), [])]


def _resolve(store: Store, org: str, resource: str, attribute: str, value: Any) -> str | None:
    if not value:
        return None
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        return str(value)
    for entry in value:
        if isinstance(entry, Mapping) and entry.get("provider") == "connec":
            return str(entry.get("id"))
    for provider, realm, external in own_entries(value):
        found = store.by_external(org, resource, provider, realm, external)
        if found is not None:
            return found
    raise UnknownReference(attribute)


def _read_row(store: Store, org: str, resource: str, row: Any) -> Any:
    if not isinstance(row, Mapping):
        return row
    read = read_attributes(store, org, resource, row)
    given = row.get("id")
    own = [{"realm": realm, "provider": provider, "id": external} for provider, realm, external in own_entries(given)]
    hub = given if isinstance(given, str) and given else None
    if isinstance(given, list):
        hub = next((str(e["id"]) for e in given if isinstance(e, Mapping) and e.get("provider") == "connec"), None)
    read["id"] = hub or str(uuid.uuid4())
    if own:
        read[ROW_IDS] = own
    return read
