"""``opts``: what a writer asks for beside its attributes (Connec! API v2, update and ``opts``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django_connec.sandbox.behaviour import Behaviour
from django_connec.sandbox.filters import BadFilter, attribute_path, comparable
from django_connec.sandbox.query import All, Compare, Either, Query, equal, value_at
from django_connec.sandbox.store import External, Row, Store

__all__ = [
    "BadOption",
    "attached_organization",
    "find_matching",
    "find_organization",
    "is_sparse",
    "organization_to_make",
]


class BadOption(ValueError):
    """An option cannot be read; the message says which."""


def _options(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    options = attributes.get("opts")
    return options if isinstance(options, Mapping) else {}


def is_sparse(attributes: Mapping[str, Any]) -> bool:
    """Tell whether rows that are not mentioned stay; they do unless the writer says that it sent all."""
    return _options(attributes).get("sparse") is not False


def find_matching(
    store: Store,
    org: str,
    resource: str,
    attributes: Mapping[str, Any],
    read: Mapping[str, Any],
    behaviour: Behaviour,
) -> Row | None:
    """Return the record that a new one is merged into: smart merging by ``matching_fields``.

    A list of lists names alternatives. Empty values match nothing: everybody without an address would be the same
    person.

    Raises:
        BadOption: They do not name attributes.
    """
    names = _options(attributes).get("matching_fields")
    if not isinstance(names, list) or not names:
        return None
    for alternative in names if isinstance(names[0], list) else [names]:
        if not isinstance(alternative, list) or not all(isinstance(name, str) for name in alternative):
            raise BadOption("matching_fields must name attributes")
        try:
            paths = [attribute_path(name) for name in alternative]
            wanted = {path: comparable(value_at(read, path)) for path in paths}
        except BadFilter:
            raise BadOption("matching_fields must name attributes") from None
        filled = [Compare(path, "eq", value) for path, value in wanted.items() if _says_something(value)]
        if not filled or (behaviour.matching == "all" and len(filled) < len(wanted)):
            continue
        condition = All(filled) if behaviour.matching == "all" else Either(filled)
        found = store.find(org, resource, Query(condition, top=1))
        if found:
            return found[0]
    return None


def _says_something(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and value != ""


def organization_to_make(resource: str, attributes: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Return the name of the organisation that a person is to be attached to; ``None``: there is nothing to do."""
    options = _options(attributes)
    if resource not in ("people", "contacts"):
        return None
    name = options.get("attach_to_organization")
    if isinstance(name, str) and name:
        return name
    if options.get("create_default_organization") is not True:
        return None
    held = {**before, **attributes}
    if held.get("organization_id"):
        return None
    names = (held.get("first_name"), held.get("last_name"))
    return " ".join(name for name in names if isinstance(name, str) and name) or None


def find_organization(store: Store, org: str, name: str) -> str | None:
    """Return the organisation of a name."""
    found = store.find(org, "organizations", Query(equal("name", name), top=1))
    return found[0].id if found else None


def attached_organization(
    store: Store, org: str, resource: str, attributes: Mapping[str, Any], entries: Sequence[External]
) -> str | None:
    """Return the organisation that an opportunity is attached to by its writer's own id for it, in the realm in which
    the writer identifies the opportunity itself.

    Raises:
        BadOption: No organisation has this id.
    """
    theirs = _options(attributes).get("attached_to_org")
    if resource != "opportunities" or not isinstance(theirs, (str, int)) or isinstance(theirs, bool) or theirs == "":
        return None
    for provider, realm, _ in entries:
        found = store.by_external(org, "organizations", provider, realm, str(theirs))
        if found is not None:
            return found
    raise BadOption("attached_to_org: no organisation has this id")
