"""Ids and references: stored as the hub's own, read and written in either form (Connec! API v2, identifiers)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django_connec.sandbox.catalogue import linked_resource, referred_resource
from django_connec.sandbox.store import Row, Store

__all__ = [
    "ROW_IDS",
    "UnknownReference",
    "hub_entry",
    "is_id_list",
    "own_entries",
    "read_attributes",
    "repointed",
    "show",
]

ROW_IDS = "_ids"


class UnknownReference(ValueError):
    """An application referred to a record by an id that leads nowhere; ``attribute`` says where."""

    def __init__(self, attribute: str) -> None:
        super().__init__(f"{attribute}: no record has this id")
        self.attribute = attribute


def own_entries(value: Any) -> list[tuple[str, str, str]]:
    """Return ``(provider, realm, id)`` of every entry that an application wrote, the hub's own left out."""
    if not isinstance(value, list):
        return []
    return [
        (str(e["provider"]), str(e.get("realm") or ""), str(e["id"]))
        for e in value
        if isinstance(e, Mapping) and e.get("provider") not in (None, "", "connec") and _given(e.get("id"))
    ]


def hub_entry(value: Any) -> str | None:
    """Return the hub's own id out of an id in either form; ``None`` where it is not there."""
    if not isinstance(value, list):
        return str(value) if _given(value) else None
    entries = (e.get("id") for e in value if isinstance(e, Mapping) and e.get("provider") == "connec")
    return next((str(id) for id in entries if _given(id)), None)


def is_id_list(value: Any) -> bool:
    """Tell whether this is an id in list form with nothing else in it: each entry has a provider and an id."""
    return isinstance(value, list) and all(
        isinstance(e, Mapping) and isinstance(e.get("provider"), str) and e["provider"] and _given(e.get("id"))
        for e in value
    )


def _given(id: Any) -> bool:
    return isinstance(id, (str, int)) and not isinstance(id, bool) and id != ""


def read_attributes(
    store: Store,
    org: str,
    resource: str,
    attributes: Mapping[str, Any],
    *,
    drop_unknown: bool = False,
    check_hub_ids: bool = False,
) -> dict[str, Any]:
    """Return what an application wrote with every reference as the hub's id.

    Args:
        drop_unknown: Leave a reference that cannot be resolved empty, and raise nothing.
        check_hub_ids: References by the hub's id must lead to a record; they are believed otherwise, as records may
            arrive before what they refer to.

    Raises:
        UnknownReference: A reference cannot be resolved.
    """
    return _Resolver(store, org, resource, drop_unknown, check_hub_ids).block(attributes)


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


def without_row_ids(value: Any) -> Any:
    """Return what a record says, without the ids that applications gave its rows."""
    if isinstance(value, Mapping):
        return {name: without_row_ids(inner) for name, inner in value.items() if name != ROW_IDS}
    return [without_row_ids(inner) for inner in value] if isinstance(value, list) else value


def repointed(resource: str, block: Mapping[str, Any], target: str, old: str, new: str) -> dict[str, Any]:
    """Return a record's attributes with every reference to one record of ``target`` leading to another."""
    result: dict[str, Any] = {}
    for name, value in block.items():
        if value == old and referred_resource(resource, name) == target:
            result[name] = new
        elif isinstance(value, Mapping) and value.get("id") == old and linked_resource(name, value) == target:
            result[name] = {**value, "id": new}
        elif isinstance(value, list):
            result[name] = [
                repointed(resource, row, target, old, new)
                | ({"id": new} if row.get("id") == old and linked_resource(name, row) == target else {})
                if isinstance(row, Mapping)
                else row
                for row in value
            ]
        else:
            result[name] = value
    return result


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
        elif isinstance(value, Mapping):
            _collect_link(name, value, wanted)
        elif isinstance(value, list):
            for row in value:
                if isinstance(row, Mapping):
                    _collect(resource, row, wanted)
                    _collect_link(name, row, wanted)


def _collect_link(name: str, row: Mapping[str, Any], wanted: dict[str, set[str]]) -> None:
    linked = linked_resource(name, row)
    if linked is not None and isinstance(row.get("id"), str):
        wanted.setdefault(linked, set()).add(row["id"])


def _show_block(org: str, resource: str, block: Mapping[str, Any], links: Links, external_ids: bool) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in block.items():
        target = referred_resource(resource, name)
        if target is not None and isinstance(value, str) and value:
            result[name] = _form(org, target, value, links, external_ids)
        elif isinstance(value, Mapping) and linked_resource(name, value) is not None:
            result[name] = _show_row(org, resource, name, value, links, external_ids)
        elif isinstance(value, list):
            result[name] = [
                _show_row(org, resource, name, row, links, external_ids) if isinstance(row, Mapping) else row
                for row in value
            ]
        else:
            result[name] = value
    return result


def _show_row(
    org: str, resource: str, name: str, row: Mapping[str, Any], links: Links, external_ids: bool
) -> dict[str, Any]:
    shown = _show_block(org, resource, {k: v for k, v in row.items() if k != ROW_IDS}, links, external_ids)
    linked = linked_resource(name, row)
    if linked is not None and isinstance(row.get("id"), str):
        shown["id"] = _form(org, linked, row["id"], links, external_ids)
    elif "id" in row and external_ids:
        shown["id"] = [{"realm": org, "provider": "connec", "id": row["id"]}, *row.get(ROW_IDS, [])]
    return shown


def _form(org: str, resource: str, id: str, links: Links, external_ids: bool) -> Any:
    if not external_ids:
        return id
    return [{"realm": org, "provider": "connec", "id": id}, *links.get((resource, id), [])]


class _Resolver:
    def __init__(self, store: Store, org: str, resource: str, drop_unknown: bool, check_hub_ids: bool) -> None:
        self.store = store
        self.org = org
        self.resource = resource
        self.drop_unknown = drop_unknown
        self.check_hub_ids = check_hub_ids

    def block(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, value in attributes.items():
            target = referred_resource(self.resource, name)
            if target is not None:
                result[name] = self.reference(target, name, value)
            elif isinstance(value, Mapping) and "id" in value and linked_resource(name, value) is not None:
                result[name] = self.row(name, value)
            elif isinstance(value, list):
                result[name] = [self.row(name, row) for row in value]
            else:
                result[name] = value
        return result

    def reference(self, target: str, attribute: str, value: Any) -> str | None:
        if not value and value != 0:
            return None
        if isinstance(value, Mapping):
            value = [value]
        own = hub_entry(value)
        if own is not None:
            # One that was merged is followed.
            kept = self.store.keeper_of(self.org, target, own)
            if not self.check_hub_ids or self.store.get(self.org, target, kept) is not None:
                return kept
        for provider, realm, external in own_entries(value):
            found = self.store.by_external(self.org, target, provider, realm, external)
            if found is not None:
                return found
        if self.drop_unknown:
            return None
        raise UnknownReference(attribute)

    def row(self, name: str, row: Any) -> Any:
        if not isinstance(row, Mapping):
            return row
        read = self.block({k: v for k, v in row.items() if k not in ("id", ROW_IDS)})
        given = row.get("id")
        linked = linked_resource(name, row)
        if linked is not None:
            read["id"] = self.reference(linked, f"{name}/id", given)
            return read
        read["id"] = hub_entry(given) or str(uuid.uuid4())
        own = [
            {"realm": realm, "provider": provider, "id": external} for provider, realm, external in own_entries(given)
        ]
        if own:
            read[ROW_IDS] = own
        return read
